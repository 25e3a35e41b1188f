/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --depth 2 --trace %t.fpt --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: sed -n "s/.* replay [^ ]* //p" %t.out | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --depth 2 --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=NONE %s
 *
 * Intent: recovery allocates an object and links it by the next statement: it
 * is lost if the power fails while recovery is at work, not before.
 *
 * CHECK: WARNING: fencepost: leak
 * CHECK-NEXT: object of {{[0-9]+}} bytes at pool+{{.*}} in recover
 * CHECK: after recovery the root does not reach the object of type 7, {{.*}}; it ran again after a crash in recovery
 * CHECK: see it: fencepost replay {{.*}}/{{.*}}:{{.*}}/
 * CHECK: SUMMARY: fencepost: 0 errors, 1 warning
 * REPLAY: leak: nothing reaches the object
 * NONE: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pmobj.h"

#include <stdint.h>

struct root {
  uint64_t dirty;
  PMEMoid object;
};

static void recover(PMEMobjpool *pool, struct root *root) {
#ifdef FIXED
  pmemobj_zalloc(pool, &root->object, 64, 7);
#else
  PMEMoid object;

  pmemobj_zalloc(pool, &object, 64, 7);
  root->object = object;
  pmemobj_persist(pool, &root->object, sizeof root->object);
#endif
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  if (strcmp(argv[1], "run") == 0) {
    root->dirty = 1;
    pmemobj_persist(pool, &root->dirty, sizeof root->dirty);
  } else if (root->dirty != 0 && OID_IS_NULL(root->object)) {
    recover(pool, root);
  }
  pmemobj_close(pool);
  return 0;
}
