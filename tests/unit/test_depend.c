/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a thread makes durable after it has read what is not: the rules' cells
 * are set by hand.
 */
#include "rt/model/depend.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS UINT64_C(0x10000001000)
#define CELLS 128u

static struct fpost_depend depend;
static struct fpost_cell cells[CELLS];
static struct fpost_rules rules;
static struct fpost_finding found;
static uint32_t found_count;
static bool found_in[CELLS];

static void on_found(void *context, const struct fpost_finding *finding) {
  (void)context;
  found = *finding;
  found_in[(finding->address - ADDRESS) / 64] = true;
  found_count++;
}

static void setup(void) {
  memset(&depend, 0, sizeof(depend));
  memset(cells, 0, sizeof(cells));
  rules = (struct fpost_rules){.enabled = UINT32_MAX, .found = on_found};
  found_count = 0;
  memset(found_in, 0, sizeof(found_in));
}

/* Another thread stored to a word of a cell, and it is not guaranteed. */
static void other_stores(uint32_t cell, uint32_t word) {
  cells[cell].dirty |= (uint8_t)(1u << word);
  cells[cell].store_stack[word] = 100 + word;
}

static void reads(uint32_t cell, uint32_t word) {
  fpost_depend_read(&depend, &(struct fpost_depend_access){
                                 .cell = &cells[cell],
                                 .address = ADDRESS + 64 * (uint64_t)cell +
                                            8 * (uint64_t)word,
                                 .writer = 7,
                                 .store_site = 11,
                                 .read_site = 12,
                                 .stack = 5});
}

/* The thread makes a store of its own to a cell durable. */
static void persists(uint32_t cell) {
  fpost_depend_store(&depend, &cells[cell], 0);
  fpost_depend_flush(&depend, &cells[cell]);
  fpost_depend_fence(&depend, &rules);
}

START_TEST(what_comes_after_the_read_must_not_survive_alone) {
  other_stores(0, 2);
  reads(0, 2);
  persists(1);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found.class_, FPOST_CLASS_UNPERSISTED_READ);
  ck_assert_uint_eq(found.thread, 7);
  ck_assert_uint_eq(found.store_stack, 102);
  ck_assert_uint_eq(found.other_stack, 5);
  ck_assert_uint_eq(found.store_site, 11);
  ck_assert_uint_eq(found.other_site, 12);
  ck_assert_uint_eq(found.address, ADDRESS + 16);
  ck_assert_uint_eq(found.size, 8);
  /* Once. */
  persists(1);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(what_came_before_the_read_depends_on_nothing) {
  other_stores(0, 0);
  other_stores(2, 0);
  reads(0, 0);
  fpost_depend_store(&depend, &cells[1], 0);
  reads(2, 0);
  fpost_depend_flush(&depend, &cells[1]);
  fpost_depend_fence(&depend, &rules);
  /* The store comes after the first read only. */
  ck_assert_uint_eq(found_count, 1);
  ck_assert_uint_eq(found.address, ADDRESS);
  persists(1);
  ck_assert_uint_eq(found_count, 2);
  ck_assert_uint_eq(found.address, ADDRESS + 128);
}
END_TEST

START_TEST(who_flushes_what_it_read_is_clean) {
  other_stores(0, 0);
  reads(0, 0);
  cells[0].dirty = 0;
  persists(1);
  ck_assert_uint_eq(found_count, 0);
  /* Flushed alone is not guaranteed. */
  other_stores(0, 0);
  reads(0, 0);
  cells[0].dirty = 0;
  cells[0].flushed = 1;
  persists(1);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(a_guaranteed_word_is_read_freely) {
  other_stores(0, 1);
  reads(0, 2);
  persists(1);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(an_ignored_word_does_not_matter) {
  other_stores(0, 1);
  cells[0].ignored = 2;
  reads(0, 1);
  persists(1);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_word_stored_again_is_another_store) {
  other_stores(0, 1);
  reads(0, 1);
  cells[0].store_stack[1] = 200;
  persists(1);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(without_a_flush_nothing_is_made_durable) {
  other_stores(0, 0);
  reads(0, 0);
  fpost_depend_store(&depend, &cells[1], 0);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 0);
  /* The flush of another line is not its. */
  fpost_depend_flush(&depend, &cells[2]);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 0);
  fpost_depend_flush(&depend, &cells[1]);
  ck_assert_uint_eq(found_count, 0);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(what_is_stored_behind_the_flush_is_not_durable) {
  other_stores(0, 0);
  fpost_depend_store(&depend, &cells[1], 0);
  reads(0, 0);
  fpost_depend_flush(&depend, &cells[1]);
  fpost_depend_store(&depend, &cells[1], 0);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 0);
  fpost_depend_flush(&depend, &cells[1]);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(a_non_temporal_store_needs_no_flush) {
  other_stores(0, 0);
  reads(0, 0);
  fpost_depend_store(&depend, &cells[1], FENCEPOST_STORE_NT);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(a_class_that_is_off_is_not_reported) {
  rules.enabled = ~(UINT32_C(1) << FPOST_CLASS_UNPERSISTED_READ);
  other_stores(0, 0);
  reads(0, 0);
  persists(1);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(the_oldest_dependence_goes_when_there_are_too_many) {
  for (uint32_t i = 0; i < FPOST_DEPEND_WORDS + 2; i++) {
    other_stores(i, 0);
    reads(i, 0);
    reads(i, 0); /* the same again takes no room */
  }
  persists(CELLS - 1);
  ck_assert_uint_eq(found_count, FPOST_DEPEND_WORDS);
  ck_assert(!found_in[0] && !found_in[1] && found_in[2]);
  ck_assert_uint_eq(depend.words_count, 0);
  ck_assert_uint_eq(depend.lines_count, 0);
}
END_TEST

START_TEST(lines_beyond_the_table_are_not_remembered) {
  other_stores(0, 0);
  reads(0, 0);
  for (uint32_t i = 1; i <= FPOST_DEPEND_LINES; i++) {
    fpost_depend_store(&depend, &cells[i], 0);
  }
  fpost_depend_store(&depend, &cells[CELLS - 1], 0);
  fpost_depend_flush(&depend, &cells[CELLS - 1]);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 0);
  ck_assert_uint_eq(depend.lines_count, FPOST_DEPEND_LINES);
  fpost_depend_flush(&depend, &cells[FPOST_DEPEND_LINES]);
  fpost_depend_fence(&depend, &rules);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("depend");
  TCase *cases = tcase_create("depend");
  tcase_add_checked_fixture(cases, setup, NULL);
  tcase_add_test(cases, what_comes_after_the_read_must_not_survive_alone);
  tcase_add_test(cases, what_came_before_the_read_depends_on_nothing);
  tcase_add_test(cases, who_flushes_what_it_read_is_clean);
  tcase_add_test(cases, a_guaranteed_word_is_read_freely);
  tcase_add_test(cases, an_ignored_word_does_not_matter);
  tcase_add_test(cases, a_word_stored_again_is_another_store);
  tcase_add_test(cases, without_a_flush_nothing_is_made_durable);
  tcase_add_test(cases, what_is_stored_behind_the_flush_is_not_durable);
  tcase_add_test(cases, a_non_temporal_store_needs_no_flush);
  tcase_add_test(cases, a_class_that_is_off_is_not_reported);
  tcase_add_test(cases, the_oldest_dependence_goes_when_there_are_too_many);
  tcase_add_test(cases, lines_beyond_the_table_are_not_remembered);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
