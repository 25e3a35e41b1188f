/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 *
 * Intent: threads one after the other, more than can be told apart at a time:
 * the last one is checked like the first.
 * CHECK-NOT: threads used PM
 * CHECK: ERROR: fencepost: missing-flush
 */
#include "Inputs/pm.h"

#include <pthread.h>

#define THREADS 66000

static uint64_t *cells;

static void *work(void *argument) {
  uint64_t number = (uint64_t)(uintptr_t)argument;
  cells[0] = number;
  pm_persist(&cells[0], sizeof cells[0]);
  if (number == THREADS)
    cells[8] = number;
  return NULL;
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  cells = pm_map(argv[2]);
  for (uintptr_t i = 1; i <= THREADS; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)i) != 0)
      return 2;
    pthread_join(thread, NULL);
  }
  return 0;
}
