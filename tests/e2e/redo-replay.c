/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -lpmemobj
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed -lpmemobj
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: %t create %t.pool
 * RUN: %fencepost record -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --recover '%t check %t.pool' > %t.out
 * RUN: FileCheck --check-prefix=BUG %s < %t.out
 *
 * RUN: rm -f %t.pool && %t create %t.pool
 * RUN: %fencepost record -o %t.fixed.fpt -- %t.fixed run %t.pool
 * RUN: %fencepost explore %t.fixed.fpt --only recovery-failure --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a node is filled, not flushed, and published by a redo log of
 * libpmemobj. A node that is found published is repaired; only when the redo
 * log is replayed by pmemobj_open, whose code has no hooks and which reads a
 * log of which a part may be missing, is the node believed.
 *
 * BUG: recovery-failure
 * BUG-NEXT: store of 8 bytes to pool+{{.*}}redo-replay.c:[[#LINE:]] in publish
 * BUG: recovery exited with 1
 * BUG-NEXT: | replayed, node lost
 * BUG: fix: flush {{.*}}redo-replay.c:[[#LINE]]
 * BUG: SUMMARY: fencepost: {{[1-9].*}} cover all of
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pmobj.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#define VALUE UINT64_C(0x1234)
/* Where a pool of libpmemobj keeps the offset of its root object. */
#define ROOT_AT 6144

struct root {
  uint64_t node; /* offset in the pool; 0: none */
};

struct node {
  uint64_t value;
};

static void publish(PMEMobjpool *pop, struct root *root) {
  struct pobj_action actions[2];
  PMEMoid oid = pmemobj_reserve(pop, &actions[0], sizeof(struct node), 1);
  struct node *node = pmemobj_direct(oid);

  node->value = VALUE;
#ifdef FIXED
  pmemobj_persist(pop, node, sizeof *node);
#endif
  pmemobj_set_value(pop, &actions[1], &root->node, oid.off);
  if (pmemobj_publish(pop, actions, 2) != 0)
    perror("publish");
  pmemobj_persist(pop, node, sizeof *node);
}

/* What the root holds before libpmemobj has looked at the pool. */
static uint64_t node_before(const char *path) {
  uint64_t offset = 0;
  uint64_t node = 0;
  int fd = open(path, O_RDONLY);

  if (pread(fd, &offset, 8, ROOT_AT) != 8 || offset == 0 ||
      pread(fd, &node, 8, (off_t)offset) != 8)
    node = 1;
  close(fd);
  return node;
}

static int check(PMEMobjpool *pop, const struct root *root, uint64_t before) {
  if (root->node == 0)
    return 0;
  struct node *node = pmemobj_direct(
      (PMEMoid){pmemobj_oid((const void *)root).pool_uuid_lo, root->node});
  if (node->value == VALUE)
    return 0;
  if (before != 0) {
    node->value = VALUE;
    pmemobj_persist(pop, node, sizeof *node);
    return 0;
  }
  puts("replayed, node lost");
  return 1;
}

int main(int argc, char **argv) {
  int is_check = argc == 3 && strcmp(argv[1], "check") == 0;
  uint64_t before = is_check ? node_before(argv[2]) : 0;
  PMEMobjpool *pop = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pop, sizeof(struct root)));
  int result = 0;

  if (is_check)
    result = check(pop, root, before);
  else
    publish(pop, root);
  pmemobj_close(pop);
  return result;
}
