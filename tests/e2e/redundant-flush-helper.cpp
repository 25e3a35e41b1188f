// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool
//
// Intent: workers persist what they store, and so does the thread that collects
// it; the second flush and its fence have nothing to do.
//
// CHECK: PERFORMANCE: fencepost: redundant-flush
// CHECK-NEXT: flush of pool+0x{{.*}} in pm_flush
// CHECK-NEXT: called from {{.*}}redundant-flush-helper.cpp:[[#]] in {{.*}}collect
// CHECK-NOT: ERROR
// CHECK: SUMMARY: fencepost: 0 errors
#include "Inputs/pm.h"

#include <future>
#include <vector>

namespace {

struct Slot {
  PM_ALIGNED uint64_t sum;
  uint64_t count;
};

void work(Slot &slot, uint64_t seed) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < 100; i++)
    sum += seed * i;
  slot.sum = sum;
  slot.count = 100;
  pm_persist(&slot, sizeof slot);
}

uint64_t collect(Slot *slots, std::vector<std::future<void>> &workers) {
  uint64_t sum = 0;
  for (size_t i = 0; i < workers.size(); i++) {
    workers[i].get();
    sum += slots[i].sum;
#ifndef FIXED
    pm_persist(&slots[i], sizeof slots[i]);
#endif
  }
  return sum;
}

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  auto *slots = static_cast<Slot *>(pm_map(argv[2]));
  std::vector<std::future<void>> workers;
  for (uint64_t i = 0; i < 3; i++)
    workers.push_back(
        std::async(std::launch::async, [=] { work(slots[i], i + 1); }));
  slots[8].sum = collect(slots, workers);
  pm_persist(&slots[8], sizeof slots[8]);
  return 0;
}
