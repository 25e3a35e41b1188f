// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 -pthread %s -o %t
// RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- %t %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -g -O1 -pthread -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost check --races --fail-on performance --pool %t.pool -- %t %t.pool
//
// Intent: an annotated transaction of C++ that gives up its lock before it
// commits lets another thread read what a crash, or an abort, takes back.
//
// CHECK: ERROR: fencepost: isolation
// CHECK-NEXT: store of 8 bytes to pool+0x{{[04]+}} {{.*}} in {{.*}}Transaction::add
// CHECK: is not committed when another thread reads it
// CHECK-NEXT: read of 8 bytes of pool+0x{{[04]+}} {{.*}} in {{.*}}Bank::sum
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <future>
#include <mutex>
#include <thread>

namespace {

struct Transaction {
  Transaction() {
    fencepost_tx_begin();
  }
  ~Transaction() {
    fencepost_tx_end();
  }
  void add(uint64_t &word, uint64_t more) {
    fencepost_tx_add(&word, sizeof word);
    word += more;
    pm_persist(&word, sizeof word);
  }
};

struct Bank {
  PM_ALIGNED uint64_t first;
  PM_ALIGNED uint64_t second;

  // Returns after somebody has looked, if `looked` is to be waited for.
  __attribute__((noinline)) void
  move(std::mutex &lock, std::promise<void> &moved, std::future<void> looked) {
    std::unique_lock<std::mutex> guard(lock);
    {
      Transaction transaction;
      transaction.add(first, -10);
      transaction.add(second, 10);
#ifndef FIXED
      guard.unlock();
      moved.set_value();
      looked.wait();
#endif
    }
#ifdef FIXED
    guard.unlock();
    moved.set_value();
    looked.wait();
#endif
  }
  __attribute__((noinline)) uint64_t sum(std::mutex &lock) const {
    std::lock_guard<std::mutex> guard(lock);
    return first + second;
  }
};

} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  auto *bank = static_cast<Bank *>(pm_map(argv[1]));
  std::mutex lock;
  std::promise<void> moved, looked;
  bank->first = 60;
  bank->second = 40;
  pm_persist(bank, sizeof *bank);
  std::thread mover([&] { bank->move(lock, moved, looked.get_future()); });
  moved.get_future().wait();
  uint64_t sum = bank->sum(lock);
  looked.set_value();
  mover.join();
  return sum != 100;
}
