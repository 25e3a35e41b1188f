/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Crash states: what one undecided unit of PM may hold after a crash, and what
 * is left of that when recovery has read some of it.
 *
 * A unit is a cache line (rule S3) or, in torn-line mode, one word. Between the
 * guaranteed cut and the crash point it took `steps` in visibility order:
 *
 *      base        step 1       step 2            step 3
 *      content --> 1 piece  --> 8 pieces     -->  1 piece
 *                  (a store)    (a memcpy)        (a store)
 *
 * A step is a store; its pieces are what is all or nothing on its own (a word's
 * bytes, or all of a movdir64b), and the pieces of one step persist in any
 * order (S4). So the unit holds, for some step i: all of the steps before i,
 * and any subset of the pieces of step i. That is a `cut`, numbered in this
 * fixed order:
 *
 *      0                     base
 *      first(i) + m          steps before i, and the pieces in bit set m + 1 of
 *                            step i; 0 <= m < 2^pieces(i) - 1
 *
 * so that the last cut of a step is the whole step. Different cuts may give the
 * same bytes.
 *
 * Recovery reads lazily: a read of some bytes of an undecided unit has one
 * result for each distinct value that these bytes have in a cut that agrees
 * with all earlier reads. What is never read is never enumerated.
 *
 * Pure: caller's memory, no allocation.
 */
#ifndef FPOST_MODEL_CRASH_H
#define FPOST_MODEL_CRASH_H

#include "rt/base/err.h"

#include "fencepost/events.h"

#include <stdbool.h>
#include <stdint.h>

/* Set of bytes of a unit: bit i is byte i. */
typedef uint64_t fpost_bytes;

/* One store, as far as it lies in the unit. */
struct fpost_step {
  fpost_bytes written; /* the bytes it wrote; never 0 */
  uint64_t store;      /* the caller's name for the store (event number) */
  uint32_t whole;      /* 1: a single piece (S5); 0: a piece per word (S4) */
  uint32_t spare;
  uint8_t content[64]; /* their values; other bytes are 0 */
};

/* An undecided unit. Read-only once made; may lie in shared memory. */
struct fpost_unit {
  uint64_t address;     /* pm address of its line */
  uint32_t steps_first; /* index of its first step in the caller's array */
  uint32_t steps_count; /* 0: nothing is undecided */
  fpost_bytes all;      /* the bytes that belong to it: a line, or one word */
  fpost_bytes touched;  /* union of what its steps wrote */
  uint8_t base[64];     /* guaranteed content of the line */
};

/* What is known of a unit during one recovery run. */
struct fpost_known {
  fpost_bytes fixed;   /* bytes whose value a read has decided */
  uint8_t content[64]; /* their values */
};

/* The pieces of a step, each of which may persist without the others: 1 to 8.
 */
uint32_t fpost_step_pieces(const struct fpost_step *step);

/* The number of cuts of a unit, saturating at UINT64_MAX. */
uint64_t fpost_unit_cuts(const struct fpost_unit *unit,
                         const struct fpost_step *steps);

/*
 * The content of the unit's line at a cut: its own bytes of out[64] are
 * written, the others are left alone.
 */
void fpost_unit_at(const struct fpost_unit *unit,
                   const struct fpost_step *steps, uint64_t cut,
                   uint8_t out[64]);

/*
 * The distinct values that the bytes in `read` may have, given what is known.
 * Writes at most max of them to values (64 bytes each, bytes outside `read` are
 * 0) in order of the first cut that gives them, and their number to *count.
 *
 * Returns 0, or FPOST_ENOMEM if there are more than max; *count is then max.
 */
FPOST_MUST_USE int fpost_unit_values(const struct fpost_unit *unit,
                                     const struct fpost_step *steps,
                                     const struct fpost_known *known,
                                     fpost_bytes read, uint8_t (*values)[64],
                                     uint32_t max, uint32_t *count);

/*
 * The first (last) cut that agrees with what is known: the fewest (most) stores
 * persisted. There is one, if known came from values of fpost_unit_values.
 */
uint64_t fpost_unit_first_cut(const struct fpost_unit *unit,
                              const struct fpost_step *steps,
                              const struct fpost_known *known);
uint64_t fpost_unit_last_cut(const struct fpost_unit *unit,
                             const struct fpost_step *steps,
                             const struct fpost_known *known);

#endif /* FPOST_MODEL_CRASH_H */
