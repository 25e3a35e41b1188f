// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t.fixed
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
//
// Intent: an allocator's bitmap and the pointer to the block are two updates: a
// crash between them leaks a block, unless recovery makes the bitmap from what
// is reachable. Recovery observes by fencepost_observe, in binary.
//
// CHECK: ERROR: fencepost: not-failure-atomic
// CHECK-NEXT: in operation allocate(owner 0)
// CHECK: op-bitmap.cpp:{{[0-9]+}} in {{.*}}allocate
// CHECK: recovery found a state that is neither
// CHECK: found, against the state before it:
// CHECK: - 0000: 00 00
// CHECK: SUMMARY: {{.*}} cover all
// GOOD: 0 errors, 0 warnings{{.*}} cover all
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

struct Heap {
  PM_ALIGNED uint64_t bitmap;
  PM_ALIGNED uint64_t owners[4]; // 1 + block, 0: none

  void allocate(unsigned owner) {
    fencepost::op op("allocate(owner %u)", owner);
    unsigned block = unsigned(__builtin_ctzll(~bitmap));
    bitmap |= 1ull << block;
    pm_persist(&bitmap, 8);
    owners[owner] = block + 1;
    pm_persist(&owners[owner], 8);
  }
  void release(unsigned owner) {
    fencepost::op op("release(owner %u)", owner);
    uint64_t block = owners[owner] - 1;
    owners[owner] = 0;
    pm_persist(&owners[owner], 8);
    bitmap &= ~(1ull << block);
    pm_persist(&bitmap, 8);
  }
  void recover() {
#ifdef FIXED
    bitmap = 0;
    for (uint64_t owner : owners)
      if (owner != 0)
        bitmap |= 1ull << (owner - 1);
    pm_persist(&bitmap, 8);
#endif
    fencepost_observe(&bitmap, sizeof bitmap);
    fencepost_observe(owners, sizeof owners);
  }
};

int main(int argc, char **argv) {
  bool check = pm_is_check(argc, argv);
  auto *heap = static_cast<Heap *>(pm_map(argv[2]));
  if (check) {
    heap->recover();
    return 0;
  }
  heap->allocate(0);
  heap->allocate(2);
  heap->release(0);
  heap->allocate(1);
  return 0;
}
