/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool
 * RUN: echo '#!/bin/sh' > %t.sh && chmod +x %t.sh
 * RUN: echo '%t %t.pool && %t %t.pool' >> %t.sh
 * RUN: not %fencepost record -o %t.trace --pool %t.pool -- %t.sh > %t.out 2>&1
 * RUN: FileCheck --check-prefix=TWO %s < %t.out
 * RUN: rm -f %t.pool
 * RUN: %fencepost record -o %t.trace --pool %t.pool -- %t %t.pool fork > %t.out 2>&1
 * RUN: FileCheck --check-prefix=FORK %s < %t.out
 * RUN: %fencepost show %t.trace | FileCheck --check-prefix=TRACE %s
 *
 * Intent: a trace is of one process. A second program that uses PM is an error;
 * a child of fork is told of, and leaves nothing in its parent's trace.
 *
 * TWO: a second process uses PM
 * FORK: the program forked while PM was mapped
 * TRACE: store {{.*}}+0x40 8 = 02
 * TRACE-NOT: store {{.*}}+0x80
 */
#include <sys/wait.h>

#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[1]);

  pm[8] = 2;
  pm_persist(&pm[8], 8);
  if (argc == 3 && fork() == 0) {
    for (int i = 0; i < 1000; i++) {
      pm[16] = 3;
      pm_persist(&pm[16], 8);
    }
    return 0;
  }
  while (wait(NULL) > 0)
    ;
  return 0;
}
