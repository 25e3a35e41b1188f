/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t flush %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t share %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -pthread -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t flush %t.pool | FileCheck --check-prefix=CLEAN %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t share %t.pool | FileCheck --check-prefix=CLEAN %s
 *
 * Intent: a non-temporal store waits for a fence of its own thread (rule N1).
 * The main thread sees that the worker has stored, and commits on the strength
 * of a flush of its own; or it has a non-temporal store of its own to the same
 * line, which is persistent while the worker's is not.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CLEAN: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include <pthread.h>
#include <stdatomic.h>

static struct pool {
  PM_ALIGNED long long slots[2];
  PM_ALIGNED long long committed;
} * pool;

static atomic_int stored, seen;

/* Plain loads and stores on x86: no fence among them. */
static void await(atomic_int *flag) {
  while (atomic_load_explicit(flag, memory_order_acquire) == 0)
    ;
}

static void *work(void *unused) {
  _mm_stream_si64(&pool->slots[0], 1);
#ifdef FIXED
  pm_fence();
#endif
  atomic_store_explicit(&stored, 1, memory_order_release);
  await(&seen);
  pm_fence();
  return unused;
}

static void commit(int share) {
  await(&stored);
  if (share) {
    _mm_stream_si64(&pool->slots[1], 1);
  } else {
    pool->slots[1] = 1;
    pm_flush(pool->slots, sizeof pool->slots);
  }
  pm_fence();
  pool->committed = 1;
  pm_persist(&pool->committed, sizeof pool->committed);
  atomic_store_explicit(&seen, 1, memory_order_release);
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  pthread_t worker;
  pool = pm_map(argv[2]);
  if (check)
    return pool->committed != 0 && (pool->slots[0] == 0 || pool->slots[1] == 0);
  if (pthread_create(&worker, NULL, work, NULL) != 0)
    return 2;
  commit(argv[1][0] == 's');
  pthread_join(worker, NULL);
  return 0;
}
