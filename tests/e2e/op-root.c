/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a double-buffered root whose switch persists before the copy that it
 * switches to: the state after a crash is neither the old nor the new one.
 *
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation set(1, 10)
 * CHECK-NEXT: store of 8 bytes {{.*}}op-root.c:[[@LINE+25]] in set
 * CHECK: is lost, and this one, which came later, has persisted
 * CHECK-NEXT: store of 8 bytes {{.*}}op-root.c:[[@LINE+31]] in set
 * CHECK: recovery found a state that is neither
 * CHECK: found, against the state before it:
 * CHECK: fix: fence after the flush of {{.*}}op-root.c:[[@LINE+20]], before
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

struct buffer {
  PM_ALIGNED uint64_t a;
  PM_ALIGNED uint64_t b;
};

struct root {
  PM_ALIGNED uint32_t current;
  struct buffer buffers[2];
};

static void set(struct root *root, uint64_t a, uint64_t b) {
  fencepost_op_begin("set(%d, %d)", (int)a, (int)b);
  uint32_t next = 1 - root->current;
  root->buffers[next].a = a;
  pm_flush(&root->buffers[next].a, 8);
#ifdef FIXED
  root->buffers[next].b = b;
  pm_flush(&root->buffers[next].b, 8);
  pm_fence();
  root->current = next;
#else
  root->buffers[next].b = b;
  pm_flush(&root->buffers[next].b, 8);
  root->current = next; /* too early */
#endif
  pm_persist(&root->current, 4);
  fencepost_op_end();
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);
  if (check) {
    const struct buffer *now = &root->buffers[root->current];
    printf("a %lu\nb %lu\n", now->a, now->b);
    return 0;
  }
  set(root, 1, 10);
  set(root, 2, 20);
  set(root, 3, 30);
  return 0;
}
