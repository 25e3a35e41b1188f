/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the tests of rt/model/race.h share: two threads, the second made by the
 * first, four words, and what was found.
 */
#ifndef FPOST_TESTS_UNIT_RACE_FIXTURE_H
#define FPOST_TESTS_UNIT_RACE_FIXTURE_H

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

static inline void on_found(void *context,
                            const struct fpost_finding *finding) {
  ck_assert_ptr_eq(context, &found_count);
  ck_assert_uint_lt(found_count, FOUND_MAX);
  found[found_count++] = *finding;
}

static inline void setup(void) {
  race = (struct fpost_race){
      .threads = calloc(FPOST_RACE_THREADS, sizeof(*race.threads)),
      .syncs = calloc(FPOST_RACE_SYNCS, sizeof(*race.syncs)),
      .arena = calloc(1, ARENA),
      .arena_size = ARENA,
      .sites = {.sites = calloc(FPOST_SITES, sizeof(struct fpost_race_site)),
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

static inline void teardown(void) {
  free(race.threads);
  free(race.syncs);
  free(race.arena);
  free(race.sites.sites);
  free(race.sites.locks);
}

/* From the beginning, within a test. */
static inline void setup_again(void) {
  teardown();
  setup();
}

static inline void access_bytes(struct fpost_race_thread *thread, uint32_t word,
                                uint32_t bytes, uint32_t flags,
                                uint32_t stack) {
  fpost_race_touch(thread, 0x7000 + 8 * (uint64_t)word,
                   (flags & FPOST_RACE_WRITE) != 0);
  fpost_race_access(&race, thread, &words[word], ADDRESS + (uint64_t)word * 8,
                    bytes, flags, stack);
}
static inline void store(struct fpost_race_thread *thread, uint32_t stack) {
  access_bytes(thread, 0, 0xff, FPOST_RACE_WRITE, stack);
}
static inline void load(struct fpost_race_thread *thread, uint32_t stack) {
  access_bytes(thread, 0, 0xff, 0, stack);
}
static inline void lock_as(struct fpost_race_thread *thread, uint64_t key,
                           enum fpost_lock_kind kind,
                           enum fpost_race_section section) {
  fpost_race_lock(
      &race, thread,
      &(struct fpost_site_lock){.key = key, .kind = kind, .stack = TAKEN},
      section);
}
static inline void lock(struct fpost_race_thread *thread, uint64_t key) {
  lock_as(thread, key, FPOST_LOCK_MUTEX, FPOST_RACE_TOLD);
}
static inline void unlock(struct fpost_race_thread *thread, uint64_t key) {
  fpost_race_unlock(&race, thread, key);
}

#endif /* FPOST_TESTS_UNIT_RACE_FIXTURE_H */
