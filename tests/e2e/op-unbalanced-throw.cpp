// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
//
// Intent: an operation of a thread that is left by an exception has no end, and
// the next one of that thread begins within it; other threads' are their own.
// The guard ends it.
//
// CHECK: WARNING: fencepost: unbalanced-operation
// CHECK: begin {{.*}}op-unbalanced-throw.cpp:[[#BEGIN:]] in {{.*}}withdraw
// CHECK: the next begin {{.*}}op-unbalanced-throw.cpp:[[#BEGIN]] in {{.*}}withdraw
// CHECK-NOT: ERROR
// CHECK: SUMMARY: fencepost: 0 errors
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <stdexcept>
#include <thread>

namespace {

struct Account {
  PM_ALIGNED uint64_t balance;
};

void withdraw(Account &account, uint64_t amount) {
#ifdef FIXED
  fencepost::op op("withdraw(%d)", int(amount));
#else
  fencepost_op_begin("withdraw(%d)", int(amount));
#endif
  if (account.balance < amount)
    throw std::runtime_error("not enough");
  account.balance -= amount;
  pm_persist(&account.balance, sizeof account.balance);
#ifndef FIXED
  fencepost_op_end();
#endif
}

void run(Account &account, uint64_t amount) {
  for (int i = 0; i < 3; i++)
    try {
      withdraw(account, amount);
    } catch (const std::runtime_error &) {
      account.balance += amount;
      pm_persist(&account.balance, sizeof account.balance);
    }
}

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  auto *accounts = static_cast<Account *>(pm_map(argv[2]));
  for (int i = 0; i < 2; i++)
    accounts[i].balance = 100;
  pm_persist(accounts, 2 * sizeof *accounts);
  std::thread rich([=] { run(accounts[0], 10); });
  std::thread poor([=] { run(accounts[1], 70); });
  rich.join();
  poor.join();
  return 0;
}
