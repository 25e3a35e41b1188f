/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/operations.h"

#include "rt/base/assert.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NONE UINT32_MAX

/* ---- reading the trace ---- */

static void *grow(void *at, uint64_t count, size_t size) {
  /* To the next power of two, when a power of two is full. */
  if ((count & (count - 1)) == 0) {
    at = realloc(at, (count == 0 ? 1 : 2 * count) * size);
    FPOST_ASSERT(at != NULL);
  }
  return at;
}

static uint32_t boundary_add(struct explore_operations *all, uint64_t event,
                             uint32_t operation, bool ends) {
  all->boundaries =
      grow(all->boundaries, all->boundaries_count, sizeof *all->boundaries);
  uint32_t at = all->boundaries_count++;
  all->boundaries[at] = (struct explore_boundary){.event = event,
                                                  .operation = operation,
                                                  .ends = ends,
                                                  .stores_before = all->stores,
                                                  .first = at,
                                                  .last = at};
  all->stores = false;
  return at;
}

static uint32_t *open_of(struct explore_operations *all, uint32_t thread) {
  if (thread >= all->threads) {
    uint32_t count = thread + 16;
    all->open = realloc(all->open, count * sizeof *all->open);
    FPOST_ASSERT(all->open != NULL);
    memset(all->open + all->threads, 0,
           (count - all->threads) * sizeof *all->open);
    all->threads = count;
  }
  return &all->open[thread];
}

/* The operation of the thread is over, if it has one. */
static void operation_end(struct explore_operations *all, uint32_t thread,
                          uint64_t event) {
  uint32_t *open = open_of(all, thread);
  if (*open == 0) {
    return;
  }
  uint32_t index = *open - 1;
  *open = 0;
  all->operations[index].end = boundary_add(all, event, index, true);
  if (--all->open_count != 0 || !all->group_overlap) {
    return;
  }
  for (uint32_t i = all->group; i < all->boundaries_count; i++) {
    all->boundaries[i].first = all->group;
    all->boundaries[i].last = all->boundaries_count - 1;
    all->boundaries[i].unmarked = all->group_unmarked;
  }
}

static void operation_begin(struct explore_operations *all,
                            const struct fpost_record *record, uint64_t event) {
  operation_end(all, record->thread, event);
  all->operations = grow(all->operations, all->count, sizeof *all->operations);
  uint32_t index = all->count++;
  uint32_t begin = boundary_add(all, event, index, false);
  all->operations[index] = (struct explore_operation){
      .name = strndup(record->text, record->text_size),
      .thread = record->thread,
      .stack = record->stack,
      .begin = begin,
      .end = NONE};
  *open_of(all, record->thread) = index + 1;
  if (all->open_count++ == 0) {
    all->group = begin;
    all->group_overlap = false;
    all->group_unmarked = false;
  } else {
    all->group_overlap = true;
  }
}

static void run_end(struct explore_operations *all, uint64_t event) {
  for (uint32_t i = 0; i < all->threads; i++) {
    operation_end(all, i, event);
  }
  (void)boundary_add(all, event, NONE, true);
}

void explore_operations_note(struct explore_operations *operations,
                             const struct fpost_record *record,
                             uint64_t event) {
  switch (record->kind) {
  case FPOST_RECORD_OP_BEGIN:
    operation_begin(operations, record, event);
    break;
  case FPOST_RECORD_OP_END: {
    uint32_t open = *open_of(operations, record->thread);
    if (record->stack == 0 && open != 0) {
      /* Its thread ended within it: it has not returned, and may be lost. */
      operations->operations[open - 1].buffered = true;
    }
    operation_end(operations, record->thread, event);
    break;
  }
  case FPOST_RECORD_MARK:
    if (record->flags == FPOST_MARK_BUFFERED &&
        *open_of(operations, record->thread) != 0) {
      uint32_t index = *open_of(operations, record->thread) - 1;
      operations->operations[index].buffered = true;
    }
    break;
  case FPOST_RECORD_STORE:
    operations->stores = operations->stores || operations->open_count == 0;
    operations->group_unmarked =
        operations->group_unmarked || *open_of(operations, record->thread) == 0;
    break;
  case FPOST_RECORD_END:
    run_end(operations, event);
    break;
  default:
    break;
  }
}

void explore_operations_buffered(struct explore_operations *operations,
                                 const char *pattern) {
  for (uint32_t i = 0; i < operations->count; i++) {
    struct explore_operation *operation = &operations->operations[i];
    char *name = strdup(operation->name);
    FPOST_ASSERT(name != NULL);
    name[strcspn(name, "(")] = '\0';
    if (fnmatch(pattern, name, 0) == 0 ||
        fnmatch(pattern, operation->name, 0) == 0) {
      operation->buffered = true;
    }
    free(name);
  }
}

void explore_operations_free(struct explore_operations *operations) {
  for (uint32_t i = 0; i < operations->count; i++) {
    free(operations->operations[i].name);
  }
  free(operations->operations);
  free(operations->boundaries);
  free(operations->references);
  free(operations->open);
  *operations = (struct explore_operations){0};
}

/* ---- moments ---- */

/* How many operations of the stretch are buffered; *all_are: each of them. */
static uint32_t buffered_in(const struct explore_operations *all,
                            uint32_t first, uint32_t last, bool *all_are) {
  uint32_t count = 0;
  *all_are = true;
  for (uint32_t i = first; i <= last; i++) {
    const struct explore_boundary *at = &all->boundaries[i];
    bool buffered = all->operations[at->operation].buffered;
    count += at->ends && buffered;
    *all_are = *all_are && buffered;
  }
  return count;
}

/*
 * The oldest boundary that a crash may go back to from one at which nothing is
 * under way: further while operations are buffered. A stretch of overlap that
 * it may go back into, and that has more states than its boundaries show, is
 * noted in the moment.
 */
static uint32_t buffered_from(const struct explore_operations *all,
                              uint32_t boundary,
                              struct explore_moment *moment) {
  for (;;) {
    const struct explore_boundary *at = &all->boundaries[boundary];
    if (!at->ends || at->operation == NONE) {
      return boundary;
    }
    bool all_are = all->operations[at->operation].buffered;
    uint32_t begin = all->operations[at->operation].begin;
    if (at->first != at->last) {
      if (buffered_in(all, at->first, at->last, &all_are) == 0) {
        return boundary;
      }
      begin = at->first;
      moment->crossed = moment->overlap;
      if (!moment->overlap) {
        moment->overlap = true;
        moment->stretch = at->first;
        moment->passed = at->last;
      }
    }
    if (!all_are) {
      return at->first != at->last ? begin : boundary;
    }
    if (begin == 0) {
      return 0;
    }
    boundary = begin - 1;
  }
}

/* The crash is between the boundary `last` and the next one, and no two
   operations are under way. */
static struct explore_moment sequential(const struct explore_operations *all,
                                        uint32_t last, bool at_end,
                                        bool stores) {
  const struct explore_boundary *at = &all->boundaries[last];
  struct explore_moment moment = {
      .judged = true, .operation = at->operation, .stretch = NONE};
  /* Within an operation: from the end of the one before to its own end. */
  bool within = !at->ends;
  uint32_t before = within && last != 0 ? last - 1 : last;
  const struct explore_boundary *ended = &all->boundaries[before];
  if (ended->ends && ended->first != ended->last) {
    moment.stretch = ended->first;
    moment.passed = before;
  }
  if (within) {
    moment.low = ended->ends ? buffered_from(all, before, &moment) : last;
    moment.high = all->operations[at->operation].end;
    return moment;
  }
  moment.low = buffered_from(all, last, &moment);
  moment.high = at_end || last + 1 == all->boundaries_count ? last : last + 1;
  /* What is stored outside of operations may change the state at will. */
  moment.judged = at_end || !stores;
  return moment;
}

struct explore_moment
explore_operations_moment(const struct explore_operations *operations,
                          uint32_t *cursor, uint64_t event,
                          enum fpost_record_kind kind, bool stores) {
  const struct explore_boundary *all = operations->boundaries;
  bool at_end = false;
  while (*cursor < operations->boundaries_count &&
         (all[*cursor].event < event ||
          (all[*cursor].event == event && kind == FPOST_RECORD_OP_END &&
           all[*cursor].ends))) {
    at_end = all[*cursor].event == event;
    (*cursor)++;
  }
  if (*cursor == 0 || operations->references == NULL) {
    return (struct explore_moment){.judged = false};
  }
  uint32_t last = *cursor - 1;
  const struct explore_boundary *at = &all[last];
  if (at->first == at->last || last == at->last) {
    return sequential(operations, last, at_end, stores);
  }
  struct explore_moment moment = {.judged = true,
                                  .overlap = true,
                                  .high = at->last,
                                  .operation = at->operation,
                                  .stretch = at->first,
                                  .passed = last};
  moment.low =
      buffered_from(operations, at->first == 0 ? 0 : at->first - 1, &moment);
  return moment;
}

uint64_t explore_moment_key(const struct explore_operations *operations,
                            const struct explore_moment *moment) {
  uint64_t key[8] = {moment->judged, moment->overlap};
  uint32_t count = 2;
  if (!moment->judged) {
    return 0;
  }
  if (moment->overlap && operations->replayed) {
    key[count++] = moment->low;
    key[count++] = moment->high;
    key[count++] = moment->passed;
    return XXH3_64bits(key, count * sizeof *key);
  }
  if (moment->high - moment->low >= 6) {
    key[count++] = moment->low;
    key[count++] = moment->high;
    return XXH3_64bits(key, count * sizeof *key);
  }
  for (uint32_t i = moment->low; i <= moment->high; i++) {
    uint64_t observed = operations->references[i].observed;
    uint32_t at = 2;
    while (at < count && key[at] < observed) {
      at++;
    }
    if (at == count || key[at] != observed) {
      memmove(&key[at + 1], &key[at], (count - at) * sizeof *key);
      key[at] = observed;
      count++;
    }
  }
  return XXH3_64bits(key, count * sizeof *key);
}

enum explore_verdict
explore_operations_verdict(const struct explore_operations *operations,
                           const struct explore_moment *moment,
                           uint64_t observed, uint32_t *boundary) {
  const struct explore_reference *references = operations->references;
  if (!moment->judged) {
    return EXPLORE_LEGAL;
  }
  for (uint32_t i = moment->high + 1; i-- > moment->low;) {
    if (references[i].observed == observed || !references[i].known) {
      return EXPLORE_LEGAL;
    }
  }
  if (moment->overlap) {
    return EXPLORE_UNDECIDED;
  }
  for (uint32_t i = moment->low; i-- > 0;) {
    if (references[i].known && references[i].observed == observed) {
      *boundary = i;
      return EXPLORE_LOST;
    }
  }
  return EXPLORE_TORN;
}
