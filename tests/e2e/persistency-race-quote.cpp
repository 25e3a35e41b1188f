// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
//
// Intent: the assignment of a small class is one statement and several stores,
// or one that is no atomic: what recovery reads may be half of it. Two copies,
// and a word that says which one counts, make it whole.
//
// CHECK: WARNING: fencepost: persistency-race
// CHECK-NEXT: store of {{16|32}} bytes to pool+0x{{[0-9a-f]+}} {{.*}}persistency-race-quote.cpp:[[#]]
// CHECK: 0 errors, 1 warning; {{.*}} cover all of
// GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
#include "Inputs/pm.h"

namespace {

struct Quote {
  uint64_t bid;
  uint64_t ask;
};

class Book {
public:
  __attribute__((noinline)) void set(const Quote &quote) {
#ifdef FIXED
    uint64_t spare = 1 - current_;
    quotes_[spare] = quote;
    pm_persist(&quotes_[spare], sizeof quote);
    current_ = spare;
    pm_persist(&current_, sizeof current_);
#else
    quotes_[current_] = quote;
    pm_persist(&quotes_[current_], sizeof quote);
#endif
  }
  uint64_t middle() const {
    const Quote &quote = quotes_[current_];
    return (quote.bid + quote.ask) / 2;
  }

private:
  PM_ALIGNED uint64_t current_;
  PM_ALIGNED Quote quotes_[2];
};

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *book = static_cast<Book *>(pm_map(argv[2]));
  if (isCheck)
    return book->middle() > 1000;
  for (uint64_t i = 1; i <= 3; i++)
    book->set({100 * i, 100 * i + 2});
  return 0;
}
