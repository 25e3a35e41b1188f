// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O0 %s -o %t.0 && rm -f %t.pool
// RUN: %fencepost record --pool %t.pool --op 'update_*' -o %t.0.fpt -- %t.0 run %t.pool
// RUN: %fencepost show %t.0.fpt | FileCheck %s
// RUN: %fencepost-clang++ -g -O2 %s -o %t.2
// RUN: %fencepost record --pool %t.pool --op 'update_*' -o %t.2.fpt -- %t.2 run %t.pool
// RUN: %fencepost show %t.2.fpt | FileCheck %s
// RUN: %fencepost record --pool %t.pool --op 'update_*' --expect-exit 134 -o %t.3.fpt -- %t.2 terminate %t.pool
// RUN: %fencepost show %t.3.fpt | FileCheck --check-prefix=TERMINATE %s
//
// Intent: an exception that is caught within an operation is part of it; one
// that leaves ends it, behind what it cleans up and before its handler, also if
// operation and handler are in the same function after inlining. An operation
// that std::terminate cuts off has no end.
//
// CHECK: op-begin update_catches(value=1)
// CHECK-COUNT-3: store {{.*}} = 01
// CHECK: op-end {{.*}} in update_catches
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_throws(value=2)
// CHECK: store {{.*}} = 02
// CHECK: op-end {{.*}} in update_throws
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_cleans(value=3)
// CHECK-COUNT-2: store {{.*}} = 03
// CHECK: op-end {{.*}} in update_cleans
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_catches_inlined(value=4)
// CHECK-COUNT-3: store {{.*}} = 04
// CHECK: op-end {{.*}} in update_catches_inlined
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_throws_inlined(value=5)
// CHECK: store {{.*}} = 05
// CHECK: op-end {{.*}} in update_throws_inlined
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_cleans_inlined(value=6)
// CHECK-COUNT-2: store {{.*}} = 06
// CHECK: op-end {{.*}} in update_cleans_inlined
// CHECK: store {{.*}} = f0
// CHECK: op-begin update_inlined(value=7)
// CHECK: store {{.*}} = 07
// CHECK: op-end {{.*}} in update_inlined
// CHECK: 7 operations
// TERMINATE: op-begin update_terminates(value=8)
// TERMINATE: store {{.*}} = 08
// TERMINATE-NOT: op-end
#include "Inputs/pm.h"

#include <stdexcept>

#define APART __attribute__((noinline)) static
#define INLINED __attribute__((always_inline)) static inline

static uint64_t *word;

APART void set(uint64_t value) {
  *word = value;
  pm_persist(word, 8);
}

APART void fail(uint64_t value) {
  set(value);
  throw std::runtime_error("as expected");
}

struct SetAtEnd {
  uint64_t value;
  ~SetAtEnd() {
    set(value);
  }
};

static inline void catches(uint64_t value) {
  try {
    fail(value);
  } catch (const std::exception &) {
    set(value);
  }
  set(value);
}

APART void update_catches(uint64_t value) {
  catches(value);
}

INLINED void update_catches_inlined(uint64_t value) {
  catches(value);
}

APART void update_throws(uint64_t value) {
  set(value);
  throw value;
}

INLINED void update_throws_inlined(uint64_t value) {
  set(value);
  throw value;
}

APART void update_cleans(uint64_t value) {
  SetAtEnd at_end = {value};
  fail(value);
}

INLINED void update_cleans_inlined(uint64_t value) {
  SetAtEnd at_end = {value};
  fail(value);
}

INLINED void update_inlined(uint64_t value) {
  set(value);
}

APART void update_terminates(uint64_t value) noexcept {
  fail(value);
}

template <typename Operation> APART void handle(Operation operation) {
  try {
    operation();
  } catch (...) {
    set(0xf0);
  }
}

APART void handle_inlined() {
  update_catches_inlined(4);
  set(0xf0);
  try {
    update_throws_inlined(5);
  } catch (uint64_t) {
    set(0xf0);
  }
  try {
    update_cleans_inlined(6);
  } catch (const std::exception &) {
    set(0xf0);
  }
  update_inlined(7);
}

int main(int argc, char **argv) {
  pm_is_check(argc, argv);
  word = static_cast<uint64_t *>(pm_map(argv[2]));
  if (argv[1][0] == 't')
    update_terminates(8);
  update_catches(1);
  set(0xf0);
  handle([] { update_throws(2); });
  handle([] { update_cleans(3); });
  handle_inlined();
  return 0;
}
