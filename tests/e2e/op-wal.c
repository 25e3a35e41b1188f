/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --observe %t.state --recover '%t check %t.pool %t.state' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --observe %t.state --recover '%t.fixed check %t.pool %t.state' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: not ls %t.state
 *
 * Intent: a write-ahead log that is truncated before what it describes is
 * durable: half of an update survives. Recovery says what it found in a file,
 * which is none of the user's.
 *
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation update({{[01]}}, {{[0-9]}})
 * CHECK: op-wal.c:[[#APPLY:]] in apply
 * CHECK: is lost, and this one, which came later, has persisted
 * CHECK: op-wal.c:{{[0-9]+}} in update
 * CHECK: recovery found a state that is neither
 * CHECK: SUMMARY: {{.*}} cover all
 * GOOD-NOT: not judged
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

struct table {
  PM_ALIGNED uint64_t logged; /* 1: the log is to be applied */
  PM_ALIGNED struct { uint64_t slot, value; } log;
  struct {
    PM_ALIGNED uint64_t value, twice; /* kept in two lines */
    PM_ALIGNED uint64_t again;
  } slots[2];
};

static void apply(struct table *table, int fence) {
  uint64_t slot = table->log.slot;
  table->slots[slot].value = table->log.value;
  table->slots[slot].again = table->log.value;
  pm_flush(&table->slots[slot], sizeof table->slots[slot]);
  if (fence)
    pm_fence();
}

static void update(struct table *table, uint64_t slot, uint64_t value) {
  fencepost_op_begin("update(%lu, %lu)", slot, value);
  table->log.slot = slot;
  table->log.value = value;
  pm_persist(&table->log, sizeof table->log);
  table->logged = 1;
  pm_persist(&table->logged, 8);
#ifdef FIXED
  apply(table, 1);
#else
  apply(table, 0);
#endif
  table->logged = 0;
  pm_persist(&table->logged, 8);
  fencepost_op_end();
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  struct table *table = pm_map(argv[2]);
  if (argc == 3) {
    update(table, 1, 5);
    update(table, 0, 7);
    update(table, 1, 9);
    return 0;
  }
  if (table->logged)
    apply(table, 1);
  FILE *state = fopen(argv[3], "w");
  for (int i = 0; i < 2; i++)
    fprintf(state, "%d: %lu %lu\n", i, table->slots[i].value,
            table->slots[i].again);
  return fclose(state);
}
