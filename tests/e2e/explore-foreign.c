/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: %clang -g -O1 %s -o %t.plain
 * RUN: printf '#!/bin/sh\ncp "$1" "$1.$$" && echo scribble > "$1" && exec %t.plain check "$1.$$"\n' > %t.sh && chmod +x %t.sh
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 *
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 * RUN: not %fencepost explore %t.fpt --db %t.a.fpdb --recover '%t.plain check %t.pool' > %t.out
 * RUN: FileCheck --check-prefix=BUG %s < %t.out
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --recover '%t.sh %t.pool' > %t.out
 * RUN: FileCheck --check-prefix=BUG %s < %t.out
 * RUN: not %fencepost explore %t.fpt --db %t.c.fpdb -j 2 --recover '%t.sh %t.pool' | FileCheck --check-prefix=BUG %s
 * RUN: not %fencepost explore %t.fpt --db %t.d.fpdb --recover 'true %t.pool' 2>&1 | FileCheck --check-prefix=NOTHING %s
 * RUN: not %fencepost explore %t.fpt --db %t.d.fpdb --depth 2 --recover '%t.plain check %t.pool' 2>&1 | FileCheck --check-prefix=DEPTH %s
 * RUN: sed -n 's/.* replay [^ ]* //p' %t.out > %t.state
 * RUN: not xargs %fencepost replay %t.b.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 * RUN: cmp %t.pool %t.before
 *
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.fixed.fpt -- %t.fixed run %t.pool
 * RUN: %fencepost explore %t.fixed.fpt --recover '%t.sh %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.many.fpt -- %t many %t.pool
 * RUN: %fencepost explore %t.many.fpt --recover '%t.plain check %t.pool' | FileCheck --check-prefix=MANY %s
 *
 * Intent: a recovery without hooks, or a script, finds the crash states in
 * place of the pool, whose file stays as it is. Every image is run if they are
 * few; if not, nobody claims that all were.
 *
 * BUG: recovery-failure
 * BUG-NEXT: store of 8 bytes to pool+0x0 {{.*}} in main
 * BUG: recovery exited with 1
 * BUG-NEXT: | lost
 * BUG: 1 error, {{.*}} cover all of
 * DEPTH: has no hooks, so that what it stores is not seen
 * NOTHING: nothing was verified
 * REPLAY: replay: recovery exited with 1
 * GOOD: 0 errors, 0 warnings; 3 crash points, {{.*}} cover all of
 * MANY: note: seed 1
 * MANY-NEXT: 64 runs; not all of {{.*}} recovery has no hooks
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  int is_check = argc == 3 && strcmp(argv[1], "check") == 0;
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check) {
    if (pm[8] == 1 && pm[0] != 7) {
      puts("lost");
      return 1;
    }
    return 0;
  }
  if (strcmp(argv[1], "many") == 0) {
    for (int i = 0; i < 20; i++)
      pm[16 + 8 * i] = 1;
    return 0;
  }
  pm[0] = 7;
#ifdef FIXED
  pm_persist((const void *)pm, 8);
#endif
  pm[8] = 1;
  pm_persist((const void *)pm, 128);
  return 0;
}
