/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What orders two accesses and what does not, and which races are predicted.
 * Threads are made by the first one; stacks are numbered by the tests.
 */
#include "rt/model/race.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS UINT64_C(0x10000001000)
#define ARENA (1u << 20)
#define FOUND_MAX 16u
#define LOCK UINT64_C(0x1000)
#define OTHER UINT64_C(0x2000)
#define TAKEN 70u /* the stack at which all locks are taken */

static struct fpost_race race;
static struct fpost_race_thread *one;
static struct fpost_race_thread *two;
static struct fpost_race_word words[4];
static struct fpost_finding found[FOUND_MAX];
static uint32_t found_count;

static void on_found(void *context, const struct fpost_finding *finding) {
  ck_assert_ptr_eq(context, &found_count);
  ck_assert_uint_lt(found_count, FOUND_MAX);
  found[found_count++] = *finding;
}

static void setup(void) {
  race = (struct fpost_race){
      .threads = calloc(FPOST_RACE_THREADS, sizeof(*race.threads)),
      .syncs = calloc(FPOST_RACE_SYNCS, sizeof(*race.syncs)),
      .arena = calloc(1, ARENA),
      .arena_size = ARENA,
      .sites = {.sites = calloc(FPOST_SITES, sizeof(struct fpost_site)),
                .locks =
                    calloc(FPOST_SITE_LOCKS, sizeof(struct fpost_site_lock))},
      .enabled = UINT32_MAX,
      .found = on_found,
      .context = &found_count};
  ck_assert_ptr_nonnull(race.threads);
  ck_assert_ptr_nonnull(race.syncs);
  ck_assert_ptr_nonnull(race.arena);
  memset(words, 0, sizeof(words));
  found_count = 0;
  one = fpost_race_begin(&race, NULL);
  two = fpost_race_begin(&race, one);
  one->id = one->person = 1;
  two->id = two->person = 2;
}

static void teardown(void) {
  free(race.threads);
  free(race.syncs);
  free(race.arena);
  free(race.sites.sites);
  free(race.sites.locks);
}

/* From the beginning, within a test. */
static void setup_again(void) {
  teardown();
  setup();
}

static void access_bytes(struct fpost_race_thread *thread, uint32_t word,
                         uint32_t bytes, uint32_t flags, uint32_t stack) {
  fpost_race_touch(thread, 0x7000 + 8 * (uint64_t)word,
                   (flags & FPOST_RACE_WRITE) != 0);
  fpost_race_access(&race, thread, &words[word], ADDRESS + (uint64_t)word * 8,
                    bytes, flags, stack);
}
static void store(struct fpost_race_thread *thread, uint32_t stack) {
  access_bytes(thread, 0, 0xff, FPOST_RACE_WRITE, stack);
}
static void load(struct fpost_race_thread *thread, uint32_t stack) {
  access_bytes(thread, 0, 0xff, 0, stack);
}
static void lock_as(struct fpost_race_thread *thread, uint64_t key,
                    enum fpost_lock_kind kind,
                    enum fpost_race_section section) {
  fpost_race_lock(
      &race, thread,
      &(struct fpost_site_lock){.key = key, .kind = kind, .stack = TAKEN},
      section);
}
static void lock(struct fpost_race_thread *thread, uint64_t key) {
  lock_as(thread, key, FPOST_LOCK_MUTEX, FPOST_RACE_TOLD);
}
static void unlock(struct fpost_race_thread *thread, uint64_t key) {
  fpost_race_unlock(&race, thread, key);
}

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
  struct fpost_site site = fpost_sites_at(&race.sites, number);
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
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
