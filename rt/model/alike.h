/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Runs that end alike: with the same outcome, after the same reads. A recovery
 * that takes a torn record of n words for whole fails for most of its 2^n
 * contents, and the first few hundred say it all. One that checks a sum over
 * them throws nearly all of them away, and after some thousands the rest is as
 * good. The rest of these contents is left out then, save for the last
 * (everything persisted), with which recovery is the most likely to go on to
 * something else:
 *
 *     choices      a      b      c        what was varied while runs failed
 *                         `------'        alike: b and c, not a
 *     next         a      last   last     then a's next value, as ever
 *
 * What was read before (a), and what is read by runs that end otherwise, is
 * varied as before. Leaving something out is counted, so that nobody takes the
 * walk for complete.
 *
 * Pure: caller's memory, no allocation.
 */
#ifndef FPOST_MODEL_ALIKE_H
#define FPOST_MODEL_ALIKE_H

#include "rt/model/choice.h"

/* Ways to end that are told apart in one walk; more are not cut short. */
#define FPOST_ALIKE_MAX 16u
/* Runs that fail alike before the rest is left out. A full line of torn words
   has 255 contents besides the right one. */
#define FPOST_ALIKE_RUNS 256u
/* The same for runs that end well: what they leave out may matter, so that it
   takes longer to be sure. */
#define FPOST_ALIKE_GOOD_RUNS 16384u
/* The same for runs that were cut off: each takes as long as the time-out. */
#define FPOST_ALIKE_SLOW_RUNS 4u

struct fpost_alike {
  uint64_t hash; /* of outcome and reads */
  uint32_t runs;
  uint32_t from; /* the first choice that was varied since the first of them */
};

/* Zeroed: a walk begins. */
struct fpost_alikes {
  struct fpost_alike seen[FPOST_ALIKE_MAX];
  uint32_t used;
  uint32_t stopped; /* how often something was left out */
};

/* The next run differs from the one before from choice `varied` on. */
void fpost_alike_varied(struct fpost_alikes *alikes, uint32_t varied);

/*
 * The run with these choices has ended, with this outcome (any number); `most`
 * runs may end alike. Returns true if the list has been turned into the prefix
 * of the next run, with something left out; list->varied says from where.
 * False: the walk goes on as ever. values is scratch of
 * FPOST_CHOICE_VALUES_MAX.
 */
bool fpost_alike_ended(struct fpost_alikes *alikes, uint64_t outcome,
                       uint32_t most, struct fpost_choice_list *list,
                       const struct fpost_unit *units,
                       const struct fpost_step *steps, uint8_t (*values)[64]);

#endif /* FPOST_MODEL_ALIKE_H */
