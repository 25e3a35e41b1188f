/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: who makes something durable that it stored after it read what another
 * thread had not made durable yet is told; who flushes first what it read
 * (link-and-persist), or reads what is durable, is not.
 *
 * RUN: sh %S/Inputs/races.sh unpersisted-read %t %t.pool reader writer
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- \
 * RUN:   %t.buggy reader %t.pool | FileCheck %s
 *
 * The same from a trace, and nothing where visible stores are durable.
 *
 * RUN: rm -f %t.pool %t.fpt && %fencepost record --races --pool %t.pool \
 * RUN:   -o %t.fpt -- %t.buggy reader %t.pool
 * RUN: not %fencepost report %t.fpt | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost check --races --domain eadr --pool %t.pool \
 * RUN:   --no redundant-flush,redundant-fence -- %t.buggy reader %t.pool
 */
#include "Inputs/pm.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct pool {
  PM_ALIGNED _Atomic uint64_t cause;
  PM_ALIGNED uint64_t effect;
};
static struct pool *pool;
static const char *kind;
static sem_t visible;
static sem_t acted;

/* CHECK: WARNING: fencepost: unpersisted-read
 * CHECK-NEXT: store of 8 bytes to pool+0x0 {{.*}}unpersisted-read.c:[[#@LINE+7]] in writer
 * CHECK: is not guaranteed when another thread
 * CHECK-NEXT: read of 8 bytes of pool+0x0 {{.*}}unpersisted-read.c:[[#@LINE+21]] in reader
 * CHECK: fix: flush and fence
 */
static void *writer(void *unused) {
  (void)unused;
  atomic_store_explicit(&pool->cause, 1, memory_order_release);
#ifndef BUGGY
  if (strcmp(kind, "writer") == 0)
    pm_persist(&pool->cause, sizeof pool->cause);
#endif
  sem_post(&visible);
  sem_wait(&acted);
  pm_persist(&pool->cause, sizeof pool->cause);
  return NULL;
}

static void *reader(void *unused) {
  (void)unused;
  /* Not ordered by this, as far as the rule is concerned. */
  sem_wait(&visible);
  pool->effect = 1;
  if (atomic_load_explicit(&pool->cause, memory_order_acquire) == 1)
    pool->effect = 2;
#ifndef BUGGY
  if (strcmp(kind, "reader") == 0) {
    pm_persist(&pool->cause, sizeof pool->cause);
    pool->effect = 2;
  }
#endif
  pm_persist(&pool->effect, sizeof pool->effect);
  sem_post(&acted);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  if (pm_is_check(argc, argv))
    return 0;
  kind = argv[1];
  pool = pm_map(argv[2]);
  sem_init(&visible, 0, 0);
  sem_init(&acted, 0, 0);
  pthread_create(&threads[0], NULL, writer, NULL);
  pthread_create(&threads[1], NULL, reader, NULL);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  return 0;
}
