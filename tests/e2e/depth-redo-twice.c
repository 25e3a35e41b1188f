/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem -o %t.fixed
 * RUN: %fencepost-clang -g -O1 -DLIBPMEM %s -lpmem -o %t.lib
 * RUN: %fencepost-clang -g -O1 -DLIBPMEM -DFIXED %s -lpmem -o %t.libfixed
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 * RUN: %fencepost explore %t.fpt --db %t.one.fpdb --no persistency-race --recover '%t check %t.pool' | FileCheck --check-prefix=ONCE %s
 * RUN: not %fencepost explore %t.fpt --depth 2 --recover '%t check %t.pool' > %t.out
 * RUN: FileCheck --check-prefix=TWICE %s < %t.out
 * RUN: %fencepost explore %t.fpt --db %t.two.fpdb --depth 2 --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.fpt --db %t.all.fpdb --explore all --depth 2 --recover '%t check %t.pool' | FileCheck --check-prefix=TWICE %s
 *
 * RUN: sed -n 's/.* replay [^ ]* //p' %t.out | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 * RUN: xargs %fencepost replay %t.two.fpdb < %t.state
 * RUN: cmp %t.pool %t.before
 *
 * RUN: %fencepost explore %t.fpt --db %t.k1.fpdb --depth 2 -j 2 --shard 1/2 --recover '%t check %t.pool' || true
 * RUN: %fencepost explore %t.fpt --db %t.k2.fpdb --depth 2 --shard 2/2 --recover '%t check %t.pool' || true
 * RUN: %fencepost merge %t.k1.fpdb %t.k2.fpdb -o %t.merged.fpdb
 * RUN: not %fencepost report %t.merged.fpdb | FileCheck --check-prefix=TWICE %s
 * RUN: not %fencepost explore %t.fpt --db %t.merged.fpdb --depth 2 --resume --recover '%t check %t.pool' | FileCheck --check-prefix=TWICE %s
 *
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.lib.fpt --depth 2 --recover '%t.lib check %t.pool' -- %t.lib run %t.pool | FileCheck --check-prefix=TWICE %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.lf.fpt --depth 2 --recover '%t.libfixed check %t.pool' -- %t.libfixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.fpt --depth 3 --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=DEPTH %s
 *
 * Intent: recovery adds what a log says to a counter, then drops the log. Cut
 * off in between, it adds again: only a second crash shows that. The fixed one
 * stores the sum that the log says.
 *
 * ONCE: 0 errors, 0 warnings; 5 crash points, {{.*}} cover all of
 * TWICE: recovery-failure
 * TWICE: recovery exited with 1; it ran again after a crash in recovery
 * TWICE-NEXT: | counter 19
 * TWICE: fencepost replay {{.*}} [[#]]/{{[^:]*}}:[[#]]/
 * TWICE: of the crash points are in recovery
 * TWICE: 2 errors, {{.*}} cover all of
 * REPLAY: recovery exited with 1
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 * DEPTH: expected 1, or 2
 */
#include "Inputs/pm.h"

#include <libpmem.h>

enum { COUNTER = 0, DELTA = 8, SUM = 9, VALID = 16 };

static uint64_t *map(const char *path) {
#ifdef LIBPMEM
  return pmem_map_file(path, PM_SIZE, PMEM_FILE_CREATE, 0600, NULL, NULL);
#else
  return pm_map(path);
#endif
}

static void set(volatile uint64_t *at, uint64_t value) {
  __atomic_store_n(at, value, __ATOMIC_RELAXED);
#ifdef LIBPMEM
  pmem_persist((const void *)at, 8);
#else
  pm_persist((const void *)at, 8);
#endif
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = map(argv[2]);

  if (!is_check) {
    set(&pm[COUNTER], 5);
    set(&pm[DELTA], 7);
    set(&pm[SUM], 12);
    set(&pm[VALID], 1);
    return 0;
  }
  if (pm[VALID] == 1) {
#ifdef FIXED
    set(&pm[COUNTER], pm[SUM]);
#else
    set(&pm[COUNTER], pm[COUNTER] + pm[DELTA]);
#endif
    set(&pm[VALID], 0);
  }
  if (pm[COUNTER] > 12) {
    printf("counter %u\n", (unsigned)pm[COUNTER]);
    return 1;
  }
  return 0;
}
