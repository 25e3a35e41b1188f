/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -pthread -o %t
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: workers that take blocks in turn, each in its own thread, make a
 * block's result and the note that it is done durable by one fence. Recovery
 * does a block again wherever the result looks wrong, so nothing breaks; but it
 * reads what no machine leaves that keeps each thread's order.
 *
 * CHECK: WARNING: fencepost: not-robust
 * CHECK-NEXT: store of 8 bytes to pool+0x{{[0-9a-f]+}} {{.*}}not-robust-workers.c:[[#]] in work
 * CHECK: is not guaranteed before
 * CHECK-NEXT: store of 8 bytes to pool+0x{{[0-9a-f]+}} {{.*}}not-robust-workers.c:[[#]] in work
 * CHECK: recovery read the second without the first
 * CHECK: SUMMARY: fencepost: 0 errors, 1 warning; {{.*}} cover all of
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include <pthread.h>

enum { THREADS = 2, BLOCKS = 4 };

struct block {
  PM_ALIGNED uint64_t square;
  PM_ALIGNED uint64_t done;
};
static struct block *blocks;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t next;

static uint64_t square(uint64_t block) {
  return (block + 3) * (block + 3);
}

static void *work(void *unused) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    uint64_t mine = next++;
    pthread_mutex_unlock(&mutex);
    if (mine >= BLOCKS)
      return unused;
    blocks[mine].square = square(mine);
    pm_flush(&blocks[mine].square, sizeof blocks[mine].square);
#ifdef FIXED
    pm_fence();
#endif
    blocks[mine].done = 1;
    pm_persist(&blocks[mine].done, sizeof blocks[mine].done);
  }
}

static int check(void) {
  for (uint64_t i = 0; i < BLOCKS; i++)
    if (blocks[i].done && blocks[i].square != square(i)) {
      blocks[i].square = square(i);
      pm_persist(&blocks[i].square, sizeof blocks[i].square);
    }
  return 0;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int is_check = pm_is_check(argc, argv);

  blocks = pm_map(argv[2]);
  if (is_check)
    return check();
  for (int i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
