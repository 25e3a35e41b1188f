/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: after an object was freed, by an atomic function or by a transaction
 * that has committed, nothing points to it, stores to it or logs it.
 *
 * CHECK-DAG: a pointer to an object that has been freed is stored
 * CHECK-DAG: store of 8 bytes to {{.*}} in link_again
 * CHECK-DAG: free {{.*}} in run
 * CHECK-DAG: an object is stored to after it has been freed
 * CHECK-DAG: store of 8 bytes to {{.*}} in use_again
 * CHECK-DAG: an object is logged after it has been freed
 * CHECK: SUMMARY: fencepost: 4 errors, 0 warnings
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  PMEMoid objects[3];
  PMEMoid other;
  uint64_t *raw;
};

__attribute__((noinline)) static void
link_again(PMEMobjpool *pool, struct root *root, PMEMoid object) {
  root->other = object;
  pmemobj_persist(pool, &root->other, sizeof root->other);
  root->raw = pmemobj_direct(object);
  pmemobj_persist(pool, &root->raw, sizeof root->raw);
}

__attribute__((noinline)) static void use_again(PMEMobjpool *pool,
                                                uint64_t *object) {
  *object = 1;
  pmemobj_persist(pool, object, sizeof *object);
  TX_BEGIN(pool) {
    TX_ADD_DIRECT(&object[2]);
  }
  TX_END
}

static void run(PMEMobjpool *pool, struct root *root) {
  for (int i = 0; i < 3; i++)
    pmemobj_zalloc(pool, &root->objects[i], 128, 1);
  PMEMoid second = root->objects[1];
  PMEMoid third = root->objects[2];
#ifdef FIXED
  link_again(pool, root, second);
  use_again(pool, pmemobj_direct(third));
  root->raw = NULL;
  root->other = OID_NULL;
  pmemobj_persist(pool, &root->other, sizeof root->other + sizeof root->raw);
#endif
  pmemobj_free(&root->objects[2]);
  TX_BEGIN(pool) {
    TX_ADD_DIRECT(&root->objects[1]);
    pmemobj_tx_free(second);
    root->objects[1] = OID_NULL;
  }
  TX_END
  /* What an aborted transaction freed is there. */
  TX_BEGIN(pool) {
    pmemobj_tx_free(root->objects[0]);
    pmemobj_tx_abort(ECANCELED);
  }
  TX_END
  *(uint64_t *)pmemobj_direct(root->objects[0]) = 1;
  pmemobj_persist(pool, pmemobj_direct(root->objects[0]), 8);
#ifndef FIXED
  link_again(pool, root, second);
  use_again(pool, pmemobj_direct(third));
#endif
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));

  run(pool, pmemobj_direct(pmemobj_root(pool, sizeof(struct root))));
  pmemobj_close(pool);
  return 0;
}
