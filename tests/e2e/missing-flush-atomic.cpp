// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
//
// Intent: an atomic release store through a class is a store like any other,
// and publishing with std::atomic is no flush.
#include "Inputs/pm.h"

#include <atomic>

namespace {

class Mailbox {
public:
  void post(uint64_t letter) {
    letter_ = letter;
    pm_persist(&letter_, sizeof letter_);
    // CHECK: ERROR: fencepost: missing-flush
    // CHECK-NEXT: store of 8 bytes to {{.*}}+0x40
    // CHECK-SAME: in {{.*}}
    full_.store(1, std::memory_order_release);
#ifdef FIXED
    pm_persist(&full_, sizeof full_);
#endif
  }

private:
  alignas(64) uint64_t letter_;
  alignas(64) std::atomic<uint64_t> full_;
};

} // namespace
// CHECK-NOT: ERROR
// CHECK: SUMMARY: fencepost: 1 error

int main(int argc, char **argv) {
  if (!pm_is_check(argc, argv))
    static_cast<Mailbox *>(pm_map(argv[2]))->post(7);
  return 0;
}
