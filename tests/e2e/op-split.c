/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --op insert --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.?.fpdb && sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.1.fpdb --shard 1/2 --observe stdout --recover '%t check %t.pool'
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt -j 2 --db %t.2.fpdb --shard 2/2 --observe stdout --recover '%t check %t.pool'
 * RUN: %fencepost merge %t.1.fpdb %t.2.fpdb -o %t.3.fpdb && not %fencepost report %t.3.fpdb | FileCheck %s
 * RUN: not %fencepost explore %t.fpt --db %t.3.fpdb --resume --observe stdout --recover '%t check %t.pool' | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --op insert --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a B-tree leaf that is split gives up the upper half of its keys
 * before the new leaf is linked: keys whose inserts had returned are gone.
 *
 * CHECK: ERROR: fencepost: lost-operation
 * CHECK-NEXT: in operation insert(tree=0x{{[0-9a-f]+}}, key=3)
 * CHECK: op-split.c:{{[0-9]+}} in split
 * CHECK: recovery found a state from before the operation
 * CHECK-NEXT: found: the state before it
 * CHECK-NEXT: found, against the state after it:
 * CHECK-NEXT: - 3
 * CHECK: SUMMARY: {{.*}} cover all
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#define KEYS 4

struct leaf {
  PM_ALIGNED uint64_t count;
  uint64_t keys[KEYS];
  uint64_t next; /* index of the next leaf, 0: none */
};

struct tree {
  PM_ALIGNED uint64_t used; /* leaves */
  struct leaf leaves[8];    /* leaves[0] is the first */
};

static void set(uint64_t *word, uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

static void split(struct tree *tree, struct leaf *leaf) {
  struct leaf *right = &tree->leaves[tree->used + 1];
  right->count = KEYS / 2;
  right->next = leaf->next;
  memcpy(right->keys, leaf->keys + KEYS / 2, KEYS / 2 * sizeof(uint64_t));
  pm_persist(right, sizeof *right);
  set(&tree->used, tree->used + 1);
#ifdef FIXED
  /* count, keys and next share a line: recovery sees the link, and then the
     lower count, or neither. */
  leaf->next = tree->used;
  __asm__ volatile("" ::: "memory");
  leaf->count = KEYS / 2;
  pm_persist(leaf, sizeof *leaf);
#else
  set(&leaf->count, KEYS / 2);
  set(&leaf->next, tree->used);
#endif
}

static void insert(struct tree *tree, uint64_t key) {
  struct leaf *leaf = &tree->leaves[0];
  while (leaf->next != 0 && tree->leaves[leaf->next].keys[0] <= key)
    leaf = &tree->leaves[leaf->next];
  if (leaf->count == KEYS) {
    split(tree, leaf);
    insert(tree, key);
    return;
  }
  set(&leaf->keys[leaf->count], key);
  set(&leaf->count, leaf->count + 1);
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  struct tree *tree = pm_map(argv[2]);
  if (!check) {
    for (uint64_t key = 1; key <= 6; key++)
      insert(tree, key);
    return 0;
  }
  for (const struct leaf *leaf = &tree->leaves[0];;
       leaf = &tree->leaves[leaf->next]) {
    uint64_t end =
        leaf->next == 0 ? UINT64_MAX : tree->leaves[leaf->next].keys[0];
    for (uint64_t i = 0; i < leaf->count; i++)
      if (leaf->keys[i] < end)
        printf("%lu\n", leaf->keys[i]);
    if (leaf->next == 0)
      return 0;
  }
}
