/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --timeout 1 --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --timeout 1 --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: recovery that walks in a circle for ever is cut off and reported.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: {{hang|hung|timeout|time out|timed out}}
 */
#include "Inputs/pm.h"

#define NODES 4

struct root {
  uint64_t head; /* index of the first node; NODES ends the list */
  struct {
    uint64_t next;
  } PM_ALIGNED nodes[NODES];
  uint64_t is_ready PM_ALIGNED;
} PM_ALIGNED;

/* Makes the list 3, 2, 1, 0, node by node; in a new pool all is 0. */
static int run(struct root *root) {
  root->head = NODES;
  pm_persist(&root->head, sizeof root->head);
  for (uint64_t i = 0; i < NODES; i++) {
    root->nodes[i].next = root->head;
    pm_flush(&root->nodes[i], sizeof root->nodes[i]);
    root->head = i;
  }
  pm_flush(&root->head, sizeof root->head);
#ifdef FIXED
  pm_fence();
#endif
  root->is_ready = 1;
  pm_persist(&root->is_ready, sizeof root->is_ready);
  return 0;
}

static int check(const struct root *root) {
  volatile uint64_t index = root->head;

  if (!root->is_ready)
    return 0;
  while (index < NODES) /* a node that names itself is the last one seen */
    index = root->nodes[index].next;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
