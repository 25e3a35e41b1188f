/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Leaks and dangling pointers that a run has left, as findings: which units of
 * the crash state they need.
 */
#include "rt/base/assert.h"
#include "tools/explore/describe.h"
#include "tools/explore/judge.h"

#include <stdlib.h>
#include <string.h>

/* Runs that one finding may take to have its state cut down. */
#define TRIES_MAX 128u

static bool heap_same(const struct fpost_plan_heap *a,
                      const struct fpost_plan_heap *b) {
  return a->object == b->object && a->field == b->field;
}

/* Is it in what the state leaves? */
static bool shows(struct explore_search *search,
                  const struct fpost_plan_heap *heap,
                  const struct explore_lost *lost, uint32_t count,
                  bool others_full) {
  struct fpost_plan_run run;
  explore_run_state(search, lost, count, others_full, &run);
  search->point.runs++;
  for (uint32_t i = 0; i < run.heap_count; i++) {
    if (heap_same(&run.heap[i], heap)) {
      return run.outcome == FPOST_OUTCOME_EXIT && run.value == 0;
    }
  }
  return false;
}

/*
 * Where the run has a unit: what it has not read is at its guaranteed content,
 * unless --check-heap reads for it; then that does not matter.
 */
static uint64_t cut_of(const struct explore_search *search, uint32_t index) {
  const struct explore_image *image = &search->image;
  const struct fpost_unit *unit = &image->units[index];
  struct fpost_known known;
  fpost_choice_known(search->choices, search->choice_count, index, &known);
  return search->config->heap == FPOST_PLAN_HEAP_BASE
             ? fpost_unit_first_cut(unit, image->steps, &known)
             : fpost_unit_last_cut(unit, image->steps, &known);
}

static uint64_t last_cut(const struct explore_image *image, uint32_t unit) {
  return fpost_unit_cuts(&image->units[unit], image->steps) - 1;
}

/* What the run has lost, at most max units; or, of_persisted, has not. */
static uint32_t units_of(const struct explore_search *search, bool of_persisted,
                         struct explore_lost *units, uint32_t max) {
  const struct explore_image *image = &search->image;
  uint32_t count = 0;
  for (uint32_t i = 0; i < image->plan->units_used && count < max; i++) {
    if (image->units[i].touched != 0) {
      uint64_t cut = cut_of(search, i);
      if (of_persisted ? cut != 0 : cut != last_cut(image, i)) {
        units[count++] = (struct explore_lost){.unit = i, .cut = cut};
      }
    }
  }
  return count;
}

/* Leave out what it does not need: halves first, then quarters, and so on. */
static uint32_t minimise(struct explore_search *search,
                         const struct fpost_plan_heap *heap,
                         struct explore_lost *lost, uint32_t count) {
  struct explore_lost *less = malloc((count + 1) * sizeof *less);
  uint32_t tries = TRIES_MAX;
  uint32_t size = count > 1 ? count / 2 : 1;
  FPOST_ASSERT(less != NULL);
  for (; size > 0; size /= 2) {
    for (uint32_t end = count; end > 0 && tries > 0; tries--) {
      uint32_t from = end > size ? end - size : 0;
      memcpy(less, lost, from * sizeof *lost);
      memcpy(less + from, lost + end, (count - end) * sizeof *lost);
      if (shows(search, heap, less, count - (end - from), true)) {
        count -= end - from;
        memcpy(lost, less, count * sizeof *lost);
      }
      end = from;
    }
  }
  free(less);
  return count;
}

static bool known(struct explore_search *search,
                  const struct fpost_plan_heap *heap) {
  for (uint32_t i = 0; i < search->found_count; i++) {
    if (heap_same(&search->found[i].heap, heap)) {
      search->found[i].count++;
      return true;
    }
  }
  return false;
}

/* A log of libpmemobj whose checksum matches by chance leaves anything. */
static bool by_chance(struct explore_search *search,
                      const struct fpost_plan_run *run) {
  struct fpost_plan_collision collision = {0};
  explore_audit_prefix(search, search->choices, search->choice_count, run,
                       &collision);
  return collision.words != 0;
}

static void judge(struct explore_search *search,
                  const struct fpost_plan_run *run,
                  const struct fpost_plan_heap *heap) {
  if (by_chance(search, run)) {
    return;
  }
  uint32_t max = search->image.units_live < FPOST_PLAN_CHOICES_MAX
                     ? search->image.units_live
                     : FPOST_PLAN_CHOICES_MAX - 1;
  struct explore_lost *lost = malloc((max + 1) * sizeof *lost);
  FPOST_ASSERT(lost != NULL);
  uint32_t count = units_of(search, false, lost, max);
  bool others_full = shows(search, heap, lost, count, true);
  if (others_full) {
    count = minimise(search, heap, lost, count);
  } else {
    count = units_of(search, true, lost, max);
    if (!shows(search, heap, lost, count, false)) {
      search->point.flags |= EXPLORE_FLAG_UNREPEATED;
      free(lost);
      return;
    }
  }
  struct explore_found *found = explore_found_add(
      search,
      heap->field == 0 ? FPOST_CLASS_LEAK : FPOST_CLASS_DANGLING_POINTER);
  found->heap = *heap;
  found->lost = lost;
  found->lost_count = count;
  found->others_full = others_full;
  found->first = count != 0 && others_full
                     ? explore_lost_first(&search->image, lost, count)
                     : UINT32_MAX;
  found->second = UINT32_MAX;
}

void explore_judge_heap(struct explore_search *search,
                        const struct fpost_plan_run *run) {
  struct fpost_plan_run shown = *run;
  bool more = true;
  while (more) {
    for (uint32_t i = 0; i < shown.heap_count; i++) {
      const struct fpost_plan_heap *heap = &shown.heap[i];
      if (explore_heap_wrong(search, &shown, heap) && !known(search, heap)) {
        judge(search, &shown, heap);
      }
    }
    /* A run has room for so many: see what else there is. */
    more = shown.heap_count == FPOST_PLAN_HEAP_MAX &&
           explore_heap_passed(search, &shown);
    if (more) {
      explore_run_prefix(search, search->choices, search->choice_count, &shown);
      search->point.runs++;
    }
  }
  if (explore_heap_full(search)) {
    search->point.flags |= FPOST_RUN_HEAP_SIZE;
  }
}
