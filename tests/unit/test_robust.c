/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Each test is a few stores of one or two threads, every store to a line of its
 * own unless said otherwise, and what recovery has seen of them.
 */
#include "rt/model/robust.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 4u
#define STEPS_MAX 8u

struct scene {
  struct fpost_unit units[UNITS_MAX];
  struct fpost_step steps[STEPS_MAX];
  uint32_t threads[STEPS_MAX];
  struct fpost_robust_unit robust[UNITS_MAX];
  struct fpost_robust_thread thread[2];
  uint32_t positions[UNITS_MAX];
  uint32_t units_count;
  uint32_t steps_count;
  struct fpost_robust_pair pair;
};

static struct scene scene;

static void setup(void) {
  memset(&scene, 0, sizeof(scene));
}

static uint32_t unit_begin(void) {
  uint32_t index = scene.units_count++;
  scene.units[index] = (struct fpost_unit){.address = index * 64u,
                                           .steps_first = scene.steps_count,
                                           .all = ~UINT64_C(0)};
  scene.robust[index] = (struct fpost_robust_unit){.unit = &scene.units[index],
                                                   .steps = scene.steps,
                                                   .threads = scene.threads};
  return index;
}

/* Store number `store` of thread: value to words [word, word + words). */
static void store(uint32_t unit, uint32_t thread, uint64_t number,
                  uint32_t word, uint32_t words, uint8_t value) {
  struct fpost_step *step = &scene.steps[scene.steps_count];
  scene.threads[scene.steps_count++] = thread;
  step->store = number;
  for (uint32_t i = word * 8; i < (word + words) * 8; i++) {
    step->written |= UINT64_C(1) << i;
    step->content[i] = value;
  }
  scene.units[unit].steps_count++;
  scene.units[unit].touched |= step->written;
}

static void seen(uint32_t unit, uint32_t word, uint8_t value) {
  struct fpost_known *known = &scene.robust[unit].known;
  for (uint32_t i = word * 8; i < word * 8 + 8; i++) {
    known->fixed |= UINT64_C(1) << i;
    known->content[i] = value;
  }
}

static enum fpost_robust_result check(void) {
  return fpost_robust_check(scene.robust, scene.units_count, scene.thread, 2,
                            scene.positions, &scene.pair);
}

/* x = 1; y = 1, in that order, and what recovery saw of both. */
static enum fpost_robust_result two_stores(uint8_t x_seen, uint8_t y_seen) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 1, 1);
  uint32_t y = unit_begin();
  store(y, 0, 11, 0, 1, 1);
  seen(x, 0, x_seen);
  seen(y, 0, y_seen);
  return check();
}

START_TEST(second_without_first_is_not_robust) {
  ck_assert_int_eq(two_stores(0, 1), FPOST_NOT_ROBUST);
  ck_assert_uint_eq(scene.pair.first, 10);
  ck_assert_uint_eq(scene.pair.second, 11);
  ck_assert_uint_eq(scene.pair.thread, 0);
}
END_TEST

START_TEST(first_without_second_is_robust) {
  ck_assert_int_eq(two_stores(1, 0), FPOST_ROBUST);
}
END_TEST

START_TEST(both_and_neither_are_robust) {
  ck_assert_int_eq(two_stores(1, 1), FPOST_ROBUST);
  setup();
  ck_assert_int_eq(two_stores(0, 0), FPOST_ROBUST);
}
END_TEST

START_TEST(stores_of_two_threads_have_no_order) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 1, 1);
  uint32_t y = unit_begin();
  store(y, 1, 11, 0, 1, 1);
  seen(x, 0, 0);
  seen(y, 0, 1);
  ck_assert_int_eq(check(), FPOST_ROBUST);
}
END_TEST

START_TEST(guaranteed_store_that_was_read_bounds_the_cut) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 1, 1);
  seen(x, 0, 0);
  ck_assert_int_eq(check(), FPOST_ROBUST);
  scene.thread[0].seen = 1 + 12;
  ck_assert_int_eq(check(), FPOST_NOT_ROBUST);
  ck_assert_uint_eq(scene.pair.first, 10);
  ck_assert_uint_eq(scene.pair.second, 12);
}
END_TEST

START_TEST(value_that_comes_back_is_explained_by_either_store) {
  uint32_t x = unit_begin(); /* x = 1; y = 1; x = 0 */
  store(x, 0, 10, 0, 1, 1);
  store(x, 0, 12, 0, 1, 0);
  uint32_t y = unit_begin();
  store(y, 0, 11, 0, 1, 1);
  seen(x, 0, 0);
  seen(y, 0, 1);
  ck_assert_int_eq(check(), FPOST_ROBUST);
}
END_TEST

START_TEST(wide_store_in_part_is_robust_by_itself) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 4, 7);
  seen(x, 0, 0);
  seen(x, 2, 7);
  ck_assert_int_eq(check(), FPOST_ROBUST);
}
END_TEST

START_TEST(wide_store_in_part_before_a_seen_store_is_not_robust) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 4, 7);
  seen(x, 0, 0);
  seen(x, 2, 7);
  uint32_t y = unit_begin();
  store(y, 0, 11, 0, 1, 1);
  seen(y, 0, 1);
  ck_assert_int_eq(check(), FPOST_NOT_ROBUST);
  ck_assert_uint_eq(scene.pair.first, 10);
  ck_assert_uint_eq(scene.pair.second, 11);
}
END_TEST

START_TEST(what_was_not_read_is_not_held_against_the_run) {
  uint32_t x = unit_begin();
  store(x, 0, 10, 0, 1, 1);
  uint32_t y = unit_begin();
  store(y, 0, 11, 0, 1, 1);
  seen(y, 0, 1);
  ck_assert_int_eq(check(), FPOST_ROBUST);
}
END_TEST

START_TEST(line_of_two_threads_binds_both_cuts) {
  uint32_t x = unit_begin(); /* t0: x = 1, then t1: x = 2; t1 before: y = 1 */
  store(x, 0, 10, 0, 1, 1);
  store(x, 1, 11, 0, 1, 2);
  uint32_t y = unit_begin();
  store(y, 1, 9, 0, 1, 1);
  seen(x, 0, 2);
  seen(y, 0, 0);
  ck_assert_int_eq(check(), FPOST_NOT_ROBUST);
  ck_assert_uint_eq(scene.pair.thread, 1);
  ck_assert_uint_eq(scene.pair.first, 9);
  ck_assert_uint_eq(scene.pair.second, 11);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("robust");
  TCase *cases = tcase_create("robust");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_add_test(cases, second_without_first_is_not_robust);
  tcase_add_test(cases, first_without_second_is_robust);
  tcase_add_test(cases, both_and_neither_are_robust);
  tcase_add_test(cases, stores_of_two_threads_have_no_order);
  tcase_add_test(cases, guaranteed_store_that_was_read_bounds_the_cut);
  tcase_add_test(cases, value_that_comes_back_is_explained_by_either_store);
  tcase_add_test(cases, wide_store_in_part_is_robust_by_itself);
  tcase_add_test(cases, wide_store_in_part_before_a_seen_store_is_not_robust);
  tcase_add_test(cases, what_was_not_read_is_not_held_against_the_run);
  tcase_add_test(cases, line_of_two_threads_binds_both_cuts);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
