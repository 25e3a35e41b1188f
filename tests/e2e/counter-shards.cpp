// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
// RUN: FileCheck %s < %t.out
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
//
// Intent: moving an amount between two counters on lines of their own is not
// atomic: after a crash the sum is wrong. The fixed twin writes an undo record
// first.
//
// CHECK: ERROR: fencepost: recovery-failure
#include "Inputs/pm.h"

namespace {

constexpr uint64_t Total = 100;

struct alignas(64) Shard {
  uint64_t count;
};

struct Root {
  Shard shards[2]; // sum: 0 in a new pool, then always Total
  alignas(64) struct {
    uint64_t isActive;
    uint64_t counts[2];
  } undo;
};

void undoBegin(Root *root) {
#ifdef FIXED
  for (unsigned i = 0; i < 2; i++)
    root->undo.counts[i] = root->shards[i].count;
  pm_persist(&root->undo, sizeof root->undo);
  root->undo.isActive = 1;
  pm_persist(&root->undo, sizeof root->undo);
#else
  (void)root;
#endif
}

void undoEnd(Root *root) {
#ifdef FIXED
  root->undo.isActive = 0;
  pm_persist(&root->undo, sizeof root->undo);
#else
  (void)root;
#endif
}

void transfer(Root *root, uint64_t amount) {
  undoBegin(root);
  root->shards[0].count -= amount;
  root->shards[1].count += amount;
  pm_persist(root->shards, sizeof root->shards);
  undoEnd(root);
}

int check(const Root *root) {
  const uint64_t sum = root->undo.isActive
                           ? root->undo.counts[0] + root->undo.counts[1]
                           : root->shards[0].count + root->shards[1].count;

  return sum != 0 && sum != Total;
}

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *root = static_cast<Root *>(pm_map(argv[2]));

  if (isCheck)
    return check(root);
  root->shards[0].count = Total;
  pm_persist(root->shards, sizeof root->shards);
  transfer(root, 10);
  transfer(root, 20);
  return 0;
}
