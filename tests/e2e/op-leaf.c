/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -o %t && %fencepost-clang -g -O2 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --op set_both --op swap --op rename_it --buffered rename_it --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost show %t.fpt | FileCheck --check-prefix=OPS %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --op set_both --op swap --op rename_it --buffered rename_it --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: functions that call nothing are operations as well: what they store
 * may be flushed by instructions of their own, by inline assembly, or by the
 * caller, who promises less (--buffered).
 *
 * OPS: op-begin set_both(root={{.*}}, value=1)
 * OPS: op-end {{.*}} in set_both
 * OPS: op-begin swap(root={{.*}})
 * OPS: op-end {{.*}} in swap
 * OPS: op-begin rename_it(root={{.*}}, name="seven")
 * OPS: op-end {{.*}} in rename_it
 * OPS: 3 operations
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation set_both(root=0x{{[0-9a-f]+}}, value=1)
 * CHECK: SUMMARY: {{.*}} cover all
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#define APART static __attribute__((noinline))

struct root {
  PM_ALIGNED uint64_t valid; /* which of the two is */
  struct {
    PM_ALIGNED uint64_t value;
    PM_ALIGNED uint64_t twice;
  } pairs[2];
  PM_ALIGNED char name[8];
};

/* Flushes with intrinsics. */
APART __attribute__((target("clflushopt"))) void set_both(struct root *root,
                                                          uint64_t value) {
#ifdef FIXED
  uint64_t other = root->valid ^ 1;
#else
  uint64_t other = root->valid;
#endif
  root->pairs[other].value = value;
  root->pairs[other].twice = 2 * value;
  _mm_clflushopt(&root->pairs[other].value);
  _mm_clflushopt(&root->pairs[other].twice);
  _mm_sfence();
}

/* Flushes with inline assembly. */
APART void swap(struct root *root) {
  root->valid ^= 1;
  __asm__ volatile("clflushopt %0\n\tsfence" : "+m"(root->valid) : : "memory");
}

/* Does not flush. */
APART void rename_it(struct root *root, const char *name) {
  memcpy(root->name, name, sizeof root->name);
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);
  if (check) {
    printf("%lu %lu %.8s\n", root->pairs[root->valid].value,
           root->pairs[root->valid].twice, root->name);
    return 0;
  }
  set_both(root, 1);
  swap(root);
  rename_it(root, argc == 3 ? "seven\0\0" : "eleven\0");
  pm_persist(root->name, 8);
  return 0;
}
