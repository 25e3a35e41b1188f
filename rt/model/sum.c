/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * For each residue r: the sums of the first two lists that are r modulo a power
 * of two (left), and those of the other two that are target - r (right). The
 * left ones set bits of a filter; the right ones that the filter lets through,
 * the candidates, are few, and the left ones are gone through once more to see
 * which of them is there exactly. All loops run over short ranges in the
 * caches: a sum takes about a nanosecond.
 */
#include "rt/model/sum.h"

#include "rt/base/assert.h"

/* Sums of one list in a residue, on average: 2^2. */
#define RESIDUE_LOG2 2u

struct solver {
  struct fpost_sum_scratch *scratch;
  uint32_t offsets[4]; /* index of each list's first term */
  uint32_t sizes[4];   /* sums of each list */
  uint32_t residues;   /* how many there are, less 1 */
  uint32_t shift;      /* bits that no term has below the residue */
  uint64_t target;
  uint32_t candidates;
  uint32_t found;
  uint64_t subset;
};

/*
 * A number that adds up as the sums do; taken modulo a power of two, it
 * separates them into classes.
 */
static uint32_t mixed(uint64_t sum) {
  return (uint32_t)sum * 0x9e3779b1u + (uint32_t)(sum >> 32) * 0x85ebca77u;
}

static uint32_t residue(const struct solver *solver, uint64_t sum) {
  return mixed(sum) >> solver->shift & solver->residues;
}

static uint64_t hash_of(uint64_t sum) {
  return sum * UINT64_C(0x9e3779b97f4a7c15);
}

static void list_fill(uint64_t *list, const uint64_t *terms, uint32_t count) {
  list[0] = 0;
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t j = 0; j < 1u << i; j++) {
      list[(1u << i) + j] = fpost_sum_add(list[j], terms[i]);
    }
  }
}

static void list_order(const struct solver *solver, const uint64_t *sums,
                       uint32_t size, struct fpost_sum_list *list) {
  for (uint32_t i = 0; i <= solver->residues + 1; i++) {
    list->starts[i] = 0;
  }
  for (uint32_t i = 0; i < size; i++) {
    list->starts[residue(solver, sums[i]) + 1]++;
  }
  for (uint32_t i = 0; i <= solver->residues; i++) {
    list->starts[i + 1] += list->starts[i];
  }
  for (uint32_t i = size; i-- > 0;) {
    /* Filled from the front of each range; put back below. */
    uint32_t at = list->starts[residue(solver, sums[i])]++;
    list->sums[at] = sums[i];
    list->subsets[at] = (uint16_t)i;
  }
  for (uint32_t i = solver->residues + 1; i > 0; i--) {
    list->starts[i] = list->starts[i - 1];
  }
  list->starts[0] = 0;
}

/* The range of the list that makes up, with sum, a class of residues. */
struct range {
  uint32_t first, end;
};

static struct range range_of(const struct solver *solver,
                             const struct fpost_sum_list *list, uint64_t sum,
                             uint32_t class_) {
  uint32_t other = (class_ - residue(solver, sum)) & solver->residues;
  return (struct range){list->starts[other], list->starts[other + 1]};
}

static void clear(uint64_t *bits, uint32_t count) {
  for (uint32_t i = 0; i < count / 64; i++) {
    bits[i] = 0;
  }
}

static void left_filter(struct solver *solver, uint32_t class_) {
  struct fpost_sum_scratch *scratch = solver->scratch;
  for (uint32_t i = 0; i < solver->sizes[0]; i++) {
    uint64_t first = scratch->firsts[i];
    struct range range = range_of(solver, &scratch->second, first, class_);
    for (uint32_t j = range.first; j < range.end; j++) {
      uint64_t hash = hash_of(fpost_sum_add(first, scratch->second.sums[j]));
      uint32_t bit = (uint32_t)(hash >> 44);
      scratch->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
  }
}

static void candidate_check(struct solver *solver, uint64_t sum, uint32_t first,
                            uint32_t second) {
  const struct fpost_sum_scratch *scratch = solver->scratch;
  uint32_t slot = (uint32_t)(hash_of(sum) >> 40) % FPOST_SUM_CANDIDATES;
  for (uint32_t i = scratch->slots[slot]; i != 0;
       i = scratch->candidates[i - 1].next) {
    const struct fpost_sum_candidate *candidate = &scratch->candidates[i - 1];
    if (candidate->wanted == sum) {
      solver->found++;
      solver->subset = (uint64_t)first << solver->offsets[0] |
                       (uint64_t)second << solver->offsets[1] |
                       (uint64_t)candidate->third << solver->offsets[2] |
                       (uint64_t)candidate->fourth << solver->offsets[3];
    }
  }
}

/* Which of the candidates have a left sum? Then there are none any more. */
static void left_again(struct solver *solver, uint32_t class_) {
  struct fpost_sum_scratch *scratch = solver->scratch;
  if (solver->candidates == 0) {
    return;
  }
  clear(scratch->small, FPOST_SUM_FILTER_SMALL);
  for (uint32_t i = 0; i < FPOST_SUM_CANDIDATES; i++) {
    scratch->slots[i] = 0;
  }
  for (uint32_t i = 0; i < solver->candidates; i++) {
    struct fpost_sum_candidate *candidate = &scratch->candidates[i];
    uint64_t hash = hash_of(candidate->wanted);
    uint32_t slot = (uint32_t)(hash >> 40) % FPOST_SUM_CANDIDATES;
    uint32_t bit = (uint32_t)(hash >> 47);
    candidate->next = scratch->slots[slot];
    scratch->slots[slot] = i + 1;
    scratch->small[bit / 64] |= UINT64_C(1) << (bit % 64);
  }
  for (uint32_t i = 0; i < solver->sizes[0] && solver->found < 2; i++) {
    uint64_t first = scratch->firsts[i];
    struct range range = range_of(solver, &scratch->second, first, class_);
    for (uint32_t j = range.first; j < range.end; j++) {
      uint64_t sum = fpost_sum_add(first, scratch->second.sums[j]);
      uint32_t bit = (uint32_t)(hash_of(sum) >> 47);
      if ((scratch->small[bit / 64] >> (bit % 64) & 1) != 0) {
        candidate_check(solver, sum, i, scratch->second.subsets[j]);
      }
    }
  }
  solver->candidates = 0;
}

static void right_filter(struct solver *solver, uint32_t class_,
                         uint32_t left) {
  struct fpost_sum_scratch *scratch = solver->scratch;
  for (uint32_t i = 0; i < solver->sizes[2] && solver->found < 2; i++) {
    uint64_t rest =
        fpost_sum_add(solver->target, fpost_sum_negate(scratch->thirds[i]));
    struct range range =
        range_of(solver, &scratch->fourth, scratch->thirds[i], class_);
    for (uint32_t j = range.first; j < range.end; j++) {
      uint64_t wanted =
          fpost_sum_add(rest, fpost_sum_negate(scratch->fourth.sums[j]));
      uint32_t bit = (uint32_t)(hash_of(wanted) >> 44);
      if ((scratch->filter[bit / 64] >> (bit % 64) & 1) == 0) {
        continue;
      }
      if (solver->candidates == FPOST_SUM_CANDIDATES) {
        left_again(solver, left);
      }
      scratch->candidates[solver->candidates++] = (struct fpost_sum_candidate){
          wanted, 0, (uint16_t)i, scratch->fourth.subsets[j]};
    }
  }
}

/* The low bits that all terms have 0 in their mixed form. */
static uint32_t common_shift(const uint64_t *terms, uint32_t count) {
  uint32_t any = 0;
  for (uint32_t i = 0; i < count; i++) {
    any |= mixed(terms[i]);
  }
  return any == 0 ? 31 : (uint32_t)__builtin_ctz(any);
}

static void lists_make(struct solver *solver, const uint64_t *terms,
                       uint32_t count) {
  struct fpost_sum_scratch *scratch = solver->scratch;
  /* One after the other: two of them are only put in order. */
  uint64_t *sums[4] = {scratch->firsts, scratch->thirds, scratch->thirds,
                       scratch->firsts};
  uint32_t at = count;
  uint32_t least = count / 4;
  uint32_t log2 = least > RESIDUE_LOG2 ? least - RESIDUE_LOG2 : 0;
  log2 = log2 + solver->shift > 32 ? 32 - solver->shift : log2;
  solver->residues = (1u << log2) - 1;
  static const uint32_t order[4] = {3, 1, 2, 0};
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t which = order[i];
    uint32_t own = at / (4 - i);
    at -= own;
    solver->offsets[which] = at;
    solver->sizes[which] = 1u << own;
    list_fill(sums[which], terms + at, own);
    if (which % 2 != 0) {
      list_order(solver, sums[which], solver->sizes[which],
                 which == 1 ? &scratch->second : &scratch->fourth);
    }
  }
}

enum fpost_sum_result fpost_sum_solve(const uint64_t *terms, uint32_t count,
                                      uint64_t target,
                                      struct fpost_sum_scratch *scratch,
                                      uint64_t *subset) {
  FPOST_ASSERT(count <= FPOST_SUM_TERMS_MAX);
  struct solver solver = {.scratch = scratch,
                          .target = target,
                          .shift = common_shift(terms, count)};
  if ((mixed(target) & ((1u << solver.shift) - 1)) != 0) {
    return FPOST_SUM_NONE;
  }
  lists_make(&solver, terms, count);
  uint32_t whole = residue(&solver, target);
  for (uint32_t i = 0; i <= solver.residues && solver.found < 2; i++) {
    clear(scratch->filter, FPOST_SUM_FILTER);
    left_filter(&solver, i);
    right_filter(&solver, whole - i, i);
    left_again(&solver, i);
  }
  *subset = solver.subset;
  return solver.found == 0   ? FPOST_SUM_NONE
         : solver.found == 1 ? FPOST_SUM_ONE
                             : FPOST_SUM_MANY;
}
