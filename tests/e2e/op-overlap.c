/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash -j 2 --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash -j 2 --pool %t.pool --trace %t.fpt --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=ORDERS %s
 *
 * Intent: two operations at the same time, each durable when it returns; after
 * a crash one of them may be there without the other, in either way, though the
 * run shows one way only. No false alarm, and the report says so; the orders
 * explain all.
 *
 * CHECK: note: operations overlapped: {{[0-9]+}} crash points judged by observed
 * CHECK-SAME: boundaries only, and at {{[1-9][0-9]*}} of them states that no
 * CHECK: 0 errors, 0 warnings{{.*}} cover all
 * ORDERS: note: {{.*}}: 4 orders replayed
 * ORDERS-NOT: not judged
 * ORDERS: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

struct shard {
  PM_ALIGNED uint64_t value;
};

static struct shard *shards;
static pthread_barrier_t barrier;

static void *add(void *data) {
  struct shard *shard = data;
  fencepost_op_begin("add(%d)", (int)(shard - shards));
  pthread_barrier_wait(&barrier);
  shard->value++;
  pm_flush(shard, 8);
  pthread_barrier_wait(&barrier); /* both are undecided now */
  pm_fence();
  pthread_barrier_wait(&barrier);
  fencepost_op_end();
  return NULL;
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  pthread_t thread;
  int which;
  shards = pm_map(argv[2]);
  if (check) {
    printf("%lu %lu\n", shards[0].value, shards[1].value);
    return 0;
  }
  if (argv[1][0] == 'a') {
    while (scanf(" add(%d)", &which) == 1) {
      shards[which].value++;
      pm_persist(&shards[which], 8);
    }
    return 0;
  }
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, add, &shards[0]);
  add(&shards[1]);
  pthread_join(thread, NULL);
  return 0;
}
