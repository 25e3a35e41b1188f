/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t && rm -f %t.pool %t.*.fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost record --pool %t.pool -o %t.o.fpt -- %t overlap %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.0.fpdb --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.1.fpdb --observe stdout --apply '%t.none apply %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=NONE %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.2.fpdb --observe stdout --apply '%t unknown %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=UNKNOWN %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.3.fpdb --observe stdout --timeout 1 --apply '%t hang %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=HANG %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.4.fpdb --observe stdout --apply '%t die %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=DIE %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.5.fpdb --observe stdout --apply '%t wrong %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=WRONG %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.6.fpdb --observe stdout --apply 'true %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=TRUE %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.o.fpt --db %t.7.fpdb --observe stdout --apply '%t wrong %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=ORDER %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.o.fpt -j 2 --db %t.8.fpdb --observe stdout --apply '%t half %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=HALF %s
 * RUN: %fencepost record --pool %t.pool -o %t.b.fpt -- %t both %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.b.fpt -j 2 --db %t.10.fpdb --observe stdout --apply '%t skip %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=SKIP %s
 * RUN: %fencepost explore %t.b.fpt -j 2 --db %t.11.fpdb --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=GOOD %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.9.fpdb --apply '%t apply %t.pool' --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=SILENT %s
 *
 * Intent: a program for --apply that does not do what it should is noticed
 * before anything is judged by it, with the operation and what differs.
 *
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 * NONE: explore: the --apply program '{{.*}}.none' is not there
 * UNKNOWN: does not apply 'set(0, 3)': it exited with 3; it said: what is set?
 * HANG: does not apply 'add(0, 1)': it did not end within 1 seconds
 * DIE: does not apply 'add(0, 1)': it died of signal 6
 * WRONG: explore: --apply '{{.*}}': 'add(0, 1)' leads to another state than in
 * WRONG-SAME: the program: line 1 of it is '2 0' instead of '1 0'
 * TRUE: does not apply 'add(0, 1)': it opened no pool of the run
 * ORDER: no order of the 2 operations from 'add({{.*}})' on leads to the state
 * HALF: does not apply 'add({{.*}})' after add({{.*}}): it exited with 4
 * SKIP: no order of the 2 operations from '{{add|set}}({{.*}})' on leads to
 * SILENT: explore: --apply: there is no state that the orders
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

struct shard {
  PM_ALIGNED uint64_t value;
};

static struct shard *shards;
static pthread_barrier_t barrier;
static const char *how;

static void store(int which, uint64_t value) {
  shards[which].value = value;
  pm_persist(&shards[which], 8);
}

static void set(int which, int value) {
  fencepost_op_begin("set(%d, %d)", which, value);
  if (*how == 'b')
    pthread_barrier_wait(&barrier);
  store(which, (uint64_t)value);
  if (*how == 'b')
    pthread_barrier_wait(&barrier); /* the other has changed nothing yet */
  fencepost_op_end();
}

static void add(int which, int value) {
  fencepost_op_begin("add(%d, %d)", which, value);
  for (int i = 0; i < (*how == 'o'                 ? 1
                       : *how == 'b' && which == 1 ? 2
                                                   : 0);
       i++)
    pthread_barrier_wait(&barrier);
  store(which, shards[which].value + (uint64_t)value * (*how == 'w' ? 2 : 1));
  fencepost_op_end();
}

static void *other(void *unused) {
  add(1, 5);
  return unused;
}

static int apply(void) {
  char line[64];
  int which, value;
  for (int count = 0; fgets(line, sizeof line, stdin) != NULL; count++) {
    if (*how == 'h')
      (void)(how[2] == 'n' ? pause() : 0);
    if (*how == 'd')
      abort();
    if (how[0] == 'h' && how[2] == 'l' && count == 1)
      return 4;
    if (sscanf(line, "add(%d, %d)", &which, &value) == 2) {
      add(which, value);
    } else if (*how == 'u') {
      fprintf(stderr, "what is %.3s?\n", line);
      return 3;
    } else if (sscanf(line, "set(%d, %d)", &which, &value) == 2) {
      if (*how != 's')
        set(which, value);
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  pthread_t thread;
  shards = pm_map(argv[2]);
  how = argv[1];
  switch (*how) {
  case 'r':
    add(0, 1);
    set(0, 3);
    return 0;
  case 'b':
    add(0, 1);
    /* fall through */
  case 'o':
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, other, NULL);
    if (*how == 'b')
      set(0, 3);
    else
      add(0, 1);
    pthread_join(thread, NULL);
    return 0;
  case 'c':
    printf("%lu %lu\n", shards[0].value, shards[1].value);
    return 0;
  default:
    return apply();
  }
}
