// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool
//
// Intent: a batch flushes each entry that is appended and fences once, when it
// goes out of scope. One that was moved from must not fence, and one that was
// moved to must: the state that says so moves with it, or there is no fence.
//
// CHECK: ERROR: fencepost: missing-fence
// CHECK-NEXT: store of 8 bytes to pool+0x{{.*}}missing-fence-batch.cpp:[[#APPEND:]] in {{.*}}append
// CHECK-NOT: ERROR
// CHECK: SUMMARY: fencepost: 1 error
#include "Inputs/pm.h"

#include <utility>

namespace {

struct Entry {
  PM_ALIGNED uint64_t value;
};

class Batch {
public:
  explicit Batch(Entry *next) : next_(next) {}
  Batch(const Batch &) = delete;
#ifdef FIXED
  Batch(Batch &&other) noexcept
      : next_(other.next_), open_(std::exchange(other.open_, false)) {}
#else
  Batch(Batch &&other) noexcept : next_(other.next_) {
    other.open_ = false;
  }
#endif
  ~Batch() {
    if (open_)
      pm_fence();
  }

  void append(uint64_t value) {
    next_->value = value;
    pm_flush(next_, sizeof *next_);
    next_++;
    open_ = true;
  }

private:
  Entry *next_;
  bool open_ = false;
};

// The caller goes on with the batch.
Batch header(Entry *entries) {
  Batch batch(entries);
  batch.append(1);
  Batch rest = std::move(batch);
  return rest;
}

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  auto *entries = static_cast<Entry *>(pm_map(argv[2]));
  {
    Batch batch = header(entries);
    batch.append(2);
    batch.append(3);
  }
  {
    Batch batch(entries + 8);
    batch.append(4);
    Batch moved = std::move(batch);
  }
  return 0;
}
