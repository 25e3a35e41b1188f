/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t && %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: %clang -I%source/include -g -O1 %s -o %t.plain && rm -f %t.pool %t.*fpt %t.*fpdb %t.said
 * RUN: printf '#!/bin/sh\n%t.plain show %t.pool > %t.said\n' > %t.sh && chmod +x %t.sh
 *
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool && cp %t.pool %t.before
 * RUN: not %fencepost explore %t.fpt --db %t.1.fpdb --observe stdout --recover '%t.plain show %t.pool' | FileCheck --check-prefix=BUG %s
 * RUN: not %fencepost explore %t.fpt --db %t.2.fpdb --observe %t.said --recover '%t.sh' | FileCheck --check-prefix=BUG %s
 * RUN: not ls %t.said
 * RUN: echo mine > %t.said
 * RUN: not %fencepost explore %t.fpt --db %t.3.fpdb -j 2 --observe %t.said --recover '%t.sh' | FileCheck --check-prefix=BUG %s
 * RUN: grep mine %t.said
 *
 * A checker runs recovery on files as well, and sees what it wrote nowhere
 * else:
 * RUN: not %fencepost explore %t.fpt --db %t.4.fpdb --observe %t.said --recover '%t write %t.pool %t.said' --checker 'wc -c %t.pool' | FileCheck --check-prefix=BUG %s
 * RUN: not %fencepost explore %t.fpt --db %t.5.fpdb --observe stdout --recover '%t.plain show %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' --no not-failure-atomic | FileCheck --check-prefix=CHECKED %s
 *
 * A recovery with hooks that turns its standard output to the file:
 * RUN: not %fencepost explore %t.fpt --db %t.8.fpdb --observe %t.said --recover '%t write %t.pool %t.said again' | FileCheck --check-prefix=BUG %s
 * RUN: grep mine %t.said && cmp %t.pool %t.before
 *
 * RUN: rm %t.pool && %fencepost record --pool %t.pool -o %t.fixed.fpt -- %t.fixed run %t.pool
 * RUN: %fencepost explore %t.fixed.fpt --db %t.6.fpdb --observe stdout --recover '%t.plain show %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.7.fpdb -j 2 --observe %t.said --recover '%t.sh' | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a recovery without hooks is observed as one with hooks is: the
 * operations of the program are judged by what a script prints or writes, and
 * the file of that name stays as it is.
 *
 * BUG: ERROR: fencepost: not-failure-atomic
 * BUG-NEXT: in operation move(25)
 * BUG-NEXT: store of 8 bytes to pool+0x0 {{.*}} in move
 * BUG: recovery found a state that is neither
 * BUG: - 60 40
 * BUG-NEXT: + 60 65
 * CHECKED: ERROR: fencepost: recovery-failure
 * CHECKED: the checker said no
 * CHECKED-NEXT: | first
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

/* Two numbers that add up to 100, twice; which copy counts. The bug: one copy
   alone, changed in place. */
struct bank {
  struct {
    PM_ALIGNED uint64_t first;
    PM_ALIGNED uint64_t second;
  } copies[2];
  PM_ALIGNED uint64_t current;
};

static void move(struct bank *bank, uint64_t amount) {
  fencepost_op_begin("move(%lu)", amount);
  uint64_t from = bank->current, to = from;
#ifdef FIXED
  to = !from;
#endif
  bank->copies[to].first = bank->copies[from].first - amount;
  bank->copies[to].second = bank->copies[from].second + amount;
  pm_flush(&bank->copies[to].first, 8);
  pm_flush(&bank->copies[to].second, 8);
  pm_fence();
#ifdef FIXED
  bank->current = to;
  pm_persist(&bank->current, 8);
#endif
  fencepost_op_end();
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  struct bank *bank = pm_map(argv[2]);
  if (strcmp(argv[1], "run") == 0) {
    bank->copies[0].first = 60;
    bank->copies[0].second = 40;
    pm_persist(bank, sizeof *bank);
    move(bank, 25);
    move(bank, 10);
    return 0;
  }
  FILE *to = argc > 4   ? freopen(argv[3], "w", stdout)
             : argc > 3 ? fopen(argv[3], "w")
                        : stdout;
  if (to == NULL)
    return 2;
  fprintf(to, "%lu %lu\n", bank->copies[bank->current].first,
          bank->copies[bank->current].second);
  return fclose(to) != 0;
}
