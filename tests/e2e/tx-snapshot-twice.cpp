// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -lpmemobj -o %t
// RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --fail-on performance -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -lpmemobj -o %t
// RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
//
// Intent: a member that logs itself when it is assigned, in a method that has
// logged the whole object: in each transaction, for nothing. Where the method
// leaves it to the members, each is logged once.
//
// CHECK: PERFORMANCE: fencepost: duplicate-log
// CHECK-NEXT: log of 8 bytes of {{.*}}tx-snapshot-twice.cpp:[[#]] in {{.*}}Logged{{.*}}operator=
// CHECK: is needless; the range is covered since
// CHECK: in {{.*}}Ring::push
// CHECK-NOT: {{ERROR|WARNING}}
// CHECK: SUMMARY: fencepost: 0 errors, 0 warnings
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

#include <stdexcept>

namespace {

// One at a time; what is thrown within aborts it.
template <class Work> void transaction(PMEMobjpool *pool, Work work) {
  if (pmemobj_tx_begin(pool, nullptr, TX_PARAM_NONE) != 0)
    throw std::runtime_error("no transaction");
  try {
    work();
    pmemobj_tx_commit();
  } catch (...) {
    pmemobj_tx_abort(ECANCELED);
    pmemobj_tx_end();
    throw;
  }
  pmemobj_tx_end();
}

template <class T> class Logged {
public:
  Logged &operator=(const T &value) {
    pmemobj_tx_add_range_direct(this, sizeof *this);
    value_ = value;
    return *this;
  }
  operator const T &() const {
    return value_;
  }

private:
  T value_;
};

class Ring {
public:
  void push(PMEMobjpool *pool, uint64_t value) {
    transaction(pool, [&] {
#ifndef FIXED
      pmemobj_tx_add_range_direct(this, sizeof *this);
#endif
      values_[tail_ % Size] = value;
      tail_ = tail_ + 1;
    });
  }
  void pop(PMEMobjpool *pool) {
    transaction(pool, [&] {
      if (head_ == tail_)
        throw std::out_of_range("empty");
#ifndef FIXED
      pmemobj_tx_add_range_direct(this, sizeof *this);
#endif
      head_ = head_ + 1;
    });
  }

private:
  static constexpr unsigned Size = 4;
  Logged<uint64_t> head_;
  Logged<uint64_t> tail_;
  Logged<uint64_t> values_[Size];
};

} // namespace

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(Ring));
  auto *ring =
      static_cast<Ring *>(pmemobj_direct(pmemobj_root(pool, sizeof(Ring))));
  for (uint64_t i = 0; i < 6; i++)
    ring->push(pool, i);
  try {
    for (;;)
      ring->pop(pool);
  } catch (const std::out_of_range &) {
  }
  pmemobj_close(pool);
  return 0;
}
