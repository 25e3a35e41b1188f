/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of objects: found again after it was moved, full when it says so.
 */
#include "rt/model/objects.h"

#include <check.h>
#include <string.h>

#define SMALL 16u
#define LARGE 64u

static struct fpost_object small[SMALL];
static struct fpost_object large[LARGE];
static struct fpost_objects objects;

static void setup(void) {
  memset(small, 0, sizeof(small));
  memset(large, 0, sizeof(large));
  objects = (struct fpost_objects){.items = small, .max = SMALL};
}

static int put(uint64_t address, uint8_t state) {
  return fpost_objects_put(
      &objects,
      (struct fpost_object){.address = address, .size = 8, .state = state});
}

START_TEST(address_zero_is_an_address) {
  ck_assert_ptr_null(fpost_objects_get(&objects, 0));
  ck_assert_int_eq(put(0, FPOST_OBJECT_LIVE), FPOST_OK);
  ck_assert_ptr_nonnull(fpost_objects_get(&objects, 0));
  ck_assert_ptr_null(fpost_objects_get(&objects, 16));
}
END_TEST

START_TEST(put_again_replaces) {
  ck_assert_int_eq(put(64, FPOST_OBJECT_FREED), FPOST_OK);
  ck_assert_int_eq(put(64, FPOST_OBJECT_LIVE), FPOST_OK);
  ck_assert_uint_eq(objects.count, 1);
  ck_assert_uint_eq(fpost_objects_get(&objects, 64)->state, FPOST_OBJECT_LIVE);
}
END_TEST

START_TEST(full_then_moved) {
  uint64_t address = 16;
  while (put(address, FPOST_OBJECT_LIVE) == FPOST_OK) {
    address += 16;
  }
  ck_assert_uint_eq(objects.count, SMALL / 4 * 3);
  struct fpost_objects old = objects;
  objects = (struct fpost_objects){.items = large, .max = LARGE};
  fpost_objects_move(&objects, &old);
  ck_assert_uint_eq(objects.count, old.count);
  for (uint64_t at = 16; at < address; at += 16) {
    ck_assert_ptr_nonnull(fpost_objects_get(&objects, at));
  }
  ck_assert_int_eq(put(address, FPOST_OBJECT_LIVE), FPOST_OK);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("objects");
  TCase *tests = tcase_create("objects");
  tcase_add_checked_fixture(tests, setup, NULL);
  tcase_add_test(tests, address_zero_is_an_address);
  tcase_add_test(tests, put_again_replaces);
  tcase_add_test(tests, full_then_moved);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
