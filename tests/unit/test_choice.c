/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the lazy walk's random test (tests/fuzz/fuzz_lazy.c) cannot see: joint
 * tests, lists that are full, rules other than the first, and what a prefix
 * leaves to be put into memory.
 */
#include "rt/model/choice.h"

#include <check.h>
#include <stdlib.h>

#define WORDS 4u
#define WORD(i) (UINT64_C(0xff) << (8 * (i)))
#define MANY 1300u

static uint8_t values[FPOST_CHOICE_VALUES_MAX][64];
static struct fpost_step steps[MANY];
static struct fpost_choice choices[8];
static struct fpost_joint tests[2];
static struct fpost_choice facts[8];

/* A line whose first words are stored to by one store. */
static struct fpost_unit unit;

static struct fpost_choice_list list_of(uint32_t max) {
  return (struct fpost_choice_list){
      .choices = choices, .max = max, .joints = {tests, facts}};
}

static void setup(void) {
  unit = (struct fpost_unit){.steps_count = 1,
                             .all = ~UINT64_C(0),
                             .touched = (UINT64_C(1) << (8 * WORDS)) - 1};
  steps[0] = (struct fpost_step){.store = 1, .written = unit.touched};
  for (uint32_t i = 0; i < WORDS; i++) {
    steps[0].content[8 * i] = 1;
  }
}

static int read_bytes(struct fpost_lazy *lazy, fpost_bytes bytes,
                      enum fpost_choice_rule rule,
                      struct fpost_choice_list *list, fpost_bytes *fresh) {
  return fpost_choice_read(&unit, steps, 0, lazy, bytes, rule, 7, list, values,
                           fresh);
}

static bool next(struct fpost_choice_list *list, uint32_t fixed) {
  return fpost_choice_next(list, fixed, &unit, steps, values);
}

/* ---- reading ---- */

START_TEST(what_is_in_memory_is_put_there_once) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  struct fpost_choice choice = {.count = 1, .read = WORD(0) | WORD(1)};
  fpost_choice_apply(&choice, &lazy);
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0), FPOST_CHOICE_FIRST, &list, &fresh), FPOST_OK);
  ck_assert_uint_eq(fresh & WORD(0), WORD(0));
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0) | WORD(1), FPOST_CHOICE_FIRST, &list, &fresh),
      FPOST_OK);
  ck_assert_uint_eq(fresh & WORD(0), 0);
  ck_assert_uint_eq(fpost_choice_open(&unit, &lazy), WORD(2) | WORD(3));
  ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(a_store_takes_the_place_of_what_the_prefix_says) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  struct fpost_choice choice = {.count = 1, .read = WORD(0) | WORD(1)};
  fpost_choice_apply(&choice, &lazy);
  fpost_choice_store(&lazy, WORD(0));
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0) | WORD(1), FPOST_CHOICE_FIRST, &list, &fresh),
      FPOST_OK);
  ck_assert_uint_eq(fresh, WORD(1));
}
END_TEST

/* A word of a joint test stays out of memory until it is read itself. */
START_TEST(words_of_a_joint_test_are_put_there_when_read) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {.joint = WORD(0) | WORD(1)};
  fpost_bytes fresh = 0;
  struct fpost_choice choice = {.count = 1, .read = WORD(0) | WORD(2)};
  fpost_choice_apply(&choice, &lazy);
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(3), FPOST_CHOICE_FIRST, &list, &fresh), FPOST_OK);
  ck_assert_uint_eq(fresh, WORD(2) | WORD(3));
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0), FPOST_CHOICE_FIRST, &list, &fresh), FPOST_OK);
  ck_assert_uint_eq(fresh, WORD(0));
}
END_TEST

START_TEST(every_image_is_a_choice_and_the_last_is_none) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0), FPOST_CHOICE_EVERY, &list, &fresh), FPOST_OK);
  ck_assert_uint_eq(list.count, 1);
  ck_assert_uint_eq(lazy.known.content[0], 0);
  ck_assert_uint_eq(choices[0].pc, 7);
  ck_assert_int_eq(read_bytes(&lazy, WORD(1), FPOST_CHOICE_LAST, &list, &fresh),
                   FPOST_OK);
  ck_assert_uint_eq(list.count, 1);
  ck_assert_uint_eq(lazy.known.content[8], 1);
}
END_TEST

START_TEST(a_full_list_is_an_error) {
  struct fpost_choice_list list = list_of(1);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(0), FPOST_CHOICE_FIRST, &list, &fresh), FPOST_OK);
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(1), FPOST_CHOICE_FIRST, &list, &fresh),
      FPOST_ENOMEM);
  ck_assert_uint_eq(list.count, 1);
}
END_TEST

/* More values than are compared at once: a word, then a byte of it. */
START_TEST(more_values_than_room_are_chosen_byte_by_byte) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  unit.steps_count = MANY;
  for (uint32_t i = 0; i < MANY; i++) {
    steps[i] = (struct fpost_step){.store = i + 1, .written = WORD(1)};
    steps[i].content[9] = (uint8_t)(i + 1);
    steps[i].content[10] = (uint8_t)((i + 1) >> 8);
  }
  unit.touched = WORD(1);
  ck_assert_int_eq(
      read_bytes(&lazy, WORD(1), FPOST_CHOICE_FIRST, &list, &fresh), FPOST_OK);
  ck_assert_uint_eq(fresh, WORD(1));
  ck_assert_uint_eq(lazy.known.fixed, WORD(1));
  uint64_t leaves = 1;
  while (next(&list, 0)) {
    lazy = (struct fpost_lazy){0};
    for (uint32_t i = 0; i < list.count; i++) {
      fpost_choice_apply(&choices[i], &lazy);
    }
    ck_assert_int_eq(
        read_bytes(&lazy, WORD(1), FPOST_CHOICE_FIRST, &list, &fresh),
        FPOST_OK);
    leaves++;
  }
  ck_assert_uint_eq(leaves, MANY + 1);
}
END_TEST

/* ---- joint tests ---- */

/* Words 0 to 2, of which the test passes if the first is `passes` and the
   others are new; it has failed in the first run. */
static void joint_begin(struct fpost_choice_list *list, uint8_t passes) {
  for (uint32_t i = 0; i < 2; i++) {
    facts[i] = (struct fpost_choice){.count = 1, .read = WORD(i + 1)};
    facts[i].value[8 * (i + 1)] = 1;
  }
  tests[0] = (struct fpost_joint){.count = 2, .flipped = passes == 0};
  struct fpost_choice *choice = &list->choices[list->count++];
  *choice = (struct fpost_choice){.count = 2, .joint = 1, .read = WORD(0)};
  choice->value[0] = passes == 0;
}

START_TEST(the_test_passes_with_all_its_words) {
  for (uint8_t passes = 0; passes < 2; passes++) {
    struct fpost_choice_list list = list_of(8);
    joint_begin(&list, passes);
    ck_assert(next(&list, 0));
    ck_assert_uint_eq(list.count, 3);
    ck_assert_uint_eq(list.varied, 0);
    ck_assert_uint_eq(choices[0].value[0], passes);
    ck_assert_uint_eq(choices[1].read, WORD(1));
    ck_assert_uint_eq(choices[1].value[8], 1);
    ck_assert_uint_eq(choices[2].read, WORD(2));
    ck_assert_uint_eq(choices[2].value[16], 1);
    ck_assert(!next(&list, 0));
  }
}
END_TEST

START_TEST(a_word_that_was_read_keeps_the_others_open) {
  struct fpost_choice_list list = list_of(8);
  joint_begin(&list, 1);
  tests[0].opened = 1;
  ck_assert(next(&list, 0));
  ck_assert_uint_eq(list.count, 1);
}
END_TEST

START_TEST(without_room_for_the_words_they_stay_open) {
  struct fpost_choice_list list = list_of(2);
  joint_begin(&list, 1);
  ck_assert(next(&list, 0));
  ck_assert_uint_eq(list.count, 1);
  list = list_of(3);
  joint_begin(&list, 1);
  ck_assert(next(&list, 0));
  ck_assert_uint_eq(list.count, 3);
}
END_TEST

START_TEST(the_walk_leaves_fixed_choices_alone) {
  struct fpost_choice_list list = list_of(8);
  struct fpost_lazy lazy = {0};
  fpost_bytes fresh = 0;
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert_int_eq(
        read_bytes(&lazy, WORD(i), FPOST_CHOICE_FIRST, &list, &fresh),
        FPOST_OK);
  }
  ck_assert(next(&list, 2));
  ck_assert_uint_eq(list.varied, 2);
  ck_assert_uint_eq(list.count, 3);
  ck_assert(!next(&list, 2));
  ck_assert_uint_eq(list.count, 3);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("choice");
  TCase *tcase = tcase_create("choice");
  tcase_add_checked_fixture(tcase, setup, NULL);
  tcase_add_test(tcase, what_is_in_memory_is_put_there_once);
  tcase_add_test(tcase, a_store_takes_the_place_of_what_the_prefix_says);
  tcase_add_test(tcase, words_of_a_joint_test_are_put_there_when_read);
  tcase_add_test(tcase, every_image_is_a_choice_and_the_last_is_none);
  tcase_add_test(tcase, a_full_list_is_an_error);
  tcase_add_test(tcase, more_values_than_room_are_chosen_byte_by_byte);
  tcase_add_test(tcase, the_test_passes_with_all_its_words);
  tcase_add_test(tcase, a_word_that_was_read_keeps_the_others_open);
  tcase_add_test(tcase, without_room_for_the_words_they_stay_open);
  tcase_add_test(tcase, the_walk_leaves_fixed_choices_alone);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
