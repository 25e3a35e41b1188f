/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s %t.plain.o -o %t.fixed
 *
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 * RUN: rm -f %t.pool && not %fencepost check --full-compare --pool %t.pool -- %t run %t.pool | FileCheck --check-prefix=CHECK %s
 * RUN: rm -f %t.pool && %fencepost check --full-compare --pool %t.pool -- %t.fixed run %t.pool
 * RUN: %fencepost check --full-compare --pool %t.pool -- %t.fixed again %t.pool
 *
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=WITHOUT %s
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --full-compare --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=CRASH %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --full-compare --pool %t.pool --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a library without hooks stores and never flushes. Nothing says so in
 * the program; comparing the pool at fences and at the end does. A pool that
 * had content before the run is no store.
 *
 * CHECK: missing-flush
 * CHECK-NEXT: store of 8 bytes to pool+0x1008
 * CHECK: 1 error
 *
 * WITHOUT: words of PM held what nothing stored that was seen
 * WITHOUT-SAME: without hooks stores and never flushes was not considered
 *
 * WITHOUT: 0 errors
 *
 * CRASH-NOT: full-compare finds
 *
 * CRASH: recovery-failure
 *
 * CRASH: store of 8 bytes to pool+0x1008
 *
 * CRASH-NOT: full-compare finds
 *
 * GOOD-NOT: full-compare finds
 *
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

void plain_store(uint64_t *pm);

#ifdef PLAIN
void plain_store(uint64_t *pm) {
  pm[513] = 7;
}
#else
int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  uint64_t *pm = pm_map(argv[2]);

  if (is_check) /* the library's flag is up, the data is not there */
    return __atomic_load_n(&pm[513], __ATOMIC_RELAXED) == 7 &&
           __atomic_load_n(&pm[0], __ATOMIC_RELAXED) != 1;
#ifndef FIXED
  plain_store(pm);
#endif
  __atomic_store_n(&pm[0], 1, __ATOMIC_RELAXED);
  pm_persist(pm, 8);
#ifdef FIXED
  plain_store(pm);
  pm_persist(&pm[513], 8);
#endif
  return 0;
}
#endif
