/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/describe.h"

#include "rt/base/assert.h"
#include "tools/explore/checked.h"
#include "tools/explore/judge.h"
#include "tools/explore/rust_panic.h"
#include "tools/explore/second.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What is shown of recovery's output: its beginning, bytes; a panic is searched
 * for in more of it. */
#define OUTPUT_SHOWN 1024u
#define OUTPUT_SEARCHED 32768u
/* Lost stores that a finding lists. */
#define LOST_SHOWN 32u

/* ---- keys ---- */

/* The modules of the target follow those of the trace. */
uint64_t explore_target_pc(struct explore_search *search, uint64_t pc) {
  const struct explore_target *target = &search->target;
  if (pc >> 48 != 0) {
    return pc;
  }
  for (uint32_t i = 0; i < target->module_count; i++) {
    const struct explore_module *module = &target->modules[i];
    if (pc >= module->start && pc < module->end) {
      uint32_t index = search->info->module_count + i;
      int err = fpost_symbols_module(search->report.symbols, index,
                                     module->path, NULL, 0);
      (void)err; /* shown as module and offset */
      return (uint64_t)index << 48 | (pc - module->bias);
    }
  }
  return pc & ((UINT64_C(1) << 48) - 1);
}

/* Stack ids differ between traces, pcs do not. */
static uint64_t stack_hash(const struct explore_search *search,
                           uint32_t stack) {
  const struct explore_info *info = search->info;
  return stack == 0 || stack >= info->stack_count
             ? 0
             : XXH3_64bits(info->stacks[stack].pcs,
                           info->stacks[stack].count * sizeof(uint64_t));
}

static uint64_t step_stack_hash(const struct explore_search *search,
                                uint32_t step) {
  return step == UINT32_MAX
             ? 0
             : stack_hash(search, search->image.step_infos[step].stack);
}

bool explore_found_by_state(const struct explore_found *found) {
  return found->class_ == FPOST_CLASS_RECOVERY_FAILURE ||
         found->class_ == FPOST_CLASS_CHECKSUM_COLLISION ||
         found->class_ == FPOST_CLASS_NOT_FAILURE_ATOMIC ||
         found->class_ == FPOST_CLASS_LOST_OPERATION ||
         found->class_ == FPOST_CLASS_LEAK ||
         found->class_ == FPOST_CLASS_DANGLING_POINTER;
}

/* One finding for each place that allocates what leaks, or that frees what is
   pointed to, whatever is lost. */
static void heap_key(const struct explore_search *search,
                     const struct explore_found *found,
                     char key[EXPLORE_KEY_MAX]) {
  uint32_t object = 0;
  uint32_t field = 0;
  explore_heap_stacks(search, &found->heap, &object, &field);
  bool known = object != 0 || field != 0;
  snprintf(key, EXPLORE_KEY_MAX, "%s %016" PRIx64 " %016" PRIx64,
           fpost_class_infos[found->class_].name,
           known ? stack_hash(search, object) : found->heap.object,
           known ? stack_hash(search, field) : found->heap.field);
}

/* Where a checksum is compared, whatever the addresses of the modules. */
static uint64_t collision_hash(const struct explore_found *found) {
  const struct fpost_plan_stack *stack = &found->collision.stack;
  return XXH3_64bits(stack->pcs, stack->count * sizeof *stack->pcs);
}

void explore_found_key(struct explore_search *search,
                       const struct explore_found *found,
                       char key[EXPLORE_KEY_MAX]) {
  uint64_t lost = 0;
  if (found->heap.object != 0) {
    heap_key(search, found, key);
    return;
  }
  for (uint32_t i = 0; i < found->lost_count; i++) {
    uint32_t step = 0;
    uint64_t pieces = 0;
    bool whole = false;
    const struct fpost_unit *unit = &search->image.units[found->lost[i].unit];
    explore_cut_split(unit, search->image.steps, found->lost[i].cut, &step,
                      &pieces, &whole);
    lost += step_stack_hash(search, unit->steps_first + step);
  }
  bool by_state = explore_found_by_state(found);
  if (found->class_ == FPOST_CLASS_CHECKSUM_COLLISION) {
    lost = collision_hash(found);
  } else if (by_state && found->first == UINT32_MAX) {
    lost = stack_hash(search, search->crash_stack);
  }
  snprintf(key, EXPLORE_KEY_MAX,
           "%s%s %u %u %016" PRIx64 " %016" PRIx64 " %016" PRIx64,
           found->checker ? "checker " : "",
           fpost_class_infos[found->class_].name, found->outcome, found->value,
           by_state ? 0 : step_stack_hash(search, found->first),
           by_state ? 0 : step_stack_hash(search, found->second), lost);
}

/* ---- names ---- */

char *explore_state_name(const struct explore_image *image, uint64_t event,
                         const struct explore_lost *units, uint32_t count,
                         bool others_full) {
  uint32_t live = image->units_live;
  uint32_t *order = malloc((live + 1) * sizeof *order);
  size_t room = 64 + (size_t)count * 40;
  char *name = malloc(room);
  FPOST_ASSERT(order != NULL);
  FPOST_ASSERT(name != NULL);
  live = explore_image_order(image, order, live);
  size_t at = (size_t)snprintf(name, room, "%" PRIu64 "/%s", event,
                               others_full  ? "all"
                               : count == 0 ? "0"
                                            : "");
  bool any = false;
  for (uint32_t i = 0; i < live; i++) {
    for (uint32_t j = 0; j < count; j++) {
      if (units[j].unit == order[i]) {
        at += (size_t)snprintf(name + at, room - at, "%s%u.%" PRIu64,
                               any           ? ","
                               : others_full ? "-"
                                             : "",
                               i, units[j].cut);
        any = true;
      }
    }
  }
  free(order);
  return name;
}

/* ---- places ---- */

static struct fpost_access access_of(struct explore_search *search,
                                     uint32_t step) {
  const struct explore_step *info = &search->image.step_infos[step];
  uint64_t address = info->address;
  return (struct fpost_access){
      .present = true,
      .place = explore_info_place(search->info, &search->report, info->stack),
      .pool = fpost_report_text(
          &search->report, search->info->pool_paths[fpost_pm_pool(address)]),
      .offset = fpost_pm_offset(address),
      .size = info->size};
}

/* exact: the innermost pc is an instruction's own, not a return address. */
static struct fpost_place target_place(struct explore_search *search,
                                       const struct fpost_plan_stack *stack,
                                       bool exact) {
  uint64_t pcs[FPOST_PLAN_STACK_MAX];
  uint32_t count = 0;
  for (uint32_t i = 0; i < stack->count && i < FPOST_PLAN_STACK_MAX; i++) {
    uint64_t pc = stack->pcs[i];
    pcs[count++] = explore_target_pc(search, exact && i == 0 ? pc : pc - 1);
  }
  return count == 0 ? (struct fpost_place){0}
                    : fpost_report_place(&search->report, pcs, count);
}

/* ---- what is missing ---- */

/*
 * Between the lost store and the crash (or the later store), was the line
 * flushed? Then a "fence" is missing, else a "flush" and a fence.
 */
static const char *find_missing(const struct explore_search *search,
                                uint32_t lost, uint32_t later) {
  const struct explore_image *image = &search->image;
  uint64_t from = image->steps[lost].store;
  uint64_t to =
      later == UINT32_MAX ? search->point.event : image->steps[later].store;
  uint64_t line =
      image->step_infos[lost].address & ~(uint64_t)(FENCEPOST_LINE_SIZE - 1);
  const char *missing = "flush";
  if ((image->step_infos[lost].flags & FENCEPOST_STORE_NT) != 0) {
    return "fence";
  }
  struct fpost_reader reader;
  struct fpost_record record;
  if (fpost_reader_open(&reader, search->trace) != FPOST_OK) {
    return missing;
  }
  while (fpost_reader_next(&reader, &record) == FPOST_OK && reader.index < to) {
    uint64_t end = record.address + (record.size == 0 ? 1 : record.size);
    if (reader.index > from && record.kind == FPOST_RECORD_FLUSH &&
        record.address < line + FENCEPOST_LINE_SIZE && end > line) {
      missing = "fence";
      break;
    }
  }
  fpost_reader_close(&reader);
  return missing;
}

/* How many bytes of the store of this event the state has lost, those of lines
   that have kept part of it not among them. */
static uint64_t lost_bytes(const struct explore_image *image,
                           const struct explore_found *found, uint64_t event) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < found->lost_count; i++) {
    const struct fpost_unit *unit = &image->units[found->lost[i].unit];
    const struct fpost_step *steps = &image->steps[unit->steps_first];
    uint32_t step = 0;
    uint64_t pieces = 0;
    bool whole = false;
    explore_cut_split(unit, image->steps, found->lost[i].cut, &step, &pieces,
                      &whole);
    for (step += pieces != 0; step < unit->steps_count; step++) {
      if (steps[step].store == event) {
        bytes += (uint64_t)__builtin_popcountll(steps[step].written);
      }
    }
  }
  return bytes;
}

/*
 * Has the state lost all that was stored from its first lost store on, by any
 * thread? Then a crash just before that store leaves the same, whatever is
 * flushed and fenced. At the end of an operation or of the run the store should
 * have persisted all the same.
 */
static bool lost_in_order(const struct explore_search *search,
                          const struct explore_found *found) {
  const struct explore_image *image = &search->image;
  struct fpost_reader reader;
  struct fpost_record record;
  bool all = true;
  if (search->outer != NULL || found->class_ == FPOST_CLASS_LOST_OPERATION ||
      fpost_reader_open(&reader, search->trace) != FPOST_OK) {
    return false;
  }
  while (all && fpost_reader_next(&reader, &record) == FPOST_OK) {
    if (reader.index >= search->point.event) {
      all =
          record.kind != FPOST_RECORD_END && record.kind != FPOST_RECORD_OP_END;
      break;
    }
    all = reader.index < image->steps[found->first].store ||
          record.kind != FPOST_RECORD_STORE ||
          lost_bytes(image, found, reader.index) == record.size;
  }
  fpost_reader_close(&reader);
  return all;
}

/* ---- findings ---- */

const char *explore_outcome_text(struct explore_search *search,
                                 const struct explore_found *found) {
  struct fpost_report *report = &search->report;
  const char *who =
      found->checker ? fpost_report_format(report, "the checker said no: '%s'",
                                           search->config->checker)
                     : "recovery";
  switch (found->outcome) {
  case FPOST_OUTCOME_SIGNAL: {
    const char *name = sigabbrev_np((int)found->value);
    return fpost_report_format(report, "%s died: SIG%s", who,
                               name == NULL ? "?" : name);
  }
  case FPOST_OUTCOME_TIMEOUT:
    return fpost_report_format(report, "%s did not end within %g seconds", who,
                               (double)search->config->timeout_ms / 1000);
  case FPOST_OUTCOME_ESCAPED:
    return "recovery killed the process that had started it";
  default:
    if (found->value == 0 && !found->checker) {
      return "recovery found a state that the operations do not leave";
    }
    return fpost_report_format(report, "%s exited with %u", who, found->value);
  }
}

static void add_crash(struct explore_search *search,
                      struct fpost_report_finding *finding, char *state) {
  struct fpost_report *report = &search->report;
  finding->crash.state = fpost_report_text(report, state);
  free(state);
}

/*
 * A Rust recovery that panics says what happened, and where, better than its
 * exit code: the message alone is the output, its place where recovery died.
 */
static void add_panic(struct fpost_report *report,
                      struct fpost_report_finding *finding,
                      const struct explore_rust_panic *panic) {
  finding->crash.output = fpost_report_format(
      report, "%.*s", (int)(panic->end - panic->start), panic->start);
  if (finding->crash.stack.count == 0) {
    struct fpost_frame *frame = fpost_report_memory(report, sizeof *frame);
    frame->file =
        fpost_report_format(report, "%.*s", (int)panic->file_size, panic->file);
    frame->shown = frame->file;
    frame->line = panic->line;
    frame->column = panic->column;
    finding->crash.stack = (struct fpost_place){frame, 1};
  }
}

/* Where a sanitizer begins to say what it has found; null: none does. */
static const char *sanitizer_line(const char *text) {
  static const char *const words[] = {"runtime error: ", "Sanitizer: "};
  const char *found = NULL;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const char *at = strstr(text, words[i]);
    found = at != NULL && (found == NULL || at < found) ? at : found;
  }
  while (found != NULL && found > text && found[-1] != '\n') {
    found--;
  }
  return found;
}

static void add_output(struct explore_search *search,
                       struct fpost_report_finding *finding) {
  char text[OUTPUT_SEARCHED + 1];
  struct explore_rust_panic panic;
  size_t size = explore_target_output(&search->target, text, OUTPUT_SEARCHED);
  text[size] = '\0';
  if (explore_rust_panic_find(text, &panic)) {
    add_panic(&search->report, finding, &panic);
  } else if (size != 0) {
    const char *from = sanitizer_line(text);
    finding->crash.output = fpost_report_format(
        &search->report, "%.*s", (int)OUTPUT_SHOWN, from == NULL ? text : from);
  }
}

/* The last lines: what a checker has found comes at the end. */
static void add_checker_output(struct explore_search *search,
                               struct fpost_report_finding *finding) {
  char text[OUTPUT_SEARCHED + 1];
  int fd = search->image.output;
  off_t end = lseek(fd, 0, SEEK_END);
  off_t start = end > (off_t)OUTPUT_SEARCHED ? end - OUTPUT_SEARCHED : 0;
  ssize_t got = pread(fd, text, OUTPUT_SEARCHED, start);
  size_t size = got < 0 ? 0 : (size_t)got;
  text[size] = '\0';
  const char *from = sanitizer_line(text);
  if (from == NULL) {
    from = text + (size > OUTPUT_SHOWN ? size - OUTPUT_SHOWN : 0);
    const char *line = from == text ? NULL : strchr(from, '\n');
    from = line == NULL ? from : line + 1;
  }
  if (*from != '\0') {
    finding->crash.output =
        fpost_report_format(&search->report, "%.*s", (int)OUTPUT_SHOWN, from);
  }
}

static void add_lost(struct explore_search *search,
                     struct fpost_report_finding *finding,
                     const struct explore_found *found) {
  const struct explore_image *image = &search->image;
  struct fpost_access *lost =
      fpost_report_memory(&search->report, LOST_SHOWN * sizeof *lost);
  uint32_t count = 0;
  for (uint32_t i = 0; i < found->lost_count; i++) {
    const struct fpost_unit *unit = &image->units[found->lost[i].unit];
    uint32_t step = 0;
    uint64_t pieces = 0;
    bool whole = false;
    explore_cut_split(unit, image->steps, found->lost[i].cut, &step, &pieces,
                      &whole);
    for (; step < unit->steps_count && count < LOST_SHOWN; step++) {
      lost[count++] = access_of(search, unit->steps_first + step);
    }
  }
  finding->crash.lost = lost;
  finding->crash.lost_count = count;
}

/* A checksum that matched by chance, and how recovery failed then. */
static void describe_collision(struct explore_search *search,
                               const struct explore_found *found,
                               struct fpost_report_finding *finding) {
  struct fpost_report *report = &search->report;
  finding->missing = (struct fpost_access){
      .present = search->crash_stack != 0,
      .place = explore_info_place(search->info, report, search->crash_stack)};
  finding->read = (struct fpost_access){
      .present = true,
      .place = target_place(search, &found->collision.stack, true)};
  finding->message = fpost_report_format(
      report,
      "a checksum matches by chance: %u of the %u words under it that a crash "
      "leaves open are lost, the others are not; recovery takes them for valid",
      found->collision.lost, found->collision.words);
  add_lost(search, finding, found);
}

/* The name of the state that the finding is of. */
static char *lost_state(struct explore_search *search,
                        const struct explore_found *found) {
  char *name =
      explore_state_name(&search->image, search->point.event, found->lost,
                         found->lost_count, found->others_full);
  return search->outer == NULL
             ? name
             : explore_second_name(search, found->lost, found->lost_count,
                                   found->others_full, name);
}

static void describe_heap(struct explore_search *search,
                          const struct explore_found *found,
                          struct fpost_report_finding *finding) {
  struct fpost_plan_run run;
  explore_run_state(search, found->lost, found->lost_count, found->others_full,
                    &run);
  explore_heap_describe(search, found, finding);
  if (search->outer != NULL) {
    finding->crash.outcome = fpost_report_format(
        &search->report, "%s; it ran again after a crash in recovery",
        finding->crash.outcome);
  }
  if (found->first != UINT32_MAX) {
    add_lost(search, finding, found);
  }
  add_crash(search, finding, lost_state(search, found));
}

/* What else is to be said of a failure without a lost store. */
static const char *where_all_fails(const struct explore_search *search,
                                   const struct explore_found *found) {
  if (!found->others_full) {
    return "on a state that has no smallest set of lost stores";
  }
  return search->crash_stack == 0
             ? "on what the run left when it ended: recovery fails without a "
               "crash, too"
             : "although every store before the crash has persisted: no flush "
               "or fence helps, recovery must cope with a crash here";
}

static void describe_failure(struct explore_search *search,
                             const struct explore_found *found,
                             struct fpost_report_finding *finding) {
  struct fpost_report *report = &search->report;
  const char *outcome = explore_outcome_text(search, found);
  if (search->outer != NULL) {
    outcome = fpost_report_format(
        report, "%s; it ran again after a crash in recovery", outcome);
  }
  finding->crash.outcome = outcome;
  if (found->first != UINT32_MAX) {
    add_lost(search, finding, found);
  }
  if (found->class_ == FPOST_CLASS_CHECKSUM_COLLISION) {
    describe_collision(search, found, finding);
  } else if (found->first == UINT32_MAX) {
    finding->missing = (struct fpost_access){
        .present = search->crash_stack != 0,
        .place = explore_info_place(search->info, report, search->crash_stack)};
    finding->message = fpost_report_format(report, "%s %s", outcome,
                                           where_all_fails(search, found));
  } else {
    finding->store = access_of(search, found->first);
    finding->missing_what =
        lost_in_order(search, found)
            ? NULL
            : find_missing(search, found->first, found->second);
    finding->message =
        fpost_report_format(report, "%s when a store is lost", outcome);
    if (found->second != UINT32_MAX) {
      finding->missing = access_of(search, found->second);
      struct fpost_access *persisted =
          fpost_report_memory(report, sizeof *persisted);
      *persisted = finding->missing;
      finding->crash.persisted = persisted;
      finding->crash.persisted_count = 1;
    }
  }
  struct fpost_plan_run run;
  explore_run_state(search, found->lost, found->lost_count, found->others_full,
                    &run);
  finding->crash.stack = target_place(search, &search->image.plan->fault, true);
  if (found->checker) {
    add_checker_output(search, finding);
  } else if (found->class_ != FPOST_CLASS_NOT_FAILURE_ATOMIC &&
             found->class_ != FPOST_CLASS_LOST_OPERATION) {
    add_output(search, finding);
  } else {
    explore_describe_operation(search, found, &run, finding);
  }
  add_crash(search, finding, lost_state(search, found));
}

/* The state that the run's choices leave, as little persisted as may be. */
static char *choices_state(struct explore_search *search,
                           const struct explore_found *found) {
  const struct explore_image *image = &search->image;
  struct explore_lost *units =
      malloc((found->choice_count + 1) * sizeof *units);
  uint32_t count = 0;
  FPOST_ASSERT(units != NULL);
  for (uint32_t i = 0; i < found->choice_count; i++) {
    uint32_t unit = found->choices[i].unit;
    struct fpost_known known;
    if (search->marks[unit] != 0) {
      continue;
    }
    search->marks[unit] = 1;
    fpost_choice_known(found->choices, found->choice_count, unit, &known);
    uint64_t cut =
        fpost_unit_first_cut(&image->units[unit], image->steps, &known);
    if (cut != 0) {
      units[count++] = (struct explore_lost){.unit = unit, .cut = cut};
    }
  }
  for (uint32_t i = 0; i < found->choice_count; i++) {
    search->marks[found->choices[i].unit] = 0;
  }
  char *name =
      explore_state_name(image, search->point.event, units, count, false);
  if (search->outer != NULL) {
    name = explore_second_name(search, units, count, false, name);
  }
  free(units);
  return name;
}

static void describe_read(struct explore_search *search,
                          const struct explore_found *found,
                          struct fpost_report_finding *finding) {
  finding->store = access_of(search, found->first);
  if (found->second != UINT32_MAX) {
    finding->missing = access_of(search, found->second);
    finding->missing_what = find_missing(search, found->first, found->second);
  }
  struct fpost_plan_run run;
  explore_run_prefix(search, found->choices, found->choice, &run);
  struct fpost_plan *plan = search->image.plan;
  const struct fpost_plan_stack *stacks =
      fpost_plan_table(plan, plan->stacks_at);
  if (plan->choices_count > found->choice) {
    finding->read = (struct fpost_access){
        .present = true,
        .place = target_place(search, &stacks[found->choice], false)};
  }
  if (search->outer != NULL) {
    finding->crash.outcome = "it ran again after a crash in recovery";
  }
  add_crash(search, finding, choices_state(search, found));
}

char *explore_found_json(struct explore_search *search,
                         const struct explore_found *found) {
  struct fpost_report_finding finding = {
      .class_ = found->class_,
      .severity = fpost_class_infos[found->class_].severity,
      .count = found->count};
  if (found->heap.object != 0) {
    describe_heap(search, found, &finding);
  } else if (explore_found_by_state(found)) {
    explore_checked_select(search, found->checked);
    describe_failure(search, found, &finding);
    explore_checked_select(search, false);
  } else {
    describe_read(search, found, &finding);
  }
  json_t *json = fpost_finding_json(&search->report, &finding);
  char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
  json_decref(json);
  FPOST_ASSERT(text != NULL);
  return text;
}
