/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost record --pool %t.pool -o %t.other.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 *
 * RUN: not %fencepost explore %t.fpt 2>&1 | FileCheck --check-prefix=WHICH %s
 * RUN: echo true > %t.script && chmod 644 %t.script
 * RUN: not %fencepost explore %t.fpt --recover '%t.script %t.pool' 2>&1 | FileCheck --check-prefix=SCRIPT %s
 * RUN: not %fencepost explore %t.fpt --recover %S 2>&1 | FileCheck --check-prefix=FOLDER %s
 * RUN: not %fencepost explore %t.fpt --recover '%t.absent check' 2>&1 | FileCheck --check-prefix=ABSENT %s
 * RUN: not %fencepost explore %t.fpt --recover '%t check %t.pool | cat' 2>&1 | FileCheck --check-prefix=SHELL %s
 * RUN: not %fencepost explore %t.fpt --recover '%t nothing %t.pool' 2>&1 | FileCheck --check-prefix=NOTHING %s
 * RUN: not %fencepost explore %t.absent.fpt --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=TRACE %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --recover '%t check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.other.fpt --db %t.fpdb --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=OTHER %s
 * RUN: not %fencepost merge %t.fpdb %t.absent.fpdb -o %t.merged.fpdb 2>&1 | FileCheck --check-prefix=MERGE %s
 * RUN: echo no database > %t.text && not %fencepost explore %t.fpt --db %t.text --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=TEXT %s
 * RUN: not %fencepost replay %t.fpdb 1/2/3 2>&1 | FileCheck --check-prefix=STATE %s
 * RUN: not %fencepost replay %t.fpdb 999999/0 2>&1 | FileCheck --check-prefix=EVENT %s
 * RUN: not %fencepost replay %t.fpdb 0/all --image %t.pool 2>&1 | FileCheck --check-prefix=POOL %s
 * RUN: cmp %t.pool %t.before
 *
 * Intent: whatever is wrong with an exploration is said, with what to do, and
 * the user's pool is never touched.
 *
 * WHICH: give --recover 'COMMAND'
 * SCRIPT: cannot be executed: Permission denied
 * FOLDER: cannot be executed: Is a directory
 * ABSENT: is not there
 * SHELL: it is run without a shell
 * NOTHING: nothing was verified
 * TRACE: absent.fpt
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all
 * OTHER: holds another exploration
 * MERGE: absent.fpdb' is not there
 * TEXT: it is no database of an exploration
 * STATE: is no crash state
 * EVENT: the trace ends before that event, at {{[0-9]+}}; 'fencepost show
 * POOL: never overwritten
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  if (strcmp(argv[1], "nothing") == 0)
    return 0;
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check) {
    unlink(argv[2]); /* what a run does to the pool's path is its own affair */
    return pm[0] > 1;
  }
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
