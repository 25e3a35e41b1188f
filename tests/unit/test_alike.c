/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/alike.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A record of torn words, all old or new, read one by one by a recovery that
   fails for all contents but one. */
#define UNITS 24u
#define CHOICES_MAX 64u

static uint8_t values[FPOST_CHOICE_VALUES_MAX][64];
static struct fpost_unit units[UNITS];
static struct fpost_step steps[UNITS];
static struct fpost_choice choices[CHOICES_MAX];

static void setup(void) {
  for (uint32_t i = 0; i < UNITS; i++) {
    units[i] = (struct fpost_unit){.address = i * 64,
                                   .steps_first = i,
                                   .steps_count = 1,
                                   .all = ~UINT64_C(0),
                                   .touched = 0xff};
    steps[i] = (struct fpost_step){.store = i + 1, .written = 0xff};
    steps[i].content[0] = 1;
  }
}

/* Read the units in order; returns how many were new. */
static uint32_t run(struct fpost_choice_list *list, uint32_t count) {
  struct fpost_lazy lazies[UNITS] = {0};
  uint32_t new = 0;
  for (uint32_t i = 0; i < list->count; i++) {
    fpost_choice_apply(&choices[i], &lazies[choices[i].unit]);
  }
  for (uint32_t i = 0; i < count; i++) {
    fpost_bytes fresh = 0;
    ck_assert_int_eq(fpost_choice_read(&units[i], steps, i, &lazies[i], 0xff,
                                       FPOST_CHOICE_FIRST, 0, list, values,
                                       &fresh),
                     FPOST_OK);
    new += lazies[i].known.content[0];
  }
  return new;
}

struct walked {
  uint32_t runs, failed, good;
};

/* Walk over `count` units; with good_from of them new recovery does well, with
   an odd number as well if `odd`. */
static struct walked walk(struct fpost_alikes *alikes, uint32_t count,
                          uint32_t fixed, uint32_t most, bool odd) {
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  struct walked walked = {0};
  uint32_t varied = UINT32_MAX;
  bool more = true;
  if (fixed != 0) {
    (void)run(&list, fixed);
  }
  while (more) {
    uint32_t new = run(&list, count);
    bool good = new == count - fixed || (odd && new % 2 != 0);
    walked.runs++;
    walked.good += good;
    walked.failed += !good;
    ck_assert_uint_lt(walked.runs, 100000);
    fpost_alike_varied(alikes, varied);
    more = (!good &&
            fpost_alike_ended(alikes, 1, most, &list, units, steps, values)) ||
           fpost_choice_next(&list, fixed, units, steps, values);
    varied = list.varied;
  }
  return walked;
}

START_TEST(few_failures_are_all_run) {
  struct fpost_alikes alikes = {0};
  struct walked walked = walk(&alikes, 8, 0, 256, false);
  ck_assert_uint_eq(walked.runs, 256);
  ck_assert_uint_eq(walked.good, 1);
  ck_assert_uint_eq(alikes.stopped, 0);
}
END_TEST

START_TEST(many_failures_are_cut_short_and_the_whole_is_reached) {
  struct fpost_alikes alikes = {0};
  struct walked walked = walk(&alikes, UNITS, 0, 256, false);
  ck_assert_uint_eq(walked.good, 1);
  ck_assert_uint_ge(walked.failed, 256);
  ck_assert_uint_le(walked.failed, 256 + 3 * UNITS);
  ck_assert_uint_ne(alikes.stopped, 0);
}
END_TEST

START_TEST(runs_in_between_that_do_well_change_nothing) {
  struct fpost_alikes alikes = {0};
  struct walked walked = walk(&alikes, UNITS, 0, 64, true);
  ck_assert_uint_le(walked.runs, 3 * 64 + 6 * UNITS);
  ck_assert_uint_ne(alikes.stopped, 0);
}
END_TEST

START_TEST(what_is_fixed_is_left_alone) {
  struct fpost_alikes alikes = {0};
  struct walked walked = walk(&alikes, UNITS, 3, 4, false);
  ck_assert_uint_eq(walked.good, 1);
  ck_assert_uint_le(walked.failed, 4 + 3 * UNITS);
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert_uint_eq(choices[i].value[0], 0);
  }
}
END_TEST

/* Two ways to fail, by the first word: each is counted by itself. */
START_TEST(other_outcomes_are_other_failures) {
  struct fpost_alikes alikes = {0};
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  (void)run(&list, 4);
  for (uint64_t outcome = 0; outcome < 3; outcome++) {
    for (uint32_t i = 0; i < 2; i++) {
      fpost_alike_varied(&alikes, 1);
      ck_assert(
          !fpost_alike_ended(&alikes, outcome, 3, &list, units, steps, values));
    }
  }
  fpost_alike_varied(&alikes, 2);
  ck_assert(fpost_alike_ended(&alikes, 2, 3, &list, units, steps, values));
  ck_assert_uint_eq(list.varied, 1);
  ck_assert_uint_eq(list.count, 4);
  ck_assert_uint_eq(choices[0].value[0], 0);
  for (uint32_t i = 1; i < 4; i++) {
    ck_assert_uint_eq(choices[i].value[0], 1);
    ck_assert_uint_eq(choices[i].alternative, 1);
  }
  /* There is nothing left to leave out. */
  ck_assert(!fpost_alike_ended(&alikes, 2, 3, &list, units, steps, values));
}
END_TEST

START_TEST(only_so_many_failures_are_told_apart) {
  struct fpost_alikes alikes = {0};
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  (void)run(&list, 2);
  for (uint32_t round = 0; round < 3; round++) {
    for (uint64_t outcome = 0; outcome <= FPOST_ALIKE_MAX; outcome++) {
      fpost_alike_varied(&alikes, 0);
      ck_assert(
          !fpost_alike_ended(&alikes, outcome, 4, &list, units, steps, values));
    }
  }
  ck_assert_uint_eq(alikes.used, FPOST_ALIKE_MAX);
  ck_assert(!fpost_alike_ended(&alikes, FPOST_ALIKE_MAX, 4, &list, units, steps,
                               values));
  ck_assert(fpost_alike_ended(&alikes, 0, 4, &list, units, steps, values));
}
END_TEST

/* The last value of a word of a joint test is only that. */
START_TEST(joint_tests_are_left_out_as_well) {
  struct fpost_alikes alikes = {0};
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  (void)run(&list, 2);
  choices[1].joint = 1;
  fpost_alike_varied(&alikes, 0);
  (void)fpost_alike_ended(&alikes, 1, 9, &list, units, steps, values);
  fpost_alike_varied(&alikes, 0);
  ck_assert(fpost_alike_ended(&alikes, 1, 2, &list, units, steps, values));
  ck_assert_uint_eq(choices[1].joint, 0);
  ck_assert_uint_eq(choices[1].value[0], 1);
}
END_TEST

/* Reads of one line: the last value is what the earlier last value leaves. */
START_TEST(last_values_agree_with_each_other) {
  struct fpost_alikes alikes = {0};
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  steps[0] = (struct fpost_step){.store = 1, .written = 0xff, .content = {1}};
  steps[1] = (struct fpost_step){
      .store = 2, .written = 0xffff, .content = {2, [8] = 2}};
  units[0].steps_count = 2;
  units[0].touched = 0xffff;
  ck_assert_int_eq(fpost_choice_read(&units[0], steps, 0, &lazy, 0xff,
                                     FPOST_CHOICE_FIRST, 0, &list, values,
                                     &fresh),
                   FPOST_OK);
  /* Of the old word there is one value; after a newer one there are two. */
  list.choices[list.count++] =
      (struct fpost_choice){.count = 1, .read = UINT64_C(0xff) << 8};
  fpost_alike_varied(&alikes, 0);
  ck_assert(!fpost_alike_ended(&alikes, 1, 2, &list, units, steps, values));
  fpost_alike_varied(&alikes, 0);
  ck_assert(fpost_alike_ended(&alikes, 1, 2, &list, units, steps, values));
  ck_assert_uint_eq(choices[0].value[0], 2);
  ck_assert_uint_eq(choices[1].value[8], 2);
  ck_assert_uint_eq(choices[1].count, 2);
  ck_assert_uint_eq(choices[1].alternative, 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("alike");
  TCase *tcase = tcase_create("alike");
  tcase_add_checked_fixture(tcase, setup, NULL);
  tcase_add_test(tcase, few_failures_are_all_run);
  tcase_add_test(tcase, many_failures_are_cut_short_and_the_whole_is_reached);
  tcase_add_test(tcase, runs_in_between_that_do_well_change_nothing);
  tcase_add_test(tcase, what_is_fixed_is_left_alone);
  tcase_add_test(tcase, other_outcomes_are_other_failures);
  tcase_add_test(tcase, only_so_many_failures_are_told_apart);
  tcase_add_test(tcase, joint_tests_are_left_out_as_well);
  tcase_add_test(tcase, last_values_agree_with_each_other);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
