/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/html/data.h"

#include "rt/base/assert.h"
#include "tools/explain.h"
#include "tools/explore/db.h"
#include "tools/explore/timeline.h"
#include "tools/html/sources.h"
#include "tools/html/tables.h"
#include "tools/party.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Source lines shown around a place of a finding; a mark of a timeline shows
   its own. */
#define CONTEXT 4u
/* Bars of the coverage over the run. */
#define BARS_MAX 240u

struct data {
  struct fpost_report *report;
  struct html_tables *tables;
  struct html_sources *sources;
  struct timeline **timelines;
  json_t *json;
};

static void set(json_t *object, const char *key, json_t *value) {
  json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t number) {
  set(object, key, json_integer((json_int_t)number));
}

static void set_text(json_t *object, const char *key, const char *text) {
  if (text != NULL) {
    set(object, key, fpost_json_text(text));
  }
}

static void add_number(json_t *array, uint64_t number) {
  json_array_append_new(array, json_integer((json_int_t)number));
}

static json_t *hex_json(const uint8_t *bytes, size_t size) {
  char text[2 * 64 + 1];
  static const char digits[] = "0123456789abcdef";
  FPOST_ASSERT(size <= 64);
  for (size_t i = 0; i < size; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  return json_stringn(text, 2 * size);
}

/* ---- places ---- */

static json_t *place_json(struct data *data, const struct fpost_place *place,
                          uint32_t context) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  if (frame != NULL) {
    html_sources_want(data->sources, frame->file, frame->line, context);
  }
  return html_stack(data->tables, place);
}

static json_t *access_json(struct data *data,
                           const struct fpost_access *access) {
  json_t *json = json_array();
  json_array_append_new(json, place_json(data, &access->place, CONTEXT));
  json_array_append_new(json, html_string(data->tables, access->pool));
  add_number(json, access->offset);
  add_number(json, access->size);
  if (access->by != NULL) {
    json_array_append_new(
        json,
        html_string(data->tables, fpost_party_text(data->report, access->by)));
  }
  return json;
}

static void set_access(struct data *data, json_t *object, const char *key,
                       const struct fpost_access *access) {
  if (access->present) {
    set(object, key, access_json(data, access));
  }
}

static json_t *accesses_json(struct data *data,
                             const struct fpost_access *accesses,
                             uint32_t count) {
  json_t *json = json_array();
  for (uint32_t i = 0; i < count; i++) {
    json_array_append_new(json, access_json(data, &accesses[i]));
  }
  return json;
}

/* ---- timelines ---- */

static const char *mark_name(const struct timeline_mark *mark) {
  static const char *const flushes[] = {[FENCEPOST_CLFLUSH] = "clflush",
                                        [FENCEPOST_CLFLUSHOPT] = "clflushopt",
                                        [FENCEPOST_CLWB] = "clwb"};
  static const char *const fences[] = {[FENCEPOST_SFENCE] = "sfence",
                                       [FENCEPOST_MFENCE] = "mfence",
                                       [FENCEPOST_LOCKED] = "locked"};
  switch (mark->kind) {
  case FPOST_RECORD_STORE:
    return (mark->flags & FENCEPOST_STORE_NT) != 0      ? "nt-store"
           : (mark->flags & FENCEPOST_STORE_FOUND) != 0 ? "found-store"
                                                        : "store";
  case FPOST_RECORD_FLUSH:
    return mark->flags <= FENCEPOST_CLWB ? flushes[mark->flags] : "flush";
  case FPOST_RECORD_FENCE:
    return mark->flags <= FENCEPOST_LOCKED ? fences[mark->flags] : "fence";
  case FPOST_RECORD_DURABLE:
    return "durable";
  case FPOST_RECORD_OP_END:
    return "operation-end";
  case FPOST_RECORD_END:
    return "end";
  default:
    return "event";
  }
}

static json_t *mark_json(struct data *data, const struct timeline_mark *mark) {
  static const char *const fates[] = {"",     "guaranteed", "persisted",
                                      "lost", "part",       "open"};
  static const char *const roles[] = {"", "fault", "later", "here"};
  json_t *json = json_array();
  bool line = mark->line != TIMELINE_NO_LINE;
  add_number(json, mark->index);
  json_array_append_new(json, html_string(data->tables, mark_name(mark)));
  add_number(json, mark->thread);
  json_array_append_new(json, json_integer(line ? mark->line : -1));
  add_number(json, mark->offset);
  add_number(json, mark->size);
  json_array_append_new(json, html_string(data->tables, fates[mark->fate]));
  json_array_append_new(json, html_string(data->tables, roles[mark->role]));
  add_number(json, mark->completes);
  json_array_append_new(json, place_json(data, &mark->place, 0));
  add_number(json, mark->left_out);
  if (mark->size != 0) {
    size_t size = mark->size < TIMELINE_VALUE ? mark->size : TIMELINE_VALUE;
    json_array_append_new(json, hex_json(mark->value, size));
  }
  return json;
}

static json_t *timeline_json(struct data *data,
                             const struct timeline *timeline) {
  json_t *json = json_object();
  json_t *lines = json_array();
  json_t *marks = json_array();
  for (uint32_t i = 0; i < timeline->lines_count; i++) {
    const struct timeline_line *line = &timeline->lines[i];
    json_t *one = json_array();
    json_array_append_new(one, html_string(data->tables, line->pool));
    add_number(one, line->offset);
    add_number(one, line->undecided);
    json_array_append_new(one, hex_json(line->crash, 64));
    json_array_append_new(one, hex_json(line->stored, 64));
    json_array_append_new(lines, one);
  }
  for (uint32_t i = 0; i < timeline->marks_count; i++) {
    json_array_append_new(marks, mark_json(data, &timeline->marks[i]));
  }
  set(json, "lines", lines);
  set(json, "marks", marks);
  set(json, "crashed", json_boolean(timeline->crashed));
  return json;
}

static void timelines_make(struct data *data) {
  char error[512] = "";
  uint32_t count = data->report->findings_count;
  data->timelines = calloc(count + 1, sizeof(struct timeline *));
  FPOST_ASSERT(data->timelines != NULL);
  if (data->report->trace == NULL) {
    set_text(data->json, "no_timeline",
             "the trace of the run is not there: there is no picture of what "
             "happened to the cache lines");
  } else if (explore_timelines(data->report, data->report->trace,
                               data->timelines, error) != FPOST_OK) {
    set_text(data->json, "no_timeline",
             fpost_report_format(data->report,
                                 "no picture of the cache lines: the trace "
                                 "'%s' cannot be read: %s",
                                 data->report->trace, error));
  }
}

/* ---- findings ---- */

static json_t *crash_json(struct data *data,
                          const struct fpost_crash_view *crash) {
  json_t *json = json_object();
  set_text(json, "state", crash->state);
  set_text(json, "outcome", crash->outcome);
  set_text(json, "output", crash->output);
  set_text(json, "replay", crash->replay);
  set(json, "lost", accesses_json(data, crash->lost, crash->lost_count));
  set(json, "persisted",
      accesses_json(data, crash->persisted, crash->persisted_count));
  if (crash->stack.count != 0) {
    set(json, "stack", place_json(data, &crash->stack, CONTEXT));
  }
  return json;
}

static json_t *finding_json(struct data *data, uint32_t index) {
  const struct fpost_report_finding *finding = &data->report->findings[index];
  const struct fpost_class_info *info = &fpost_class_infos[finding->class_];
  json_t *json = json_object();
  set_text(json, "class", info->name);
  set_text(json, "severity", fpost_severity_name(finding->severity));
  set_text(json, "message",
           finding->message != NULL ? finding->message : info->text);
  set_number(json, "count", finding->count);
  struct fpost_steps steps = fpost_finding_steps(data->report, finding);
  set_access(data, json, "store", &finding->store);
  set_text(json, "store_is", steps.store);
  if (steps.missing != NULL && !steps.reads) {
    set_access(data, json, "missing", &finding->missing);
    set_text(json, "missing_is", steps.missing);
    set(json, "missing_first", json_boolean(steps.missing_first));
  }
  set_text(json, "between", steps.between);
  set_text(json, "after", steps.after);
  set_text(json, "fix", steps.fix);
  set_text(json, "missing_what", finding->missing_what);
  set_access(data, json, "read", &finding->read);
  if (steps.reads) {
    set_text(json, "read_is", steps.missing);
  }
  set_text(json, "operation", finding->operation);
  set_text(json, "state_before", finding->state_before);
  set_text(json, "state_after", finding->state_after);
  set_text(json, "state_found", finding->state_found);
  set_text(json, "state_nearest", finding->state_nearest);
  set_text(json, "state_order", finding->state_order);
  set(json, "states_legal", json_integer((json_int_t)finding->states_legal));
  if (finding->crash.state != NULL) {
    set(json, "crash", crash_json(data, &finding->crash));
  }
  if (data->timelines[index] != NULL) {
    set(json, "timeline", timeline_json(data, data->timelines[index]));
  }
  return json;
}

static json_t *findings_json(struct data *data) {
  json_t *findings = json_array();
  for (uint32_t i = 0; i < data->report->findings_count; i++) {
    json_array_append_new(findings, finding_json(data, i));
  }
  return findings;
}

/* The classes of the findings, with what is to be said of each once. */
static json_t *classes_json(const struct fpost_report *report) {
  json_t *classes = json_object();
  for (uint32_t i = 0; i < report->findings_count; i++) {
    const struct fpost_class_info *info =
        &fpost_class_infos[report->findings[i].class_];
    if (json_object_get(classes, info->name) == NULL) {
      json_t *class_ = json_object();
      const struct fpost_explanation *explanation =
          fpost_explain(report->findings[i].class_);
      set_text(class_, "text", info->text);
      set_text(class_, "rules", explanation->rules);
      set_text(class_, "hardware", explanation->hardware);
      set_text(class_, "example", explanation->example);
      set_text(class_, "fix", explanation->fix);
      set_text(class_, "fixed", explanation->fixed);
      set(classes, info->name, class_);
    }
  }
  return classes;
}

/* ---- coverage ---- */

struct bar {
  uint64_t event, event_last;
  uint64_t points, explored, runs, found, incomplete;
};

struct axis {
  struct bar bars[BARS_MAX];
  uint64_t points; /* of all bars */
  uint64_t seen;
};

static void axis_add(void *context, const struct explore_point *point,
                     uint64_t found) {
  struct axis *axis = context;
  uint64_t count = axis->points < BARS_MAX ? axis->points : BARS_MAX;
  uint64_t at = axis->seen++ * count / axis->points;
  struct bar *bar = &axis->bars[at < count ? at : count - 1];
  bar->event = bar->points == 0 ? point->event : bar->event;
  bar->event_last = point->event;
  bar->points++;
  bar->explored += point->twin < 0;
  bar->runs += point->twin < 0 ? point->runs : 0;
  bar->found += found;
  bar->incomplete += !point->complete;
}

static json_t *axis_json(const struct axis *axis) {
  json_t *bars = json_array();
  for (uint32_t i = 0; i < BARS_MAX && axis->bars[i].points != 0; i++) {
    const struct bar *bar = &axis->bars[i];
    json_t *json = json_array();
    add_number(json, bar->event);
    add_number(json, bar->event_last);
    add_number(json, bar->points);
    add_number(json, bar->explored);
    add_number(json, bar->runs);
    add_number(json, bar->found);
    add_number(json, bar->incomplete);
    json_array_append_new(bars, json);
  }
  return bars;
}

static void coverage_add(struct data *data) {
  const struct fpost_coverage *coverage = &data->report->coverage;
  struct explore_db db;
  if (!coverage->present) {
    return;
  }
  json_t *json = json_object();
  set_number(json, "crash_points", coverage->crash_points);
  set_number(json, "runs", coverage->runs);
  set(json, "images_log2", json_real(coverage->images_log2));
  set(json, "complete", json_boolean(coverage->complete));
  set_text(json, "left_out", coverage->left_out);
  struct axis *axis = calloc(1, sizeof *axis);
  FPOST_ASSERT(axis != NULL);
  axis->points = coverage->crash_points;
  if (axis->points != 0 && data->report->db != NULL &&
      explore_db_open(&db, data->report->db, false) == FPOST_OK) {
    if (explore_db_axis(&db, axis_add, axis) == FPOST_OK) {
      set(json, "bars", axis_json(axis));
    }
    explore_db_close(&db);
  }
  free(axis);
  set(data->json, "coverage", json);
}

/* ---- the run ---- */

static void run_add(struct data *data) {
  struct fpost_report *report = data->report;
  json_t *command = json_array();
  json_t *notes = json_array();
  const char *hint = NULL;
  for (uint32_t i = 0; i < report->command_count; i++) {
    json_array_append_new(command, fpost_json_text(report->command[i]));
  }
  for (uint32_t i = 0; i < report->notes_count; i++) {
    json_array_append_new(notes, fpost_json_text(report->notes[i]));
  }
  for (uint32_t i = 0; (hint = fpost_symbols_hint(report->symbols, i)) != NULL;
       i++) {
    json_array_append_new(notes, fpost_json_text(hint));
  }
  set_text(data->json, "version", FENCEPOST_VERSION);
  set(data->json, "command", command);
  set(data->json, "notes", notes);
  set_text(data->json, "domain",
           report->domain == FPOST_DOMAIN_EADR ? "eadr" : "adr");
  set_text(data->json, "stores", report->torn ? "torn" : "prefix");
  set_number(data->json, "suppressed", report->suppressed);
  if (report->seeded) {
    set_number(data->json, "seed", report->seed);
  }
  if (report->exited && WIFSIGNALED(report->status)) {
    set_number(data->json, "signal", (uint64_t)WTERMSIG(report->status));
  } else if (report->exited) {
    set_number(data->json, "exit_code", (uint64_t)WEXITSTATUS(report->status));
  }
}

json_t *fpost_html_data(struct fpost_report *report) {
  struct data data = {.report = report,
                      .tables = html_tables_new(),
                      .sources = html_sources_new(),
                      .json = json_object()};
  struct stat trace = {.st_size = 0};
  if (report->trace != NULL && stat(report->trace, &trace) != 0) {
    trace.st_mtim.tv_sec = 0;
  }
  timelines_make(&data);
  set(data.json, "findings", findings_json(&data));
  set(data.json, "classes", classes_json(report));
  coverage_add(&data);
  run_add(&data);
  set(data.json, "sources",
      html_sources_read(data.sources, trace.st_mtim.tv_sec));
  html_tables_take(data.tables, data.json);
  html_tables_free(data.tables);
  html_sources_free(data.sources);
  free(data.timelines);
  return data.json;
}
