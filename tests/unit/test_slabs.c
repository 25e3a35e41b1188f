/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/heap/slabs.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS 64u

static struct fpost_slabs slabs;
static struct fpost_chunk chunks[CHUNKS];

static void setup(void) {
  memset(chunks, 0, sizeof(chunks));
  slabs = (struct fpost_slabs){
      .heap = aligned_alloc(FPOST_CHUNK_SIZE, CHUNKS * FPOST_CHUNK_SIZE),
      .chunks = chunks,
      .chunks_count = CHUNKS};
  ck_assert_ptr_nonnull(slabs.heap);
}

static void teardown(void) {
  free(slabs.heap);
}

START_TEST(objects_do_not_overlap_and_are_aligned) {
  enum { COUNT = 2000 };
  static uint8_t *objects[COUNT];
  static size_t sizes[COUNT];
  uint32_t state = 1;
  size_t made = 0;
  for (; made < COUNT; made++) {
    state = state * 1664525 + 1013904223;
    sizes[made] = (state >> 8) % 300;
    size_t align = (size_t)16 << (state >> 28) % 3;
    objects[made] = fpost_slabs_take(&slabs, sizes[made], align);
    if (objects[made] == NULL) {
      break;
    }
    ck_assert_uint_eq((uintptr_t)objects[made] % align, 0);
    ck_assert_uint_ge(fpost_slabs_size(&slabs, objects[made]), sizes[made]);
    memset(objects[made], (int)(made & 0xff), sizes[made]);
  }
  ck_assert_uint_gt(made, 1000);
  for (size_t i = 0; i < made; i++) {
    for (size_t k = 0; k < sizes[i]; k++) {
      ck_assert_uint_eq(objects[i][k], i & 0xff);
    }
  }
}
END_TEST

START_TEST(what_is_given_back_is_taken_again) {
  size_t first = 0;
  while (fpost_slabs_take(&slabs, 4096, 16) != NULL) {
    first++;
  }
  ck_assert_uint_eq(first, CHUNKS * FPOST_CHUNK_SIZE / 4096);
  for (size_t i = 0; i < first; i++) {
    ck_assert(fpost_slabs_give(&slabs, slabs.heap + i * 4096));
  }
  size_t again = 0;
  while (fpost_slabs_take(&slabs, 4096, 16) != NULL) {
    again++;
  }
  ck_assert_uint_eq(again, first);
}
END_TEST

START_TEST(large_objects_take_chunks_in_a_row) {
  slabs.chunks_count = 8;
  uint8_t *a = fpost_slabs_take(&slabs, 3 * FPOST_CHUNK_SIZE, 16);
  uint8_t *b = fpost_slabs_take(&slabs, 4 * FPOST_CHUNK_SIZE + 1, 16);
  ck_assert_ptr_eq(a, slabs.heap);
  ck_assert_ptr_eq(b, a + 3 * FPOST_CHUNK_SIZE);
  ck_assert_ptr_null(fpost_slabs_take(&slabs, 1, 16));
  ck_assert(fpost_slabs_give(&slabs, a));
  ck_assert_ptr_null(fpost_slabs_take(&slabs, 4 * FPOST_CHUNK_SIZE, 16));
  ck_assert_ptr_eq(fpost_slabs_take(&slabs, 2 * FPOST_CHUNK_SIZE, 16), a);
}
END_TEST

START_TEST(giving_back_twice_or_an_inner_address_is_refused) {
  uint8_t *a = fpost_slabs_take(&slabs, 64, 16);
  ck_assert(!fpost_slabs_give(&slabs, a + 16));
  ck_assert(fpost_slabs_give(&slabs, a));
  ck_assert(!fpost_slabs_give(&slabs, a));
  ck_assert(!fpost_slabs_give(&slabs, slabs.heap + 5 * FPOST_CHUNK_SIZE));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("slabs");
  TCase *cases = tcase_create("slabs");
  tcase_add_checked_fixture(cases, setup, teardown);
  tcase_add_test(cases, objects_do_not_overlap_and_are_aligned);
  tcase_add_test(cases, what_is_given_back_is_taken_again);
  tcase_add_test(cases, large_objects_take_chunks_in_a_row);
  tcase_add_test(cases, giving_back_twice_or_an_inner_address_is_refused);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
