/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not env FENCEPOST_OPTIONS=pool='"%t.pool"' %t %t.pool 2>&1 | FileCheck --check-prefix=ALONE %s
 * RUN: rm -f %t.pool && %fencepost record -o %t.trace --pool %t.pool -- %t %t.pool
 * RUN: %fencepost show %t.trace | FileCheck --check-prefix=TRACE %s
 *
 * Intent: a program that closes all descriptors, and opens others in their
 * place, disturbs neither the results nor the trace, nor is it disturbed.
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);

  pm[0] = 1;
  pm_persist(pm, 8);
  for (int fd = 3; fd < 2000; fd++)
    close(fd);
  for (int fd = 3; fd < 50; fd++)
    if (open("/dev/null", O_RDWR) != fd)
      return 3;
  /* CHECK: missing-flush
   * CHECK-NEXT: store of 8 bytes to {{.*}}runtime-closed-files.c:[[#@LINE+4]] in main
   * ALONE: missing-flush
   * TRACE: store {{.*}}+0x40 8 = 02
   */
  pm[8] = 2;
  return 0;
}
