/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a block is linked before the allocator bitmap that marks it as used
 * is guaranteed.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"

#define BLOCKS 8

struct root {
  uint64_t bitmap;          /* bit i: block i is in use */
  uint64_t list PM_ALIGNED; /* 1 + index of the first block in use */
  struct {
    uint64_t next; /* 1 + index */
  } PM_ALIGNED blocks[BLOCKS];
} PM_ALIGNED;

static void block_push(struct root *root) {
  unsigned block = (unsigned)__builtin_ctzll(~root->bitmap);

  root->bitmap |= 1ull << block;
  pm_flush(&root->bitmap, sizeof root->bitmap);
  root->blocks[block].next = root->list;
  pm_flush(&root->blocks[block], sizeof root->blocks[block]);
#ifdef FIXED
  pm_fence();
#endif
  root->list = block + 1;
  pm_persist(&root->list, sizeof root->list);
}

static int run(struct root *root) {
  block_push(root);
  block_push(root);
  return 0;
}

/* A block that is linked but free would be handed out a second time. */
static int check(const struct root *root) {
  for (uint64_t link = root->list; link != 0;
       link = root->blocks[link - 1].next)
    if (link > BLOCKS || !(root->bitmap >> (link - 1) & 1))
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
