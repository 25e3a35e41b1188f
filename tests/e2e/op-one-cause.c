/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --op put --op move --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --op put --op move --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool
 *
 * Intent: an operation that tears between the same two stores is one finding,
 * whatever its arguments, and whoever calls it; other places in it, and
 * another operation that tears in the function that both call, are others:
 * between put's two calls of set, and within each, and within that of move.
 *
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation
 * CHECK: found 2 times
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK: SUMMARY: fencepost: 4 errors, 0 warnings; {{.*}} cover all
 */
#include "Inputs/pm.h"

struct pair {
  PM_ALIGNED uint64_t left;
#ifndef FIXED
  PM_ALIGNED
#endif
  uint64_t right;
};

static void set(struct pair *pair, uint64_t value) {
#ifdef FIXED
  /* One line: its stores persist in order, and recovery believes the second. */
  pair->left = value;
  __asm__ volatile("" ::: "memory");
  pair->right = value;
  pm_persist(pair, sizeof *pair);
#else
  pair->left = value;
  pm_persist(&pair->left, 8);
  pair->right = value;
  pm_persist(&pair->right, 8);
#endif
}

static void put(struct pair *pair, uint64_t value) {
  set(pair, value);
#ifndef FIXED
  if (value == 2) {
    set(pair + 1, value);
  }
#endif
}

static void move(struct pair *pair, uint64_t value) {
  set(pair, value);
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  struct pair *pairs = pm_map(argv[2]);
  if (!check) {
    put(&pairs[0], 1);
    put(&pairs[2], 3);
    put(&pairs[4], 2);
    move(&pairs[6], 7);
    return 0;
  }
#ifdef FIXED
  for (int i = 0; i < 8; i++)
    printf("%lu\n", pairs[i].right);
#else
  for (int i = 0; i < 8; i++)
    printf("%lu %lu\n", pairs[i].left, pairs[i].right);
#endif
  return 0;
}
