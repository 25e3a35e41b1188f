/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/sum.h"

#include <check.h>
#include <stdlib.h>

static struct fpost_sum_scratch scratch;

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static uint64_t sum_of(const uint64_t *terms, uint32_t count, uint64_t subset) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    sum = (subset >> i & 1) != 0 ? fpost_sum_add(sum, terms[i]) : sum;
  }
  return sum;
}

/* Every subset, one by one. */
static uint32_t count_subsets(const uint64_t *terms, uint32_t count,
                              uint64_t target, uint64_t *found) {
  uint32_t solutions = 0;
  for (uint64_t subset = 0; subset < UINT64_C(1) << count; subset++) {
    if (sum_of(terms, count, subset) == target) {
      *found = subset;
      solutions++;
    }
  }
  return solutions;
}

START_TEST(finds_what_trying_each_subset_finds) {
  uint64_t state = 88172645463325252u;
  for (int i = 0; i < 2000; i++) {
    uint64_t terms[13];
    uint32_t count = (uint32_t)(next(&state) % 13);
    /* Few bits, so that sums collide; shifted, so that low bits are 0. */
    uint64_t mask = i % 3 == 0 ? ~UINT64_C(0) : UINT64_C(0x0000000f0000000f);
    uint32_t shift = (uint32_t)(next(&state) % 29);
    for (uint32_t j = 0; j < count; j++) {
      uint64_t term = next(&state) & mask;
      terms[j] = (uint64_t)((uint32_t)(term >> 32) << shift) << 32 |
                 ((uint32_t)term << shift);
    }
    uint64_t target =
        i % 2 == 0 ? sum_of(terms, count, next(&state)) : next(&state) & mask;
    uint64_t expected = 0;
    uint64_t subset = 0;
    uint32_t solutions = count_subsets(terms, count, target, &expected);
    enum fpost_sum_result result =
        fpost_sum_solve(terms, count, target, &scratch, &subset);
    ck_assert_uint_eq(result, solutions < 2 ? solutions : 2);
    if (solutions == 1) {
      ck_assert_uint_eq(subset, expected);
    }
  }
}
END_TEST

START_TEST(finds_the_only_subset_among_many) {
  uint64_t state = 1;
  uint64_t terms[44];
  for (uint32_t i = 0; i < 44; i++) {
    terms[i] = next(&state);
  }
  uint64_t wanted = UINT64_C(0x5a5a5a5a5a5);
  uint64_t subset = 0;
  ck_assert_uint_eq(
      fpost_sum_solve(terms, 44, sum_of(terms, 44, wanted), &scratch, &subset),
      FPOST_SUM_ONE);
  ck_assert_uint_eq(subset, wanted);
  ck_assert_uint_eq(fpost_sum_solve(terms, 44, 12345, &scratch, &subset),
                    FPOST_SUM_NONE);
}
END_TEST

/* All left sums are in one residue, and all candidates too many at once. */
START_TEST(equal_terms_have_many_subsets) {
  uint64_t terms[40];
  for (uint32_t i = 0; i < 40; i++) {
    terms[i] = UINT64_C(0x100000001);
  }
  uint64_t subset = 0;
  ck_assert_uint_eq(
      fpost_sum_solve(terms, 40, UINT64_C(0x1400000014), &scratch, &subset),
      FPOST_SUM_MANY);
  ck_assert_uint_eq(
      fpost_sum_solve(terms, 40, UINT64_C(0x2800000028), &scratch, &subset),
      FPOST_SUM_ONE);
  ck_assert_uint_eq(subset, (UINT64_C(1) << 40) - 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sum");
  TCase *tcase = tcase_create("sum");
  tcase_add_test(tcase, finds_what_trying_each_subset_finds);
  tcase_add_test(tcase, finds_the_only_subset_among_many);
  tcase_add_test(tcase, equal_terms_have_many_subsets);
  tcase_set_timeout(tcase, 60);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
