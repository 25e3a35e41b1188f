/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -g -O1 %s -lpmemobj -lpthread -o %t
 * RUN: rm -f %t.pool && %t create %t.pool
 * RUN: not %fencepost check --no missing-flush -- %t longjmp %t.pool | FileCheck %s
 * RUN: not %fencepost check --no missing-flush -- %t throw %t.pool | FileCheck %s
 * RUN: not %fencepost check --no missing-flush -- %t return %t.pool | FileCheck %s
 * RUN: not %fencepost check --no missing-flush -- %t pthread_exit %t.pool | FileCheck %s
 * RUN: not %fencepost check --no missing-flush -- %t stays %t.pool | FileCheck --check-prefix=STAYS %s
 * RUN: %fencepost-clang++ -g -O1 -DFIXED %s -lpmemobj -lpthread -o %t
 * RUN: %fencepost check --no missing-flush -- %t longjmp %t.pool
 * RUN: %fencepost check --no missing-flush -- %t throw %t.pool
 * RUN: %fencepost check --no missing-flush -- %t return %t.pool
 * RUN: %fencepost check --no missing-flush -- %t pthread_exit %t.pool
 *
 * Intent: a transaction that is left by longjmp, by an exception, by return or
 * with its thread is not over: what the thread stores next is in it, until it
 * is committed. Other threads meanwhile, and those that come later, have
 * transactions of their own, in which the one bug is found, and are in none
 * between them.
 *
 * CHECK: ERROR: fencepost: unlogged-store
 * CHECK: store of 8 bytes {{.*}} in forgets
 * CHECK: transaction begun {{.*}} in forgets
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings
 *
 * STAYS: ERROR: fencepost: unlogged-store
 * STAYS: store of 8 bytes {{.*}} in outside
 * STAYS: transaction begun {{.*}} in jumps
 * STAYS: SUMMARY: fencepost: 1 error, 0 warnings
 */
#include "Inputs/pmobj.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>

struct root {
  uint64_t left[8];
  uint64_t plain[64]; /* never in a transaction */
  uint64_t good[64];
  uint64_t forgotten[8];
};

static PMEMobjpool *pool;
static struct root *root;
static const char *how;
static thread_local jmp_buf place;

__attribute__((noinline)) static void outside(int i) {
  root->plain[i]++;
  pmemobj_persist(pool, &root->plain[i], sizeof root->plain[i]);
}

__attribute__((noinline)) static void inside(int i) {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->good[i], sizeof root->good[i]);
    root->good[i]++;
  }
  TX_END
}

__attribute__((noinline)) static void forgets() {
#ifndef FIXED
  TX_BEGIN(pool) {
    root->forgotten[0]++;
    pmemobj_persist(pool, &root->forgotten[0], sizeof root->forgotten[0]);
  }
  TX_END
#endif
}

__attribute__((noinline)) static void jumps() {
  if (setjmp(place) == 0) {
    TX_BEGIN(pool) {
      pmemobj_tx_add_range_direct(&root->left[0], 8);
      root->left[0]++;
      longjmp(place, 1);
    }
    TX_END
  }
}

__attribute__((noinline)) static void throws() {
  try {
    TX_BEGIN(pool) {
      pmemobj_tx_add_range_direct(&root->left[1], 8);
      root->left[1]++;
      throw 1;
    }
    TX_END
  } catch (int) {
  }
}

__attribute__((noinline)) static void returns() {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->left[2], 8);
    root->left[2]++;
    return;
  }
  TX_END
}

__attribute__((noinline)) static void exits() {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->left[3], 8);
    root->left[3]++;
    pthread_exit(NULL);
  }
  TX_END
}

/* Leaves one, which it then finds open, and commits. */
static void *leaves(void *) {
  if (strcmp(how, "pthread_exit") == 0)
    exits();
  if (strcmp(how, "throw") == 0)
    throws();
  else if (strcmp(how, "return") == 0)
    returns();
  else
    jumps();
  if (pmemobj_tx_stage() != TX_STAGE_WORK)
    exit(4);
  if (strcmp(how, "stays") == 0)
    outside(60);
  inside(0);
  pmemobj_tx_commit();
  (void)pmemobj_tx_end();
  if (pmemobj_tx_stage() != TX_STAGE_NONE)
    exit(5);
  outside(0);
  inside(1);
  outside(1);
  return NULL;
}

static void *other(void *number) {
  int i = 8 * (int)(uintptr_t)number;

  for (int j = i; j < i + 8; j++) {
    outside(j);
    inside(j);
    outside(j);
  }
  return NULL;
}

static void *last(void *) {
  outside(2);
  inside(2);
  if (strcmp(how, "stays") != 0)
    forgets();
  outside(2);
  return NULL;
}

static void thread(pthread_t *id, void *(*body)(void *), uintptr_t number) {
  if (pthread_create(id, NULL, body, (void *)number) != 0)
    exit(6);
}

int main(int argc, char **argv) {
  pthread_t threads[3];

  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = (struct root *)pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  how = argv[1];
  if (strcmp(how, "create") != 0) {
    for (int i = 0; i < 3; i++)
      thread(&threads[i], i == 1 ? leaves : other, 1 + (uintptr_t)i);
    for (int i = 0; i < 3; i++)
      pthread_join(threads[i], NULL);
    thread(&threads[0], last, 0);
    pthread_join(threads[0], NULL);
    outside(3);
    inside(3);
    outside(4);
  }
  pmemobj_close(pool);
  return 0;
}
