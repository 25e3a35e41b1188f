/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --fail-on performance -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: logging what is logged, or what the transaction has just allocated,
 * is needless. A place that is needed now and then is no mistake.
 *
 * CHECK: PERFORMANCE: fencepost: duplicate-log
 * CHECK-NEXT: log of 8 bytes of {{.*}}tx-logged-twice.c:[[@LINE+27]] in run
 * CHECK: is needless; the range is covered since
 * CHECK-NEXT: in run
 * CHECK: PERFORMANCE: fencepost: duplicate-log
 * CHECK-NEXT: the range was allocated in the same transaction: it needs no log
 * CHECK: SUMMARY: fencepost: 0 errors, 0 warnings, 2 performance
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  uint64_t words[8];
  PMEMoid object;
};

/* Sometimes the caller has added it. */
static void increment(uint64_t *word) {
  TX_ADD_DIRECT(word);
  (*word)++;
}

static void run(PMEMobjpool *pool, struct root *root) {
  for (int i = 0; i < 3; i++) {
    TX_BEGIN(pool) {
      pmemobj_tx_add_range_direct(root->words, sizeof root->words);
      increment(&root->words[0]);
#ifndef FIXED
      pmemobj_tx_add_range_direct(&root->words[1], sizeof root->words[1]);
#endif
      root->words[1]++;
      TX_ADD_DIRECT(&root->object);
      if (!OID_IS_NULL(root->object))
        pmemobj_tx_free(root->object);
      root->object = pmemobj_tx_zalloc(64, 1);
#ifndef FIXED
      pmemobj_tx_add_range(root->object, 0, 64);
#endif
      *(uint64_t *)pmemobj_direct(root->object) = 1;
    }
    TX_END
    TX_BEGIN(pool) {
      increment(&root->words[2]);
    }
    TX_END
  }
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));

  run(pool, pmemobj_direct(pmemobj_root(pool, sizeof(struct root))));
  pmemobj_close(pool);
  return 0;
}
