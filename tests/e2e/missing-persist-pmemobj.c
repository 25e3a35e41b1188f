/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && not %fencepost check -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %fencepost check -- %t run %t.pool
 *
 * Intent: a store through pmemobj_direct that is not persisted is reported;
 * what the distribution's libpmemobj itself stores and flushes is not.
 */
#include "Inputs/pm.h"

#include <libpmemobj.h>

struct root {
  uint64_t size;
  uint64_t unused[7];
  uint64_t total;
} PM_ALIGNED;

int main(int argc, char **argv) {
  PMEMobjpool *pool;
  struct root *root;

  if (pm_is_check(argc, argv))
    return 0;
  pool = pmemobj_create(argv[2], "test", PMEMOBJ_MIN_POOL, 0600);
  if (pool == NULL)
    return 2;
  root = pmemobj_direct(pmemobj_root(pool, sizeof *root));
  root->size = 1;
  pmemobj_persist(pool, &root->size, sizeof root->size);
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK-NEXT: store of 8 bytes to
   * {{.*}}missing-persist-pmemobj.c:[[#@LINE+2]] in main
   */
  root->total = 10;
#ifdef FIXED
  pmemobj_persist(pool, &root->total, sizeof root->total);
#endif
  pmemobj_close(pool);
  return 0;
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */
