/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O0 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: a record on two lines of which only the first is flushed is reported
 * at the store to the second, at any optimisation level.
 */
#include "Inputs/pm.h"

struct record {
  uint64_t key;
  char name[56];
  uint64_t value; /* on the next line */
} PM_ALIGNED;

static void record_write(struct record *record, uint64_t key, uint64_t value) {
  record->key = key;
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK-NEXT: store of 8 bytes to {{.*}}+0x40
   * {{.*}}missing-flush-mmap.c:[[#@LINE+2]]
   */
  record->value = value;
#ifdef FIXED
  pm_persist(record, sizeof *record);
#else
  pm_persist(record, sizeof record->key);
#endif
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */

int main(int argc, char **argv) {
  if (!pm_is_check(argc, argv))
    record_write(pm_map(argv[2]), 1, 2);
  return 0;
}
