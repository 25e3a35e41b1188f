// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
// RUN: FileCheck %s < %t.out
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
//
// Intent: a consumer acts durably on a value that the producer has made visible
// but not persisted; the consumer's own flush and fence of the line are what
// makes it safe (rule F4).
//
// CHECK: ERROR: fencepost: recovery-failure
#include "Inputs/pm.h"

#include <atomic>
#include <thread>

namespace {

struct Root {
  alignas(64) std::atomic<uint64_t> produced;
  alignas(64) uint64_t consumed; // never ahead of what was produced
};

void consume(Root *root) {
  uint64_t seen;

  while ((seen = root->produced.load(std::memory_order_acquire)) == 0) {
  }
#ifdef FIXED
  pm_persist(&root->produced, sizeof root->produced);
#endif
  root->consumed = seen;
  pm_persist(&root->consumed, sizeof root->consumed);
}

int run(Root *root) {
  std::thread consumer(consume, root);

  root->produced.store(1, std::memory_order_release);
  consumer.join();
  pm_persist(&root->produced, sizeof root->produced);
  return 0;
}

int check(const Root *root) {
  return root->consumed > root->produced.load(std::memory_order_relaxed);
}

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *root = static_cast<Root *>(pm_map(argv[2]));

  return isCheck ? check(root) : run(root);
}
