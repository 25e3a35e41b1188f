/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: %fencepost-clang -g -O1 -Wl,--build-id %s -o %t
 * RUN: %fencepost-clang -g -O1 -Wl,--build-id %s -o %t.other
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --states 1 --recover '%t.other check %t.pool' | FileCheck --check-prefix=PART %s
 * RUN: cp %t.fpdb %t.part.fpdb
 *
 * RUN: %fencepost-clang -g -O1 -Wl,--build-id -DOTHER %s -o %t.other
 * RUN: not %fencepost explore %t.fpt --resume --recover '%t.other check %t.pool' 2>&1 | FileCheck --check-prefix=RESUME %s
 * RUN: %fencepost report %t.fpdb | FileCheck --check-prefix=PART %s
 * RUN: %fencepost explore %t.fpt --recover '%t.other check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost merge %t.part.fpdb %t.fpdb -o %t.merged.fpdb 2>&1 | FileCheck --check-prefix=MERGE %s
 *
 * RUN: %fencepost-clang -g -O1 -Wl,--build-id -DOTHER %s -o %t
 * RUN: not %fencepost explore %t.fpt --recover '%t.other check %t.pool' 2>&1 | FileCheck --check-prefix=CHANGED %s
 * RUN: %fencepost report %t.fpdb | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a trace of a program that has been built anew since is not explored,
 * an exploration with a recovery program that has been is not gone on with, and
 * what has been found before is kept.
 *
 * PART: ended by --states
 * RESUME: the recovery program has been built anew since {{.*}}: explore again
 * MERGE: is of another build of the recovery program
 * CHANGED: has been built anew since {{.*}} was recorded
 * CHANGED-SAME: record again
 * GOOD: 0 errors, 0 warnings; 2 crash points, 3 runs cover all
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return pm[0] > 1;
#ifdef OTHER
  pm[1] = 1;
#endif
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
