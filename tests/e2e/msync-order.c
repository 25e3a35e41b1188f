/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: one msync over data and flag gives no order between the two pages.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"

#define PAGE 4096

struct root {
  char data[PAGE];
  uint64_t is_valid; /* on the next page */
};

/* Durability by msync alone, as for any file. */
static int run(struct root *root) {
  memset(root->data, 'd', PAGE);
#ifdef FIXED
  msync(root->data, PAGE, MS_SYNC);
#endif
  root->is_valid = 1;
  msync(root, 2 * PAGE, MS_SYNC);
  return 0;
}

static int check(const struct root *root) {
  return root->is_valid &&
         (root->data[0] != 'd' || root->data[PAGE - 1] != 'd');
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
