/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: a statistic that is never flushed on purpose is reported until the
 * program says that it does not matter; its neighbours are still looked after.
 */
#include "Inputs/pm.h"

#include <fencepost/fencepost.h>

struct table {
  uint64_t value;
  uint64_t lookups_count; /* a hint: lost in a crash, and nobody minds */
} PM_ALIGNED;

static uint64_t table_get(struct table *table) {
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK-NEXT: ignore-statistics.c:[[#@LINE+2]]
   */
  table->lookups_count++;
  return table->value;
}

int main(int argc, char **argv) {
  struct table *table;

  if (pm_is_check(argc, argv))
    return 0;
  table = pm_map(argv[2]);
#ifdef FIXED
  fencepost_ignore(&table->lookups_count, sizeof table->lookups_count);
#endif
  table->value = 5;
  pm_persist(&table->value, sizeof table->value);
  return table_get(table) == 5 ? 0 : 2;
}
