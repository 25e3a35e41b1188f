/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/stacks.h"

#include "rt/os/os.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fpost_stacks stacks;
static struct fpost_modules modules;
static struct fpost_stack_cache *cache;

static void setup(void) {
  ck_assert_int_eq(fpost_modules_init(&modules), FPOST_OK);
  ck_assert_int_eq(fpost_stacks_init(&stacks, &modules, FPOST_STACK_MAX),
                   FPOST_OK);
  cache = calloc(1, sizeof *cache);
}
static void teardown(void) {
  free(cache);
}

#define NOINLINE __attribute__((noinline))

/* As a hook does it. */
static NOINLINE uint32_t here(void) {
  return fpost_stacks_get(
      &stacks, cache, (uintptr_t)__builtin_return_address(0),
      (uintptr_t)__builtin_frame_address(0) + 16, UINTPTR_MAX);
}

static NOINLINE uint32_t by_one_way(void) {
  uint32_t stack = here();
  __asm__ volatile("" ::: "memory");
  return stack;
}
static NOINLINE uint32_t by_another_way(void) {
  uint32_t stack = here();
  __asm__ volatile("nop" ::: "memory");
  return stack;
}

START_TEST(same_place_is_the_same_stack) {
  uint32_t first = 0;
  /* Unrolled, the loop would have three places. */
#pragma clang loop unroll(disable)
  for (int i = 0; i < 3; i++) {
    uint32_t stack = by_one_way();
    ck_assert_uint_ne(stack, 0);
    first = i == 0 ? stack : first;
    ck_assert_uint_eq(stack, first);
  }
  ck_assert_uint_ne(by_another_way(), first);
}
END_TEST

/* Two callers alike in all but their address. */
static NOINLINE uint32_t via_one(void) {
  uint32_t stack = by_one_way();
  __asm__ volatile("" ::: "memory");
  return stack;
}
static NOINLINE uint32_t via_another(void) {
  uint32_t stack = by_one_way();
  __asm__ volatile("nop" ::: "memory");
  return stack;
}

START_TEST(callers_further_out_make_another_stack) {
  uint32_t (*volatile ways[2])(void) = {via_one, via_another};
  uint32_t found[4];
#pragma clang loop unroll(disable)
  for (int i = 0; i < 4; i++) {
    found[i] = ways[i % 2]();
  }
  ck_assert_uint_ne(found[0], found[1]);
  ck_assert_uint_eq(found[0], found[2]);
  ck_assert_uint_eq(found[1], found[3]);
  /* The cache was hit: return address and stack pointer are the same. */
  ck_assert_uint_eq(stacks.stacks[found[0]].pcs[0],
                    stacks.stacks[found[1]].pcs[0]);
  ck_assert_uint_ne(stacks.stacks[found[0]].pcs[1],
                    stacks.stacks[found[1]].pcs[1]);
}
END_TEST

static NOINLINE uint32_t recurse(int depth, uint32_t *stacks_of) {
  if (depth == 0) {
    return here();
  }
  uint32_t stack = recurse(depth - 1, stacks_of);
  __asm__ volatile("" ::: "memory");
  stacks_of[depth] = here();
  return stack;
}

START_TEST(each_depth_of_a_recursion_is_a_stack_and_found_again) {
  uint32_t once[11] = {0};
  uint32_t again[11] = {0};
  once[0] = recurse(10, once);
  again[0] = recurse(10, again);
  for (int i = 0; i <= 10; i++) {
    for (int j = 0; j < i; j++) {
      ck_assert_uint_ne(once[i], once[j]);
    }
    ck_assert_uint_eq(stacks.stacks[once[i]].pcs[0],
                      stacks.stacks[again[i]].pcs[0]);
  }
}
END_TEST

/* Called with other frame sizes: a frame that varies must not mislead. */
static NOINLINE uint32_t with_room(size_t size) {
  volatile char *room = __builtin_alloca(size);
  room[0] = 1;
  uint32_t stack = by_one_way();
  room[size - 1] = 1;
  return stack;
}

START_TEST(frames_of_varying_size_do_not_mislead) {
  uint32_t first = with_room(16);
#pragma clang loop unroll(disable)
  for (size_t size = 16; size < 4096; size += 80) {
    uint32_t stack = with_room(size);
    const struct fpost_stack *a = &stacks.stacks[first];
    const struct fpost_stack *b = &stacks.stacks[stack];
    ck_assert_uint_eq(a->count, b->count);
    /* The place of the call in this function alone differs. */
    ck_assert_uint_eq(a->pcs[0], b->pcs[0]);
    ck_assert_uint_eq(a->pcs[1], b->pcs[1]);
    ck_assert_uint_eq(a->pcs[3], b->pcs[3]);
  }
}
END_TEST

START_TEST(interning_is_by_content_and_bounded) {
  uintptr_t pcs[FPOST_STACK_MAX] = {0};
  for (uint32_t i = 1; i <= FPOST_STACKS_MAX; i++) {
    pcs[0] = i;
    ck_assert_uint_eq(fpost_stacks_intern(&stacks, pcs, 1), i);
  }
  pcs[0] = 77;
  ck_assert_uint_eq(fpost_stacks_intern(&stacks, pcs, 1), 77);
  ck_assert_uint_eq(stacks.lost, 0);
  pcs[0] = FPOST_STACKS_MAX + 1;
  ck_assert_uint_eq(fpost_stacks_intern(&stacks, pcs, 1), 0);
  ck_assert_uint_eq(stacks.lost, 1);
}
END_TEST

START_TEST(unloaded_code_makes_the_same_addresses_another_stack) {
  uintptr_t pcs[2] = {1, 2};
  uint32_t before = fpost_stacks_intern(&stacks, pcs, 2);
  fpost_stacks_forget(&stacks);
  ck_assert_uint_ne(fpost_stacks_intern(&stacks, pcs, 2), before);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("stacks");
  TCase *tests = tcase_create("stacks");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, same_place_is_the_same_stack);
  tcase_add_test(tests, callers_further_out_make_another_stack);
  tcase_add_test(tests, each_depth_of_a_recursion_is_a_stack_and_found_again);
  tcase_add_test(tests, frames_of_varying_size_do_not_mislead);
  tcase_add_test(tests, interning_is_by_content_and_bounded);
  tcase_add_test(tests, unloaded_code_makes_the_same_addresses_another_stack);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}
