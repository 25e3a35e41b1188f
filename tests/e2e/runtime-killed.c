/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out 2>&1
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && not %fencepost record -o %t.trace --pool %t.pool -- %t %t.pool
 * RUN: %fencepost show %t.trace | FileCheck --check-prefix=TRACE %s
 *
 * Intent: of a program that is killed, what was found before is reported, and
 * the trace holds all that it did.
 */
#include <signal.h>

#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);

  pm[0] = 1;
  pm_persist(pm, 8);
  /* CHECK: redundant-flush
   * CHECK: runtime-killed.c:[[#@LINE+2]] in main
   */
  pm_persist(pm, 8);
  /* TRACE: store {{.*}}+0x40 8 = 02
   */
  pm[8] = 2;
  raise(SIGKILL);
  return 0;
}
