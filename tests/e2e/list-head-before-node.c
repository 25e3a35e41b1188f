/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a list whose head is persisted before the node that it names.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#define NODES 16

struct node {
  uint64_t value;
  uint64_t next; /* index of the next node; 0 ends the list */
} PM_ALIGNED;

struct root {
  uint64_t head; /* index of the first node, 0 if there is none */
  struct node nodes[NODES];
} PM_ALIGNED;

static void insert(struct root *root, uint64_t index, uint64_t value) {
  struct node *node = &root->nodes[index];

  node->value = value;
  node->next = root->head;
#ifdef FIXED
  pm_persist(node, sizeof *node);
#endif
  root->head = index;
  pm_persist(&root->head, sizeof root->head);
  pm_persist(node, sizeof *node);
}

static int run(struct root *root) {
  for (uint64_t i = 1; i <= 3; i++)
    insert(root, i, 100 + i);
  return 0;
}

/* Values fall by one from node to node, down to 101. */
static int check(const struct root *root) {
  uint64_t index = root->head;
  uint64_t expected = 100 + index;

  for (; index != 0; index = root->nodes[index].next, expected--)
    if (index >= NODES || root->nodes[index].value != expected)
      return 1;
  return expected != 100;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
