/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: sqlite3
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %python %S/Inputs/explore.py split %fencepost %t %t.dir | FileCheck --check-prefix=SPLIT %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.dir/one.fpdb %t.dir/merged.fpdb | FileCheck --check-prefix=REPLAY %s
 * RUN: %python %S/Inputs/explore.py kill %fencepost %t %t.dir 20 | FileCheck --check-prefix=KILL %s
 *
 * Intent: the findings do not depend on the number of processes, on how the
 * work is split, or on how often the explorer was killed; and every state that
 * is reported fails again when it is replayed.
 *
 * SPLIT: split: same findings
 * REPLAY: replayed {{[1-9]}}
 * KILL: killed and resumed: same findings
 */
#include "Inputs/pm.h"

#ifndef COUNT
#define COUNT 30
#endif

struct root {
  uint64_t count PM_ALIGNED;
  uint64_t recoveries PM_ALIGNED;
  struct {
    uint64_t value, check PM_ALIGNED;
  } items[COUNT] PM_ALIGNED;
};

__attribute__((noinline)) static void add(struct root *root, uint64_t i) {
  root->items[i].value = i + 1;
  root->items[i].check = ~(i + 1);
  pm_flush(&root->items[i].value, 8);
  if (i % 4 == 3) /* sometimes the fence is forgotten, and a flush */
    pm_fence();
  if (i % 3 == 2)
    pm_persist(&root->items[i].check, 8);
  root->count = i + 1;
  pm_persist(&root->count, 8);
}

static int run(struct root *root) {
  for (uint64_t i = 0; i < COUNT; i++)
    add(root, i);
  return 0;
}

static int check(struct root *root) {
  printf("%llu\n", (unsigned long long)root->count);

  for (uint64_t i = 0; i < root->count; i++) {
    if (root->items[i].value != i + 1)
      abort();
    if (i % 3 == 2 && root->items[i].check != ~(i + 1))
      return 3;
  }
  root->recoveries++;
  pm_persist(&root->recoveries, 8);
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
