/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on error -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: what transactions log is changed elsewhere without one: a warning.
 *
 * CHECK: WARNING: fencepost: unlogged-store
 * CHECK-NEXT: a store outside of any transaction
 * CHECK-NEXT: store of 8 bytes {{.*}} in reset
 * CHECK: SUMMARY: fencepost: 0 errors, 1 warning
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  uint64_t sum;
  uint64_t parts[6];
  uint64_t visits; /* no transaction cares */
};

static void add(PMEMobjpool *pool, struct root *root, int part) {
  TX_BEGIN(pool) {
    TX_ADD_DIRECT(&root->sum);
    TX_ADD_DIRECT(&root->parts[part]);
    root->parts[part]++;
    root->sum++;
  }
  TX_END
}

static void reset(PMEMobjpool *pool, struct root *root, int part) {
#ifdef FIXED
  TX_BEGIN(pool) {
    TX_ADD_DIRECT(&root->sum);
    TX_ADD_DIRECT(&root->parts[part]);
    root->sum -= root->parts[part];
    root->parts[part] = 0;
  }
  TX_END
#else
  root->parts[part] = 0;
  pmemobj_persist(pool, &root->parts[part], 8);
#endif
  root->visits++;
  pmemobj_persist(pool, &root->visits, 8);
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  root->sum = 0; /* before any transaction logs it */
  pmemobj_persist(pool, &root->sum, 8);
  add(pool, root, 1);
  reset(pool, root, 1);
  pmemobj_close(pool);
  return 0;
}
