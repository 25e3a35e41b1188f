/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -lpthread -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -lpthread -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: transactions are per thread: what one thread has logged another one
 * has not.
 *
 * CHECK: ERROR: fencepost: unlogged-store
 * CHECK-NEXT: store of 8 bytes {{.*}} in count
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

#include <pthread.h>

#define THREADS 2
#define ROUNDS 200

struct shard {
  uint64_t count;
  uint64_t unused[7];
};

struct root {
  struct shard shards[THREADS];
};

static PMEMobjpool *pool;
static struct root *root;
static pthread_barrier_t both;

static void *count(void *argument) {
  struct shard *own = &root->shards[*(int *)argument];
  struct shard *logged = own;
#ifndef FIXED
  if (*(int *)argument == 1)
    logged = &root->shards[0];
#endif
  pthread_barrier_wait(&both);
  for (int i = 0; i < ROUNDS; i++) {
    TX_BEGIN(pool) {
      TX_ADD_DIRECT(&logged->count);
      own->count++;
      pmemobj_persist(pool, &own->count, sizeof own->count);
    }
    TX_END
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int numbers[THREADS];

  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  pthread_barrier_init(&both, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, count, &numbers[i]);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  pmemobj_close(pool);
  return 0;
}
