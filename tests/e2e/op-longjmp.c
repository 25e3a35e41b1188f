/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O0 %s -o %t.0 && rm -f %t.pool
 * RUN: %fencepost record --pool %t.pool --op 'op_*' -o %t.0.fpt -- %t.0 run %t.pool
 * RUN: %fencepost show %t.0.fpt | FileCheck %s
 * RUN: %fencepost-clang -g -O2 %s -o %t.2
 * RUN: %fencepost record --pool %t.pool --op 'op_*' -o %t.2.fpt -- %t.2 run %t.pool
 * RUN: %fencepost show %t.2.fpt | FileCheck %s
 *
 * Intent: functions are operations wherever they have been inlined, whatever
 * lies on the stack, and however they are left. What their caller does after
 * longjmp is no part of them, and those that follow are not lost.
 *
 * CHECK: op-begin op_jumps_in_itself(value=1)
 * CHECK: store {{.*}} 0100000000000000
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0200000000000000
 * CHECK: op-end {{.*}} in op_jumps_in_itself
 * CHECK: op-begin op_inlined(value=3)
 * CHECK: store {{.*}} 0300000000000000
 * CHECK: op-end {{.*}} in op_inlined
 * CHECK: op-begin op_leaves(value=4)
 * CHECK: store {{.*}} 0400000000000000
 * CHECK-NOT: store
 * CHECK: op-end {{.*}} in op_leaves
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0500000000000000
 * CHECK: op-begin op_inlined(value=6)
 * CHECK: store {{.*}} 0600000000000000
 * CHECK: op-end {{.*}} in op_inlined
 * CHECK: op-begin op_inlined(value=7)
 * CHECK: op-begin op_leaves_frame(value=8)
 * CHECK: store {{.*}} 0800000000000000
 * CHECK-NOT: store
 * CHECK: op-end {{.*}} in op_leaves_frame
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0900000000000000
 * CHECK: op-begin op_alloca(value=10)
 * CHECK: store {{.*}} 0a00000000000000
 * CHECK: op-end {{.*}} in op_alloca
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0b00000000000000
 * CHECK: op-begin op_variable_array(
 * CHECK: store {{.*}} 0c00000000000000
 * CHECK: op-end {{.*}} in op_variable_array
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0d00000000000000
 * CHECK: op-begin op_recursive(value=14)
 * CHECK: store {{.*}} 0e00000000000000
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: store {{.*}} 0f00000000000000
 * CHECK: op-end {{.*}} in op_recursive
 * CHECK-NOT: op-{{begin|end}}
 * CHECK: # {{.*}} 9 operations
 */
#include "Inputs/pm.h"

#include <setjmp.h>

#define INLINED static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))

static uint64_t *word;
static jmp_buf back;

static void set(uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

APART void op_jumps_in_itself(uint64_t value) {
  jmp_buf here;
  if (setjmp(here) == 0) {
    set(value);
    longjmp(here, 1);
  }
  set(value + 1);
}

INLINED void op_inlined(uint64_t value) {
  set(value);
}

INLINED void op_leaves(uint64_t value) {
  set(value);
  longjmp(back, 1);
}

APART void op_leaves_frame(uint64_t value) {
  set(value);
  longjmp(back, 1);
}

/* As TX_BEGIN and TX_ONABORT of libpmemobj. */
APART void inlines(void) {
  if (setjmp(back) == 0) {
    op_inlined(3);
    op_leaves(4);
  } else {
    set(5);
  }
  op_inlined(6);
}

APART void store_deep(void) {
  set(9);
}

APART void calls(void) {
  if (setjmp(back) == 0) {
    op_inlined(7);
    op_leaves_frame(8);
  }
  store_deep();
}

APART void op_alloca(uint64_t value) {
  char *bytes = __builtin_alloca(value * 16);
  memset(bytes, (int)value, value * 16);
  set(((volatile char *)bytes)[value]);
}

INLINED void op_variable_array(uint64_t value) {
  char bytes[value * 16];
  memset(bytes, (int)value, value * 16);
  set(((volatile char *)bytes)[value]);
}

APART uint64_t op_recursive(uint64_t value) {
  set(value);
  return value == 15 ? 0 : op_recursive(value + 1) + 1;
}

int main(int argc, char **argv) {
  pm_is_check(argc, argv);
  word = (uint64_t *)pm_map(argv[2]);
  op_jumps_in_itself(1);
  inlines();
  calls();
  op_alloca(10);
  set(11);
  op_variable_array((uint64_t)argc + 9);
  set(13);
  op_recursive(14);
  return 0;
}
