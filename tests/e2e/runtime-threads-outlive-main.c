/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -pthread
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t -pthread
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 *
 * Intent: main returns while other threads still store to PM: the end of the
 * run is dealt with once, does not hang, and sees what main left.
 */
#include "Inputs/pm.h"

#include <pthread.h>

static uint64_t *pm;
static int started;

static void *work(void *mine) {
  uint64_t *line = (uint64_t *)mine;

  for (uint64_t i = 0;; i++) {
    *line = i;
    pm_persist(line, 8);
    if (i == 0)
      __atomic_fetch_add(&started, 1, __ATOMIC_RELEASE);
#ifdef FIXED
    for (;;) /* or the end might come between store and flush */
      pause();
#endif
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;

  pm = pm_map(argv[argc - 1]);
  for (int i = 0; i < 2; i++)
    if (pthread_create(&thread, NULL, work, &pm[64 + 8 * i]))
      return 3;
  while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < 2)
    ;
  /* CHECK: store of 8 bytes to {{.*}}+0x0 {{.*}}runtime-threads-outlive-main.c:[[#@LINE+2]] in main
   */
  pm[0] = 1;
#ifdef FIXED
  pm_persist(pm, 8);
#endif
  return 0;
}
