/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t.fixed -DFIXED
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fixed.fpt -- %t.fixed run %t.pool
 * RUN: %fencepost explore %t.fixed.fpt --db %t.1.fpdb --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=LAZY %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.2.fpdb --explore all --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=ALL %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.3.fpdb --explore sample --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=SAMPLE %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.4.fpdb --explore sample --states 12 --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=SAMPLE %s
 *
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --db %t.5.fpdb --explore all --recover '%t check %t.pool' | FileCheck --check-prefix=BUG %s
 * RUN: not %fencepost explore %t.fpt --db %t.6.fpdb --explore sample --states 12 --recover '%t check %t.pool' | FileCheck --check-prefix=BUG %s
 *
 * Intent: the two halves of a record may persist in any order, as nobody reads
 * them before the commit word says so. Every image is run without that being
 * taken for a read; and a sample of few images is each of them once.
 *
 * LAZY: 0 errors, 0 warnings; 3 crash points, 4 runs cover all of 2^3 images
 * ALL: 0 errors, 0 warnings; 3 crash points, 7 runs cover all of 2^3 images
 * SAMPLE: 0 errors, 0 warnings; 3 crash points, 7 runs; not all of 2^3 images
 * BUG: recovery exited with 3
 * BUG: 2 errors, 0 warnings
 */
#include "Inputs/pm.h"

enum { VALID = 0, FIRST = 8, SECOND = 16 };

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return pm[VALID] != 0 && (pm[FIRST] != 1 || pm[SECOND] != 1) ? 3 : 0;
  pm[FIRST] = 1;
  pm[SECOND] = 1;
  pm_flush((const void *)&pm[FIRST], 128);
#ifdef FIXED
  pm_fence();
#endif
  pm[VALID] = 1;
  pm_persist((const void *)&pm[VALID], 8);
  return 0;
}
