/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s --check-prefix=CRASH
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: every way to put a range into a transaction is one: TX_ADD_FIELD,
 * TX_SET, TX_MEMCPY, flags, allocation, reservation, an inner transaction that
 * is flattened into the outer one. A store that none of them covers is found,
 * in the inner one too; what comes after an abort is not in a transaction.
 *
 * CHECK: ERROR: fencepost: unlogged-store
 * CHECK-NEXT: store of 8 bytes to pool+{{.*}}tx-unlogged-nested.c:[[@LINE+53]] in inner
 * CHECK: transaction begun {{.*}} in run
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings
 * CRASH: ERROR: fencepost: unlogged-store
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

POBJ_LAYOUT_BEGIN(test);
POBJ_LAYOUT_ROOT(test, struct root);
POBJ_LAYOUT_TOID(test, struct node);
POBJ_LAYOUT_END(test);

struct node {
  uint64_t value;
  char text[56];
};

struct root {
  uint64_t words[8];
  TOID(struct node) nodes[4];
};

static int fill(PMEMobjpool *pool, void *object, void *argument) {
  struct node *node = object;
  node->value = *(uint64_t *)argument;
  pmemobj_persist(pool, node, sizeof *node);
  return 0;
}

static void inner(PMEMobjpool *pool, TOID(struct root) root) {
  struct root *r = D_RW(root);
  uint64_t value = 7;
  PMEMoid made = OID_NULL;

  /* The same transaction: added by the caller. */
  TX_BEGIN(pool) {
    r->words[0]++;
    TX_ADD_FIELD(root, words[1]);
    r->words[1]++;
    TX_SET(root, words[2], r->words[0]);
    TX_MEMCPY(&r->words[3], &value, sizeof value);
    TX_XADD_DIRECT(&r->words[4], POBJ_XADD_NO_SNAPSHOT);
    r->words[4] = 4;
    pmemobj_tx_xadd_range_direct(&r->words[5], 8, POBJ_XADD_ASSUME_INITIALIZED);
    pmemobj_memcpy_persist(pool, &r->words[5], &value, sizeof value);
    pmemobj_alloc(pool, &made, sizeof(struct node), 5, fill, &value);
    pmemobj_free(&made);
  }
  TX_END
#ifdef FIXED
  TX_ADD_DIRECT(&r->words[6]);
#endif
  r->words[6] = 6;
}

static int run(PMEMobjpool *pool, TOID(struct root) root) {
  struct root *r = D_RW(root);
  volatile int aborted = 0;
  struct pobj_action action;
  TOID(struct node) node;

  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, words[0]);
    inner(pool, root);
    TX_ADD_FIELD(root, nodes);
    r->nodes[0] = TX_ZNEW(struct node);
    D_RW(r->nodes[0])->value = 1;
    strcpy(D_RW(r->nodes[0])->text, "new");
    r->nodes[1] = (TOID(struct node))pmemobj_tx_strdup("a string", 3);
    D_RW(r->nodes[1])->text[0] = 'A';
    TOID_ASSIGN(node, pmemobj_reserve(pool, &action, sizeof(struct node), 4));
    D_RW(node)->value = 2;
    pmemobj_tx_publish(&action, 1);
    D_RW(node)->text[0] = '2';
    pmemobj_persist(pool, D_RW(node), sizeof(struct node));
    r->nodes[2] = node;
  }
  TX_END

  TX_BEGIN(pool){TX_BEGIN(pool){TX_ADD_FIELD(root, words[1]);
  r->words[1] = 99;
  pmemobj_tx_abort(ECANCELED);
}
TX_END
}
TX_ONABORT {
  aborted++;
}
TX_END
/* An allocation that fails jumps out of the transaction. */
TX_BEGIN(pool) {
  pmemobj_tx_alloc(PMEMOBJ_MAX_ALLOC_SIZE, 1);
}
TX_ONABORT {
  r->words[7] = 1;
  pmemobj_persist(pool, &r->words[7], 8);
  aborted++;
}
TX_END
r->words[7]++;
pmemobj_persist(pool, &r->words[7], 8);
return aborted != 2;
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  int is_check = strcmp(argv[1], "check") == 0;
  int result = is_check ? 0 : run(pool, POBJ_ROOT(pool, struct root));

  pmemobj_close(pool);
  return result;
}
