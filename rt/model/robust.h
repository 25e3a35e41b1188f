/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Robustness: could a machine that persists each thread's stores in program
 * order have left what recovery has read?
 *
 * On such a strictly ordered machine a crash cuts every thread's program order
 * once: the stores before the cut have persisted, the one at the cut perhaps in
 * part (S4), those after it are lost. A run of recovery knows something about
 * some undecided units. Each of them is then in one of a few positions,
 *
 *     position   0        1          2        3          4
 *                before   within     between  within     after
 *                step 0   step 0              step 1     step 1
 *
 * and a position says of each step of the unit whether it has persisted. The
 * run is robust if a position for every unit, and one cut for every thread,
 * agree. If not, a pair of stores tells why: `first` comes before `second` in
 * the order of one thread, recovery has seen the second and missed the first,
 * so a flush and a fence between them are missing.
 *
 * Pure: caller's memory, no allocation.
 */
#ifndef FPOST_MODEL_ROBUST_H
#define FPOST_MODEL_ROBUST_H

#include "rt/model/crash.h"

/* What one run knows of one undecided unit. */
struct fpost_robust_unit {
  const struct fpost_unit *unit;
  const struct fpost_step *steps; /* the array that unit->steps_first indexes */
  const uint32_t *threads; /* of each step, same index; < threads_count */
  struct fpost_known known;
};

/* What is known of a thread beyond the units. */
struct fpost_robust_thread {
  /* 1 + number of the last guaranteed store of the thread that recovery has
     read; 0: none. */
  uint64_t seen;
  /* The caller need not fill in these: where the cut may be, in half stores. */
  uint64_t low, high;
  uint64_t low_store, high_store;
};

enum fpost_robust_result {
  FPOST_ROBUST,     /* one cut per thread explains the run */
  FPOST_NOT_ROBUST, /* none does */
  FPOST_ROBUST_OPEN /* not found out within the bound on the search */
};

/* Why a run is not robust. */
struct fpost_robust_pair {
  uint32_t thread;
  uint64_t first;  /* the store that was missed */
  uint64_t second; /* the later store that was seen */
};

/* The search looks at no more combinations of positions than this. */
#define FPOST_ROBUST_BOUND 65536u
/* A run that knows of more units is not judged. */
#define FPOST_ROBUST_UNITS_MAX 256u

/*
 * Judge what a run knows: count units and threads_count threads, whose store
 * numbers (fpost_step.store) are in program order of each thread. positions is
 * scratch memory of count entries. *pair is written if the result is
 * FPOST_NOT_ROBUST.
 */
enum fpost_robust_result
fpost_robust_check(const struct fpost_robust_unit *units, uint32_t count,
                   struct fpost_robust_thread *threads, uint32_t threads_count,
                   uint32_t *positions, struct fpost_robust_pair *pair);

#endif /* FPOST_MODEL_ROBUST_H */
