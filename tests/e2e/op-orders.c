/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: %fencepost-clang -g -O1 -pthread -DLOST %s -o %t.lost
 * RUN: %fencepost-clang -g -O1 -pthread -DTORN %s -o %t.torn
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.0.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ALONE %s
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.l.fpt -- %t.lost run %t.pool
 * RUN: rm -f %t.*.fpdb && %fencepost explore --db %t.5.fpdb %t.l.fpt --observe stdout --recover '%t.lost check %t.pool' | FileCheck --check-prefix=ALONE %s
 * RUN: not %fencepost explore --db %t.1.fpdb %t.l.fpt --observe stdout --apply '%t.lost apply %t.pool' --recover '%t.lost check %t.pool' > %t.1.txt
 * RUN: FileCheck --check-prefix=LOST %s < %t.1.txt
 * RUN: not %fencepost explore -j 2 --db %t.2.fpdb %t.l.fpt --observe stdout --apply '%t.lost apply %t.pool' --recover '%t.lost check %t.pool' > %t.2.txt
 * RUN: sed -e 's/[.]2[.]fpdb/.1.fpdb/' -e 's/==[0-9]*==//' %t.2.txt > %t.3.txt
 * RUN: sed -e 's/==[0-9]*==//' %t.1.txt | diff - %t.3.txt
 * RUN: not %fencepost report --format json %t.1.fpdb | FileCheck --check-prefix=JSON %s
 * RUN: not %fencepost report --format sarif %t.1.fpdb | FileCheck --check-prefix=SARIF %s
 * RUN: not %fencepost report --format html %t.1.fpdb | FileCheck --check-prefix=HTML %s
 * RUN: not %fencepost explore --depth 2 --db %t.6.fpdb %t.l.fpt --observe stdout --apply '%t.lost apply %t.pool' --recover '%t.lost check %t.pool' | FileCheck --check-prefix=LOST %s
 * RUN: not %fencepost explore --db %t.7.fpdb %t.l.fpt --observe stdout --apply '%t.lost apply %t.pool' --recover 'od -A n -t d8 -j 128 -N 200 %t.pool' | FileCheck --check-prefix=FOREIGN %s
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.t.fpt -- %t.torn run %t.pool
 * RUN: %fencepost explore --only not-failure-atomic,lost-operation --db %t.3.fpdb %t.t.fpt --observe stdout --recover '%t.torn check %t.pool' | FileCheck --check-prefix=ALONE %s
 * RUN: not %fencepost explore --db %t.4.fpdb %t.t.fpt --observe stdout --apply '%t.torn apply %t.pool' --recover '%t.torn check %t.pool' | FileCheck --check-prefix=TORN %s
 *
 * Intent: two moves that overlap, each of two words in two lines. A state that
 * only an order explains that did not happen is legal; that one is gone after
 * it has returned, or half there, is found by replaying the orders, and by
 * nothing else.
 *
 * GOOD: note: operations overlapped at {{[0-9]+}} crash points: reference
 * GOOD-SAME: states of overlapping operations: {{[1-9][0-9]*}} orders replayed
 * GOOD-NOT: not judged
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 * ALONE: note: operations overlapped: {{[1-9][0-9]*}} crash points judged by
 * ALONE-SAME: observed boundaries only, and at {{[1-9][0-9]*}} of them states
 * ALONE-SAME: (give --apply:
 * ALONE: 0 errors, {{.*}} cover all
 * LOST: ERROR: fencepost: lost-operation
 * LOST-NEXT: in operation move(0, 5)
 * LOST: op-orders.c:{{[0-9]+}} in change
 * LOST: found, against the nearest of 2 legal states, the one after move(
 * LOST-NEXT: - 0: 6 -6
 * LOST-NEXT: + 0: 1 -1
 * LOST: orders replayed
 * JSON: "state_nearest":{{ ?}}"0: 6 -6\n1: {{.*}}"
 * JSON: "state_order":{{ ?}}"after move(
 * JSON: "states_legal":{{ ?}}2
 * HTML: "state_nearest":{{ ?}}"0: 6 -6
 * SARIF: "stateNearest":{{ ?}}"0: 6 -6\n1: {{.*}}"
 * FOREIGN: ERROR: fencepost: lost-operation
 * FOREIGN-NEXT: in operation move(0, 5)
 * TORN: ERROR: fencepost: not-failure-atomic
 * TORN-NEXT: in operation move({{0, 5|1, 7}})
 * TORN: recovery found a state that no order of the operations explains
 * TORN: found, against the nearest of {{[0-9]+}} legal states, the one
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

struct shard {
  PM_ALIGNED int64_t to;
  PM_ALIGNED int64_t from;
  PM_ALIGNED int64_t logged; /* what the other two shall be */
};

static pthread_barrier_t barrier;

static void meet(int together) {
  if (together)
    pthread_barrier_wait(&barrier);
}

/* Not durable yet. */
static void change(struct shard *shard, int amount, int lost) {
#ifdef TORN
  shard->to += amount;
  shard->from -= amount;
  pm_flush(&shard->to, 8);
  pm_flush(&shard->from, 8);
#else
  shard->logged += amount;
  if (!lost)
    pm_flush(&shard->logged, 8);
#endif
}

static void redo(struct shard *shard) {
#ifndef TORN
  shard->to = shard->logged;
  shard->from = -shard->logged;
  pm_flush(&shard->to, 8);
  pm_persist(&shard->from, 8);
#endif
}

/*
 * Both begin, then both change their shard, then 0 ends, then 1 does. In LOST,
 * what 0 has changed is durable only when it has returned and 1 still runs.
 */
static void move(struct shard *shards, int which, int amount, int together) {
  int lost = 0;
#ifdef LOST
  lost = together && which == 0;
#endif
  fencepost_op_begin("move(%d, %d)", which, amount);
  meet(together);
  change(&shards[which], amount, lost);
  meet(together);
  meet(together && which == 1);
  if (!lost) {
    pm_fence();
    redo(&shards[which]);
  }
#ifdef LOST
  meet(together && which == 1); /* the other is durable, this one is not */
  meet(together && which == 1);
#endif
  fencepost_op_end();
  meet(together && which == 0);
#ifdef LOST
  meet(lost);
  if (lost)
    pm_persist(&shards[which].logged, 8);
  meet(lost);
#endif
}

static void *other(void *shards) {
  move(shards, 1, 7, 1);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct shard *shards = pm_map(argv[2]);
  pthread_t thread;
  int which, amount;
  switch (argv[1][0]) {
  case 'r':
#ifndef TORN
    move(shards, 0, 1, 0);
#endif
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, other, shards);
    move(shards, 0, 5, 1);
    pthread_join(thread, NULL);
    return 0;
  case 'a':
    while (scanf(" move(%d, %d)", &which, &amount) == 2)
      move(shards, which, amount, 0);
    return !feof(stdin);
  default:
    for (int i = 0; i < 2; i++) {
      redo(&shards[i]);
      printf("%d: %ld %ld\n", i, (long)shards[i].to, (long)shards[i].from);
    }
    return 0;
  }
}
