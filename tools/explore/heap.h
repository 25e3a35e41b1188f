/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What recovery leaves in the heaps of libpmemobj (rt/hooks/recover_heap.h),
 * and what the trace says of the objects: who made and freed them, and which
 * PMEMoids go nowhere because the program no longer looks at them.
 */
#ifndef FPOST_TOOLS_EXPLORE_HEAP_H
#define FPOST_TOOLS_EXPLORE_HEAP_H

#include "rt/os/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct explore_search;
struct explore_found;
struct fpost_record;
struct fpost_report_finding;

/* A MADE, FREED or FOUND of the trace (enum fpost_mark). */
struct explore_heap_mark {
  uint64_t event;
  uint64_t address;
  uint64_t size;
  uint32_t stack;
  uint32_t what;
};

struct explore_heap {
  struct explore_heap_mark *marks; /* in the order of the trace */
  uint32_t count;
  uint32_t max;
  uint64_t *leaked; /* addresses of objects that leak without a crash */
  uint32_t leaked_count;
};

/* A record of the trace: take what concerns objects. */
void explore_heap_note(struct explore_heap *heap,
                       const struct fpost_record *record, uint64_t event);
void explore_heap_free(struct explore_heap *heap);

/* Say in the plan what is to be looked for, and what is known before. */
void explore_heap_begin(struct explore_search *search);

/* The same, for a crash of recovery (second.h). */
void explore_heap_again(struct explore_search *search);

/* So much is passed over that there is no room for more. */
bool explore_heap_full(const struct explore_search *search);

/* What the run has said has been judged: pass it over from now on. False: that
   was so before. */
bool explore_heap_passed(struct explore_search *search,
                         const struct fpost_plan_run *run);

/* Is what a run says of the heap something to be reported? */
bool explore_heap_wrong(struct explore_search *search,
                        const struct fpost_plan_run *run,
                        const struct fpost_plan_heap *heap);

/* The stacks that tell one cause from another, for keys; 0: not known. */
void explore_heap_stacks(const struct explore_search *search,
                         const struct fpost_plan_heap *heap,
                         uint32_t *object_stack, uint32_t *field_stack);

/* Describe the finding; its state has just been run, and places and crash state
   are added by the caller. */
void explore_heap_describe(struct explore_search *search,
                           const struct explore_found *found,
                           struct fpost_report_finding *finding);

/* A pointer that a visitor told, which does not say where it is: this bit is
   set in struct fpost_plan_heap.field. */
#define EXPLORE_HEAP_VISITED 1u

#endif /* FPOST_TOOLS_EXPLORE_HEAP_H */
