/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -rf %t.dir && mkdir %t.dir
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost check --races --pool %t.dir/check -- %t %t.dir/check | FileCheck %s
 * RUN: %fencepost record --races --pool %t.dir/record -o %t.dir/fpt -- %t %t.dir/record
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost report --only pm-data-race %t.dir/fpt | FileCheck %s
 *
 * Intent: a race of the last of many threads, each of which was created by the
 * one before, on stacks that are small: telling of it takes no room on them.
 *
 * CHECK: pm-data-race
 * CHECK-NOT: killed
 * CHECK: SUMMARY: fencepost: 1 error
 */
#include "Inputs/pm.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3000, STACK = 65536 };

static char *pm;
static int left = THREADS; /* handed from thread to thread */
static _Atomic int over;

static void *run(void *unused) {
  pthread_attr_t attributes;
  pthread_t next;

  (void)unused;
  if (--left == 0) {
    pm[0] = 1;
    pm_persist(pm, 1);
    atomic_store(&over, 1);
    return NULL;
  }
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK);
  if (pthread_create(&next, &attributes, run, NULL) != 0)
    abort();
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t first;

  if (argc != 2)
    return 2;
  pm = pm_map(argv[1]);
  pm[64] = 1;
  pm_persist(pm + 64, 1);
  if (pthread_create(&first, NULL, run, NULL) != 0 ||
      pthread_detach(first) != 0)
    return 2;
  pm[0] = 2;
  pm_persist(pm, 1);
  while (!atomic_load(&over))
    usleep(1000);
  return 0;
}
