/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -o %t && rm -f %t.pool
 * DEFINE: %{check} = not %fencepost check --pool %t.pool
 * RUN: %{check} -- %t nested %t.pool | FileCheck --check-prefix=CHECK-NESTED %s
 * RUN: %{check} -- %t returns %t.pool | FileCheck --check-prefix=CHECK-RETURNS %s
 * RUN: %{check} -- %t ends %t.pool | FileCheck --check-prefix=CHECK-ENDS %s
 * RUN: %{check} -- %t twice %t.pool | FileCheck --check-prefix=CHECK-TWICE %s
 * RUN: %{check} -- %t leaves %t.pool | FileCheck --check-prefix=CHECK-LEAVES %s
 * RUN: not %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t nested %t.pool | FileCheck --check-prefix=CHECK-NESTED %s
 *
 * Intent: begins and ends that do not match are reported with both places: one
 * within another, in threads, and when the program leaves within an operation.
 *
 * CHECK-NESTED: WARNING: fencepost: unbalanced-operation
 * CHECK-NESTED: begin {{.*}}op-unbalanced.c:[[#@LINE+42]] in nested
 * CHECK-NESTED: the next begin {{.*}}op-unbalanced.c:[[#@LINE+43]] in nested
 * CHECK-NESTED: WARNING: fencepost: unbalanced-operation
 * CHECK-NESTED: end {{.*}}op-unbalanced.c:[[#@LINE+45]] in nested
 * CHECK-NESTED: the last end {{.*}}op-unbalanced.c:[[#@LINE+42]] in nested
 * CHECK-NESTED: SUMMARY
 * CHECK-RETURNS: WARNING: fencepost: unbalanced-operation{{$}}
 * CHECK-RETURNS: begin {{.*}}op-unbalanced.c:[[#@LINE+23]] in returns
 * CHECK-ENDS: WARNING: fencepost: unbalanced-operation{{$}}
 * CHECK-ENDS: end {{.*}}op-unbalanced.c:[[#@LINE+28]] in ends
 * CHECK-TWICE: WARNING: fencepost: unbalanced-operation{{$}}
 * CHECK-TWICE: end {{.*}}op-unbalanced.c:[[#@LINE+55]] in main
 * CHECK-TWICE: the last end {{.*}}op-unbalanced.c:[[#@LINE+52]] in main
 * CHECK-LEAVES: WARNING: fencepost: unbalanced-operation{{$}}
 * CHECK-LEAVES: begin {{.*}}op-unbalanced.c:[[#@LINE+54]] in main
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

static uint64_t *word;

static void set(uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

static void *returns(void *unused) {
  fencepost_op_begin("set(1)");
  set(1);
  return unused;
}

static void *ends(void *unused) {
  set(2);
  fencepost_op_end();
  return unused;
}

static __attribute__((noinline)) void nested(void) {
  fencepost_op_begin("set(3)");
  set(3);
  fencepost_op_begin("set(4)");
  set(4);
  fencepost_op_end();
  set(5);
  fencepost_op_end();
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  pthread_t thread;
  word = pm_map(argv[2]);
  if (strcmp(argv[1], "nested") == 0) {
    nested();
  } else if (argv[1][0] == 'r' || argv[1][0] == 'e') {
    pthread_create(&thread, NULL, argv[1][0] == 'r' ? returns : ends, NULL);
    pthread_join(thread, NULL);
  } else if (strcmp(argv[1], "twice") == 0) {
    fencepost_op_begin("set(6)");
    set(6);
    fencepost_op_end();
    set(7);
    fencepost_op_end();
  } else if (strcmp(argv[1], "leaves") == 0) {
    fencepost_op_begin("set(7)");
    set(7);
    _exit(0);
  }
  return 0;
}
