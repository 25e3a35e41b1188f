// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O2 -DBUG=1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
// RUN: FileCheck --check-prefix=CRASH %s < %t.out
//
// RUN: %fencepost-clang++ -g -O0 -DBUG=2 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
// RUN: FileCheck --check-prefix=FLUSH %s < %t.out
//
// RUN: %fencepost-clang++ -g -O2 %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
// RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
//
// Intent: a queue of std::atomic slots in templates and lambdas. The
// sequentially consistent exchange that publishes a slot is a fence (rule F7),
// so the text needs no fence of its own; BUG=1 publishes by a release store,
// which is none. BUG=2 does not flush what the exchange stored.
//
// CRASH: ERROR: fencepost: recovery-failure
// FLUSH: ERROR: fencepost: missing-flush
// FLUSH: program-queue.cpp
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "Inputs/pm.h"

#ifndef BUG
#define BUG 0
#endif

namespace {

template <typename T, std::size_t N> class Ring {
public:
  // By one thread, for each index once.
  void publish(std::size_t index, const T &value) {
    Slot &slot = slots_[index];

    slot.value = value;
    pm_flush(&slot.value, sizeof slot.value);
#if BUG == 1
    slot.isReady.store(1, std::memory_order_release);
#else
    slot.isReady.exchange(1);
#endif
#if BUG != 2
    pm_persist(&slot.isReady, sizeof slot.isReady);
#endif
  }

  template <typename Visit> void forEachReady(Visit visit) const {
    for (std::size_t i = 0; i < N; i++)
      if (slots_[i].isReady.load(std::memory_order_acquire) != 0)
        visit(i, slots_[i].value);
  }

private:
  struct Slot {
    alignas(64) T value;
    alignas(64) std::atomic<uint64_t> isReady;
  };
  Slot slots_[N];
};

struct Letter {
  char text[100];

  explicit Letter(std::size_t index) {
    memset(text, static_cast<int>('a' + index), sizeof text);
  }
  bool operator==(const Letter &other) const {
    return memcmp(text, other.text, sizeof text) == 0;
  }
};

using Letters = Ring<Letter, 4>;

int run(Letters *letters) {
  std::vector<std::thread> producers;

  for (std::size_t first = 0; first < 2; first++)
    producers.emplace_back([letters, first] {
      for (std::size_t i = first; i < 4; i += 2)
        letters->publish(i, Letter(i));
    });
  for (std::thread &producer : producers)
    producer.join();
  return 0;
}

int check(const Letters *letters) {
  bool isWhole = true;

  letters->forEachReady([&](std::size_t index, const Letter &letter) {
    isWhole = isWhole && letter == Letter(index);
  });
  return isWhole ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *letters = static_cast<Letters *>(pm_map(argv[2]));

  return isCheck ? check(letters) : run(letters);
}
