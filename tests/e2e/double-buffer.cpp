// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O2 %s -lpmem -o %t
// RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
// RUN: FileCheck %s < %t.out
// RUN: %fencepost-clang++ -g -O2 -DFIXED %s -lpmem -o %t
// RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
//
// Intent: two copies of the state and an index that says which one counts; the
// index is switched while the new copy is only flushed.
//
// CHECK: ERROR: fencepost: recovery-failure
#include "Inputs/pm.h"

#include <libpmem.h>

namespace {

constexpr unsigned Words = 16;

struct State {
  alignas(64) uint64_t words[Words]; // all equal
};

class DoubleBuffer {
public:
  void update(uint64_t value) {
    State &spare = states_[1 - current_];

    for (uint64_t &word : spare.words)
      word = value;
    pmem_flush(&spare, sizeof spare);
#ifdef FIXED
    pmem_drain();
#endif
    current_ = 1 - current_;
    pmem_persist(&current_, sizeof current_);
  }

  bool isWhole() const {
    const State &state = states_[current_];

    for (uint64_t word : state.words)
      if (word != state.words[0])
        return false;
    return true;
  }

private:
  alignas(64) uint64_t current_;
  State states_[2];
};

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  size_t size;
  auto *buffer = static_cast<DoubleBuffer *>(
      pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, nullptr));

  if (buffer == nullptr)
    return 2;
  if (isCheck)
    return buffer->isWhole() ? 0 : 1;
  buffer->update(1);
  buffer->update(2);
  pmem_unmap(buffer, size);
  return 0;
}
