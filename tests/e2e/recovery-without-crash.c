/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fp* && not %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.fpdb | FileCheck --check-prefix=REPLAY %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=FIXED %s
 *
 * Intent: a recovery that takes any entry for damaged, the finished run's, too,
 * fails at most crash points. That is one fault, and no crash is needed for it.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-NEXT: the run has ended and every store has persisted: recovery fails without a crash, too
 * CHECK-NEXT: recovery exited with 1
 * CHECK: an entry is damaged
 * CHECK: found {{[1-9][0-9]+}} times
 * CHECK-NOT: recovery-failure
 * CHECK: SUMMARY: fencepost: 1 error
 * CHECK-SAME: cover all of
 * REPLAY: replayed 1
 * FIXED: SUMMARY: fencepost: 0 errors, 0 warnings
 * FIXED-SAME: cover all of
 */
#include "Inputs/pm.h"

#define ENTRIES 4u

struct entry {
  uint64_t value;
  uint64_t check;
};

struct pool {
  PM_ALIGNED uint64_t count;
  PM_ALIGNED struct entry entries[ENTRIES];
};

/* Recovery was not told that the complement is stored. */
static int is_good(const struct entry *entry) {
#ifdef FIXED
  return entry->check == ~entry->value;
#else
  return entry->check == entry->value;
#endif
}

int main(int argc, char **argv) {
  int checks = pm_is_check(argc, argv);
  struct pool *pool = pm_map(argv[2]);

  for (unsigned i = 0; checks && i < pool->count; i++) {
    if (!is_good(&pool->entries[i])) {
      puts("an entry is damaged");
      return 1;
    }
  }
  for (unsigned i = 0; !checks && i < ENTRIES; i++) {
    pool->entries[i].value = i + 1;
    pool->entries[i].check = ~pool->entries[i].value;
    pm_persist(&pool->entries[i], sizeof pool->entries[i]);
    pool->count = i + 1;
    pm_persist(&pool->count, sizeof pool->count);
  }
  return 0;
}
