// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 -pthread %s -o %t
// RUN: %fencepost-clang++ -g -O1 -pthread -DFIXED %s -o %t.fixed
// RUN: rm -f %t.pool && %t open %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: rm -f %t.pool && %t open %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
//
// Intent: two threads book transfers in one ledger, under a lock. A transfer
// logs what it overwrites; the bug: the log counts as written before it is.
//
// CHECK: ERROR: fencepost: not-failure-atomic
// CHECK-NEXT: in operation transfer({{[0-9]}} to {{[0-9]}}, {{[0-9]+}})
// CHECK: op-ledger.cpp:[[#]] in {{.*}}Log::add
// CHECK: recovery found a state that is neither
// CHECK: SUMMARY: {{.*}} cover all
// GOOD: 0 errors, 0 warnings{{.*}} cover all
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <array>
#include <mutex>
#include <thread>

namespace {

template <typename T> void persist(const T &what) {
  pm_persist(&what, sizeof what);
}

struct Account {
  PM_ALIGNED uint64_t balance;
};

// What a transfer overwrites, until it is over.
class Log {
  struct Entry {
    uint64_t account, balance;
  };
  PM_ALIGNED std::array<Entry, 4> entries;
  PM_ALIGNED uint64_t count;

public:
  void add(uint64_t account, uint64_t balance) {
    entries[count] = {account, balance};
    pm_flush(&entries[count], sizeof(Entry));
#ifdef FIXED
    pm_fence();
#endif
    count++;
    persist(count);
  }
  void clear() {
    count = 0;
    persist(count);
  }
  template <typename Undo> void roll_back(Undo undo) {
    while (count != 0) {
      undo(entries[count - 1].account, entries[count - 1].balance);
      count--;
      persist(count);
    }
  }
};

class Ledger {
  std::array<Account, 4> accounts;
  Log log;

  void set(uint64_t account, uint64_t balance) {
    accounts[account].balance = balance;
    persist(accounts[account]);
  }

public:
  void open() {
    for (auto &account : accounts)
      account.balance = 100;
    persist(accounts);
  }
  void transfer(uint64_t from, uint64_t to, uint64_t amount) {
    fencepost::op op("transfer(%lu to %lu, %lu)", from, to, amount);
    log.add(from, accounts[from].balance);
    log.add(to, accounts[to].balance);
    set(from, accounts[from].balance - amount);
    set(to, accounts[to].balance + amount);
    log.clear();
  }
  void recover() {
    log.roll_back(
        [this](uint64_t account, uint64_t balance) { set(account, balance); });
  }
  void print() const {
    for (const auto &account : accounts)
      printf("%lu ", account.balance);
    puts("");
  }
};

std::mutex lock;

} // namespace

int main(int argc, char **argv) {
  bool check = pm_is_check(argc, argv);
  auto *ledger = static_cast<Ledger *>(pm_map(argv[2]));
  if (check) {
    ledger->recover();
    ledger->print();
    return 0;
  }
  if (strcmp(argv[1], "open") == 0) {
    ledger->open();
    return 0;
  }
  auto book = [ledger](uint64_t from, uint64_t to) {
    for (uint64_t amount = 10; amount < 12; amount++) {
      std::lock_guard<std::mutex> guard(lock);
      ledger->transfer(from, to, amount);
    }
  };
  std::thread one(book, 0, 1);
  std::thread two(book, 2, 1);
  one.join();
  two.join();
  return 0;
}
