/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/operations.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct explore_operations all;
static uint64_t event;

static void setup(void) {
  all = (struct explore_operations){0};
  event = 0;
}

static void teardown(void) {
  explore_operations_free(&all);
}

/* The next record of the trace; returns its number. With a text, the end of an
   operation is that of its thread, which has no stack. */
static uint64_t note(enum fpost_record_kind kind, uint32_t thread,
                     const char *text) {
  uint32_t flags = kind == FPOST_RECORD_MARK ? FPOST_MARK_BUFFERED : 0;
  bool places = kind != FPOST_RECORD_OP_END || *text == '\0';
  explore_operations_note(&all,
                          &(struct fpost_record){.kind = kind,
                                                 .thread = thread,
                                                 .stack = places ? 1 : 0,
                                                 .flags = flags,
                                                 .text = text,
                                                 .text_size = strlen(text)},
                          event);
  return event++;
}

static uint64_t begin(uint32_t thread, const char *name) {
  return note(FPOST_RECORD_OP_BEGIN, thread, name);
}

static uint64_t end(uint32_t thread) {
  return note(FPOST_RECORD_OP_END, thread, "");
}

static uint64_t store(uint32_t thread) {
  return note(FPOST_RECORD_STORE, thread, "");
}

static uint64_t fence(uint32_t thread) {
  return note(FPOST_RECORD_FENCE, thread, "");
}

static void finish(void) {
  note(FPOST_RECORD_END, 0, "");
}

/* Each boundary has a state of its own: its number and 100. */
static void observe_all(void) {
  all.references = calloc(all.boundaries_count, sizeof *all.references);
  for (uint32_t i = 0; i < all.boundaries_count; i++) {
    all.references[i] = (struct explore_reference){
        .observed = 100 + i, .same = i, .known = true};
  }
}

static struct explore_moment moment_at(uint64_t at, enum fpost_record_kind kind,
                                       bool stores) {
  uint32_t cursor = 0;
  return explore_operations_moment(&all, &cursor, at, kind, stores);
}

static void ck_legal(const struct explore_moment *moment, uint32_t low,
                     uint32_t high) {
  ck_assert(moment->judged);
  ck_assert_uint_eq(moment->low, low);
  ck_assert_uint_eq(moment->high, high);
}

static void ck_verdict(const struct explore_moment *moment, uint64_t observed,
                       enum explore_verdict expected) {
  uint32_t boundary = EXPLORE_NO_BOUNDARY;
  ck_assert_int_eq(
      explore_operations_verdict(&all, moment, observed, &boundary), expected);
}

START_TEST(begins_ends_and_the_end_of_the_run_are_boundaries) {
  begin(0, "put(1)");
  store(0);
  uint64_t at = end(0);
  store(0);
  begin(0, "put(2)");
  end(0);
  finish();
  ck_assert_uint_eq(all.count, 2);
  ck_assert_uint_eq(all.boundaries_count, 5);
  ck_assert_str_eq(all.operations[0].name, "put(1)");
  ck_assert_uint_eq(all.operations[0].end, 1);
  ck_assert_uint_eq(all.boundaries[1].event, at);
  ck_assert(all.boundaries[1].ends && !all.boundaries[2].ends);
  ck_assert(!all.boundaries[1].stores_before);
  ck_assert(all.boundaries[2].stores_before);
  ck_assert_uint_eq(all.boundaries[4].operation, EXPLORE_NO_BOUNDARY);
}
END_TEST

START_TEST(an_operation_without_an_end_ends_with_the_next_or_the_run) {
  begin(0, "first");
  begin(0, "second");
  finish();
  ck_assert_uint_eq(all.operations[0].end, 1);
  ck_assert_uint_eq(all.operations[1].begin, 2);
  ck_assert_uint_eq(all.operations[1].end, 3);
}
END_TEST

START_TEST(an_operation_that_its_thread_left_open_may_be_lost) {
  begin(0, "returned");
  end(0);
  begin(0, "left");
  note(FPOST_RECORD_OP_END, 0, "of the thread");
  finish();
  ck_assert(!all.operations[0].buffered && all.operations[1].buffered);
}
END_TEST

START_TEST(an_end_without_an_operation_is_passed_over) {
  end(3);
  finish();
  ck_assert_uint_eq(all.count, 0);
  ck_assert_uint_eq(all.boundaries_count, 1);
}
END_TEST

START_TEST(before_the_first_operation_nothing_is_judged) {
  uint64_t at = fence(0);
  begin(0, "put");
  end(0);
  finish();
  observe_all();
  ck_assert(!moment_at(at, FPOST_RECORD_FENCE, true).judged);
}
END_TEST

START_TEST(within_an_operation_before_and_after_are_legal) {
  begin(0, "put(1)");
  end(0);
  begin(0, "put(2)");
  store(0);
  uint64_t at = fence(0);
  end(0);
  finish();
  observe_all();
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  ck_legal(&moment, 1, 3);
  ck_assert_uint_eq(moment.operation, 1);
  ck_verdict(&moment, 101, EXPLORE_LEGAL);
  ck_verdict(&moment, 103, EXPLORE_LEGAL);
  ck_verdict(&moment, 100, EXPLORE_LOST);
  ck_verdict(&moment, 7, EXPLORE_TORN);
}
END_TEST

START_TEST(at_its_end_an_operation_must_be_there) {
  begin(0, "put");
  store(0);
  uint64_t at = end(0);
  finish();
  observe_all();
  struct explore_moment moment = moment_at(at, FPOST_RECORD_OP_END, false);
  ck_legal(&moment, 1, 1);
  ck_verdict(&moment, 101, EXPLORE_LEGAL);
  ck_verdict(&moment, 100, EXPLORE_LOST);
  ck_verdict(&moment, 7, EXPLORE_TORN);
}
END_TEST

START_TEST(after_its_end_an_operation_must_be_there) {
  begin(0, "put");
  end(0);
  uint64_t at = fence(0);
  finish();
  observe_all();
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  ck_legal(&moment, 1, 2);
  ck_verdict(&moment, 100, EXPLORE_LOST);
  /* Stores outside of operations may change the state at will. */
  ck_assert(!moment_at(at, FPOST_RECORD_FENCE, true).judged);
}
END_TEST

START_TEST(what_recovery_could_not_tell_is_legal) {
  begin(0, "put");
  store(0);
  uint64_t at = fence(0);
  end(0);
  finish();
  observe_all();
  all.references[1].known = false;
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  ck_verdict(&moment, 7, EXPLORE_LEGAL);
}
END_TEST

START_TEST(the_latest_older_boundary_names_what_is_lost) {
  for (int i = 0; i < 3; i++) {
    begin(0, "put");
    end(0);
  }
  uint64_t at = fence(0);
  finish();
  observe_all();
  all.references[3].observed = all.references[1].observed;
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  uint32_t boundary = EXPLORE_NO_BOUNDARY;
  ck_assert_int_eq(explore_operations_verdict(&all, &moment, 101, &boundary),
                   EXPLORE_LOST);
  ck_assert_uint_eq(boundary, 3);
}
END_TEST

START_TEST(buffered_operations_may_be_lost_one_after_the_other) {
  begin(0, "put(1)");
  end(0);
  begin(0, "put(2)");
  note(FPOST_RECORD_MARK, 0, "");
  end(0);
  begin(0, "later(3)");
  end(0);
  uint64_t at = fence(0);
  finish();
  ck_assert(!all.operations[0].buffered && all.operations[1].buffered);
  explore_operations_buffered(&all, "later");
  ck_assert(!all.operations[0].buffered && all.operations[2].buffered);
  observe_all();
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  /* Back to the end of the last one that is durable. */
  ck_legal(&moment, 1, 6);
  ck_verdict(&moment, 101, EXPLORE_LEGAL);
  ck_verdict(&moment, 100, EXPLORE_LOST);
}
END_TEST

START_TEST(a_pattern_for_buffered_matches_name_or_call) {
  begin(0, "put(1)");
  end(0);
  begin(0, "put(2)");
  end(0);
  finish();
  explore_operations_buffered(&all, "pu");
  ck_assert(!all.operations[0].buffered && !all.operations[1].buffered);
  explore_operations_buffered(&all, "put(2)");
  ck_assert(!all.operations[0].buffered && all.operations[1].buffered);
}
END_TEST

START_TEST(a_buffered_first_operation_may_be_lost) {
  begin(0, "put");
  end(0);
  uint64_t at = fence(0);
  finish();
  explore_operations_buffered(&all, "*");
  observe_all();
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  ck_legal(&moment, 0, 2);
}
END_TEST

START_TEST(operations_that_overlap_are_one_stretch) {
  begin(0, "alone");
  end(0);
  begin(0, "a");
  begin(1, "b");
  store(1);
  uint64_t at = fence(1);
  end(0);
  end(1);
  uint64_t after = fence(0);
  finish();
  observe_all();
  ck_assert_uint_eq(all.boundaries[1].first, all.boundaries[1].last);
  for (uint32_t i = 2; i <= 5; i++) {
    ck_assert_uint_eq(all.boundaries[i].first, 2);
    ck_assert_uint_eq(all.boundaries[i].last, 5);
    ck_assert(!all.boundaries[i].unmarked);
  }
  struct explore_moment moment = moment_at(at, FPOST_RECORD_FENCE, false);
  ck_assert(moment.overlap);
  ck_legal(&moment, 1, 5);
  ck_verdict(&moment, 104, EXPLORE_LEGAL);
  ck_verdict(&moment, 7, EXPLORE_UNDECIDED);
  moment = moment_at(after, FPOST_RECORD_FENCE, false);
  ck_assert(!moment.overlap);
}
END_TEST

START_TEST(operations_of_two_threads_that_do_not_overlap_are_apart) {
  begin(0, "a");
  end(0);
  begin(1, "b");
  end(1);
  finish();
  for (uint32_t i = 0; i < all.boundaries_count; i++) {
    ck_assert_uint_eq(all.boundaries[i].first, all.boundaries[i].last);
  }
}
END_TEST

START_TEST(moments_with_the_same_legal_states_have_the_same_key) {
  for (int i = 0; i < 2; i++) {
    begin(0, "put");
    store(0);
    fence(0);
    fence(0);
    end(0);
  }
  finish();
  observe_all();
  struct explore_moment a = moment_at(2, FPOST_RECORD_FENCE, false);
  struct explore_moment b = moment_at(3, FPOST_RECORD_FENCE, false);
  struct explore_moment c = moment_at(7, FPOST_RECORD_FENCE, false);
  ck_assert_uint_eq(explore_moment_key(&all, &a), explore_moment_key(&all, &b));
  ck_assert_uint_ne(explore_moment_key(&all, &a), explore_moment_key(&all, &c));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("operations");
  TCase *tests = tcase_create("operations");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, begins_ends_and_the_end_of_the_run_are_boundaries);
  tcase_add_test(tests,
                 an_operation_without_an_end_ends_with_the_next_or_the_run);
  tcase_add_test(tests, an_operation_that_its_thread_left_open_may_be_lost);
  tcase_add_test(tests, an_end_without_an_operation_is_passed_over);
  tcase_add_test(tests, before_the_first_operation_nothing_is_judged);
  tcase_add_test(tests, within_an_operation_before_and_after_are_legal);
  tcase_add_test(tests, at_its_end_an_operation_must_be_there);
  tcase_add_test(tests, after_its_end_an_operation_must_be_there);
  tcase_add_test(tests, what_recovery_could_not_tell_is_legal);
  tcase_add_test(tests, the_latest_older_boundary_names_what_is_lost);
  tcase_add_test(tests, buffered_operations_may_be_lost_one_after_the_other);
  tcase_add_test(tests, a_pattern_for_buffered_matches_name_or_call);
  tcase_add_test(tests, a_buffered_first_operation_may_be_lost);
  tcase_add_test(tests, operations_that_overlap_are_one_stretch);
  tcase_add_test(tests,
                 operations_of_two_threads_that_do_not_overlap_are_apart);
  tcase_add_test(tests, moments_with_the_same_legal_states_have_the_same_key);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
