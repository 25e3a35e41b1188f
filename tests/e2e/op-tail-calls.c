/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O0 %s -o %t.0 && rm -f %t.pool
 * RUN: %fencepost record --pool %t.pool --op 'count*' -o %t.0.fpt -- %t.0 run %t.pool
 * RUN: %fencepost show %t.0.fpt | FileCheck %s
 * RUN: %fencepost-clang -g -O2 %s -o %t.2
 * RUN: %fencepost record --pool %t.pool --op 'count*' -o %t.2.fpt -- %t.2 run %t.pool
 * RUN: %fencepost show %t.2.fpt | FileCheck %s
 *
 * Intent: what a function that makes way for another one by a tail call does
 * there is part of the same operation, which ends with the last of them.
 *
 * CHECK: op-begin count(
 * CHECK: store {{.*}} = 01
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} = 02
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} = 03
 * CHECK: op-end {{.*}} in count
 * CHECK: store {{.*}} = f0
 * CHECK: op-begin count_other(value=4)
 * CHECK: store {{.*}} = 04
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} = 05
 * CHECK: op-end
 * CHECK: op-begin count_other(value=6)
 * CHECK: store {{.*}} = 06
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} = 07
 * CHECK: op-end
 * CHECK: op-begin count_unmarked(value=8)
 * CHECK: store {{.*}} = 08
 * CHECK: op-end
 * CHECK: op-begin count_unmarked(value=9)
 * CHECK: store {{.*}} = 09
 * CHECK: 5 operations
 */
#include "Inputs/pm.h"

#define APART static __attribute__((noinline))
#define JUMP __attribute__((musttail)) return

static uint64_t *word;

APART void set(uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

APART int count(uint64_t value) {
  set(value);
  if (value == 3)
    return 0;
  JUMP count(value + 1);
}

APART int count_last(uint64_t value) {
  set(value);
  return 1;
}

APART int count_other(uint64_t value) {
  set(value);
  JUMP count_last(value + 1);
}

/* Stores nothing, so that nobody notes its return. */
APART int is_odd(uint64_t value) {
  return value & 1;
}

APART int count_unmarked(uint64_t value) {
  set(value);
  JUMP is_odd(value);
}

int main(int argc, char **argv) {
  pm_is_check(argc, argv);
  word = pm_map(argv[2]);
  int odd = count(1);
  set(0xf0);
  for (uint64_t i = 4; i < 8; i += 2)
    odd += count_other(i);
  for (uint64_t i = 8; i < 10; i++)
    odd += count_unmarked(i);
  return odd == 3 ? 0 : 1;
}
