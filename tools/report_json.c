/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A report as JSON; tools/report_parse.c reads it back. */
#include "tools/finding.h"
#include "tools/party.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

json_t *fpost_json_text(const char *text) {
  json_t *value = json_string(text);
  if (value == NULL) {
    char *fit = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&fit, &size);
    if (out == NULL) {
      fpost_memory_exhausted();
    }
    fpost_text_put(out, text, strlen(text), FPOST_TEXT_LINES);
    fclose(out);
    value = json_string(fit);
    free(fit);
  }
  return value;
}

/* Set a key, unless the value is null. */
static void set_text(json_t *object, const char *key, const char *text) {
  if (text != NULL) {
    json_object_set_new(object, key, fpost_json_text(text));
  }
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

json_t *fpost_place_json(const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  json_t *json = frame != NULL ? frame_json(frame) : json_object();
  json_object_set_new(json, "stack", stack_json(place));
  return json;
}

static json_t *access_json(const struct fpost_access *access) {
  json_t *json = fpost_place_json(&access->place);
  if (access->pool != NULL) {
    set_text(json, "pool", access->pool);
    set_number(json, "offset", access->offset);
    if (access->size != 0) {
      set_number(json, "size", access->size);
    }
  }
  if (access->by != NULL) {
    fpost_party_json(json, access->by);
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
    json_object_set_new(json, "place", fpost_place_json(&crash->stack));
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
  set_text(json, "fingerprint", finding->fingerprint);
  set_number(json, "count", finding->count);
  set_access(json, "store", &finding->store);
  set_access(json, "missing", &finding->missing);
  if (finding->missing_what != NULL) {
    set_text(json, "missing_what", finding->missing_what);
  }
  set_access(json, "read", &finding->read);
  if (finding->class_ == FPOST_CLASS_PM_DATA_RACE) {
    set_text(json, "schedule", finding->predicted ? "predicted" : "seen");
  }
  set_text(json, "operation", finding->operation);
  set_text(json, "state_before", finding->state_before);
  set_text(json, "state_after", finding->state_after);
  set_text(json, "state_found", finding->state_found);
  set_text(json, "state_nearest", finding->state_nearest);
  set_text(json, "state_order", finding->state_order);
  if (finding->states_legal != 0) {
    set_number(json, "states_legal", finding->states_legal);
  }
  set_text(json, "suppressed", finding->suppressed);
  if (finding->crash.state != NULL) {
    json_object_set_new(json, "crash", crash_json(&finding->crash));
  }
  json_t *also = json_object();
  for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
    if (finding->also[i] != 0) {
      set_number(also, fpost_class_infos[i].name, finding->also[i]);
    }
  }
  if (json_object_size(also) != 0) {
    json_object_set(json, "also", also);
  }
  json_decref(also);
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
    json_array_append_new(json, fpost_json_text(texts[i]));
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

static json_t *findings_json(const struct fpost_report *report,
                             const struct fpost_report_finding *findings,
                             uint32_t count) {
  json_t *json = json_array();
  for (uint32_t i = 0; i < count; i++) {
    json_array_append_new(json, fpost_finding_json(report, &findings[i]));
  }
  return json;
}

/* What was left out as known, and what is gone, as class and place. */
static json_t *baseline_json(const struct fpost_report *report) {
  const struct fpost_baseline *baseline = &report->baseline;
  json_t *json = json_object();
  json_t *gone = json_array();
  set_text(json, "file", baseline->path);
  set_number(json, "known", baseline->known);
  for (uint32_t i = 0; i < baseline->gone_count; i++) {
    const struct fpost_report_finding *finding = baseline->gone[i];
    const struct fpost_frame *frame = fpost_finding_frame(finding);
    json_t *item = frame != NULL ? frame_json(frame) : json_object();
    set_text(item, "class", fpost_class_infos[finding->class_].name);
    set_text(item, "fingerprint", finding->fingerprint);
    json_array_append_new(gone, item);
  }
  json_object_set_new(json, "gone", gone);
  return json;
}

json_t *fpost_report_json(struct fpost_report *report) {
  json_t *json = json_object();
  json_t *model = json_object();
  set_text(json, "fencepost", FENCEPOST_VERSION);
  json_object_set_new(json, "command",
                      texts_json(report->command, report->command_count));
  set_text(model, "domain",
           report->domain == FPOST_DOMAIN_EADR ? "eadr" : "adr");
  set_text(model, "lines", report->torn ? "torn" : "prefix");
  json_object_set_new(json, "model", model);
  json_object_set_new(json, "coverage", coverage_json(&report->coverage));
  set_number(json, "pools", report->pools_count);
  json_object_set_new(
      json, "findings",
      findings_json(report, report->findings, report->findings_count));
  set_number(json, "suppressed", report->suppressed);
  json_object_set_new(
      json, "suppressed_findings",
      findings_json(report, report->hidden, report->hidden_count));
  if (report->baseline.path != NULL) {
    json_object_set_new(json, "baseline", baseline_json(report));
  }
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

bool fpost_report_dump_json(struct fpost_report *report, FILE *out) {
  json_t *json = fpost_report_json(report);
  if (json == NULL) {
    fpost_memory_exhausted();
  }
  (void)json_dumpf(json, out, JSON_INDENT(2));
  fputc('\n', out);
  json_decref(json);
  return true;
}
