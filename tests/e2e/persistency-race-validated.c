/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt && not %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: recovery reads a record of several words that a crash may leave in
 * part, and finds that out by a check word. It is a persistency-race until
 * recovery says so.
 *
 * CHECK: persistency-race
 * CHECK: 0 errors, 1 warning
 * GOOD-NOT: persistency-race
 * GOOD: 0 errors, 0 warnings
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

typedef uint64_t words __attribute__((vector_size(16)));

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  words *pm = pm_map(argv[2]);

  if (is_check) {
    uint64_t value = *(volatile uint64_t *)pm;
    uint64_t check = *((volatile uint64_t *)pm + 1);
#ifdef FIXED
    fencepost_validated(pm, sizeof *pm);
#endif
    if (check == (value ^ 0x55))
      return value != 7;
    return 0;
  }
  *pm = (words){7, 7 ^ 0x55};
  pm_persist(pm, sizeof *pm);
  return 0;
}
