/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t run %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --check-heap -- %t run %t.pool | FileCheck --check-prefix=END %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --check-heap -- %t run %t.pool
 *
 * Intent: an array of identifiers with a count. What lies behind the count
 * still names objects that have been freed, and nobody looks there: no finding,
 * unless
 * --check-heap asks for these as well.
 *
 * NONE:  SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 * CHECK: ERROR: fencepost: dangling-pointer
 * END:   ERROR: fencepost: dangling-pointer
 * END:   at the end the pool still points to an object that has been freed
 * END:   free {{.*}}heap-stale.c:[[#]] in pop
 */
#include "Inputs/pmobj.h"

#include <stdint.h>

#define SLOTS 8

struct root {
  uint64_t count;
  PMEMoid slots[SLOTS];
};

static void push(PMEMobjpool *pool, struct root *root) {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(root, sizeof *root);
    root->slots[root->count] = pmemobj_tx_zalloc(64, 1);
    root->count++;
  }
  TX_END
}

static void pop(PMEMobjpool *pool, struct root *root) {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(root, sizeof *root);
    root->count--;
    pmemobj_tx_free(root->slots[root->count]);
#ifdef FIXED
    root->slots[root->count] = OID_NULL;
#endif
  }
  TX_END
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  if (strcmp(argv[1], "run") == 0) {
    push(pool, root);
    push(pool, root);
    pop(pool, root);
    pop(pool, root);
    push(pool, root);
  }
  pmemobj_close(pool);
  return 0;
}
