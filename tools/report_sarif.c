/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A report as SARIF 2.1.0. The steps of a finding are a code flow: the store,
 * what is missing after it, the crash, the read, the end of recovery. Files are
 * relative to the root of the source, so that the log means the same on every
 * machine; partialFingerprints are those of tools/baseline.h.
 */
#include "tools/explain.h"
#include "tools/finding.h"
#include "tools/party.h"
#include "tools/source.h"
#include "tools/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SCHEMA                                                                 \
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"        \
  "sarif-schema-2.1.0.json"
#define ROOT_ID "SRCROOT"
/* Frames of a stack that are written. */
#define FRAMES_MAX 16u

struct sarif {
  const struct fpost_report *report;
  struct fpost_sources *sources;
};

/* A stream into memory; text_end returns what was written, to be freed. */
struct memory {
  char *text;
  size_t size;
};

static FILE *text_begin(struct memory *memory) {
  FILE *out = open_memstream(&memory->text, &memory->size);
  if (out == NULL) {
    fpost_memory_exhausted();
  }
  return out;
}

/* The JSON string of what was written. */
static json_t *text_end(struct memory *memory, FILE *out) {
  if (fclose(out) != 0) {
    fpost_memory_exhausted();
  }
  json_t *json = json_stringn(memory->text, memory->size);
  free(memory->text);
  return json;
}

/*
 * A message: what SARIF takes for a link or a placeholder is escaped
 * (operator[](int) is none).
 */
static json_t *message_json(const char *text) {
  struct memory memory;
  FILE *out = text_begin(&memory);
  bool links = strstr(text, "](") != NULL;
  for (; *text != '\0'; text++) {
    size_t plain = strcspn(text, "[]{}");
    fpost_text_put(out, text, plain, FPOST_TEXT_LINES);
    text += plain;
    if (*text == '\0') {
      break;
    }
    if (*text == '{' || *text == '}') {
      fputc(*text, out);
    } else if (links) {
      fputc('\\', out);
    }
    fputc(*text, out);
  }
  json_t *json = json_object();
  json_object_set_new(json, "text", text_end(&memory, out));
  return json;
}

static json_t *plain_json(const char *text) {
  struct memory memory;
  FILE *out = text_begin(&memory);
  fpost_text_put(out, text, strlen(text), FPOST_TEXT_LINES);
  return text_end(&memory, out);
}

/* A path as the path of a URI. */
static void uri_put(FILE *out, const char *path) {
  for (; *path != '\0'; path++) {
    unsigned char c = (unsigned char)*path;
    if (isalnum(c) || strchr("/-._~!$&'()*+,;=@", c) != NULL) {
      fputc(c, out);
    } else {
      fprintf(out, "%%%02X", c);
    }
  }
}

/* The path without "." and "x/.." in it. */
static char *path_clean(const char *path) {
  char *clean = malloc(strlen(path) + 2);
  size_t size = 0;
  if (clean == NULL) {
    fpost_memory_exhausted();
  }
  while (*path != '\0') {
    size_t part = strcspn(path, "/");
    bool up = part == 2 && path[0] == '.' && path[1] == '.';
    if (up && size > 1 && clean[size - 1] == '/') {
      for (size--; size != 0 && clean[size - 1] != '/'; size--) {
      }
    } else if (part != 0 && !(part == 1 && path[0] == '.')) {
      memcpy(clean + size, path, part);
      size += part;
      clean[size++] = '/';
    } else if (part == 0 && size == 0) {
      clean[size++] = '/';
    }
    path += part;
    path += *path == '/';
  }
  clean[size > 1 ? size - 1 : size] = '\0';
  return clean;
}

static json_t *artifact_json(const struct sarif *sarif, const char *file) {
  json_t *json = json_object();
  struct memory memory;
  char *path = path_clean(file);
  const char *root = sarif->report->source_root;
  size_t size = root != NULL ? strlen(root) : 0;
  bool inside = path[0] != '/' || (size != 0 && path[size] == '/' &&
                                   strncmp(path, root, size) == 0);
  FILE *out = text_begin(&memory);
  if (!inside) {
    fputs("file://", out);
  }
  uri_put(out, path[0] == '/' && inside ? path + size + 1 : path);
  json_object_set_new(json, "uri", text_end(&memory, out));
  if (inside) {
    json_object_set_new(json, "uriBaseId", json_string(ROOT_ID));
  }
  free(path);
  return json;
}

/* Columns count characters here, and bytes in debug information. */
static uint32_t column_of(const struct sarif *sarif,
                          const struct fpost_frame *frame) {
  size_t size = 0;
  const char *text =
      fpost_source_line(sarif->sources, frame->file, frame->line, &size);
  uint32_t column = frame->column;
  for (size_t i = 0; text != NULL && i < size && i + 1 < frame->column; i++) {
    column -= ((unsigned char)text[i] & 0xc0) == 0x80;
  }
  return column;
}

static json_t *physical_json(const struct sarif *sarif,
                             const struct fpost_frame *frame, bool excerpt) {
  json_t *json = json_object();
  json_t *region = json_object();
  size_t size = 0;
  const char *text = excerpt ? fpost_source_line(sarif->sources, frame->file,
                                                 frame->line, &size)
                             : NULL;
  json_object_set_new(json, "artifactLocation",
                      artifact_json(sarif, frame->file));
  json_object_set_new(region, "startLine",
                      json_integer((json_int_t)frame->line));
  if (frame->column != 0) {
    json_object_set_new(region, "startColumn",
                        json_integer((json_int_t)column_of(sarif, frame)));
  }
  if (text != NULL && fpost_text_valid(text, size)) {
    json_t *snippet = json_object();
    json_object_set_new(snippet, "text", json_stringn(text, size));
    json_object_set_new(region, "snippet", snippet);
  }
  json_object_set_new(json, "region", region);
  return json;
}

/* The location of a frame, with a message (unless it is ""), or with the line's
   text if that is null. */
static json_t *location_json(const struct sarif *sarif,
                             const struct fpost_frame *frame,
                             const char *message) {
  json_t *json = json_object();
  if (frame != NULL && frame->file != NULL && frame->line != 0) {
    json_object_set_new(json, "physicalLocation",
                        physical_json(sarif, frame, message == NULL));
  }
  if (frame != NULL && frame->function != NULL) {
    json_t *logical = json_object();
    json_object_set_new(logical, "fullyQualifiedName",
                        plain_json(frame->function));
    json_object_set_new(logical, "kind", json_string("function"));
    json_object_set_new(json, "logicalLocations", json_pack("[o]", logical));
  }
  if (message != NULL && *message != '\0') {
    json_object_set_new(json, "message", message_json(message));
  }
  return json;
}

static json_t *stack_json(const struct sarif *sarif,
                          const struct fpost_place *place,
                          const char *message) {
  json_t *json = json_object();
  json_t *frames = json_array();
  for (uint32_t i = 0; i < place->count && i < FRAMES_MAX; i++) {
    json_t *frame = json_object();
    json_object_set_new(frame, "location",
                        location_json(sarif, &place->frames[i], ""));
    if (place->frames[i].module != NULL) {
      json_object_set_new(frame, "module", plain_json(place->frames[i].module));
    }
    json_array_append_new(frames, frame);
  }
  json_object_set_new(json, "message", message_json(message));
  json_object_set_new(json, "frames", frames);
  return json;
}

/* ---- the steps of a finding ---- */

struct step {
  const char *kind;
  const char *message;
  const struct fpost_place *place; /* to be shown there */
  const struct fpost_party *by;    /* races: the thread; null: not known */
};

#define STEPS_MAX 5u

/* What the class says of its second place. */
static const char *missing_message(const struct fpost_report_finding *finding) {
  switch (finding->class_) {
  case FPOST_CLASS_MISSING_FENCE:
    return "is flushed here, and no fence of the thread completes it";
  case FPOST_CLASS_REDUNDANT_FLUSH:
    return "this flush has nothing to flush";
  case FPOST_CLASS_REDUNDANT_FENCE:
    return "this fence completes nothing";
  case FPOST_CLASS_OVERWRITTEN:
    return "is overwritten here before it was guaranteed";
  case FPOST_CLASS_UNLOGGED_STORE:
    return "the transaction begins here";
  case FPOST_CLASS_DUPLICATE_LOG:
    return "this range is covered already";
  case FPOST_CLASS_DANGLING_POINTER:
    return "the object is freed here";
  case FPOST_CLASS_LEAK:
    return "the object is allocated here";
  case FPOST_CLASS_PM_DATA_RACE:
    return "another thread stores to it here";
  default:
    break;
  }
  if (finding->crash.state == NULL) {
    return "belongs to it";
  }
  return finding->missing_what != NULL &&
                 strcmp(finding->missing_what, "fence") == 0
             ? "has persisted: a fence is missing between the flush of the "
               "first store and this one"
             : "has persisted: a flush and a fence are missing between the "
               "first store and this one";
}

static const char *store_message(const struct fpost_report_finding *finding) {
  switch (finding->class_) {
  case FPOST_CLASS_MISSING_FLUSH:
    return "this store is never flushed";
  case FPOST_CLASS_REDUNDANT_FLUSH:
  case FPOST_CLASS_REDUNDANT_FENCE:
    return "the line was last stored to here";
  default:
    return finding->crash.state != NULL ? "this store is lost" : "the store";
  }
}

static const char *read_message(const struct fpost_report_finding *finding) {
  switch (finding->class_) {
  case FPOST_CLASS_PM_DATA_RACE:
  case FPOST_CLASS_ISOLATION:
  case FPOST_CLASS_UNPERSISTED_READ:
    return "another thread reads it here";
  default:
    return "recovery reads it";
  }
}

/* The message of an access, with who made it. */
static const char *message_by(struct fpost_report *report, const char *message,
                              const struct fpost_party *by) {
  return by == NULL ? message
                    : fpost_report_format(report, "%s\n%s", message,
                                          fpost_party_text(report, by));
}

static uint32_t steps_of(const struct fpost_report_finding *finding,
                         struct fpost_report *report,
                         struct step steps[STEPS_MAX]) {
  const struct fpost_crash_view *crash = &finding->crash;
  uint32_t count = 0;
  const struct fpost_place *at = &finding->missing.place;
  if (finding->store.present) {
    steps[count++] = (struct step){
        "store", message_by(report, store_message(finding), finding->store.by),
        &finding->store.place, finding->store.by};
    at = finding->missing.present ? at : &finding->store.place;
  }
  if (finding->missing.present) {
    steps[count++] = (struct step){
        "missing",
        message_by(report, missing_message(finding), finding->missing.by),
        &finding->missing.place, finding->missing.by};
  }
  if (crash->state != NULL) {
    steps[count++] = (struct step){
        "crash",
        fpost_report_format(report, "the power fails: crash state %s%s%s",
                            crash->state,
                            crash->replay != NULL ? "; see it: " : "",
                            crash->replay != NULL ? crash->replay : ""),
        at, NULL};
  }
  if (finding->read.present) {
    steps[count++] = (struct step){
        "read", message_by(report, read_message(finding), finding->read.by),
        &finding->read.place, finding->read.by};
  }
  if (crash->outcome != NULL) {
    steps[count++] =
        (struct step){"outcome", crash->outcome,
                      crash->stack.count != 0          ? &crash->stack
                      : finding->read.place.count != 0 ? &finding->read.place
                                                       : at,
                      NULL};
  }
  return count;
}

/* The steps of one thread: those of by, or all if nobody is known. */
static json_t *flow_of(const struct sarif *sarif, const struct step *steps,
                       uint32_t count, const struct fpost_party *by) {
  json_t *locations = json_array();
  for (uint32_t i = 0; i < count; i++) {
    if (by != steps[i].by) {
      continue;
    }
    json_t *step = json_object();
    json_object_set_new(step, "location",
                        location_json(sarif, fpost_place_frame(steps[i].place),
                                      steps[i].message));
    json_object_set_new(step, "kinds", json_pack("[s]", steps[i].kind));
    json_object_set_new(step, "executionOrder",
                        json_integer((json_int_t)i + 1));
    json_object_set_new(step, "importance", json_string("essential"));
    json_array_append_new(locations, step);
  }
  return locations;
}

/* A flow of one thread for each access of a race, else one for all. */
static json_t *flow_json(const struct sarif *sarif, const struct step *steps,
                         uint32_t count) {
  json_t *flows = json_array();
  for (uint32_t i = 0; i < count; i++) {
    if (i != 0 && steps[i].by == steps[i - 1].by) {
      continue;
    }
    json_t *flow = json_pack("{s:o}", "locations",
                             flow_of(sarif, steps, count, steps[i].by));
    if (steps[i].by != NULL) {
      char id[16];
      snprintf(id, sizeof id, "%" PRIu32, steps[i].by->number);
      json_object_set_new(flow, "id", json_string(id));
    }
    json_array_append_new(flows, flow);
  }
  if (json_array_size(flows) == 0) {
    json_array_append_new(flows, json_pack("{s:[]}", "locations"));
  }
  return json_pack("{s:o}", "threadFlows", flows);
}

/* ---- results ---- */

static const char *level_of(enum fpost_severity severity) {
  return severity == FPOST_SEVERITY_ERROR     ? "error"
         : severity == FPOST_SEVERITY_WARNING ? "warning"
                                              : "note";
}

static json_t *finding_message(const struct sarif *sarif,
                               const struct fpost_report_finding *finding) {
  struct memory memory;
  FILE *out = text_begin(&memory);
  const struct fpost_class_info *info = &fpost_class_infos[finding->class_];
  fprintf(out, "%s: %s.\n", info->name,
          finding->message != NULL ? finding->message : info->text);
  fpost_finding_print(sarif->report, out, finding);
  if (fclose(out) != 0) {
    fpost_memory_exhausted();
  }
  json_t *json = message_json(memory.text);
  free(memory.text);
  return json;
}

static void set_plain(json_t *object, const char *key, const char *text) {
  if (text != NULL) {
    json_object_set_new(object, key, plain_json(text));
  }
}

static json_t *properties_json(const struct fpost_report_finding *finding) {
  json_t *json = json_object();
  set_plain(json, "operation", finding->operation);
  set_plain(json, "stateBefore", finding->state_before);
  set_plain(json, "stateAfter", finding->state_after);
  set_plain(json, "stateFound", finding->state_found);
  set_plain(json, "stateNearest", finding->state_nearest);
  set_plain(json, "stateOrder", finding->state_order);
  if (finding->states_legal != 0) {
    json_object_set_new(json, "statesLegal",
                        json_integer((json_int_t)finding->states_legal));
  }
  set_plain(json, "crashState", finding->crash.state);
  set_plain(json, "replay", finding->crash.replay);
  if (finding->store.pool != NULL) {
    set_plain(json, "pool", finding->store.pool);
    json_object_set_new(json, "offset",
                        json_integer((json_int_t)finding->store.offset));
    json_object_set_new(json, "size",
                        json_integer((json_int_t)finding->store.size));
  }
  return json;
}

static void set_places(json_t *json, const struct sarif *sarif,
                       struct fpost_report *report,
                       const struct fpost_report_finding *finding) {
  struct step steps[STEPS_MAX];
  uint32_t count = steps_of(finding, report, steps);
  json_t *related = json_array();
  json_t *stacks = json_array();
  const struct fpost_frame *main_frame = fpost_finding_frame(finding);
  json_object_set_new(
      json, "locations",
      main_frame == NULL
          ? json_array()
          : json_pack("[o]", location_json(sarif, main_frame, NULL)));
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_frame *frame = fpost_place_frame(steps[i].place);
    if (frame == NULL) {
      continue;
    }
    if (frame != main_frame) {
      json_t *location = location_json(sarif, frame, steps[i].message);
      json_object_set_new(location, "id", json_integer((json_int_t)i + 1));
      json_array_append_new(related, location);
    }
    if (strcmp(steps[i].kind, "crash") != 0) {
      json_array_append_new(
          stacks, stack_json(sarif, steps[i].place, steps[i].message));
    }
  }
  json_object_set_new(json, "relatedLocations", related);
  json_object_set_new(json, "stacks", stacks);
  json_object_set_new(json, "codeFlows",
                      json_pack("[o]", flow_json(sarif, steps, count)));
}

static json_t *result_json(const struct sarif *sarif,
                           struct fpost_report *report,
                           const struct fpost_report_finding *finding) {
  json_t *json = json_object();
  json_object_set_new(json, "ruleId",
                      json_string(fpost_class_infos[finding->class_].name));
  json_object_set_new(json, "ruleIndex",
                      json_integer((json_int_t)finding->class_));
  json_object_set_new(json, "level", json_string(level_of(finding->severity)));
  json_object_set_new(json, "message", finding_message(sarif, finding));
  set_places(json, sarif, report, finding);
  json_object_set_new(json, "partialFingerprints",
                      json_pack("{s:s}", "fencepost/v1", finding->fingerprint));
  json_object_set_new(
      json, "occurrenceCount",
      json_integer((json_int_t)(finding->count != 0 ? finding->count : 1)));
  if (finding->suppressed != NULL) {
    json_t *suppression = json_pack("{s:s}", "kind", "external");
    set_plain(suppression, "justification", finding->suppressed);
    json_object_set_new(json, "suppressions", json_pack("[o]", suppression));
  }
  if (report->baseline.path != NULL) {
    json_object_set_new(json, "baselineState",
                        json_string(finding->known ? "unchanged" : "new"));
  }
  json_object_set_new(json, "properties", properties_json(finding));
  return json;
}

static json_t *results_json(const struct sarif *sarif,
                            struct fpost_report *report) {
  json_t *json = json_array();
  for (uint32_t i = 0; i < report->findings_count; i++) {
    json_array_append_new(json,
                          result_json(sarif, report, &report->findings[i]));
  }
  for (uint32_t i = 0; i < report->hidden_count; i++) {
    json_array_append_new(json, result_json(sarif, report, &report->hidden[i]));
  }
  return json;
}

/* ---- rules, the run ---- */

/* "missing-flush" as MissingFlush. */
static json_t *rule_name(const char *name) {
  char text[64];
  size_t size = 0;
  bool start = true;
  for (; *name != '\0' && size < sizeof text - 1; name++) {
    if (*name == '-') {
      start = true;
      continue;
    }
    text[size++] =
        (char)(start ? toupper((unsigned char)*name) : (unsigned char)*name);
    start = false;
  }
  return json_stringn(text, size);
}

static json_t *rule_json(enum fpost_class class_, bool enabled) {
  const struct fpost_class_info *info = &fpost_class_infos[class_];
  struct memory memory;
  json_t *json = json_object();
  json_t *help = json_object();
  json_object_set_new(json, "id", json_string(info->name));
  json_object_set_new(json, "name", rule_name(info->name));
  json_object_set_new(json, "shortDescription",
                      json_pack("{s:s}", "text", info->text));
  json_object_set_new(
      json, "fullDescription",
      json_pack("{s:s}", "text", fpost_explain(class_)->hardware));
  FILE *out = text_begin(&memory);
  fpost_explain_print(class_, out);
  json_object_set_new(help, "text", text_end(&memory, out));
  out = text_begin(&memory);
  fpost_explain_markdown(class_, out);
  json_object_set_new(help, "markdown", text_end(&memory, out));
  json_object_set_new(json, "help", help);
  json_object_set_new(json, "defaultConfiguration",
                      json_pack("{s:s, s:b}", "level", level_of(info->severity),
                                "enabled", (int)enabled));
  json_object_set_new(json, "properties",
                      json_pack("{s:[s, s]}", "tags", "persistent-memory",
                                info->severity == FPOST_SEVERITY_PERFORMANCE
                                    ? "performance"
                                    : "correctness"));
  return json;
}

static json_t *driver_json(const struct fpost_report *report) {
  json_t *rules = json_array();
  for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
    json_array_append_new(
        rules, rule_json((enum fpost_class)i, (report->enabled >> i & 1) != 0));
  }
  return json_pack("{s:s, s:s, s:s, s:o}", "name", "Fencepost", "version",
                   FENCEPOST_VERSION, "semanticVersion", FENCEPOST_VERSION,
                   "rules", rules);
}

static json_t *invocation_json(const struct fpost_report *report) {
  json_t *json = json_object();
  json_t *notes = json_array();
  json_t *program = json_array();
  json_t *properties = json_object();
  int exit_code = fpost_report_exit(report);
  json_object_set_new(json, "executionSuccessful", json_true());
  json_object_set_new(json, "exitCode", json_integer(exit_code));
  json_object_set_new(json, "exitCodeDescription",
                      json_string(exit_code == FPOST_EXIT_CLEAN
                                      ? "nothing found"
                                      : "something found"));
  for (uint32_t i = 0; i < report->notes_count; i++) {
    json_array_append_new(notes,
                          json_pack("{s:s, s:o}", "level", "note", "message",
                                    message_json(report->notes[i])));
  }
  json_object_set_new(json, "toolExecutionNotifications", notes);
  for (uint32_t i = 0; i < report->command_count; i++) {
    json_array_append_new(program, plain_json(report->command[i]));
  }
  json_object_set_new(properties, "program", program);
  if (report->exited && WIFSIGNALED(report->status)) {
    json_object_set_new(properties, "programSignal",
                        json_integer(WTERMSIG(report->status)));
  } else if (report->exited) {
    json_object_set_new(properties, "programExitCode",
                        json_integer(WEXITSTATUS(report->status)));
  }
  json_object_set_new(json, "properties", properties);
  return json;
}

static void set_root(json_t *run, const struct fpost_report *report) {
  struct memory memory;
  if (report->source_root == NULL) {
    return;
  }
  FILE *out = text_begin(&memory);
  fputs("file://", out);
  uri_put(out, report->source_root);
  fputc('/', out);
  json_object_set_new(
      run, "originalUriBaseIds",
      json_pack("{s:{s:o}}", ROOT_ID, "uri", text_end(&memory, out)));
}

static json_t *coverage_json(const struct fpost_coverage *coverage) {
  json_t *json = json_object();
  json_object_set_new(json, "crashPoints",
                      json_integer((json_int_t)coverage->crash_points));
  json_object_set_new(json, "runs", json_integer((json_int_t)coverage->runs));
  json_object_set_new(json, "imagesLog2", json_real(coverage->images_log2));
  json_object_set_new(json, "complete", json_boolean(coverage->complete));
  set_plain(json, "leftOut", coverage->left_out);
  return json_pack("{s:o}", "coverage", json);
}

bool fpost_report_dump_sarif(struct fpost_report *report, FILE *out) {
  struct sarif sarif = {.report = report, .sources = fpost_sources_new()};
  json_t *run = json_object();
  if (sarif.sources == NULL || run == NULL) {
    fpost_memory_exhausted();
  }
  json_object_set_new(run, "tool",
                      json_pack("{s:o}", "driver", driver_json(report)));
  json_object_set_new(run, "invocations",
                      json_pack("[o]", invocation_json(report)));
  set_root(run, report);
  json_object_set_new(run, "columnKind", json_string("unicodeCodePoints"));
  json_object_set_new(run, "results", results_json(&sarif, report));
  if (report->coverage.present) {
    json_object_set_new(run, "properties", coverage_json(&report->coverage));
  }
  json_t *log = json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version",
                          "2.1.0", "runs", run);
  if (log == NULL) {
    fpost_memory_exhausted();
  }
  (void)json_dumpf(log, out, JSON_COMPACT);
  fputc('\n', out);
  json_decref(log);
  fpost_sources_free(sarif.sources);
  return true;
}
