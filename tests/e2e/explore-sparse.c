/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --no not-robust --recover '%t check %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --db %t.short.fpdb --states 2 --no not-robust --recover '%t check %t.pool' > %t.out
 * RUN: FileCheck --check-prefix=BOUND %s < %t.out
 * RUN: %fencepost replay %t.fpt 5/all --image %t.image && stat -c "size %%s blocks %%b" %t.image | FileCheck --check-prefix=IMAGE %s
 *
 * Intent: 64 independent lines are undecided, recovery reads two of them: four
 * runs cover all images. With a bound it does not say that it covered all. The
 * pool of a state is written with its holes.
 *
 * CHECK: 0 errors, 0 warnings; 1 crash point, 4 runs cover all of 2^64 images
 * IMAGE: size 16384 blocks {{[0-9]|1[0-9]}}{{$}}
 * BOUND: 2 runs; not all of 2^64 images: ended by --states or --time
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (!is_check) {
    /* By two threads' worth of lines: no order among them can be missed. */
    for (int i = 0; i < 64; i++)
      pm[i * 8] = 1;
    return 0;
  }
  uint64_t one = pm[3 * 8];
  uint64_t two = pm[40 * 8];
  return one + two > 2;
}
