/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool \
 * RUN:   | FileCheck %s
 *
 * Intent: a compare-and-exchange in inline assembly that fails stores nothing,
 * so there is nothing to flush; one that succeeds does.
 * CHECK: ERROR: fencepost: missing-flush
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *cells;
  uint64_t old = 5;
  unsigned char done;
  if (pm_is_check(argc, argv))
    return 0;
  cells = pm_map(argv[2]);
#ifdef BUGGY
  old = 0;
#endif
  __asm__ volatile("lock cmpxchgq %3, %1\n\tsete %0"
                   : "=q"(done), "+m"(cells[0]), "+a"(old)
                   : "r"((uint64_t)1)
                   : "memory", "cc");
  cells[8] = done;
  pm_persist(&cells[8], sizeof cells[8]);
  return 0;
}
