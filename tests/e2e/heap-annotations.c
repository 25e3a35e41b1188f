/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool --fail-on performance -- %t run %t.pool
 * RUN: %clang -g -O1 -DFIXED -I%source/include %s -o %t.plain && rm -f %t.pool && %t.plain run %t.pool
 *
 * Intent: a library with a log of its own says what a transaction covers, and
 * which objects there are; without the runtime it builds and runs.
 *
 * CHECK-DAG: ERROR: fencepost: unlogged-store
 * CHECK-DAG: store of 8 bytes to pool+0x48 {{.*}} in unlogged
 * CHECK-DAG: an object is freed that has been freed before
 * CHECK-DAG: WARNING: fencepost: leak
 * CHECK-DAG: object of 64 bytes at pool+0x300 {{.*}} in objects
 * CHECK: SUMMARY: fencepost: 2 errors, 1 warning
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

struct root {
  uint64_t *object; /* at 0x200 */
  uint64_t unused[7];
  uint64_t words[8]; /* from 0x40 on */
};

static void change(uint64_t *word, uint64_t value) {
  fencepost_tx_add(word, sizeof *word);
  *word = value;
  pm_persist(word, sizeof *word);
}

static void unlogged(struct root *root) {
  root->words[1] = 1;
  pm_persist(&root->words[1], sizeof root->words[1]);
}

static void objects(char *pool, struct root *root) {
  fencepost_tx_begin();
  fencepost_alloc(pool + 0x200, 64);
  memset(pool + 0x200, 0, 64);
  pm_persist(pool + 0x200, 64);
  change((uint64_t *)(void *)&root->object, (uint64_t)(pool + 0x200));
  fencepost_tx_end();
  fencepost_tx_begin();
  fencepost_free(pool + 0x200);
  fencepost_tx_abort();

  fencepost_alloc(pool + 0x300, 64);
  fencepost_alloc(pool + 0x400, 64);
  root->words[2] = 7; /* 0x400, in a form of its own */
  pm_persist(&root->words[2], 8);
  fencepost_pointer(&root->words[2], pool + 0x400);
  fencepost_alloc(pool + 0x500, 64);
  fencepost_free(pool + 0x500);
#ifdef FIXED
  fencepost_free(pool + 0x300);
#else
  fencepost_free(pool + 0x500);
#endif
}

int main(int argc, char **argv) {
  char *pool = pm_map(argc > 2 ? argv[2] : "");
  struct root *root = (void *)pool;

  fencepost_root(root, sizeof *root);
  fencepost_tx_begin();
  fencepost_tx_begin();
  change(&root->words[0], 1);
  fencepost_tx_end();
#ifndef FIXED
  unlogged(root);
#endif
  fencepost_tx_end();
#ifdef FIXED
  unlogged(root);
#endif
  objects(pool, root);
  return 0;
}
