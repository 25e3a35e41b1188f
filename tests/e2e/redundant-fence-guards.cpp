// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --fail-on performance --pool %t.pool -- %t run %t.pool
//
// Intent: guards that fence at the end of a scope, one within the other, in two
// threads: the outer ones complete nothing. Each thread counts its own.
//
// CHECK: PERFORMANCE: fencepost: redundant-fence
// CHECK: redundant-fence-guards.cpp:[[#]] in {{.*}}Guard
// CHECK-NOT: ERROR
// CHECK: SUMMARY: fencepost: 0 errors, 0 warnings
#include "Inputs/pm.h"

#include <thread>

namespace {

struct Account {
  PM_ALIGNED uint64_t balance;
  PM_ALIGNED uint64_t changes;
};

thread_local unsigned depth;

// What is flushed within is durable at the end of the outermost one.
class Guard {
public:
  Guard() {
    depth++;
  }
  ~Guard() {
    depth--;
#ifdef FIXED
    if (depth == 0)
#endif
      pm_fence();
  }
};

void set(uint64_t &word, uint64_t value) {
  Guard guard;
  word = value;
  pm_flush(&word, sizeof word);
}

void deposit(Account &account, uint64_t amount) {
  Guard guard;
  set(account.balance, account.balance + amount);
  set(account.changes, account.changes + 1);
}

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  auto *accounts = static_cast<Account *>(pm_map(argv[2]));
  auto run = [=](int account) {
    for (uint64_t i = 1; i <= 5; i++)
      deposit(accounts[account], i);
  };
  std::thread one(run, 0);
  std::thread two(run, 1);
  one.join();
  two.join();
  return 0;
}
