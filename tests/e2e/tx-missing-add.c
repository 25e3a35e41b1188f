/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a field that a transaction changes without logging it, and persists
 * by itself, is not rolled back with the rest.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  uint64_t balances[2]; /* equal outside of a transaction */
  uint64_t unused[6];
  uint64_t copy;
} PM_ALIGNED;

static int run(PMEMobjpool *pool, struct root *root) {
  for (uint64_t value = 1; value <= 2; value++) {
    TX_BEGIN(pool) {
      pmemobj_tx_add_range_direct(&root->balances[0], sizeof root->balances[0]);
      root->balances[0] = value;
#ifdef FIXED
      pmemobj_tx_add_range_direct(&root->balances[1], sizeof root->balances[1]);
      root->balances[1] = value;
#else
      root->balances[1] = value;
      pmemobj_persist(pool, &root->balances[1], sizeof root->balances[1]);
#endif
    }
    TX_END
  }
  return 0;
}

static int check(const struct root *root) {
  return root->balances[0] != root->balances[1];
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  int result = strcmp(argv[1], "check") == 0 ? check(root) : run(pool, root);

  pmemobj_close(pool);
  return result;
}
