/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t && %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: %clang -g -O1 %s -o %t.plain && rm -rf %t.pool %t.*fpt %t.*fpdb %t.dir
 * RUN: %t.fixed new %t.pool && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 *
 * A recovery with hooks, which says nothing itself, and the checker:
 * RUN: %fencepost explore %t.fpt --db %t.fpdb --recover '%t check %t.pool' --only recovery-failure | FileCheck --check-prefix=SILENT %s
 * RUN: rm %t.fpdb
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --json %t.json --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' > %t.out
 * RUN: FileCheck --check-prefixes=BUG,HOOKS %s < %t.out
 * RUN: grep -q '"output": "first .*they add up to' %t.json
 * RUN: sed -n 's/.* replay [^ ]* //p' %t.out | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.fpdb < %t.state > %t.replay 2>&1 && FileCheck --check-prefix=REPLAY %s < %t.replay
 * RUN: xargs %fencepost replay %t.fpdb --checker 'wc -c %t.pool' < %t.state
 * RUN: not xargs %fencepost replay %t.fpt --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool die' < %t.state 2>&1 | FileCheck --check-prefix=DIES %s
 *
 * The checker alone, a recovery without hooks, a script:
 * RUN: not %fencepost explore %t.fpt --db %t.1.fpdb --recover '%t.plain check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' | FileCheck --check-prefix=BUG %s
 * RUN: not %fencepost explore %t.fpt --db %t.2.fpdb --checker 'sh %S/Inputs/balance.sh %t.pool' | FileCheck --check-prefix=ALONE %s
 *
 * What the checker does to the pools is undone:
 * RUN: not %fencepost explore %t.fpt --db %t.3.fpdb --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool scribble' > %t.out.3
 * RUN: sed 's,[^ ]*fpdb,DB,; s,==[0-9]*==,,; s, scribble,,' %t.out.3 > %t.3 && sed 's,[^ ]*fpdb,DB,; s,==[0-9]*==,,' %t.out > %t.1 && diff %t.1 %t.3
 * RUN: not %fencepost explore %t.fpt --db %t.4.fpdb --recover '%t.plain check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool scribble' | FileCheck --check-prefix=BUG %s
 *
 * It dies, or takes too long:
 * RUN: not %fencepost explore %t.fpt --db %t.5.fpdb --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool die' | FileCheck --check-prefix=DIED %s
 * RUN: not %fencepost explore %t.fpt --db %t.6.fpdb --timeout 0.3 --states 12 --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool sleep' | FileCheck --check-prefix=SLOW %s
 *
 * It cannot be run, or does not look:
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.7.fpdb --recover '%t check %t.pool' --checker '%t.absent %t.pool' 2>&1 | FileCheck --check-prefix=ABSENT %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.7.fpdb --recover '%t check %t.pool' --checker 'sh -c "no-such-program %t.pool"' 2>&1 | FileCheck --check-prefix=SHELL %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.8.fpdb --recover '%t check %t.pool' --checker 'true %t.pool' 2>&1 | FileCheck --check-prefix=LOOKS %s
 *
 * Two processes, two parts, a part that was ended early, another checker:
 * RUN: not %fencepost explore %t.fpt --db %t.9.fpdb -j 2 --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' > %t.9 && sed 's,[^ ]*fpdb,DB,; s,==[0-9]*==,,' %t.9 > %t.2 && diff %t.1 %t.2
 * RUN: not %fencepost explore %t.fpt --db %t.a.fpdb --shard 1/2 --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool'
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --shard 2/2 --states 2 --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' || true
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --shard 2/2 --resume --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' || true
 * RUN: %fencepost merge %t.a.fpdb %t.b.fpdb -o %t.c.fpdb
 * RUN: not %fencepost report %t.c.fpdb > %t.c && sed 's,[^ ]*fpdb,DB,; s,==[0-9]*==,,' %t.c > %t.3 && diff %t.1 %t.3
 * RUN: not %fencepost explore %t.fpt --db %t.9.fpdb --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=OTHER %s
 * RUN: not %fencepost merge %t.1.fpdb %t.5.fpdb -o %t.d.fpdb 2>&1 | FileCheck --check-prefix=MERGE %s
 * RUN: cmp %t.pool %t.before
 *
 * RUN: %t new %t.pool && %fencepost crash --pool %t.pool --trace %t.fixed.fpt --recover '%t.fixed check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.e.fpdb --depth 2 --recover '%t.fixed check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * Without privileges, with a user namespace:
 * RUN: not unshare --map-user=1000 --map-group=1000 %fencepost explore %t.fpt --db %t.n.fpdb --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' > %t.n && sed 's,[^ ]*fpdb,DB,; s,==[0-9]*==,,' %t.n > %t.4 && diff %t.1 %t.4
 * RUN: not unshare --map-user=1000 --map-group=1000 %fencepost explore %t.fpt --db %t.o.fpdb --recover '%t.plain check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' | FileCheck --check-prefix=BUG %s
 *
 * A second crash, in recovery:
 * RUN: %fencepost-clang -g -O1 -DFIXED -DTWICE %s -o %t.twice
 * RUN: %fencepost explore %t.fixed.fpt --db %t.l.fpdb --recover '%t.twice check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.fixed.fpt --db %t.m.fpdb --depth 2 --recover '%t.twice check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' > %t.m && FileCheck --check-prefix=TWICE %s < %t.m
 * RUN: sed -n 's/.* replay [^ ]* //p' %t.m | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.m.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 *
 * The exit code of the program is expected or not, whatever the checker says:
 * RUN: %t new %t.pool && sh %S/../tools/Inputs/exit-code 1 %fencepost crash --pool %t.pool --trace %t.f.fpt --expect-exit 3 --fail-on error --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' -- %t fail %t.pool | FileCheck --check-prefix=BUG %s
 * RUN: %t new %t.pool && sh %S/../tools/Inputs/exit-code 2 %fencepost crash --pool %t.pool --trace %t.g.fpt --recover '%t check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' -- %t fail %t.pool | FileCheck --check-prefix=BUG %s
 * RUN: %t new %t.pool && %fencepost crash --pool %t.pool --trace %t.h.fpt --expect-exit 3 --recover '%t.fixed check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' -- %t.fixed fail %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %t new %t.pool && sh %S/../tools/Inputs/exit-code 2 %fencepost crash --pool %t.pool --trace %t.i.fpt --recover '%t.fixed check %t.pool' --checker 'sh %S/Inputs/balance.sh %t.pool' -- %t.fixed fail %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * A warning alone, with a checker that says yes:
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.j.fpdb --recover '%t check %t.pool' --checker 'wc -c %t.pool' | FileCheck --check-prefix=WARNING %s
 * RUN: %fencepost explore %t.fpt --db %t.k.fpdb --fail-on error --recover '%t check %t.pool' --checker 'wc -c %t.pool' | FileCheck --check-prefix=WARNING %s
 *
 * Intent: a checker looks at what recovery leaves of every crash state, as
 * files in place of the pool's, and what it says is a finding as any other.
 *
 * SILENT: 0 errors
 * WARNING: WARNING: fencepost: not-robust
 * WARNING: 0 errors
 * BUG: ERROR: fencepost: recovery-failure
 * BUG-NEXT: store of 8 bytes to {{.*}} in {{log_old|main}}
 * BUG: the checker said no: 'sh {{.*}}balance.sh {{.*}}' exited with 4
 * BUG-NEXT: | first
 * BUG-NEXT: | second
 * BUG-NEXT: | they add up to
 * HOOKS: 1 error, {{.*}} cover all of
 * ALONE: recovery exited with 4
 * REPLAY: they add up to
 * REPLAY: replay: the checker said no: it exited with 4
 * DIES: replay: the checker said no: it died: SIGABRT
 * DIED: the checker said no: {{.*}} died: SIGABRT
 * SLOW: the checker said no: {{.*}} did not end within 0.3 seconds
 * ABSENT: the checker program '{{.*}}absent' is not there
 * SHELL: the checker 'sh' could not be run: exit code 127
 * LOOKS: nothing was checked: the checker 'true {{.*}} never read a pool
 * OTHER: holds another exploration
 * MERGE: is of another trace
 * TWICE: the checker said no: {{.*}}; it ran again after a crash in recovery
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

struct bank {
  PM_ALIGNED uint64_t first;
  PM_ALIGNED uint64_t second;
  PM_ALIGNED uint64_t old[2];
  PM_ALIGNED uint64_t logged;
};

static void log_old(struct bank *bank) {
  bank->old[0] = bank->first;
  bank->old[1] = bank->second;
  pm_flush(bank->old, sizeof bank->old);
#ifdef FIXED
  pm_fence();
#endif
  bank->logged = 1;
  pm_persist(&bank->logged, 8);
}

static void done(struct bank *bank) {
  pm_flush(&bank->first, 8);
  pm_flush(&bank->second, 8);
  pm_fence();
  bank->logged = 0;
  pm_persist(&bank->logged, 8);
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct bank *bank = pm_map(argv[2]);
  if (is_check) {
    uint64_t logged = bank->logged;
#ifdef TWICE /* the end of the log, too early */
    bank->logged = 0;
    pm_persist(&bank->logged, 8);
#endif
    if (logged) {
      bank->first = bank->old[0];
      bank->second = bank->old[1];
      done(bank);
    }
    return 0;
  }
  if (strcmp(argv[1], "new") == 0) {
    memset(bank, 0, sizeof *bank);
    bank->first = 60;
    bank->second = 40;
    pm_persist(bank, sizeof *bank);
    return 0;
  }
  int result = strcmp(argv[1], "fail") == 0 ? 3 : 0;
  log_old(bank);
  bank->first -= 25;
  bank->second += 25;
  done(bank);
  return result;
}
