/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sites and chains of locks: equal ones have one number, and full tables. */
#include "rt/model/site.h"

#include <check.h>
#include <stdlib.h>

static struct fpost_sites sites;

static void setup(void) {
  sites = (struct fpost_sites){
      .sites = calloc(FPOST_SITES, sizeof(struct fpost_race_site)),
      .locks = calloc(FPOST_SITE_LOCKS, sizeof(struct fpost_site_lock))};
  ck_assert_ptr_nonnull(sites.sites);
  ck_assert_ptr_nonnull(sites.locks);
}

static void teardown(void) {
  free(sites.sites);
  free(sites.locks);
}

static uint32_t lock(uint64_t key, uint32_t below, uint32_t stack,
                     uint32_t kind) {
  return fpost_sites_lock(
      &sites, &(struct fpost_site_lock){
                  .key = key, .below = below, .stack = stack, .kind = kind});
}

START_TEST(equal_sites_have_one_number) {
  uint32_t site = fpost_sites_get(&sites, 1, 2, 0);
  ck_assert_uint_eq(fpost_sites_get(&sites, 1, 2, 0), site);
  ck_assert_uint_ne(fpost_sites_get(&sites, 2, 2, 0), site);
  ck_assert_uint_ne(fpost_sites_get(&sites, 1, 3, 0), site);
  ck_assert_uint_ne(fpost_sites_get(&sites, 1, 2, lock(8, 0, 1, 0)), site);
  struct fpost_race_site known = fpost_sites_at(&sites, site);
  ck_assert_uint_eq(known.thread, 1);
  ck_assert_uint_eq(known.stack, 2);
  ck_assert_uint_eq(known.locks, 0);
}
END_TEST

START_TEST(no_stack_is_no_site) {
  ck_assert_uint_eq(fpost_sites_get(&sites, 1, 0, 0), 0);
  ck_assert_uint_eq(fpost_sites_at(&sites, 0).stack, 0);
}
END_TEST

START_TEST(equal_chains_have_one_number) {
  uint32_t a = lock(8, 0, 1, FPOST_LOCK_MUTEX);
  uint32_t b = lock(16, a, 1, FPOST_LOCK_MUTEX);
  ck_assert_uint_ne(a, 0);
  ck_assert_uint_eq(lock(8, 0, 1, FPOST_LOCK_MUTEX), a);
  ck_assert_uint_eq(lock(16, a, 1, FPOST_LOCK_MUTEX), b);
  ck_assert_uint_ne(lock(8, 0, 2, FPOST_LOCK_MUTEX), a);
  ck_assert_uint_ne(lock(8, 0, 1, FPOST_LOCK_SPIN), a);
  ck_assert_uint_ne(lock(16, 0, 1, FPOST_LOCK_MUTEX), b);
  ck_assert_uint_eq(sites.locks[b].below, a);
  ck_assert_uint_eq(sites.locks[b].key, 16);
}
END_TEST

START_TEST(nothing_is_put_at_the_number_of_no_chain) {
  for (uint64_t i = 1; i <= 4096; i++) {
    ck_assert_uint_ne(lock(i, 0, 1, 0), 0);
  }
  ck_assert_uint_eq(sites.locks[0].key, 0);
}
END_TEST

START_TEST(a_full_table_of_sites_knows_stacks) {
  for (uint32_t i = 1; i <= FPOST_SITES; i++) {
    uint32_t site = fpost_sites_get(&sites, i, 7, 0);
    ck_assert_uint_eq(fpost_sites_at(&sites, site).stack, 7);
  }
  uint32_t site = fpost_sites_get(&sites, UINT32_MAX, 9, 0);
  ck_assert_uint_eq(fpost_sites_at(&sites, site).stack, 9);
  ck_assert_uint_eq(fpost_sites_at(&sites, site).thread, 0);
  ck_assert_uint_eq(fpost_sites_at(&sites, site).locks, FPOST_LOCKS_UNKNOWN);
  /* What was there before is known. */
  site = fpost_sites_get(&sites, 1, 7, 0);
  ck_assert_uint_eq(fpost_sites_at(&sites, site).thread, 1);
}
END_TEST

START_TEST(a_full_table_of_locks_knows_no_more_chains) {
  uint32_t first = lock(1, 0, 1, 0);
  for (uint64_t i = 2; i <= FPOST_SITE_LOCKS; i++) {
    (void)lock(i, 0, 1, 0);
  }
  uint32_t unknown = lock(FPOST_SITE_LOCKS + UINT64_C(1), 0, 1, 0);
  ck_assert_uint_eq(unknown, FPOST_LOCKS_UNKNOWN);
  ck_assert_uint_eq(lock(1, unknown, 1, 0), FPOST_LOCKS_UNKNOWN);
  ck_assert_uint_eq(lock(1, 0, 1, 0), first);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("site");
  TCase *cases = tcase_create("site");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, equal_sites_have_one_number);
  tcase_add_test(cases, no_stack_is_no_site);
  tcase_add_test(cases, equal_chains_have_one_number);
  tcase_add_test(cases, nothing_is_put_at_the_number_of_no_chain);
  tcase_add_test(cases, a_full_table_of_sites_knows_stacks);
  tcase_add_test(cases, a_full_table_of_locks_knows_no_more_chains);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
