/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: %fencepost-clang -g -O1 -pthread -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.fixed run %t.pool
 *
 * Intent: threads that count without a lock race by their reads and by their
 * stores, which is one finding; another line that does so is another.
 *
 * CHECK: ERROR: fencepost: pm-data-race
 * CHECK: race-one-cause.c:[[#@LINE+25]]
 * CHECK: found {{[0-9]+}} times
 * CHECK: ERROR: fencepost: pm-data-race
 * CHECK: race-one-cause.c:[[#@LINE+23]]
 * CHECK: SUMMARY: fencepost: 2 errors, 0 warnings
 */
#include "Inputs/pm.h"

#include <pthread.h>

struct counts {
  PM_ALIGNED uint64_t hits;
  PM_ALIGNED uint64_t misses;
};

static struct counts *counts;
static pthread_barrier_t barrier;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *count(void *unused) {
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 50; i++) {
#ifdef FIXED
    pthread_mutex_lock(&lock);
#endif
    counts->hits++;
    counts->misses = counts->misses + 1;
    pm_persist(counts, sizeof *counts);
#ifdef FIXED
    pthread_mutex_unlock(&lock);
#endif
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  (void)pm_is_check(argc, argv);
  counts = pm_map(argv[2]);
  pthread_barrier_init(&barrier, NULL, 2);
  for (int i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, count, NULL);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  (void)lock;
  return 0;
}
