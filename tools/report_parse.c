/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Findings and reports read back from the JSON of tools/report_json.c. */
#include "tools/finding.h"
#include "tools/party.h"

#include <string.h>

static uint64_t get_number(const json_t *json, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(json, key));
}

/* A copy in the report; null if there is none. */
static const char *get_text(struct fpost_report *report, const json_t *json,
                            const char *key) {
  return fpost_report_text(report,
                           json_string_value(json_object_get(json, key)));
}

struct fpost_place fpost_place_parse(struct fpost_report *report,
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
    access.place = fpost_place_parse(report, json);
    access.pool = get_text(report, json, "pool");
    access.offset = get_number(json, "offset");
    access.size = get_number(json, "size");
    access.by = fpost_party_parse(report, json);
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
  crash->stack = fpost_place_parse(report, json_object_get(json, "place"));
  crash->persisted_count = get_accesses(
      report, json_object_get(json, "persisted"), &crash->persisted);
  crash->lost_count =
      get_accesses(report, json_object_get(json, "lost"), &crash->lost);
}

/* A finding may be less severe than its class. */
static enum fpost_severity get_severity(const json_t *json,
                                        enum fpost_severity usual) {
  const char *name = json_string_value(json_object_get(json, "severity"));
  for (int i = 0; name != NULL && i < FPOST_SEVERITY_COUNT; i++) {
    if (strcmp(fpost_severity_name((enum fpost_severity)i), name) == 0) {
      return (enum fpost_severity)i;
    }
  }
  return usual;
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
  finding->severity = get_severity(json, fpost_class_infos[found].severity);
  finding->message = get_text(report, json, "message");
  finding->fingerprint = get_text(report, json, "fingerprint");
  finding->count = get_number(json, "count");
  finding->store = get_access(report, json_object_get(json, "store"));
  finding->missing = get_access(report, json_object_get(json, "missing"));
  finding->missing_what = get_text(report, json, "missing_what");
  finding->read = get_access(report, json_object_get(json, "read"));
  const char *schedule = json_string_value(json_object_get(json, "schedule"));
  finding->predicted = schedule != NULL && strcmp(schedule, "predicted") == 0;
  finding->operation = get_text(report, json, "operation");
  finding->state_before = get_text(report, json, "state_before");
  finding->state_after = get_text(report, json, "state_after");
  finding->state_found = get_text(report, json, "state_found");
  finding->state_nearest = get_text(report, json, "state_nearest");
  finding->state_order = get_text(report, json, "state_order");
  finding->states_legal = get_number(json, "states_legal");
  finding->suppressed = get_text(report, json, "suppressed");
  get_crash(report, json_object_get(json, "crash"), &finding->crash);
  return FPOST_OK;
}

static int get_findings(struct fpost_report *report, const json_t *json) {
  size_t count = json_array_size(json);
  for (size_t i = 0; i < count; i++) {
    struct fpost_report_finding finding;
    if (fpost_finding_parse(report, json_array_get(json, i), &finding) !=
        FPOST_OK) {
      return FPOST_EINVAL;
    }
    fpost_report_add(report, &finding);
  }
  return FPOST_OK;
}

static void get_coverage(struct fpost_report *report, const json_t *json) {
  struct fpost_coverage *coverage = &report->coverage;
  coverage->crash_points = get_number(json, "crash_points");
  coverage->runs = get_number(json, "runs");
  coverage->images_log2 =
      json_number_value(json_object_get(json, "images_log2"));
  coverage->complete = json_is_true(json_object_get(json, "complete"));
  coverage->left_out = get_text(report, json, "left_out");
  /* A run that was only checked has an empty coverage. */
  coverage->present = coverage->crash_points != 0 || coverage->complete ||
                      coverage->left_out != NULL;
}

static void get_run(struct fpost_report *report, const json_t *json) {
  const json_t *command = json_object_get(json, "command");
  const json_t *notes = json_object_get(json, "notes");
  const json_t *model = json_object_get(json, "model");
  const char *domain = json_string_value(json_object_get(model, "domain"));
  const char *lines = json_string_value(json_object_get(model, "lines"));
  size_t count = json_array_size(command);
  report->command = fpost_report_memory(report, (count + 1) * sizeof(char *));
  for (size_t i = 0; i < count; i++) {
    const char *word = json_string_value(json_array_get(command, i));
    report->command[report->command_count++] =
        fpost_report_text(report, word != NULL ? word : "");
  }
  for (size_t i = 0; i < json_array_size(notes); i++) {
    const char *note = json_string_value(json_array_get(notes, i));
    fpost_report_note(report, note != NULL ? note : "");
  }
  report->domain = domain != NULL && strcmp(domain, "eadr") == 0
                       ? FPOST_DOMAIN_EADR
                       : FPOST_DOMAIN_ADR;
  report->torn = lines != NULL && strcmp(lines, "torn") == 0;
  report->pools_count = (uint32_t)get_number(json, "pools");
  report->seeded = json_object_get(json, "seed") != NULL;
  report->seed = get_number(json, "seed");
  if (json_object_get(json, "signal") != NULL) {
    report->exited = true;
    report->status = (int)get_number(json, "signal") & 0x7f;
  } else if (json_object_get(json, "exit_code") != NULL) {
    report->exited = true;
    report->status = ((int)get_number(json, "exit_code") & 0xff) << 8;
  }
}

int fpost_report_parse(struct fpost_report *report, const json_t *json) {
  if (!json_is_string(json_object_get(json, "fencepost")) ||
      !json_is_array(json_object_get(json, "findings"))) {
    return FPOST_EINVAL;
  }
  /* A class that is off by default is not left out if a report has it. */
  report->enabled = ~report->excluded;
  get_run(report, json);
  get_coverage(report, json_object_get(json, "coverage"));
  int err = get_findings(report, json_object_get(json, "findings"));
  return err == FPOST_OK
             ? get_findings(report,
                            json_object_get(json, "suppressed_findings"))
             : err;
}
