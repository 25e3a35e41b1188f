/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: grep -c 'freed that has been freed before' %t.out | FileCheck --check-prefix=COUNT %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t run %t.pool
 *
 * Intent: an object that is freed a second time, by each function that frees,
 * is reported, and once. Within one transaction as well, before it commits.
 *
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in two_transactions
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in one_transaction
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in own_object
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in atomic
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in deferred
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in resized
 * CHECK-DAG: heap-freed-twice.c:{{[0-9]+}} in cancelled
 * CHECK: SUMMARY: fencepost: 7 errors, 0 warnings
 * COUNT: {{^}}7{{$}}
 */
#include "Inputs/pmobj.h"

#ifdef FIXED
enum { TWICE = 0 };
#else
enum { TWICE = 1 };
#endif

static PMEMoid make(PMEMobjpool *pool) {
  PMEMoid oid = OID_NULL;

  if (pmemobj_alloc(pool, &oid, 64, 1, NULL, NULL) != 0)
    exit(4);
  return oid;
}

static void two_transactions(PMEMobjpool *pool) {
  PMEMoid oid = make(pool);

  TX_BEGIN(pool) {
    pmemobj_tx_free(oid);
  }
  TX_END
  TX_BEGIN(pool) {
    if (TWICE)
      pmemobj_tx_free(oid);
  }
  TX_END
}

static void one_transaction(PMEMobjpool *pool) {
  PMEMoid oid = make(pool);

  TX_BEGIN(pool) {
    pmemobj_tx_free(oid);
    if (TWICE)
      pmemobj_tx_xfree(oid, 0);
  }
  TX_END
}

static void own_object(PMEMobjpool *pool) {
  TX_BEGIN(pool) {
    PMEMoid oid = pmemobj_tx_alloc(64, 1);

    pmemobj_tx_free(oid);
    if (TWICE)
      pmemobj_tx_free(oid);
  }
  TX_END
}

static void atomic(PMEMobjpool *pool) {
  PMEMoid oid = make(pool);
  PMEMoid copy = oid;

  pmemobj_free(&oid);
  if (TWICE)
    pmemobj_free(&copy);
}

static void deferred(PMEMobjpool *pool) {
  struct pobj_action actions[2];
  PMEMoid oid = make(pool);

  pmemobj_defer_free(pool, oid, &actions[0]);
  pmemobj_defer_free(pool, oid, &actions[1]);
  if (!TWICE)
    pmemobj_cancel(pool, &actions[1], 1);
  pmemobj_publish(pool, actions, 1 + TWICE);
}

static void resized(PMEMobjpool *pool) {
  PMEMoid oid = make(pool);
  PMEMoid copy = oid;

  pmemobj_free(&oid);
  if (TWICE)
    pmemobj_realloc(pool, &copy, 0, 1);
}

static void cancelled(PMEMobjpool *pool) {
  struct pobj_action action;
  PMEMoid oid = pmemobj_reserve(pool, &action, 64, 1);

  pmemobj_cancel(pool, &action, 1);
  TX_BEGIN(pool) {
    if (TWICE)
      pmemobj_tx_realloc(oid, 0, 1);
  }
  TX_END
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, 64);

  if (strcmp(argv[1], "run") == 0) {
    two_transactions(pool);
    one_transaction(pool);
    own_object(pool);
    atomic(pool);
    deferred(pool);
    resized(pool);
    cancelled(pool);
  }
  pmemobj_close(pool);
  return 0;
}
