/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/regions.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fpost_regions *regions;

static void setup(void) {
  regions = calloc(1, sizeof *regions);
}
static void teardown(void) {
  free(regions);
}

static struct fpost_pool *pool_of(uint64_t inode, uint64_t size) {
  struct fpost_file_id file = {.device = 1, .inode = inode};
  struct fpost_pool *pool = NULL;
  bool made;
  ck_assert_int_eq(fpost_regions_pool(regions, &file, NULL, size, &pool, &made),
                   FPOST_OK);
  return pool;
}

START_TEST(address_outside_every_region_is_in_none) {
  struct fpost_pool *pool = pool_of(1, 8192);
  ck_assert_int_eq(fpost_regions_add(regions, 0x10000, 4096, pool, 0), 0);
  ck_assert_int_eq(fpost_regions_add(regions, 0x20000, 4096, pool, 4096), 0);
  ck_assert_ptr_null(fpost_regions_find(regions, 0xffff));
  ck_assert_ptr_nonnull(fpost_regions_find(regions, 0x10000));
  ck_assert_ptr_nonnull(fpost_regions_find(regions, 0x10fff));
  ck_assert_ptr_null(fpost_regions_find(regions, 0x11000));
  ck_assert_uint_eq(fpost_regions_find(regions, 0x20010)->offset, 4096);
  ck_assert_uint_eq(fpost_regions_after(regions, 0x11000)->start, 0x20000);
  ck_assert_ptr_null(fpost_regions_after(regions, 0x21000));
}
END_TEST

START_TEST(one_file_is_one_pool) {
  struct fpost_pool *first = pool_of(1, 4096);
  ck_assert_ptr_eq(pool_of(1, 8192), first);
  ck_assert_uint_eq(first->size, 8192);
  ck_assert_ptr_eq(pool_of(1, 4096), first);
  ck_assert_uint_eq(first->size, 8192);
  ck_assert_ptr_ne(pool_of(2, 4096), first);
}
END_TEST

START_TEST(file_made_anew_with_the_same_inode_is_another_pool) {
  struct fpost_file_id a = {.device = 1, .inode = 1, .birth = 10};
  struct fpost_file_id b = {.device = 1, .inode = 1, .birth = 20};
  struct fpost_pool *one;
  struct fpost_pool *other;
  bool made;
  ck_assert_int_eq(fpost_regions_pool(regions, &a, NULL, 64, &one, &made), 0);
  ck_assert_int_eq(fpost_regions_pool(regions, &b, NULL, 64, &other, &made), 0);
  ck_assert(made);
  ck_assert_ptr_ne(one, other);
}
END_TEST

START_TEST(removal_inside_a_region_leaves_both_ends) {
  struct fpost_pool *pool = pool_of(1, 0x4000);
  ck_assert_int_eq(fpost_regions_add(regions, 0x10000, 0x4000, pool, 0), 0);
  fpost_regions_remove(regions, 0x11000, 0x1000);
  ck_assert_uint_eq(regions->count, 2);
  ck_assert_uint_eq(pool->regions, 2);
  ck_assert_ptr_null(fpost_regions_find(regions, 0x11800));
  ck_assert_uint_eq(fpost_regions_find(regions, 0x10800)->offset, 0);
  ck_assert_uint_eq(fpost_regions_find(regions, 0x12800)->offset, 0x2000);
  fpost_regions_remove(regions, 0, 0x100000);
  ck_assert_uint_eq(regions->count, 0);
  ck_assert_uint_eq(pool->regions, 0);
}
END_TEST

START_TEST(new_region_takes_the_place_of_what_it_overlaps) {
  struct fpost_pool *a = pool_of(1, 0x4000);
  struct fpost_pool *b = pool_of(2, 0x4000);
  ck_assert_int_eq(fpost_regions_add(regions, 0x10000, 0x4000, a, 0), 0);
  ck_assert_int_eq(fpost_regions_add(regions, 0x13000, 0x2000, b, 0), 0);
  ck_assert_ptr_eq(fpost_regions_find(regions, 0x12fff)->pool, a);
  ck_assert_ptr_eq(fpost_regions_find(regions, 0x13000)->pool, b);
  uint64_t base;
  uint64_t size;
  fpost_regions_hull(regions, &base, &size);
  ck_assert_uint_eq(base, 0x10000);
  ck_assert_uint_eq(size, 0x5000);
  ck_assert_uint_eq(fpost_regions_of(regions, b, 0x1000)->start, 0x13000);
  ck_assert_ptr_null(fpost_regions_of(regions, b, 0x2000));
}
END_TEST

START_TEST(full_tables_are_errors_and_change_nothing) {
  struct fpost_pool *pool = pool_of(1, 0x1000);
  for (uint32_t i = 0; i < FPOST_REGIONS_MAX; i++) {
    ck_assert_int_eq(
        fpost_regions_add(regions, 0x10000 + i * 0x2000u, 0x1000, pool, 0), 0);
  }
  ck_assert_int_eq(fpost_regions_add(regions, 0x1000, 0x1000, pool, 0),
                   FPOST_ENOMEM);
  ck_assert_uint_eq(regions->count, FPOST_REGIONS_MAX);
  struct fpost_pool *other;
  bool made;
  for (uint32_t i = 1; i < FPOST_POOLS_MAX; i++) {
    (void)pool_of(1 + i, 0x1000);
  }
  struct fpost_file_id file = {.device = 2};
  ck_assert_int_eq(fpost_regions_pool(regions, &file, NULL, 64, &other, &made),
                   FPOST_ENOMEM);
  ck_assert_int_eq(fpost_regions_pool(regions, &pool->file, NULL,
                                      pool->reserved + 1, &other, &made),
                   FPOST_EINVAL);
  ck_assert_uint_eq(pool->size, 0x1000);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("regions");
  TCase *tests = tcase_create("regions");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, address_outside_every_region_is_in_none);
  tcase_add_test(tests, one_file_is_one_pool);
  tcase_add_test(tests, file_made_anew_with_the_same_inode_is_another_pool);
  tcase_add_test(tests, removal_inside_a_region_leaves_both_ends);
  tcase_add_test(tests, new_region_takes_the_place_of_what_it_overlaps);
  tcase_add_test(tests, full_tables_are_errors_and_change_nothing);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
