/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ALL %s
 *
 * Intent: an object that is allocated into a variable and linked by the next
 * statement is lost if the power fails in between; freed before it is unlinked,
 * it is still pointed to. Recovery that looks at nothing does not notice.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-DAG: fencepost: leak: an object that nothing in the pool reaches
 * CHECK-DAG: fencepost: dangling-pointer: a PMEMoid that goes to no object
 * ALL: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  PMEMoid object;
};

static void run(PMEMobjpool *pool, struct root *root) {
#ifdef FIXED
  pmemobj_zalloc(pool, &root->object, 64, 1);
  pmemobj_free(&root->object);
#else
  PMEMoid object;

  pmemobj_zalloc(pool, &object, 64, 1);
  root->object = object;
  pmemobj_persist(pool, &root->object, sizeof root->object);
  pmemobj_free(&object);
  root->object = OID_NULL;
  pmemobj_persist(pool, &root->object, sizeof root->object);
#endif
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  if (strcmp(argv[1], "run") == 0)
    run(pool, root);
  pmemobj_close(pool);
  return 0;
}
