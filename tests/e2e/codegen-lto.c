/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -Os %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O2 -flto -fuse-ld=lld %s -o %t.full
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t.full run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O3 -flto=thin -fuse-ld=lld %s -o %t.thin
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t.thin run %t.pool | FileCheck %s
 * REQUIRES: lld
 *
 * Intent: what is instrumented at compile time stays so through link-time
 * optimization, and no hook is there twice: the fixed store is reported by
 * none.
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  (void)argc;
  uint64_t *pm = pm_map(argv[2]);
  pm[8] = 2;
  pm_persist(&pm[8], sizeof *pm);
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK-NEXT: store of 8 bytes to {{.*}}codegen-lto.c:[[#@LINE+2]] in main
   */
  pm[0] = 1;
  return 0;
}
/* CHECK: SUMMARY: fencepost: 1 error, 0 warnings
 */
