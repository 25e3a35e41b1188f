/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/analyse_who.h"

#include "tools/trace_reader.h"

#include <string.h>

/* Numbers beyond are damage. */
#define LOCKS_MAX FPOST_SITE_LOCKS

/* Room for entry number of a table of the report. */
static void *table_reach(struct fpost_report *report, void *table,
                         uint32_t *max, uint32_t number, size_t size) {
  if (number < *max) {
    return table;
  }
  uint32_t more = *max == 0 ? 64 : *max;
  while (more <= number) {
    more *= 2;
  }
  void *bigger = fpost_report_memory(report, more * size);
  if (*max != 0) {
    memcpy(bigger, table, *max * size);
  }
  *max = more;
  return bigger;
}

static void mark_thread(struct fpost_who_marks *marks,
                        struct fpost_report *report,
                        const struct fpost_record *record) {
  if (record->id >= FPOST_TRACE_THREADS_MAX) {
    return;
  }
  marks->threads = table_reach(report, marks->threads, &marks->threads_max,
                               record->id, sizeof *marks->threads);
  struct fpost_who_thread *thread = &marks->threads[record->id];
  thread->known = true;
  thread->creator = (uint32_t)record->value;
  thread->stack = record->stack;
  if (record->text_size != 0) {
    thread->name = fpost_report_format(report, "%.*s", (int)record->text_size,
                                       record->text);
  }
}

static void mark_lock(struct fpost_who_marks *marks,
                      struct fpost_report *report,
                      const struct fpost_record *record) {
  uint32_t kind = (uint32_t)(record->value >> 32) & 0xff;
  if (record->id >= LOCKS_MAX || (uint32_t)record->value >= record->id ||
      kind >= FPOST_LOCK_KINDS) {
    return;
  }
  marks->locks = table_reach(report, marks->locks, &marks->locks_max,
                             record->id, sizeof *marks->locks);
  marks->locks[record->id] =
      (struct fpost_who_lock){.kind = kind,
                              .in_pm = (record->value >> 40 & 1) != 0,
                              .below = (uint32_t)record->value,
                              .stack = record->stack,
                              .address = record->address};
}

void fpost_who_mark(struct fpost_who_marks *marks, struct fpost_report *report,
                    const struct fpost_record *record) {
  switch (record->flags) {
  case FPOST_MARK_THREAD:
    mark_thread(marks, report, record);
    break;
  case FPOST_MARK_LOCK:
    mark_lock(marks, report, record);
    break;
  case FPOST_MARK_WHO:
    *((record->value >> 33 & 1) != 0 ? &marks->other : &marks->store) =
        (struct fpost_who){.known = true,
                           .locks_known = (record->value >> 32 & 1) != 0,
                           .thread = record->id,
                           .lock = (uint32_t)record->value};
    break;
  default:
    break;
  }
}

const struct fpost_party *fpost_who_party(const struct fpost_who_marks *marks,
                                          struct fpost_report *report,
                                          const struct fpost_who_source *source,
                                          const struct fpost_who *who) {
  if (!who->known || who->thread >= marks->threads_max ||
      !marks->threads[who->thread].known) {
    return NULL;
  }
  const struct fpost_who_thread *thread = &marks->threads[who->thread];
  struct fpost_party *party = fpost_report_memory(report, sizeof *party);
  party->number = who->thread;
  party->name = thread->name;
  party->creator_known = thread->creator != 0;
  party->creator = thread->creator - party->creator_known;
  party->created = source->place(source->context, thread->stack);
  party->locks_known = who->locks_known;
  for (uint32_t at = who->lock; at != 0 && at < marks->locks_max;
       at = marks->locks[at].below) {
    party->locks_count++;
  }
  struct fpost_held_lock *locks =
      fpost_report_memory(report, (party->locks_count + 1) * sizeof *locks);
  for (uint32_t i = party->locks_count, at = who->lock; i-- > 0;) {
    const struct fpost_who_lock *lock = &marks->locks[at];
    locks[i] = (struct fpost_held_lock){
        .kind = lock->kind,
        .address = lock->in_pm ? fpost_pm_offset(lock->address) : lock->address,
        .pool = lock->in_pm ? source->pool(source->context,
                                           fpost_pm_pool(lock->address))
                            : NULL,
        .taken = source->place(source->context, lock->stack)};
    at = lock->below;
  }
  party->locks = locks;
  return party;
}
