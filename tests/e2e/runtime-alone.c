/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool
 * RUN: sh -c 'FENCEPOST_OPTIONS=pool=%t.pool %t %t.pool; echo code $?' > %t.out 2>&1
 * RUN: FileCheck --check-prefixes=OUT,TEXT %s < %t.out
 * RUN: sh -c 'FENCEPOST_OPTIONS=pool=%t.pool:exit_code=0 %t %t.pool; echo code $?' 2>&1 | FileCheck --check-prefix=ZERO %s
 * RUN: sh -c 'FENCEPOST_OPTIONS=pool=%t.pool:reporter=/bin/sh %t %t.pool; echo code $?' 2>&1 | FileCheck --check-prefix=OUT %s
 * RUN: sh -c 'FENCEPOST_OPTIONS=pool=%t.other %t %t.pool; echo code $?' 2>&1 | FileCheck --check-prefix=SILENT %s
 *
 * Intent: a program that is run by itself prints its findings at its end, after
 * what it has printed itself is complete, and its exit code tells; without
 * findings it says nothing.
 *
 * OUT: fencepost: missing-flush{{(, 8 bytes at pm address 0x0)?}}
 * TEXT: store of 8 bytes to {{.*}}runtime-alone.c:{{.*}} in main
 * ZERO: code 0
 * SILENT-NOT: fencepost
 * SILENT: code 0
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);

  printf("buffered by the program\n");
  pm[0] = 1;
  return 0;
}
/* TEXT: buffered by the program
 * TEXT: code 1
 */
