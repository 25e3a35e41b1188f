/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -lpmem -o %t
 * RUN: rm -f %t.pool %t.fpt %t.fpdb
 * RUN: %fencepost record --domain eadr --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --recover '%t check %t.pool' > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.fpdb | FileCheck --check-prefix=REPLAY %s
 *
 * RUN: %clang -g -O1 -c -DPLAIN -DFIXED %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 -DFIXED %s %t.plain.o -lpmem -o %t.fixed
 * RUN: rm -f %t.fixed.pool %t.fixed.fpt %t.fixed.fpdb
 * RUN: %fencepost record --domain eadr --pool %t.fixed.pool -o %t.fixed.fpt -- %t.fixed run %t.fixed.pool
 * RUN: %fencepost explore %t.fixed.fpt --recover '%t.fixed check %t.fixed.pool' | FileCheck --check-prefix=FIXED %s
 *
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 -DAPART %s %t.plain.o -lpmem -o %t.apart
 * RUN: rm -f %t.apart.pool %t.apart.fpt %t.apart.fpdb
 * RUN: %fencepost record --domain eadr --pool %t.apart.pool -o %t.apart.fpt -- %t.apart run %t.apart.pool
 * RUN: not %fencepost explore %t.apart.fpt --only recovery-failure --recover '%t.apart check %t.apart.pool' | FileCheck %s
 *
 * Intent: with eADR too, the order in which code without hooks stored what is
 * found at one flush is not known. Here the flag comes before its data, though
 * it lies lines behind it. Nor is it known if the data is flushed by itself
 * before the flag is (APART). What is found before a fence and after it is in
 * order.
 *
 * CHECK: recovery-failure
 * CHECK: 1 error
 * CHECK-SAME: cover all
 * REPLAY: replayed 1
 * FIXED: 0 errors, 0 warnings; {{.*}} cover all
 */
#include "Inputs/pm.h"

#include <libpmem.h>

void plain_store(volatile uint64_t *pm, int what);

#ifdef PLAIN
void plain_store(volatile uint64_t *pm, int what) {
  if ((what & 2) != 0)
    pm[16] = 1;
  if ((what & 1) != 0)
    pm[1] = 7;
}
#else
int main(int argc, char **argv) {
  volatile uint64_t *pm = pm_map(argv[2]);

  if (pm_is_check(argc, argv))
    return pm[16] == 1 && pm[1] != 7;
#ifdef FIXED
  plain_store(pm, 1);
  pmem_persist((void *)(uintptr_t)pm, 192);
  plain_store(pm, 2);
#else
  plain_store(pm, 3);
#endif
#ifdef APART
  pmem_flush((void *)(uintptr_t)pm, 16);
#endif
  pmem_persist((void *)(uintptr_t)pm, 192);
  return 0;
}
#endif
