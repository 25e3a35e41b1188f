/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/online.h"

#include "tools/party.h"

#include <inttypes.h>
#include <string.h>

static void needed_log_add(struct fpost_report *report,
                           struct fpost_place place) {
  uint32_t count = report->needed_logs_count++;
  struct fpost_place *all =
      fpost_report_memory(report, (count + 1) * sizeof *all);
  if (count != 0) {
    memcpy(all, report->needed_logs, count * sizeof *all);
  }
  all[count] = place;
  report->needed_logs = all;
}

/* Does a log of the same line of the source, of another copy of a function that
   is inlined, have to be there? */
static bool log_is_needed(const struct fpost_report *report,
                          const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  for (uint32_t i = 0;
       frame != NULL && frame->file != NULL && i < report->needed_logs_count;
       i++) {
    const struct fpost_frame *other =
        fpost_place_frame(&report->needed_logs[i]);
    if (other != NULL && other->file != NULL && frame->line == other->line &&
        strcmp(frame->file, other->file) == 0) {
      return true;
    }
  }
  return false;
}

/* Which of its accesses the finding says the bytes of. */
static void touched_set(struct fpost_report_finding *out,
                        const struct fpost_online_finding *finding,
                        struct fpost_access touched) {
  switch (finding->class_) {
  case FPOST_CLASS_REDUNDANT_FLUSH:
    out->missing = touched;
    out->missing.present = true;
    break;
  case FPOST_CLASS_REDUNDANT_FENCE:
    out->missing.present = true;
    break;
  case FPOST_CLASS_DUPLICATE_LOG:
  case FPOST_CLASS_LEAK:
    out->missing = touched;
    out->missing.present = true;
    break;
  case FPOST_CLASS_OVERWRITTEN:
    out->store = touched;
    out->store.present = true;
    out->missing = touched;
    out->missing.present = true;
    break;
  case FPOST_CLASS_PM_DATA_RACE:
  case FPOST_CLASS_ISOLATION:
  case FPOST_CLASS_UNPERSISTED_READ:
    out->store = touched;
    out->store.present = true;
    if (finding->detail == FPOST_DETAIL_RACE_STORES ||
        finding->detail == FPOST_DETAIL_RACE_STORES_PREDICTED) {
      out->missing = touched;
      out->missing.present = true;
    } else {
      out->missing.present = false;
      out->read = touched;
      out->read.present = true;
      out->read.place = finding->other;
    }
    break;
  default:
    out->store = touched;
    out->store.present = true;
    break;
  }
}

void fpost_online_add(struct fpost_report *report,
                      const struct fpost_online_finding *finding) {
  if (finding->detail == FPOST_DETAIL_LOG_NEEDED) {
    needed_log_add(report, finding->other);
    return;
  }
  if (finding->class_ == FPOST_CLASS_DUPLICATE_LOG &&
      log_is_needed(report, &finding->other)) {
    return;
  }
  struct fpost_report_finding out = {
      .class_ = finding->class_,
      .severity = fpost_class_infos[finding->class_].severity,
      .count = finding->count,
      .event = finding->event,
      .process = finding->process};
  if (finding->detail != FPOST_DETAIL_NONE) {
    out.severity = fpost_detail_infos[finding->detail].severity;
    out.message = fpost_detail_infos[finding->detail].text;
    out.predicted = finding->detail == FPOST_DETAIL_RACE_STORES_PREDICTED ||
                    finding->detail == FPOST_DETAIL_RACE_READ_PREDICTED;
  }
  struct fpost_access touched = {
      .pool = finding->pool, .offset = finding->offset, .size = finding->size};
  if (finding->class_ == FPOST_CLASS_UNBALANCED) {
    touched = (struct fpost_access){0};
  }
  out.store.present = finding->store.count != 0;
  out.missing.present = finding->other.count != 0;
  touched_set(&out, finding, touched);
  out.store.place = finding->store;
  out.store.by = finding->store_by;
  if (!out.read.present) {
    out.missing.place = finding->other;
    out.missing.by = finding->other_by;
  } else {
    out.read.by = finding->other_by;
  }
  fpost_report_add(report, &out);
}

/* Entries that are there: a count may exceed its table. */
static uint32_t table_count(uint32_t claimed, uint32_t max) {
  return claimed < max ? claimed : max;
}

static struct fpost_place results_place(struct fpost_report *report,
                                        const struct fpost_results *results,
                                        uint32_t stack) {
  struct fpost_place none = {NULL, 0};
  uint32_t count = table_count(results->stacks_count, FPOST_RESULTS_STACKS_MAX);
  if (stack == 0 || stack > count || results->stacks[stack - 1].ready == 0) {
    return none;
  }
  const struct fpost_results_stack *found = &results->stacks[stack - 1];
  uint32_t frames = table_count(found->count, FPOST_RESULTS_FRAMES_MAX);
  return fpost_report_place(report, found->frames, frames);
}

static void results_modules(struct fpost_report *report,
                            const struct fpost_results *results) {
  uint32_t count =
      table_count(results->modules_count, FPOST_RESULTS_MODULES_MAX);
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_results_module *module = &results->modules[i];
    uint32_t size =
        table_count(module->build_id_size, FPOST_RESULTS_BUILD_ID_MAX);
    if (module->ready != 0 &&
        fpost_symbols_module(report->symbols, i, module->path, module->build_id,
                             size) != 0) {
      fpost_report_note(report, "out of memory for the modules");
    }
  }
}

/* Pools by path: two processes that map one file have one pool. */
static void results_pools(struct fpost_report *report,
                          const struct fpost_results *results) {
  uint32_t count = table_count(results->pools_count, FPOST_RESULTS_POOLS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    bool known = results->pools[i].ready == 0;
    for (uint32_t j = 0; j < i && !known; j++) {
      known = results->pools[j].ready != 0 &&
              strcmp(results->pools[j].path, results->pools[i].path) == 0;
    }
    report->pools_count += !known;
  }
}

/* A lock of the results, with all those beneath it, the one taken first at the
   front; count of them. */
static const struct fpost_held_lock *
results_locks(struct fpost_report *report, const struct fpost_results *results,
              uint32_t last, uint32_t *count) {
  uint32_t max = table_count(results->locks_count, FPOST_RESULTS_LOCKS_MAX);
  uint32_t pools = table_count(results->pools_count, FPOST_RESULTS_POOLS_MAX);
  *count = 0;
  for (uint32_t at = last; at != 0; (*count)++) {
    if (at > max || results->locks[at - 1].ready == 0 ||
        results->locks[at - 1].below >= at) {
      break; /* its process was killed meanwhile */
    }
    at = results->locks[at - 1].below;
  }
  struct fpost_held_lock *locks =
      fpost_report_memory(report, (*count + 1) * sizeof *locks);
  for (uint32_t i = *count, at = last; i-- > 0;) {
    const struct fpost_results_lock *lock = &results->locks[at - 1];
    locks[i] = (struct fpost_held_lock){
        .kind = lock->kind,
        .address = lock->address,
        .taken = results_place(report, results, lock->stack)};
    if (lock->pool != 0 && lock->pool <= pools) {
      locks[i].pool =
          fpost_report_text(report, results->pools[lock->pool - 1].path);
    }
    at = lock->below;
  }
  return locks;
}

static const struct fpost_party *
results_party(struct fpost_report *report, const struct fpost_results *results,
              const struct fpost_results_who *who) {
  uint32_t max = table_count(results->threads_count, FPOST_RESULTS_THREADS_MAX);
  if (who->thread == 0 || who->thread > max ||
      results->threads[who->thread - 1].ready == 0) {
    return NULL;
  }
  const struct fpost_results_thread *thread =
      &results->threads[who->thread - 1];
  struct fpost_party *party = fpost_report_memory(report, sizeof *party);
  party->number = thread->number;
  if (thread->name[0] != '\0') {
    party->name = fpost_report_format(report, "%.*s", (int)sizeof thread->name,
                                      thread->name);
  }
  if (thread->creator != 0 && thread->creator <= max) {
    party->creator_known = true;
    party->creator = results->threads[thread->creator - 1].number;
  }
  party->created = results_place(report, results, thread->stack);
  party->locks_known = who->locks_known != 0;
  party->locks =
      results_locks(report, results, who->locks, &party->locks_count);
  return party;
}

static void results_findings(struct fpost_report *report,
                             const struct fpost_results *results) {
  uint32_t count =
      table_count(results->findings_count, FPOST_RESULTS_FINDINGS_MAX);
  uint32_t pools = table_count(results->pools_count, FPOST_RESULTS_POOLS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_results_finding *finding = &results->findings[i];
    if (finding->ready == 0 || finding->class_ >= FPOST_CLASS_COUNT ||
        finding->detail >= FPOST_DETAIL_COUNT) {
      continue;
    }
    struct fpost_online_finding out = {
        .class_ = (enum fpost_class)finding->class_,
        .detail = (enum fpost_detail)finding->detail,
        .process = finding->process,
        .count = finding->count,
        .offset = finding->address & ((UINT64_C(1) << 40) - 1),
        .size = finding->size,
        .store = results_place(report, results, finding->store_stack),
        .other = results_place(report, results, finding->other_stack),
        .store_by = results_party(report, results, &finding->store_who),
        .other_by = results_party(report, results, &finding->other_who)};
    if (finding->pool < pools) {
      out.pool = fpost_report_text(report, results->pools[finding->pool].path);
    }
    fpost_online_add(report, &out);
  }
}

static void results_notes(struct fpost_report *report,
                          const struct fpost_results *results) {
  uint32_t count = table_count(results->notes_count, FPOST_RESULTS_NOTES_MAX);
  for (uint32_t i = 0; i < count; i++) {
    if (results->notes[i].ready != 0) {
      fpost_report_note(report, results->notes[i].text);
    }
  }
  if (results->pools_count == 0) {
    fpost_report_note(report,
                      "the program mapped no persistent memory; if it should "
                      "have, name the file with --pool");
  }
  if (results->ended < results->started) {
    fpost_report_note(report,
                      fpost_report_format(
                          report,
                          "%" PRIu32 " of %" PRIu32 " processes did not end in "
                          "order: what they left unflushed at their end is not "
                          "reported",
                          results->started - results->ended, results->started));
  }
  if (results->findings_lost != 0) {
    fpost_report_note(
        report,
        fpost_report_format(report, "%" PRIu64 " more findings did not fit",
                            (uint64_t)results->findings_lost));
  }
}

void fpost_online_results(struct fpost_report *report,
                          const struct fpost_results *results) {
  results_modules(report, results);
  results_pools(report, results);
  results_findings(report, results);
  results_notes(report, results);
}
