/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Readers and writers, tables that are full, what an access stands for, and
 * transactions: tests/unit/test_race.c has the rest.
 */
#include "tests/unit/race_fixture.h"

START_TEST(a_writer_comes_after_the_readers_of_the_lock) {
  lock_as(one, LOCK, FPOST_LOCK_READ, FPOST_RACE_TOLD);
  load(one, 1);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_WRITE, FPOST_RACE_TOLD);
  store(two, 2);
  unlock(two, LOCK);
  ck_assert_uint_eq(found_count, 0);
  /* What the reader did before is ordered in this run only. */
  setup_again();
  store(one, 1);
  lock_as(one, LOCK, FPOST_LOCK_READ, FPOST_RACE_TOLD);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_WRITE, FPOST_RACE_TOLD);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES_PREDICTED);
}
END_TEST

/* What one has been told of three goes on to two, by whatever lock. */
static void hand_on(enum fpost_lock_kind kind) {
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  store(three, 1);
  fpost_race_release(&race, three, OTHER, false);
  fpost_race_acquire(&race, one, OTHER, false);
  lock_as(one, LOCK, kind, FPOST_RACE_TOLD);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_WRITE, FPOST_RACE_TOLD);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}

START_TEST(what_is_known_for_sure_goes_on_by_any_lock) {
  hand_on(FPOST_LOCK_WRITE);
  setup_again();
  hand_on(FPOST_LOCK_READ);
}
END_TEST

START_TEST(a_section_without_hooks_orders_whoever_used_the_lock_before) {
  lock(one, LOCK);
  unlock(one, LOCK);
  store(one, 1);
  lock_as(one, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_OPAQUE);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_OPAQUE);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

static void hold_many(struct fpost_race_thread *thread) {
  for (uint64_t i = 0; i < FPOST_RACE_HELD; i++) {
    lock(thread, 0x100000 + 64 * i + thread->slot * UINT64_C(0x10000));
  }
}

START_TEST(a_lock_too_many_orders) {
  for (int first = 0; first < 2; first++) {
    setup_again();
    store(one, 1);
    if (first) {
      hold_many(one);
    }
    lock(one, LOCK);
    unlock(one, LOCK);
    if (!first) {
      hold_many(two);
    }
    lock(two, LOCK);
    unlock(two, LOCK);
    store(two, 2);
    ck_assert_uint_eq(found_count, 0);
  }
}
END_TEST

START_TEST(who_joins_inside_a_section_orders_it) {
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  store(one, 1);
  lock(one, LOCK);
  unlock(one, LOCK);
  lock(two, LOCK);
  fpost_race_joined(&race, two, three);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_fence_orders_what_comes_before_it_alone) {
  fpost_race_fence(one, false, true);
  store(one, 1);
  fpost_race_release(&race, one, LOCK, true);
  fpost_race_acquire(&race, two, LOCK, false);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(time_goes_on_in_a_slot_that_is_used_again) {
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  for (uint32_t i = 3; i < FPOST_RACE_THREADS; i++) {
    ck_assert_ptr_nonnull(fpost_race_begin(&race, one));
  }
  for (int i = 0; i < 4; i++) {
    fpost_race_release(&race, two, LOCK, false);
  }
  fpost_race_acquire(&race, three, LOCK, false);
  fpost_race_joined(&race, NULL, two);
  ck_assert_ptr_eq(fpost_race_begin(&race, one), two);
  store(two, 1);
  store(three, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(an_access_stands_for_no_more_than_it_is) {
  const uint32_t atomic = FPOST_RACE_WRITE | FPOST_RACE_ATOMIC;
  /* Of fewer bytes. */
  store(one, 1);
  access_bytes(one, 0, 0x01, FPOST_RACE_WRITE, 2);
  access_bytes(two, 0, 0x80, FPOST_RACE_WRITE, 3);
  ck_assert_uint_eq(found_count, 1);
  /* A read for a store. */
  setup_again();
  store(one, 1);
  load(one, 2);
  load(two, 3);
  ck_assert_uint_eq(found_count, 1);
  /* An atomic one for another. */
  setup_again();
  store(one, 1);
  access_bytes(one, 0, 0xff, atomic, 2);
  access_bytes(two, 0, 0xff, atomic, 3);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(an_access_is_reported_once) {
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  store(one, 1);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
  store(three, 3);
  ck_assert_uint_eq(found_count, 2);
}
END_TEST

START_TEST(reads_are_forgotten_before_stores) {
  struct fpost_race_thread *readers[2 * FPOST_RACE_SLOTS];
  store(one, 1);
  for (uint32_t i = 0; i < 2 * FPOST_RACE_SLOTS; i++) {
    readers[i] = fpost_race_begin(&race, one);
    for (uint32_t time = 0; time < i; time++) {
      fpost_race_release(&race, readers[i], OTHER, false);
    }
  }
  for (uint32_t i = 0; i < 2 * FPOST_RACE_SLOTS; i++) {
    load(readers[i], 2);
  }
  ck_assert_uint_eq(found_count, 0);
  load(two, 3);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(only_what_the_transaction_stored_is_uncommitted) {
  const uint32_t atomic = FPOST_RACE_WRITE | FPOST_RACE_ATOMIC;
  lock(one, LOCK);
  fpost_race_tx_begin(&race, one);
  access_bytes(one, 0, 0x0f, FPOST_RACE_WRITE, 1);
  access_bytes(one, 1, 0xff, atomic, 2);
  unlock(one, LOCK);
  lock(two, LOCK);
  access_bytes(two, 0, 0xf0, 0, 3);
  access_bytes(two, 1, 0xff, FPOST_RACE_ATOMIC, 4);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_transaction_ends_with_its_thread) {
  fpost_race_tx_begin(&race, two);
  store(two, 1);
  fpost_race_joined(&race, one, two);
  load(one, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(what_is_not_known) {
  store(one, 1);
  ck_assert(fpost_race_known(one, &words[0], 0xff, true));
  fpost_race_tx_begin(&race, one);
  ck_assert(!fpost_race_known(one, &words[0], 0xff, true));
  ck_assert(fpost_race_known(one, &words[0], 0xff, false));
  access_bytes(one, 1, 0xff, FPOST_RACE_ATOMIC, 2);
  ck_assert(!fpost_race_known(one, &words[1], 0xff, false));
}
END_TEST

START_TEST(what_is_being_made_is_released_whenever_it_is_acquired) {
  for (int relaxed = 0; relaxed < 2; relaxed++) {
    teardown();
    setup();
    fpost_race_makes(&race, one, LOCK);
    store(one, 1);
    fpost_race_acquire(&race, two, OTHER, false);
    ck_assert_uint_eq(found_count, 0);
    fpost_race_acquire(&race, two, LOCK, relaxed);
    store(two, 2);
    ck_assert_uint_eq(found_count, relaxed);
  }
}
END_TEST

START_TEST(what_is_being_made_is_no_other_object) {
  fpost_race_makes(&race, one, OTHER);
  store(one, 1);
  fpost_race_acquire(&race, two, LOCK, false);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(what_was_made_is_released_and_no_more) {
  fpost_race_makes(&race, one, LOCK);
  store(one, 1);
  fpost_race_made(&race, one, LOCK);
  access_bytes(one, 1, 0xff, FPOST_RACE_WRITE, 2);
  fpost_race_acquire(&race, two, LOCK, false);
  store(two, 3);
  ck_assert_uint_eq(found_count, 0);
  access_bytes(two, 1, 0xff, FPOST_RACE_WRITE, 4);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(who_waited_while_it_was_made_acquires) {
  fpost_race_makes(&race, one, LOCK);
  fpost_race_makes(&race, two, LOCK);
  store(one, 1);
  fpost_race_made(&race, one, LOCK);
  fpost_race_made(&race, two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

/* Whatever is left by exceptions, what is begun last counts. */
START_TEST(one_object_is_made_within_another) {
  for (uint64_t i = 0; i < FPOST_RACE_MAKING; i++) {
    fpost_race_makes(&race, one, OTHER + 8 * i);
  }
  fpost_race_makes(&race, one, LOCK);
  ck_assert_uint_eq(one->making_count, FPOST_RACE_MAKING);
  store(one, 1);
  fpost_race_acquire(&race, two, LOCK, false);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
  fpost_race_made(&race, one, OTHER); /* forgotten */
  ck_assert_uint_eq(one->making_count, FPOST_RACE_MAKING);
  fpost_race_made(&race, one, OTHER + 8);
  ck_assert_uint_eq(one->making_count, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("race_more");
  TCase *cases = tcase_create("race_more");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, a_writer_comes_after_the_readers_of_the_lock);
  tcase_add_test(cases, what_is_known_for_sure_goes_on_by_any_lock);
  tcase_add_test(cases,
                 a_section_without_hooks_orders_whoever_used_the_lock_before);
  tcase_add_test(cases, a_lock_too_many_orders);
  tcase_add_test(cases, who_joins_inside_a_section_orders_it);
  tcase_add_test(cases, a_fence_orders_what_comes_before_it_alone);
  tcase_add_test(cases, time_goes_on_in_a_slot_that_is_used_again);
  tcase_add_test(cases, an_access_stands_for_no_more_than_it_is);
  tcase_add_test(cases, an_access_is_reported_once);
  tcase_add_test(cases, reads_are_forgotten_before_stores);
  tcase_add_test(cases, only_what_the_transaction_stored_is_uncommitted);
  tcase_add_test(cases, a_transaction_ends_with_its_thread);
  tcase_add_test(cases, what_is_not_known);
  tcase_add_test(cases, what_is_being_made_is_released_whenever_it_is_acquired);
  tcase_add_test(cases, what_is_being_made_is_no_other_object);
  tcase_add_test(cases, what_was_made_is_released_and_no_more);
  tcase_add_test(cases, who_waited_while_it_was_made_acquires);
  tcase_add_test(cases, one_object_is_made_within_another);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
