/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: not %fencepost check -- %t check %t.pool | FileCheck --check-prefix=OLD %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t open %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t open %t.pool
 *
 * Intent: objects that nothing reaches are leaks, when the pool is closed, at
 * the end of a run that did not close it, and in the next run; lists, trees,
 * raw pointers, plain offsets, and what the program finds by its type are not;
 * nor is what a transaction allocated that was aborted.
 *
 * CHECK: WARNING: fencepost: leak
 * CHECK-NEXT: object of {{[0-9]+}} bytes at pool+{{.*}} in replace
 * CHECK: SUMMARY: fencepost: 0 errors, 1 warning
 *
 * OLD: WARNING: fencepost: leak
 * OLD-NEXT: an object that nothing in the pool reaches was there before the run
 * OLD: SUMMARY: fencepost: 0 errors, 1 warning
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct node {
  PMEMoid next;
  uint64_t value;
};

struct root {
  PMEMoid list;
  PMEMoid replaced;
  struct node *raw;
  uint64_t offset;
};

static struct node *node_make(PMEMobjpool *pool, PMEMoid *link) {
  pmemobj_zalloc(pool, link, sizeof(struct node), 1);
  return pmemobj_direct(*link);
}

static void replace(PMEMobjpool *pool, struct root *root) {
#ifdef FIXED
  pmemobj_free(&root->replaced);
#endif
  pmemobj_zalloc(pool, &root->replaced, 100, 1);
}

static void run(PMEMobjpool *pool, struct root *root) {
  PMEMoid object;
  pmemobj_alloc(pool, NULL, 200, 2, NULL, NULL);
  struct node *first = node_make(pool, &root->list);

  first = node_make(pool, &first->next);
  node_make(pool, &first->next);
  root->raw = node_make(pool, &object);
  pmemobj_persist(pool, &root->raw, sizeof root->raw);
  node_make(pool, &object);
  root->offset = object.off;
  pmemobj_persist(pool, &root->offset, sizeof root->offset);
  replace(pool, root);
  replace(pool, root);
  TX_BEGIN(pool) {
    pmemobj_tx_alloc(300, 3);
    pmemobj_tx_abort(ECANCELED);
  }
  TX_END
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  if (strcmp(argv[1], "check") != 0)
    run(pool, root);
  /* It is the first one because it was made first. */
  if (pmemobj_type_num(pmemobj_first(pool)) != 2)
    return 4;
  if (strcmp(argv[1], "open") != 0)
    pmemobj_close(pool);
  return 0;
}
