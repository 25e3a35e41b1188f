/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: the atomic allocation links an object whose constructor did not
 * persist it: the object is reachable, its content is not there yet.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct node {
  PMEMoid next;
  uint64_t value; /* never 0 in a list */
};

struct root {
  PMEMoid head;
};

static int node_init(PMEMobjpool *pool, void *memory, void *argument) {
  struct node *node = memory;
  const struct root *root = argument;

  node->next = root->head;
  node->value = 7;
#ifdef FIXED
  pmemobj_persist(pool, node, sizeof *node);
#else
  (void)pool; /* the caller will flush it */
#endif
  return 0;
}

static int run(PMEMobjpool *pool, struct root *root) {
  for (int i = 0; i < 2; i++) {
    if (pmemobj_alloc(pool, &root->head, sizeof(struct node), 1, node_init,
                      root) != 0)
      return 2;
    pmemobj_persist(pool, pmemobj_direct(root->head), sizeof(struct node));
  }
  return 0;
}

static int check(const struct root *root) {
  for (PMEMoid oid = root->head; !OID_IS_NULL(oid);) {
    const struct node *node = pmemobj_direct(oid);

    if (node->value != 7)
      return 1;
    oid = node->next;
  }
  return 0;
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  int result = strcmp(argv[1], "check") == 0 ? check(root) : run(pool, root);

  pmemobj_close(pool);
  return result;
}
