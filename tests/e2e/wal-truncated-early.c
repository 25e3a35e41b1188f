/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem -o %t
 * RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a write-ahead log that is truncated with the same fence that persists
 * the pages it protects: a crash can lose both.
 *
 * The function that does it is called twice: that is one error. The store that
 * comes too early is that of the count, and not the other page.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-NEXT: store of 8 bytes to pool+0x80 {{.*}}wal-truncated-early.c:[[#PAGE:]] in update
 * CHECK: store of 8 bytes to pool+0x0 {{.*}}wal-truncated-early.c:[[#@LINE+39]] in update
 * CHECK: found 2 times
 * CHECK: fix: fence after the flush of {{.*}}wal-truncated-early.c:[[#PAGE]], before
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include <libpmem.h>

#define CELLS 8

struct root {
  struct {
    uint64_t count; /* entries in the log; 0: nothing to redo */
    uint64_t indices[CELLS - 1];
    uint64_t values[CELLS];
  } PM_ALIGNED log;
  struct {
    uint64_t value;
  } PM_ALIGNED cells[CELLS];
};

/* Sets cells 0 and 1 to the same value, both or neither. */
static void update(struct root *root, uint64_t value) {
  for (unsigned i = 0; i < 2; i++) {
    root->log.indices[i] = i;
    root->log.values[i] = value;
  }
  pmem_persist(&root->log, sizeof root->log);
  root->log.count = 2;
  pmem_persist(&root->log.count, sizeof root->log.count);

  for (unsigned i = 0; i < 2; i++) {
    root->cells[i].value = value;
    pmem_flush(&root->cells[i], sizeof root->cells[i]);
  }
#ifdef FIXED
  pmem_drain();
#endif
  root->log.count = 0;
  pmem_persist(&root->log.count, sizeof root->log.count);
}

/* Redoes the log, then expects the two cells to be equal. */
static int check(struct root *root) {
  for (uint64_t i = 0; i < root->log.count; i++)
    root->cells[root->log.indices[i] % CELLS].value = root->log.values[i];
  pmem_persist(root->cells, sizeof root->cells);
  root->log.count = 0;
  pmem_persist(&root->log.count, sizeof root->log.count);
  return root->cells[0].value != root->cells[1].value;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  size_t size;
  struct root *root =
      pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, NULL);

  if (root == NULL)
    return 2;
  if (is_check)
    return check(root);
  update(root, 1);
  update(root, 2);
  pmem_unmap(root, size);
  return 0;
}
