/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -lpmemobj -o %t
 * RUN: %fencepost-clang -g -O1 -pthread -DFIXED %s -lpmemobj -o %t.fixed
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --only not-failure-atomic,lost-operation --trace %t.fpt --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash -j 2 --trace %t.f.fpt --observe stdout --apply '%t.fixed apply %t.pool' --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a list in libpmemobj to which two threads add, of which one waits for
 * the lock within its operation. The pools that the orders lead to are all
 * different, since the library counts how often it opened them. Its length,
 * that is not part of the transaction, is found to be torn from it.
 *
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation add({{[67]}})
 * CHECK: op-orders-obj.c:{{[0-9]+}} in add
 * CHECK: recovery found a state that no order of the operations explains
 * CHECK: orders replayed
 * GOOD: orders replayed
 * GOOD-NOT: not judged
 * GOOD: 0 errors, 0 warnings
 */
#include "Inputs/pmobj.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

struct node {
  int value;
  PMEMoid next;
};

struct root {
  PMEMoid head;
  char pad[112];
  uint64_t length; /* in another line */
};

static PMEMobjpool *pool;
static struct root *root;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;

static void add(int value, int together) {
  fencepost_op_begin("add(%d)", value);
  if (together)
    pthread_barrier_wait(&barrier);
  pthread_mutex_lock(&mutex);
  TX_BEGIN(pool) {
    PMEMoid oid = pmemobj_tx_alloc(sizeof(struct node), 1);
    struct node *node = pmemobj_direct(oid);
    node->value = value;
    node->next = root->head;
    pmemobj_tx_add_range_direct(&root->head, sizeof root->head);
    root->head = oid;
#ifdef FIXED
    pmemobj_tx_add_range_direct(&root->length, sizeof root->length);
    root->length++;
#endif
  }
  TX_END
#ifndef FIXED
  root->length++;
  pmemobj_persist(pool, &root->length, sizeof root->length);
#endif
  pthread_mutex_unlock(&mutex);
  if (together)
    pthread_barrier_wait(&barrier);
  fencepost_op_end();
}

static void *other(void *unused) {
  add(7, 1);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t thread;
  int value;
  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  switch (argv[1][0]) {
  case 'r':
    add(1, 0);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, other, NULL);
    add(6, 1);
    pthread_join(thread, NULL);
    break;
  case 'a':
    while (scanf(" add(%d)", &value) == 1)
      add(value, 0);
    break;
  default:
    printf("%lu\n", root->length);
    for (PMEMoid at = root->head; !OID_IS_NULL(at);) {
      struct node *node = pmemobj_direct(at);
      printf("%d\n", node->value);
      at = node->next;
    }
  }
  pmemobj_close(pool);
  return 0;
}
