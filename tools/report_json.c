/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A report as JSON, and findings read back from JSON. */
#include "tools/finding.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

/* Set a key, unless the value is null. Strings that are not UTF-8 are replaced.
 */
static void set_text(json_t *object, const char *key, const char *text) {
  if (text == NULL) {
    return;
  }
  json_t *value = json_string(text);
  if (value == NULL) {
    char ascii[512];
    size_t i = 0;
    for (; text[i] != '\0' && i < sizeof ascii - 1; i++) {
      ascii[i] = (text[i] & 0x80) != 0 ? '?' : text[i];
    }
    ascii[i] = '\0';
    value = json_string(ascii);
  }
  json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t number) {
  json_object_set_new(object, key, json_integer((json_int_t)number));
}

static json_t *frame_json(const struct fpost_frame *frame) {
  json_t *json = json_object();
  set_text(json, "file", frame->file);
  if (frame->line != 0) {
    set_number(json, "line", frame->line);
  }
  if (frame->column != 0) {
    set_number(json, "column", frame->column);
  }
  set_text(json, "function", frame->function);
  return json;
}

/* The stack: every frame with its module, and the file as text shows it. */
static json_t *stack_json(const struct fpost_place *place) {
  json_t *stack = json_array();
  for (uint32_t i = 0; i < place->count; i++) {
    const struct fpost_frame *frame = &place->frames[i];
    json_t *json = frame_json(frame);
    if (frame->shown != frame->file) {
      set_text(json, "shown", frame->shown);
    }
    set_text(json, "module", frame->module);
    set_number(json, "offset", frame->offset);
    if (frame->inlined) {
      json_object_set_new(json, "inlined", json_true());
    }
    json_array_append_new(stack, json);
  }
  return stack;
}

static json_t *place_json(const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  json_t *json = frame != NULL ? frame_json(frame) : json_object();
  json_object_set_new(json, "stack", stack_json(place));
  return json;
}

static json_t *access_json(const struct fpost_access *access) {
  json_t *json = place_json(&access->place);
  if (access->pool != NULL) {
    set_text(json, "pool", access->pool);
    set_number(json, "offset", access->offset);
    if (access->size != 0) {
      set_number(json, "size", access->size);
    }
  }
  return json;
}

static void set_access(json_t *object, const char *key,
                       const struct fpost_access *access) {
  if (access->present) {
    json_object_set_new(object, key, access_json(access));
  }
}

static json_t *accesses_json(const struct fpost_access *accesses,
                             uint32_t count) {
  json_t *json = json_array();
  for (uint32_t i = 0; i < count; i++) {
    json_array_append_new(json, access_json(&accesses[i]));
  }
  return json;
}

static json_t *crash_json(const struct fpost_crash_view *crash) {
  json_t *json = json_object();
  set_text(json, "state", crash->state);
  json_object_set_new(json, "persisted",
                      accesses_json(crash->persisted, crash->persisted_count));
  json_object_set_new(json, "lost",
                      accesses_json(crash->lost, crash->lost_count));
  set_text(json, "outcome", crash->outcome);
  set_text(json, "output", crash->output);
  set_text(json, "replay", crash->replay);
  if (crash->stack.count != 0) {
    json_object_set_new(json, "place", place_json(&crash->stack));
  }
  return json;
}

json_t *fpost_finding_json(const struct fpost_report *report,
                           const struct fpost_report_finding *finding) {
  const struct fpost_class_info *info = &fpost_class_infos[finding->class_];
  json_t *json = json_object();
  (void)report;
  if (json == NULL) {
    return NULL;
  }
  set_text(json, "class", info->name);
  set_text(json, "severity", fpost_severity_name(finding->severity));
  set_text(json, "message",
           finding->message != NULL ? finding->message : info->text);
  set_number(json, "count", finding->count);
  set_access(json, "store", &finding->store);
  set_access(json, "missing", &finding->missing);
  if (finding->missing_what != NULL) {
    set_text(json, "missing_what", finding->missing_what);
  }
  set_access(json, "read", &finding->read);
  set_text(json, "operation", finding->operation);
  set_text(json, "state_before", finding->state_before);
  set_text(json, "state_after", finding->state_after);
  set_text(json, "state_found", finding->state_found);
  if (finding->crash.state != NULL) {
    json_object_set_new(json, "crash", crash_json(&finding->crash));
  }
  return json;
}

static json_t *coverage_json(const struct fpost_coverage *coverage) {
  json_t *json = json_object();
  set_number(json, "crash_points", coverage->crash_points);
  set_number(json, "runs", coverage->runs);
  json_object_set_new(json, "images_log2", json_real(coverage->images_log2));
  json_object_set_new(json, "complete", json_boolean(coverage->complete));
  set_text(json, "left_out", coverage->left_out);
  return json;
}

static json_t *texts_json(const char *const *texts, uint32_t count) {
  json_t *json = json_array();
  for (uint32_t i = 0; i < count; i++) {
    json_t *holder = json_object();
    set_text(holder, "text", texts[i]);
    json_array_append(json, json_object_get(holder, "text"));
    json_decref(holder);
  }
  return json;
}

static json_t *notes_json(struct fpost_report *report) {
  json_t *notes = texts_json(report->notes, report->notes_count);
  const char *hint = NULL;
  for (uint32_t i = 0; (hint = fpost_symbols_hint(report->symbols, i)) != NULL;
       i++) {
    json_array_append_new(notes, json_string(hint));
  }
  return notes;
}

json_t *fpost_report_json(struct fpost_report *report) {
  json_t *json = json_object();
  json_t *model = json_object();
  json_t *findings = json_array();
  set_text(json, "fencepost", FENCEPOST_VERSION);
  json_object_set_new(json, "command",
                      texts_json(report->command, report->command_count));
  set_text(model, "domain",
           report->domain == FPOST_DOMAIN_EADR ? "eadr" : "adr");
  set_text(model, "lines", report->torn ? "torn" : "prefix");
  json_object_set_new(json, "model", model);
  json_object_set_new(json, "coverage", coverage_json(&report->coverage));
  for (uint32_t i = 0; i < report->findings_count; i++) {
    json_array_append_new(findings,
                          fpost_finding_json(report, &report->findings[i]));
  }
  json_object_set_new(json, "findings", findings);
  set_number(json, "suppressed", report->suppressed);
  json_object_set_new(json, "notes", notes_json(report));
  if (report->seeded) {
    set_number(json, "seed", report->seed);
  }
  if (report->exited && WIFSIGNALED(report->status)) {
    set_number(json, "signal", (uint64_t)WTERMSIG(report->status));
  } else if (report->exited) {
    set_number(json, "exit_code", (uint64_t)WEXITSTATUS(report->status));
  }
  return json;
}

static uint64_t get_number(const json_t *json, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(json, key));
}

static const char *get_text(struct fpost_report *report, const json_t *json,
                            const char *key) {
  return fpost_report_text(report,
                           json_string_value(json_object_get(json, key)));
}

static struct fpost_place get_place(struct fpost_report *report,
                                    const json_t *json) {
  const json_t *stack = json_object_get(json, "stack");
  size_t count = json_array_size(stack);
  struct fpost_place place = {NULL, 0};
  if (count == 0) {
    return place;
  }
  struct fpost_frame *frames =
      fpost_report_memory(report, count * sizeof *frames);
  for (size_t i = 0; i < count; i++) {
    const json_t *frame = json_array_get(stack, i);
    frames[i].file = get_text(report, frame, "file");
    frames[i].shown = get_text(report, frame, "shown");
    if (frames[i].shown == NULL) {
      frames[i].shown = frames[i].file;
    }
    frames[i].function = get_text(report, frame, "function");
    frames[i].module = get_text(report, frame, "module");
    frames[i].line = (uint32_t)get_number(frame, "line");
    frames[i].column = (uint32_t)get_number(frame, "column");
    frames[i].offset = get_number(frame, "offset");
    frames[i].inlined = json_is_true(json_object_get(frame, "inlined"));
  }
  place.frames = frames;
  place.count = (uint32_t)count;
  return place;
}

static struct fpost_access get_access(struct fpost_report *report,
                                      const json_t *json) {
  struct fpost_access access = {.present = json_is_object(json)};
  if (access.present) {
    access.place = get_place(report, json);
    access.pool = get_text(report, json, "pool");
    access.offset = get_number(json, "offset");
    access.size = get_number(json, "size");
  }
  return access;
}

static uint32_t get_accesses(struct fpost_report *report, const json_t *json,
                             const struct fpost_access **accesses) {
  size_t count = json_array_size(json);
  if (count == 0) {
    return 0;
  }
  struct fpost_access *all = fpost_report_memory(report, count * sizeof *all);
  for (size_t i = 0; i < count; i++) {
    all[i] = get_access(report, json_array_get(json, i));
  }
  *accesses = all;
  return (uint32_t)count;
}

static void get_crash(struct fpost_report *report, const json_t *json,
                      struct fpost_crash_view *crash) {
  crash->state = get_text(report, json, "state");
  crash->outcome = get_text(report, json, "outcome");
  crash->output = get_text(report, json, "output");
  crash->replay = get_text(report, json, "replay");
  crash->stack = get_place(report, json_object_get(json, "place"));
  crash->persisted_count = get_accesses(
      report, json_object_get(json, "persisted"), &crash->persisted);
  crash->lost_count =
      get_accesses(report, json_object_get(json, "lost"), &crash->lost);
}

int fpost_finding_parse(struct fpost_report *report, const json_t *json,
                        struct fpost_report_finding *finding) {
  const char *class_ = json_string_value(json_object_get(json, "class"));
  int found = -1;
  for (int i = 0; class_ != NULL && i < FPOST_CLASS_COUNT; i++) {
    if (strcmp(fpost_class_infos[i].name, class_) == 0) {
      found = i;
    }
  }
  if (found < 0) {
    return FPOST_EINVAL;
  }
  memset(finding, 0, sizeof *finding);
  finding->class_ = (enum fpost_class)found;
  finding->severity = fpost_class_infos[found].severity;
  finding->message = get_text(report, json, "message");
  finding->count = get_number(json, "count");
  finding->store = get_access(report, json_object_get(json, "store"));
  finding->missing = get_access(report, json_object_get(json, "missing"));
  finding->missing_what = get_text(report, json, "missing_what");
  finding->read = get_access(report, json_object_get(json, "read"));
  finding->operation = get_text(report, json, "operation");
  finding->state_before = get_text(report, json, "state_before");
  finding->state_after = get_text(report, json, "state_after");
  finding->state_found = get_text(report, json, "state_found");
  get_crash(report, json_object_get(json, "crash"), &finding->crash);
  return FPOST_OK;
}
