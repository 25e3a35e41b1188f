/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A set of disjoint ranges of PM, each with the stack of who added it. What is
 * added twice keeps its first stack. Pure: the memory is the caller's.
 *
 * A lookup costs O(log n), and O(1) if it falls into, or behind, the range of
 * the one before; so does an addition behind all others. Elsewhere an addition
 * moves what lies behind it.
 */
#ifndef FPOST_MODEL_RANGES_H
#define FPOST_MODEL_RANGES_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* [start, end), in PM addresses. */
struct fpost_range {
  uint64_t start;
  uint64_t end;
  uint32_t stack; /* 0: none */
  uint32_t kind;  /* the caller's */
};

/* Ascending. Zeroed, it is empty and has no room. */
struct fpost_ranges {
  struct fpost_range *items; /* the caller's */
  uint32_t count;
  uint32_t max;
  uint32_t last; /* index of the range found last */
};

/* The range that holds address, or null. */
const struct fpost_range *fpost_ranges_find(struct fpost_ranges *ranges,
                                            uint64_t address);

/*
 * The first byte of [start, end) that is in no range: true, and [*gap,
 * *gap_end) is the part of the range asked for up to the next one. False: all
 * of it is covered.
 */
bool fpost_ranges_gap(struct fpost_ranges *ranges, uint64_t start, uint64_t end,
                      uint64_t *gap, uint64_t *gap_end);

/*
 * Add what is missing of [start, end). Returns 0, or FPOST_ENOMEM: a part may
 * have been added; give the set more room and add the same again.
 */
FPOST_MUST_USE int fpost_ranges_add(struct fpost_ranges *ranges,
                                    struct fpost_range range);

/* Take [start, end) out of the set. Returns 0, or FPOST_ENOMEM with nothing
   changed, if a range would have to be split and there is no room. */
FPOST_MUST_USE int fpost_ranges_remove(struct fpost_ranges *ranges,
                                       uint64_t start, uint64_t end);

static inline void fpost_ranges_clear(struct fpost_ranges *ranges) {
  ranges->count = 0;
  ranges->last = 0;
}

#endif /* FPOST_MODEL_RANGES_H */
