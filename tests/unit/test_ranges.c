/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sets of ranges, against a table of bytes. */
#include "rt/model/ranges.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 256u
#define MAX 64u

static struct fpost_range items[MAX];
static struct fpost_ranges ranges;
static uint32_t truth[BYTES]; /* stack of each byte, 0: none */

static void setup(void) {
  memset(truth, 0, sizeof(truth));
  ranges = (struct fpost_ranges){.items = items, .max = MAX};
}

static void compare(void) {
  uint32_t wrong = 0; /* one assertion: each costs a system call */
  for (uint64_t at = 0; at < BYTES; at++) {
    const struct fpost_range *range = fpost_ranges_find(&ranges, at);
    wrong += (range != NULL ? range->stack : 0) != truth[at];
  }
  for (uint32_t i = 0; i < ranges.count; i++) {
    wrong += items[i].start >= items[i].end;
    wrong += i > 0 && items[i - 1].end > items[i].start;
  }
  ck_assert_uint_eq(wrong, 0);
}

static void gap_compare(uint64_t start, uint64_t end) {
  uint64_t gap = 0;
  uint64_t gap_end = 0;
  uint64_t first = start;
  while (first < end && truth[first] != 0) {
    first++;
  }
  ck_assert_int_eq(fpost_ranges_gap(&ranges, start, end, &gap, &gap_end),
                   first < end);
  if (first < end) {
    uint64_t last = first;
    while (last < end && truth[last] == 0) {
      last++;
    }
    ck_assert_uint_eq(gap, first);
    ck_assert_uint_eq(gap_end, last);
  }
}

START_TEST(random_against_bytes) {
  srandom(7);
  for (int step = 0; step < 20000; step++) {
    uint64_t start = (uint64_t)random() % BYTES;
    uint64_t end = start + (uint64_t)random() % 24;
    end = end < BYTES ? end : BYTES;
    uint32_t stack = 1 + (uint32_t)random() % 3;
    int what = (int)(random() % 64);
    if (what == 0) {
      fpost_ranges_clear(&ranges);
      memset(truth, 0, sizeof(truth));
    } else if (what < 24) {
      int err = fpost_ranges_remove(&ranges, start, end);
      ck_assert(err == FPOST_OK || ranges.count == MAX);
      for (uint64_t at = start; err == FPOST_OK && at < end; at++) {
        truth[at] = 0;
      }
    } else {
      int err =
          fpost_ranges_add(&ranges, (struct fpost_range){start, end, stack, 0});
      ck_assert_int_eq(err, FPOST_OK);
      for (uint64_t at = start; at < end; at++) {
        truth[at] = truth[at] != 0 ? truth[at] : stack;
      }
    }
    compare();
    gap_compare(start, end);
  }
}
END_TEST

START_TEST(neighbours_of_one_stack_are_one) {
  for (uint64_t at = 0; at < 100; at += 10) {
    ck_assert_int_eq(
        fpost_ranges_add(&ranges, (struct fpost_range){at, at + 10, 1, 0}),
        FPOST_OK);
  }
  ck_assert_uint_eq(ranges.count, 1);
}
END_TEST

START_TEST(full_is_an_error) {
  ranges.max = 2;
  ck_assert_int_eq(fpost_ranges_add(&ranges, (struct fpost_range){0, 4, 1, 0}),
                   FPOST_OK);
  ck_assert_int_eq(fpost_ranges_add(&ranges, (struct fpost_range){8, 20, 1, 0}),
                   FPOST_OK);
  ck_assert_int_eq(
      fpost_ranges_add(&ranges, (struct fpost_range){30, 31, 1, 0}),
      FPOST_ENOMEM);
  ck_assert_int_eq(fpost_ranges_remove(&ranges, 10, 12), FPOST_ENOMEM);
  ck_assert_ptr_nonnull(fpost_ranges_find(&ranges, 11));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("ranges");
  TCase *tests = tcase_create("ranges");
  tcase_add_checked_fixture(tests, setup, NULL);
  tcase_add_test(tests, random_against_bytes);
  tcase_add_test(tests, neighbours_of_one_stack_are_one);
  tcase_add_test(tests, full_is_an_error);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
