// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
//
// Intent: a catalogue says what version an item has, and is made durable with
// the item: recovery may find the new version in the catalogue beside the old
// item. It survives, by luck: it takes whatever it finds.
//
// CHECK: WARNING: fencepost: not-robust
// CHECK-NEXT: store of 8 bytes to pool+0x{{[0-9a-f]+}} {{.*}}not-robust-catalog.cpp:[[#ITEM:]] in {{.*}}write
// CHECK: is not guaranteed before
// CHECK: store of 8 bytes to pool+0x{{[0-9a-f]+}} {{.*}}not-robust-catalog.cpp:[[#]] in {{.*}}update
// CHECK: recovery read the second without the first
// CHECK: fix: fence after the flush of {{.*}}not-robust-catalog.cpp:[[#ITEM]], before
// CHECK: 0 errors, 1 warning; {{.*}} cover all of
// GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
#include "Inputs/pm.h"

#include <array>

namespace {

class Item {
public:
  void write(uint64_t price) {
    price_ = price;
    pm_flush(&price_, sizeof price_);
  }
  uint64_t price() const {
    return price_;
  }

private:
  PM_ALIGNED uint64_t price_;
};

class Catalog {
public:
  void update(size_t item, uint64_t price) {
    items_[item].write(price);
#ifdef FIXED
    pm_fence();
#endif
    versions_[item]++;
    pm_persist(&versions_[item], sizeof versions_[item]);
  }

  // What is sold, at the prices that there are.
  uint64_t total() const {
    uint64_t sum = 0;
    for (size_t item = 0; item < items_.size(); item++)
      if (versions_[item] != 0)
        sum += items_[item].price();
    return sum;
  }

private:
  PM_ALIGNED std::array<uint64_t, 2> versions_;
  std::array<Item, 2> items_;
};

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *catalog = static_cast<Catalog *>(pm_map(argv[2]));
  if (isCheck)
    return catalog->total() > 1000;
  catalog->update(0, 10);
  catalog->update(1, 20);
  return 0;
}
