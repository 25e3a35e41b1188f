/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What orders two accesses and what does not, and which races are predicted.
 * Threads are made by the first one; stacks are numbered by the tests.
 */
#include "tests/unit/race_fixture.h"

START_TEST(two_stores_that_nothing_orders_race) {
  store(one, 1);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].class_, FPOST_CLASS_PM_DATA_RACE);
  ck_assert_uint_eq(found[0].store_stack, 1);
  ck_assert_uint_eq(found[0].other_stack, 2);
  ck_assert_uint_eq(found[0].thread, 1);
  ck_assert_uint_eq(found[0].address, ADDRESS);
  ck_assert_uint_eq(found[0].size, 8);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES);
}
END_TEST

START_TEST(of_a_load_and_a_later_store_the_store_comes_first) {
  load(one, 1);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_uint_eq(found[0].store_stack, 2);
  ck_assert_uint_eq(found[0].other_stack, 1);
  ck_assert_uint_eq(found[0].thread, 2);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_READ);
}
END_TEST

START_TEST(loads_do_not_race) {
  load(one, 1);
  load(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(neighbouring_bytes_do_not_race) {
  access_bytes(one, 0, 0x0f, FPOST_RACE_WRITE, 1);
  access_bytes(two, 0, 0xf0, FPOST_RACE_WRITE, 2);
  ck_assert_uint_eq(found_count, 0);
  access_bytes(two, 0, 0x0c, FPOST_RACE_WRITE, 3);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_uint_eq(found[0].address, ADDRESS + 2);
  ck_assert_uint_eq(found[0].size, 2);
}
END_TEST

START_TEST(atomics_race_with_ordinary_accesses_only) {
  const uint32_t atomic = FPOST_RACE_WRITE | FPOST_RACE_ATOMIC;
  access_bytes(one, 0, 0xff, atomic, 1);
  access_bytes(two, 0, 0xff, atomic, 2);
  ck_assert_uint_eq(found_count, 0);
  load(two, 3);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(a_new_thread_comes_after_what_its_creator_did) {
  store(one, 1);
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  store(three, 2);
  ck_assert_uint_eq(found_count, 0);
  store(one, 3);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(a_joined_thread_comes_before) {
  store(two, 1);
  fpost_race_joined(&race, one, two);
  store(one, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_release_orders_what_came_before_it_alone) {
  store(one, 1);
  fpost_race_release(&race, one, LOCK, false);
  access_bytes(one, 1, 0xff, FPOST_RACE_WRITE, 2);
  fpost_race_acquire(&race, two, LOCK, false);
  store(two, 3);
  ck_assert_uint_eq(found_count, 0);
  access_bytes(two, 1, 0xff, FPOST_RACE_WRITE, 4);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(an_object_of_another_key_orders_nothing) {
  store(one, 1);
  fpost_race_release(&race, one, LOCK, false);
  fpost_race_acquire(&race, two, OTHER, false);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(relaxed_operations_need_both_fences) {
  for (int i = 0; i < 4; i++) {
    teardown();
    setup();
    store(one, 1);
    if ((i & 1) != 0) {
      fpost_race_fence(one, false, true);
    }
    fpost_race_release(&race, one, LOCK, true);
    fpost_race_acquire(&race, two, LOCK, true);
    if ((i & 2) != 0) {
      fpost_race_fence(two, true, false);
    }
    store(two, 2);
    ck_assert_uint_eq(found_count, i != 3);
  }
}
END_TEST

START_TEST(a_common_lock_orders) {
  lock(one, LOCK);
  store(one, 1);
  unlock(one, LOCK);
  lock(two, LOCK);
  store(two, 2);
  unlock(two, LOCK);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(readers_of_a_lock_do_not_order_each_other) {
  lock_as(one, LOCK, FPOST_LOCK_READ, FPOST_RACE_TOLD);
  store(one, 1);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_READ, FPOST_RACE_TOLD);
  store(two, 2);
  unlock(two, LOCK);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES);
  lock(one, LOCK);
  store(one, 3);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

/* one: store, lock, touch .2, unlock; two: lock, touch, unlock, store. */
static void accident(uint64_t first, bool first_writes, uint64_t second,
                     bool second_writes) {
  store(one, 1);
  lock(one, LOCK);
  fpost_race_touch(one, first, first_writes);
  unlock(one, LOCK);
  lock(two, LOCK);
  fpost_race_touch(two, second, second_writes);
  unlock(two, LOCK);
  store(two, 2);
}

START_TEST(sections_that_have_nothing_in_common_do_not_order_for_sure) {
  accident(0x8000, true, 0x9000, true);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES_PREDICTED);
}
END_TEST

START_TEST(a_section_that_reads_and_writes_is_compared_with_others_alone) {
  store(one, 1);
  lock(one, LOCK);
  unlock(one, LOCK);
  lock(two, LOCK);
  fpost_race_touch(two, 0x9000, false);
  fpost_race_touch(two, 0x9000, true);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(sections_that_only_read_the_same_do_not_order_for_sure) {
  accident(0x8000, false, 0x8000, false);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(what_is_handed_over_in_a_section_is_ordered) {
  accident(0x8000, true, 0x8000, false);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(what_is_overwritten_in_a_section_is_ordered) {
  accident(0x8000, false, 0x8000, true);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_section_with_unknown_contents_orders) {
  store(one, 1);
  lock(one, LOCK);
  fpost_race_touch_all(one);
  unlock(one, LOCK);
  lock(two, LOCK);
  fpost_race_touch(two, 0x9000, false);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_lock_taken_by_code_without_hooks_orders) {
  store(one, 1);
  lock_as(one, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_OPAQUE);
  unlock(one, LOCK);
  lock_as(two, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_OPAQUE);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_lock_of_a_library_hands_nothing_over) {
  for (int told = 0; told < 2; told++) {
    setup_again();
    if (told) {
      lock(one, LOCK);
      fpost_race_touch(one, 0x8000, true);
      unlock(one, LOCK);
    }
    store(one, 1);
    lock_as(one, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_APART);
    fpost_race_touch(one, 0x8000, true);
    fpost_race_touch_all(one);
    unlock(one, LOCK);
    lock_as(two, LOCK, FPOST_LOCK_MUTEX, FPOST_RACE_APART);
    fpost_race_touch(two, 0x8000, true);
    fpost_race_touch_all(two);
    unlock(two, LOCK);
    store(two, 2);
    ck_assert_uint_eq(found_count, 1);
    ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES_PREDICTED);
  }
}
END_TEST

START_TEST(a_section_before_the_others_began_orders_only_itself) {
  /* one used the lock before there were others: that orders it, not them. */
  lock(one, LOCK);
  unlock(one, LOCK);
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  struct fpost_race_thread *four = fpost_race_begin(&race, one);
  store(three, 1);
  lock(three, LOCK);
  unlock(three, LOCK);
  lock(four, LOCK);
  unlock(four, LOCK);
  store(four, 2);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES_PREDICTED);
}
END_TEST

START_TEST(a_section_ordered_in_part_is_ordered_as_a_whole) {
  lock(one, LOCK);
  fpost_race_release(&race, one, OTHER, false);
  store(one, 1);
  unlock(one, LOCK);
  fpost_race_acquire(&race, two, OTHER, false);
  lock(two, LOCK);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(what_a_section_learnt_is_ordered_with_it) {
  /* three has stored before one's section, which one learns inside of it. */
  struct fpost_race_thread *three = fpost_race_begin(&race, one);
  store(three, 1);
  fpost_race_release(&race, three, OTHER, false);
  lock(one, LOCK);
  fpost_race_release(&race, one, OTHER + 8, false);
  fpost_race_acquire(&race, one, OTHER, false);
  unlock(one, LOCK);
  fpost_race_acquire(&race, two, OTHER + 8, false);
  lock(two, LOCK);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(a_lock_of_ones_own_makes_nothing_known_to_others) {
  for (int i = 0; i < 2; i++) {
    lock(one, OTHER);
    if (i == 0) {
      store(one, 1);
    }
    fpost_race_touch(one, 0x7000, true);
    unlock(one, OTHER);
  }
  lock(one, LOCK);
  unlock(one, LOCK);
  lock(two, LOCK);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(different_locks_are_no_common_lock) {
  lock(one, OTHER);
  store(one, 1);
  unlock(one, OTHER);
  lock(one, LOCK);
  unlock(one, LOCK);
  lock(two, LOCK);
  unlock(two, LOCK);
  lock(two, OTHER + 64);
  store(two, 2);
  unlock(two, OTHER + 64);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].detail, FPOST_DETAIL_RACE_STORES_PREDICTED);
}
END_TEST

START_TEST(a_slot_used_again_has_the_past_of_the_one_before) {
  for (uint32_t i = 0; i < 3 * FPOST_RACE_THREADS; i++) {
    struct fpost_race_thread *next = fpost_race_begin(&race, one);
    ck_assert_ptr_nonnull(next);
    store(next, 1);
    fpost_race_joined(&race, one, next);
  }
  ck_assert_uint_eq(found_count, 0);
  struct fpost_race_thread *last = fpost_race_begin(&race, one);
  store(one, 1);
  store(last, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(too_many_threads_at_a_time_are_refused) {
  for (uint32_t i = 2; i < FPOST_RACE_THREADS; i++) {
    ck_assert_ptr_nonnull(fpost_race_begin(&race, one));
  }
  ck_assert_ptr_null(fpost_race_begin(&race, one));
  fpost_race_joined(&race, one, two);
  ck_assert_ptr_eq(fpost_race_begin(&race, one), two);
}
END_TEST

START_TEST(when_a_table_is_full_nothing_is_reported) {
  race.arena_size = race.arena_used;
  fpost_race_release(&race, one, LOCK, false);
  ck_assert(race.full);
  store(one, 1);
  store(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(an_uncommitted_store_must_not_be_read_by_others) {
  lock(one, LOCK);
  fpost_race_tx_begin(&race, one);
  store(one, 1);
  unlock(one, LOCK);
  load(one, 2);
  ck_assert_uint_eq(found_count, 0);
  lock(two, LOCK);
  load(two, 3);
  unlock(two, LOCK);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_int_eq(found[0].class_, FPOST_CLASS_ISOLATION);
  ck_assert_uint_eq(found[0].store_stack, 1);
  ck_assert_uint_eq(found[0].other_stack, 3);
}
END_TEST

START_TEST(a_committed_store_may_be_read) {
  lock(one, LOCK);
  fpost_race_tx_begin(&race, one);
  store(one, 1);
  fpost_race_tx_end(one);
  fpost_race_tx_begin(&race, one);
  unlock(one, LOCK);
  lock(two, LOCK);
  load(two, 2);
  ck_assert_uint_eq(found_count, 0);
}
END_TEST

/* The locks that a site says were held, the one taken last first. */
static void held_are(uint32_t number, uint32_t count, const uint64_t *keys) {
  struct fpost_race_site site = fpost_sites_at(&race.sites, number);
  for (uint32_t i = 0; i < count; i++) {
    ck_assert_uint_ne(site.locks, 0);
    ck_assert_uint_eq(race.sites.locks[site.locks].key, keys[i]);
    ck_assert_uint_eq(race.sites.locks[site.locks].stack, TAKEN);
    site.locks = race.sites.locks[site.locks].below;
  }
  ck_assert_uint_eq(site.locks, 0);
}

START_TEST(a_site_has_the_thread_and_the_locks_it_holds) {
  uint32_t site = fpost_race_site(&race, two, 5);
  ck_assert_uint_eq(fpost_sites_at(&race.sites, site).thread, 2);
  ck_assert_uint_eq(fpost_sites_at(&race.sites, site).stack, 5);
  held_are(site, 0, NULL);
  lock(two, LOCK);
  lock(two, OTHER);
  lock(two, OTHER + 8);
  const uint64_t three[] = {OTHER + 8, OTHER, LOCK};
  held_are(fpost_race_site(&race, two, 5), 3, three);
  /* Not in the order in which they were taken. */
  unlock(two, LOCK);
  const uint64_t left[] = {OTHER + 8, OTHER};
  held_are(fpost_race_site(&race, two, 5), 2, left);
  unlock(two, OTHER + 8);
  unlock(two, OTHER);
  held_are(fpost_race_site(&race, two, 5), 0, NULL);
}
END_TEST

START_TEST(a_race_is_told_with_the_sites_of_both) {
  lock(one, LOCK);
  uint32_t first = fpost_race_site(&race, one, 1);
  fpost_race_access(&race, one, &words[0], ADDRESS, 0xff, FPOST_RACE_WRITE,
                    first);
  unlock(one, LOCK);
  uint32_t second = fpost_race_site(&race, two, 2);
  fpost_race_access(&race, two, &words[0], ADDRESS, 0xff, 0, second);
  ck_assert_uint_eq(found_count, 1);
  ck_assert_uint_eq(found[0].store_site, first);
  ck_assert_uint_eq(found[0].other_site, second);
  ck_assert_uint_eq(found[0].store_stack, 1);
  ck_assert_uint_eq(found[0].other_stack, 2);
}
END_TEST

START_TEST(a_fence_instruction_makes_a_release_of_a_relaxed_store) {
  for (int fenced = 0; fenced < 2; fenced++) {
    memset(words, 0, sizeof(words));
    found_count = 0;
    store(one, 1);
    if (fenced) {
      fpost_race_barrier(&race, one, false);
    }
    fpost_race_release(&race, one, LOCK + (uint64_t)fenced * 8, true);
    fpost_race_acquire(&race, two, LOCK + (uint64_t)fenced * 8, false);
    store(two, 2);
    ck_assert_uint_eq(found_count, 1 - (uint32_t)fenced);
    /* What comes behind the atomic store is not ordered by it. */
    found_count = 0;
    access_bytes(one, 1, 0xff, FPOST_RACE_WRITE, 3);
    access_bytes(two, 1, 0xff, FPOST_RACE_WRITE, 4);
    ck_assert_uint_eq(found_count, 1);
  }
}
END_TEST

START_TEST(only_mfence_makes_an_acquisition_of_a_relaxed_load) {
  for (int mfence = 0; mfence < 2; mfence++) {
    memset(words, 0, sizeof(words));
    found_count = 0;
    store(one, 1);
    fpost_race_release(&race, one, LOCK, false);
    fpost_race_acquire(&race, two, LOCK, true);
    fpost_race_barrier(&race, two, mfence != 0);
    store(two, 2);
    ck_assert_uint_eq(found_count, 1 - (uint32_t)mfence);
  }
}
END_TEST

START_TEST(a_fence_in_a_section_orders_nothing) {
  store(one, 1);
  lock(one, LOCK);
  fpost_race_barrier(&race, one, true);
  unlock(one, LOCK);
  lock(two, LOCK);
  fpost_race_barrier(&race, two, true);
  unlock(two, LOCK);
  store(two, 2);
  ck_assert_uint_eq(found_count, 1);
}
END_TEST

START_TEST(an_access_is_known_until_the_next_release) {
  load(one, 1);
  ck_assert(fpost_race_known(one, &words[0], 0x0f, false));
  ck_assert(!fpost_race_known(one, &words[0], 0x0f, true));
  ck_assert(!fpost_race_known(two, &words[0], 0x0f, false));
  fpost_race_release(&race, one, LOCK, false);
  ck_assert(!fpost_race_known(one, &words[0], 0x0f, false));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("race");
  TCase *cases = tcase_create("race");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, two_stores_that_nothing_orders_race);
  tcase_add_test(cases, of_a_load_and_a_later_store_the_store_comes_first);
  tcase_add_test(cases, loads_do_not_race);
  tcase_add_test(cases, a_fence_instruction_makes_a_release_of_a_relaxed_store);
  tcase_add_test(cases, only_mfence_makes_an_acquisition_of_a_relaxed_load);
  tcase_add_test(cases, a_fence_in_a_section_orders_nothing);
  tcase_add_test(cases, a_site_has_the_thread_and_the_locks_it_holds);
  tcase_add_test(cases, a_race_is_told_with_the_sites_of_both);
  tcase_add_test(cases, neighbouring_bytes_do_not_race);
  tcase_add_test(cases, atomics_race_with_ordinary_accesses_only);
  tcase_add_test(cases, a_new_thread_comes_after_what_its_creator_did);
  tcase_add_test(cases, a_joined_thread_comes_before);
  tcase_add_test(cases, a_release_orders_what_came_before_it_alone);
  tcase_add_test(cases, an_object_of_another_key_orders_nothing);
  tcase_add_test(cases, relaxed_operations_need_both_fences);
  tcase_add_test(cases, a_common_lock_orders);
  tcase_add_test(cases, readers_of_a_lock_do_not_order_each_other);
  tcase_add_test(cases,
                 sections_that_have_nothing_in_common_do_not_order_for_sure);
  tcase_add_test(cases, sections_that_only_read_the_same_do_not_order_for_sure);
  tcase_add_test(cases,
                 a_section_that_reads_and_writes_is_compared_with_others_alone);
  tcase_add_test(cases, what_is_handed_over_in_a_section_is_ordered);
  tcase_add_test(cases, what_is_overwritten_in_a_section_is_ordered);
  tcase_add_test(cases, a_section_with_unknown_contents_orders);
  tcase_add_test(cases, a_lock_taken_by_code_without_hooks_orders);
  tcase_add_test(cases, a_lock_of_a_library_hands_nothing_over);
  tcase_add_test(cases, a_section_before_the_others_began_orders_only_itself);
  tcase_add_test(cases, a_section_ordered_in_part_is_ordered_as_a_whole);
  tcase_add_test(cases, what_a_section_learnt_is_ordered_with_it);
  tcase_add_test(cases, a_lock_of_ones_own_makes_nothing_known_to_others);
  tcase_add_test(cases, different_locks_are_no_common_lock);
  tcase_add_test(cases, a_slot_used_again_has_the_past_of_the_one_before);
  tcase_add_test(cases, too_many_threads_at_a_time_are_refused);
  tcase_add_test(cases, when_a_table_is_full_nothing_is_reported);
  tcase_add_test(cases, an_uncommitted_store_must_not_be_read_by_others);
  tcase_add_test(cases, a_committed_store_may_be_read);
  tcase_add_test(cases, an_access_is_known_until_the_next_release);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
