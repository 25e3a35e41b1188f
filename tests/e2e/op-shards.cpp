// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 -pthread %s -o %t
// RUN: %fencepost-clang++ -g -O1 -pthread -DFIXED %s -o %t.fixed
// RUN: %fencepost-clang++ -g -O1 -pthread -DBUFFERED %s -o %t.buffered
// RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
// RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.b.fpt --no missing-flush --observe stdout --recover '%t.buffered check %t.pool' -- %t.buffered run %t.pool | FileCheck --check-prefix=GOOD %s
// RUN: rm -f %t.pool %t.c.fpdb && %fencepost explore %t.fpt --db %t.c.fpdb --buffered 'add*' --observe stdout --recover '%t check %t.pool' | FileCheck --check-prefix=GOOD %s
//
// Intent: counters in shards, one per thread, under a lock; an increment that
// is not flushed before it returns is lost, which is legal only if that is all
// that was promised.
//
// CHECK: ERROR: fencepost: lost-operation
// CHECK-NEXT: in operation add(shard {{[01]}})
// CHECK: op-shards.cpp:[[#]] in {{.*}}add
// CHECK: is lost
// CHECK: recovery found a state from before the operation
// CHECK: found: the state before it
// CHECK: SUMMARY: {{.*}} cover all
// GOOD: 0 errors, 0 warnings{{.*}} cover all
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <mutex>
#include <thread>

struct Shards {
  struct {
    PM_ALIGNED uint64_t value;
  } shards[2];
};

static std::mutex lock;

static void add(Shards *shards, int shard) {
  std::lock_guard<std::mutex> guard(lock);
  fencepost::op op("add(shard %d)", shard);
#ifdef BUFFERED
  fencepost_op_buffered();
#endif
  shards->shards[shard].value++;
#ifdef FIXED
  pm_persist(&shards->shards[shard], 8);
#endif
}

int main(int argc, char **argv) {
  bool check = pm_is_check(argc, argv);
  auto *shards = static_cast<Shards *>(pm_map(argv[2]));
  if (check) {
    printf("%lu\n", shards->shards[0].value + shards->shards[1].value);
    return 0;
  }
  auto run = [=](int shard) {
    for (int i = 0; i < 3; i++)
      add(shards, shard);
  };
  std::thread one(run, 0);
  one.join();
  pm_persist(shards, sizeof *shards);
  std::thread two(run, 1);
  two.join();
  pm_persist(shards, sizeof *shards);
  return 0;
}
