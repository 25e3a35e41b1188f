/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --fail-on performance -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -pthread -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --races --fail-on performance -- %t run %t.pool
 *
 * Intent: threads with a transaction each, on the accounts of one bank, under
 * the bank's lock: what one thread's transaction has logged is no duplicate in
 * another one's; what a transfer logs for both of its ends, and each end once
 * more, is.
 *
 * CHECK: PERFORMANCE: fencepost: duplicate-log
 * CHECK-NEXT: log of 8 bytes of {{.*}}tx-logged-threads.c:[[#]] in add
 * CHECK: is needless; the range is covered since
 * CHECK: in transfer
 * CHECK-NOT: {{ERROR|WARNING}}
 * CHECK: SUMMARY: fencepost: 0 errors, 0 warnings
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

#include <pthread.h>

enum { THREADS = 3, ROUNDS = 20, ACCOUNTS = 4 };

struct bank {
  PMEMmutex lock;
  int64_t balances[ACCOUNTS];
};
static PMEMobjpool *pool;
static struct bank *bank;

static void add(int account, int64_t amount) {
#ifndef FIXED
  TX_ADD_DIRECT(&bank->balances[account]);
#endif
  bank->balances[account] += amount;
}

static void transfer(int from, int to, int64_t amount) {
  TX_BEGIN_PARAM(pool, TX_PARAM_MUTEX, &bank->lock, TX_PARAM_NONE) {
    pmemobj_tx_add_range_direct(&bank->balances[from], sizeof(int64_t));
    pmemobj_tx_add_range_direct(&bank->balances[to], sizeof(int64_t));
    add(from, -amount);
    add(to, amount);
  }
  TX_END
}

static void *work(void *argument) {
  int me = *(int *)argument;
  for (int i = 0; i < ROUNDS; i++)
    transfer((me + i) % ACCOUNTS, (me + i + 1) % ACCOUNTS, i);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int numbers[THREADS];

  pool = pmobj_open(argc, argv, sizeof(struct bank));
  bank = pmemobj_direct(pmemobj_root(pool, sizeof(struct bank)));
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, work, &numbers[i]);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  pmemobj_close(pool);
  return 0;
}
