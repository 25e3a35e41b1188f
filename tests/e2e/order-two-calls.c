/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --no not-robust --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --no not-robust --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: two stores by one line of a function, in the wrong order of two of
 * its calls: that the fix names the line twice helps nobody, so it names the
 * calls.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: fix: fence after the flush of [[PUT:.*two-calls.c:[0-9]+]] (called from [[CALL:.*two-calls.c:[0-9]+]]), before [[PUT]] (called from
 * CHECK-NOT: called from [[CALL]])
 * CHECK-SAME: two-calls.c:{{[0-9]+}})
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

struct root {
  uint64_t value PM_ALIGNED;
  uint64_t valid PM_ALIGNED;
};

static __attribute__((noinline)) void put(uint64_t *field, uint64_t value) {
  *field = value;
  pm_flush(field, sizeof *field);
#ifdef FIXED
  pm_fence();
#endif
}

static int run(struct root *root) {
  put(&root->value, 7);
  put(&root->valid, 1);
  pm_fence();
  return 0;
}

static int check(const struct root *root) {
  return root->valid != 0 && root->value != 7;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
