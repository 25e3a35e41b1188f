/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Crash states of one unit, by example; tests/fuzz/fuzz_crash.c compares with
 * all cuts of random units.
 */
#include "rt/model/crash.h"

#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 4096u
#define VALUES_MAX 4096u
#define WORD(i) (UINT64_C(0xff) << ((i)*8))

static struct fpost_unit unit;
static struct fpost_step steps[STEPS_MAX];
static struct fpost_known known;
static uint8_t values[VALUES_MAX][64];
static uint32_t count;

static void setup(void) {
  memset(&unit, 0, sizeof(unit));
  memset(steps, 0, sizeof(steps));
  memset(&known, 0, sizeof(known));
  unit.all = UINT64_MAX;
}

/* A store of value to each byte of a set. */
static void step(fpost_bytes written, uint8_t value, uint32_t whole) {
  struct fpost_step *one = &steps[unit.steps_count++];
  one->written = written;
  one->whole = whole;
  for (uint32_t i = 0; i < 64; i++) {
    one->content[i] = (written >> i & 1) != 0 ? value : 0;
  }
  unit.touched |= written;
}

static int read_max(fpost_bytes bytes, uint32_t max) {
  return fpost_unit_values(&unit, steps, &known, bytes, values, max, &count);
}

static void read_all(fpost_bytes bytes, uint32_t wanted) {
  ck_assert_int_eq(read_max(bytes, VALUES_MAX), FPOST_OK);
  ck_assert_uint_eq(count, wanted);
}

/* The read of bytes had the value at index. */
static void decide(fpost_bytes bytes, uint32_t index) {
  ck_assert_uint_lt(index, count);
  known.fixed |= bytes;
  for (uint32_t i = 0; i < 64; i++) {
    if ((bytes >> i & 1) != 0) {
      known.content[i] = values[index][i];
    }
  }
}

START_TEST(unit_without_choice_has_one_value) {
  step(WORD(0), 0, 0);
  ck_assert_uint_eq(fpost_unit_cuts(&unit, steps), 2);
  read_all(WORD(0), 1);
  read_all(WORD(5), 1);
}
END_TEST

START_TEST(unit_without_steps_is_its_base) {
  memset(unit.base, 4, sizeof(unit.base));
  ck_assert_uint_eq(fpost_unit_cuts(&unit, steps), 1);
  read_all(WORD(3), 1);
  ck_assert_uint_eq(values[0][24], 4);
  ck_assert_uint_eq(fpost_unit_last_cut(&unit, steps, &known), 0);
}
END_TEST

START_TEST(cuts_are_numbered_by_step_and_pieces) {
  step(WORD(0), 1, 0);
  step(WORD(1) | WORD(3), 2, 0);
  step(UINT64_MAX, 3, 1);
  ck_assert_uint_eq(fpost_unit_cuts(&unit, steps), 1 + 1 + 3 + 1);
  static const uint8_t wanted[6][4] = {{0, 0, 0, 0}, {1, 0, 0, 0},
                                       {1, 2, 0, 0}, {1, 0, 0, 2},
                                       {1, 2, 0, 2}, {3, 3, 3, 3}};
  for (uint64_t cut = 0; cut < 6; cut++) {
    uint8_t out[64];
    fpost_unit_at(&unit, steps, cut, out);
    for (uint32_t w = 0; w < 4; w++) {
      ck_assert_uint_eq(out[w * 8], wanted[cut][w]);
      ck_assert_uint_eq(out[w * 8 + 7], wanted[cut][w]);
    }
  }
}
END_TEST

START_TEST(cut_of_a_word_leaves_the_rest_of_the_line_alone) {
  unit.all = WORD(2);
  step(WORD(2), 9, 0);
  uint8_t out[64];
  memset(out, 0x55, sizeof(out));
  fpost_unit_at(&unit, steps, 1, out);
  for (uint32_t i = 0; i < 64; i++) {
    ck_assert_uint_eq(out[i], i / 8 == 2 ? 9 : 0x55);
  }
}
END_TEST

START_TEST(read_of_one_word_of_a_wide_store_has_two_values) {
  step(UINT64_MAX, 1, 0);
  for (uint32_t w = 0; w < 8; w++) {
    read_all(WORD(w), 2);
  }
  read_all(WORD(2) | WORD(6), 4);
  read_all(UINT64_MAX, 256);
}
END_TEST

START_TEST(many_wide_stores_cost_their_number_and_not_their_subsets) {
  for (uint32_t i = 0; i < STEPS_MAX - 1; i++) {
    step(UINT64_MAX, (uint8_t)(i % 2 + 1), 0);
  }
  ck_assert_uint_eq(fpost_unit_cuts(&unit, steps),
                    1 + UINT64_C(255) * (STEPS_MAX - 1));
  read_all(WORD(4), 3);
  decide(WORD(4), 2);
  read_all(WORD(0), 2);
  ck_assert_uint_eq(fpost_unit_first_cut(&unit, steps, &known), 255 + 16);
}
END_TEST

START_TEST(movdir64b_is_all_or_nothing) {
  step(UINT64_MAX, 1, 1);
  read_all(UINT64_MAX, 2);
  read_all(WORD(1), 2);
  decide(WORD(1), 1);
  read_all(WORD(7), 1);
  ck_assert_uint_eq(values[0][63], 1);
}
END_TEST

START_TEST(later_store_that_was_read_implies_the_earlier) {
  step(WORD(0), 1, 0);
  step(WORD(1), 1, 0);
  read_all(WORD(1), 2);
  decide(WORD(1), 1);
  read_all(WORD(0), 1);
  ck_assert_uint_eq(values[0][0], 1);
  ck_assert_uint_eq(fpost_unit_first_cut(&unit, steps, &known), 2);
}
END_TEST

START_TEST(earlier_store_that_was_not_there_excludes_the_later) {
  step(WORD(0), 1, 0);
  step(WORD(1), 1, 0);
  read_all(WORD(0), 2);
  decide(WORD(0), 0);
  read_all(WORD(1), 1);
  ck_assert_uint_eq(values[0][8], 0);
  ck_assert_uint_eq(fpost_unit_last_cut(&unit, steps, &known), 0);
}
END_TEST

START_TEST(value_that_comes_back_leaves_both_cuts_open) {
  step(WORD(0), 1, 0);
  step(WORD(0), 2, 0);
  step(WORD(0), 1, 0);
  step(WORD(1), 7, 0);
  read_all(WORD(0), 3);
  decide(WORD(0), 1);
  ck_assert_uint_eq(known.content[0], 1);
  ck_assert_uint_eq(fpost_unit_first_cut(&unit, steps, &known), 1);
  ck_assert_uint_eq(fpost_unit_last_cut(&unit, steps, &known), 4);
  read_all(WORD(1), 2);
}
END_TEST

START_TEST(parts_of_a_word_go_together) {
  step(UINT64_C(0x0f), 1, 0);
  step(UINT64_C(0x3c), 2, 0);
  read_all(UINT64_C(0xff), 3);
  read_all(UINT64_C(0x03), 2);
  decide(UINT64_C(0x03), 1);
  read_all(UINT64_C(0x30), 2);
  decide(UINT64_C(0x30), 1);
  read_all(UINT64_C(0x0c), 1);
  ck_assert_uint_eq(values[0][2], 2);
}
END_TEST

START_TEST(bytes_that_were_not_asked_for_are_zero) {
  memset(unit.base, 3, sizeof(unit.base));
  unit.all = WORD(1);
  step(WORD(1), 1, 0);
  read_all(WORD(0) | UINT64_C(0xff00), 2);
  for (uint32_t i = 0; i < 64; i++) {
    ck_assert_uint_eq(values[0][i], i / 8 == 1 ? 3 : 0);
    ck_assert_uint_eq(values[1][i], i / 8 == 1 ? 1 : 0);
  }
}
END_TEST

START_TEST(no_room_for_the_values_is_an_error) {
  step(UINT64_MAX, 1, 0);
  for (uint32_t max = 0; max < 4; max++) {
    ck_assert_int_eq(read_max(WORD(0) | WORD(1), max), FPOST_ENOMEM);
    ck_assert_uint_eq(count, max);
  }
  ck_assert_int_eq(read_max(WORD(0) | WORD(1), 4), FPOST_OK);
}
END_TEST

START_TEST(steps_begin_where_the_unit_says) {
  unit.steps_count = 5;
  step(WORD(0), 8, 0);
  step(WORD(0), 9, 0);
  unit.steps_first = 6;
  unit.steps_count = 1;
  read_all(WORD(0), 2);
  ck_assert_uint_eq(values[1][0], 9);
}
END_TEST

START_TEST(cut_past_the_last_is_refused) {
  uint8_t out[64] = {0};
  step(WORD(0), 1, 0);
  fpost_unit_at(&unit, steps, 2, out);
}
END_TEST

START_TEST(knowledge_that_no_cut_explains_is_refused) {
  step(WORD(0), 1, 0);
  known.fixed = 1;
  known.content[0] = 2;
  (void)fpost_unit_first_cut(&unit, steps, &known);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("crash");
  TCase *cases = tcase_create("crash");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_add_test(cases, unit_without_choice_has_one_value);
  tcase_add_test(cases, unit_without_steps_is_its_base);
  tcase_add_test(cases, cuts_are_numbered_by_step_and_pieces);
  tcase_add_test(cases, cut_of_a_word_leaves_the_rest_of_the_line_alone);
  tcase_add_test(cases, read_of_one_word_of_a_wide_store_has_two_values);
  tcase_add_test(cases,
                 many_wide_stores_cost_their_number_and_not_their_subsets);
  tcase_add_test(cases, movdir64b_is_all_or_nothing);
  tcase_add_test(cases, later_store_that_was_read_implies_the_earlier);
  tcase_add_test(cases, earlier_store_that_was_not_there_excludes_the_later);
  tcase_add_test(cases, value_that_comes_back_leaves_both_cuts_open);
  tcase_add_test(cases, parts_of_a_word_go_together);
  tcase_add_test(cases, bytes_that_were_not_asked_for_are_zero);
  tcase_add_test(cases, no_room_for_the_values_is_an_error);
  tcase_add_test(cases, steps_begin_where_the_unit_says);
  tcase_add_test_raise_signal(cases, cut_past_the_last_is_refused, SIGABRT);
  tcase_add_test_raise_signal(cases, knowledge_that_no_cut_explains_is_refused,
                              SIGABRT);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
