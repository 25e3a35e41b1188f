/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --trace %t.fpt --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: sed -n "s/.* replay [^ ]* //p" %t.out | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 * RUN: not %fencepost report --format json %t.fpdb | FileCheck --check-prefix=JSON %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no leak,dangling-pointer --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ALL %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ALL %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --check-heap --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ALL %s
 *
 * Intent: an object that is allocated into a variable and linked by the next
 * statement is lost if the power fails in between; freed before it is unlinked,
 * it is still pointed to. Recovery that looks at nothing does not notice.
 *
 * CHECK:      ERROR: fencepost: dangling-pointer
 * CHECK-NEXT:   pointer of 16 bytes to pool+[[FIELD:0x[0-9a-f]+]] {{.*}}heap-recovery.c:[[#LINK:]] in run
 * CHECK:        is left by a crash, and what it goes to was freed by
 * CHECK-NEXT:   free of {{[0-9]+}} bytes of pool+[[OBJECT:0x[0-9a-f]+]] {{.*}}heap-recovery.c:[[#LINK+2]] in run
 * CHECK:        after recovery the root, 16 bytes at pool+[[FIELD]], holds a pointer to pool+[[OBJECT]], where no object is
 * CHECK:        see it: fencepost replay {{.*}}/{{.*}}
 * CHECK:      WARNING: fencepost: leak
 * CHECK-NEXT:   object of {{[0-9]+}} bytes at pool+[[OBJECT]] {{.*}}heap-recovery.c:[[#LINK-1]] in run
 * CHECK:        is allocated, and nothing points to it, if power is cut
 * CHECK:        after recovery the root does not reach the object of type 7, {{[0-9]+}} bytes at pool+[[OBJECT]]
 * CHECK:        see it: fencepost replay {{.*}}/{{.*}}
 * CHECK:      SUMMARY: fencepost: 1 error, 1 warning; {{.*}} cover all of
 * REPLAY: dangling-pointer: no object is where the PMEMoid at pool+{{.*}}
 * REPLAY: recovery exited with 1
 * JSON: "class": "dangling-pointer"
 * JSON: "lost": [
 * JSON: "line": [[#]]
 * ALL: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  PMEMoid object;
};

static void run(PMEMobjpool *pool, struct root *root) {
#ifdef FIXED
  pmemobj_zalloc(pool, &root->object, 64, 7);
  pmemobj_free(&root->object);
#else
  PMEMoid object;

  pmemobj_zalloc(pool, &object, 64, 7);
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
