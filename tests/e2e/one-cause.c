/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=ONE %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DTWO %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=TWO %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DTWO -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a store that is not flushed is one finding, whoever calls the
 * function that it is in; two stores in lines of their own are two, although
 * the same later store does the harm.
 *
 * ONE: ERROR: fencepost: recovery-failure
 * ONE-NEXT: store of 8 bytes to pool+0x0 {{.*}}one-cause.c:[[#@LINE+22]] in set
 * ONE: store of 8 bytes to pool+0x80 {{.*}}one-cause.c:[[#@LINE+41]]
 * ONE: found {{[0-9]+}} times
 * ONE: SUMMARY: fencepost: 1 error, 0 warnings; {{.*}} cover all of
 * TWO: ERROR: fencepost: recovery-failure
 * TWO: one-cause.c:[[#@LINE+28]] in main
 * TWO: ERROR: fencepost: recovery-failure
 * TWO: one-cause.c:[[#@LINE+27]] in main
 * TWO: SUMMARY: fencepost: 2 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

struct root {
  struct {
    uint64_t value;
  } PM_ALIGNED cells[2];
  struct {
    uint64_t value;
  } PM_ALIGNED is_valid;
};

static void set(uint64_t *cell) {
  *cell = 1;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  if (is_check)
    return root->is_valid.value &&
           !(root->cells[0].value && root->cells[1].value);
#ifdef TWO
  root->cells[0].value = 1;
  root->cells[1].value = 1;
#else
  set(&root->cells[0].value);
  set(&root->cells[1].value);
#endif
#ifdef FIXED
  pm_persist(root, sizeof *root);
#endif
  root->is_valid.value = 1;
  pm_persist(&root->is_valid, sizeof root->is_valid);
  pm_persist(root->cells, sizeof root->cells);
  return 0;
}
