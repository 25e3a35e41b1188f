/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which undecided words make a checksum match: subset sums, exactly.
 *
 * A checksum that adds (Fletcher's, as PMDK's) is, over words that a crash may
 * leave old or new, a sum of one term for each new word. It matches for those
 * subsets of the terms whose sum is the target. Terms are pairs of 32-bit
 * numbers, added without carry from one to the other:
 *
 *     term i        high 32 bits | low 32 bits
 *     sum of a subset == target, in both halves
 *
 * With n terms there are 2^n subsets; four lists of 2^(n/4) sums, joined
 * residue by residue, take time 2^(n/2) and little memory (Schroeppel and
 * Shamir, SIAM Journal on Computing 10, 1981).
 *
 * Pure: caller's memory, no allocation.
 */
#ifndef FPOST_MODEL_SUM_H
#define FPOST_MODEL_SUM_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* More terms take a second and more: each two terms twice the time. */
#define FPOST_SUM_TERMS_MAX 56u
/* Sums in one of the lists. */
#define FPOST_SUM_LIST_MAX (1u << 14)
/* Bits of the filter of the left sums of a residue, and of that of the right
   sums which got through it. */
#define FPOST_SUM_FILTER (1u << 20)
#define FPOST_SUM_FILTER_SMALL (1u << 17)
#define FPOST_SUM_CANDIDATES 8192u

/* Sums in order of residue. */
struct fpost_sum_list {
  uint64_t sums[FPOST_SUM_LIST_MAX];
  uint16_t subsets[FPOST_SUM_LIST_MAX];
  uint32_t starts[FPOST_SUM_LIST_MAX + 1];
};

/* A right pair that may have a left one. */
struct fpost_sum_candidate {
  uint64_t wanted; /* the left sum */
  uint32_t next;   /* 1 + index of the next one of the same slot; 0: none */
  uint16_t third, fourth;
};

/* About a megabyte; its content means nothing between calls. */
struct fpost_sum_scratch {
  uint64_t firsts[FPOST_SUM_LIST_MAX], thirds[FPOST_SUM_LIST_MAX];
  struct fpost_sum_list second, fourth;
  uint64_t filter[FPOST_SUM_FILTER / 64];
  uint64_t small[FPOST_SUM_FILTER_SMALL / 64];
  struct fpost_sum_candidate candidates[FPOST_SUM_CANDIDATES];
  uint32_t slots[FPOST_SUM_CANDIDATES];
};

enum fpost_sum_result { FPOST_SUM_NONE, FPOST_SUM_ONE, FPOST_SUM_MANY };

/* a + b and -a in each half. */
static inline uint64_t fpost_sum_add(uint64_t a, uint64_t b) {
  return (uint64_t)((uint32_t)(a >> 32) + (uint32_t)(b >> 32)) << 32 |
         ((uint32_t)a + (uint32_t)b);
}
static inline uint64_t fpost_sum_negate(uint64_t a) {
  return (uint64_t)(0u - (uint32_t)(a >> 32)) << 32 | (0u - (uint32_t)a);
}

/*
 * The subsets of terms[0 .. count) whose sum is target. With FPOST_SUM_ONE,
 * *subset is the only one, bit i for term i. count <= FPOST_SUM_TERMS_MAX.
 */
enum fpost_sum_result fpost_sum_solve(const uint64_t *terms, uint32_t count,
                                      uint64_t target,
                                      struct fpost_sum_scratch *scratch,
                                      uint64_t *subset);

#endif /* FPOST_MODEL_SUM_H */
