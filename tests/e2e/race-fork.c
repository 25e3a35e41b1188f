/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 *
 * Intent: a child of fork takes no part in the search for races, and the report
 * says so; its parent's threads do as before, and nothing that the child does
 * is taken for theirs. A program that forks without PM has nothing to be said.
 *
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t clean %t.pool \
 * RUN:   > %t.out && FileCheck %s < %t.out
 * CHECK-NOT: fencepost: pm-data-race
 * CHECK: note: the program forked while PM was mapped: races are not looked for in the child
 * CHECK: SUMMARY: fencepost: 0 errors
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- %t racy %t.pool \
 * RUN:   | FileCheck --check-prefix=RACY %s
 * RACY: ERROR: fencepost: pm-data-race
 * RACY: race-fork.c:[[#]] in add
 * RACY: note: the program forked while PM was mapped: races are not
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t before %t.pool \
 * RUN:   | FileCheck --check-prefix=BEFORE %s
 * BEFORE-NOT: note: the program forked
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <pthread.h>
#include <sys/wait.h>

static uint64_t *cells;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int racy;

static void add(void) {
  cells[0]++;
  pm_persist(&cells[0], sizeof cells[0]);
}

static void *work(void *argument) {
  if (!racy)
    pthread_mutex_lock(&mutex);
  add();
  if (!racy)
    pthread_mutex_unlock(&mutex);
  return argument;
}

static void run_threads(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
}

static void with_child(void (*run)(void)) {
  pid_t child = fork();
  if (child == 0) {
    run();
    _exit(0);
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
    exit(3);
}

static void nothing(void) {}

/* Threads that race, in the child. */
static void child(void) {
  racy = 1;
  run_threads();
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  if (strcmp(argv[1], "before") == 0)
    with_child(nothing);
  cells = pm_map(argv[2]);
  racy = strcmp(argv[1], "racy") == 0;
  run_threads();
  if (strcmp(argv[1], "before") != 0)
    with_child(child);
  run_threads();
  return 0;
}
