/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a hash table whose count can be persisted ahead of the keys that it
 * counts.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

#define BUCKETS 8

struct root {
  uint64_t count; /* keys in the table */
  uint64_t unused[7];
  struct {
    uint64_t key; /* 0: free */
    uint64_t value;
    uint64_t unused[6];
  } buckets[BUCKETS];
} PM_ALIGNED;

static void table_put(PMEMobjpool *pool, struct root *root, uint64_t key) {
  unsigned i = (unsigned)(key % BUCKETS);

  root->buckets[i].value = key * key;
#ifdef FIXED
  pmemobj_persist(pool, &root->buckets[i].value, sizeof(uint64_t));
  root->buckets[i].key = key;
  pmemobj_persist(pool, &root->buckets[i].key, sizeof(uint64_t));
  root->count++;
#else
  root->buckets[i].key = key;
  root->count++;
  pmemobj_flush(pool, &root->buckets[i], sizeof root->buckets[i]);
#endif
  pmemobj_persist(pool, &root->count, sizeof root->count);
}

static int run(PMEMobjpool *pool, struct root *root) {
  for (uint64_t key = 1; key <= 3; key++)
    table_put(pool, root, key);
  return 0;
}

/* The count may lag behind by the key being put, and never runs ahead. */
static int check(const struct root *root) {
  uint64_t keys_count = 0;

  for (unsigned i = 0; i < BUCKETS; i++) {
    if (root->buckets[i].key == 0)
      continue;
    keys_count++;
    if (root->buckets[i].value != root->buckets[i].key * root->buckets[i].key)
      return 1;
  }
  return keys_count != root->count && keys_count != root->count + 1;
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  int result = strcmp(argv[1], "check") == 0 ? check(root) : run(pool, root);

  pmemobj_close(pool);
  return result;
}
