/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 -I%source/include %s -pthread -o %t
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 -I%source/include -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: what a transaction of a library of one's own has stored must not be
 * read by others before it is committed, nor before it is undone, though the
 * accesses are ordered and durable; nor by a reader that takes no lock at all.
 *
 * RUN: sh %S/Inputs/races.sh isolation %t %t.pool commit abort unlocked nested
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- \
 * RUN:   %t.buggy commit %t.pool | FileCheck %s
 * CHECK: ERROR: fencepost: isolation
 * CHECK-NEXT: store of 8 bytes to pool+0x40 {{.*}}race-isolation.cpp:[[#]]
 * CHECK: by thread 1
 * CHECK: is not committed when another thread reads it
 * CHECK-NEXT: read of 8 bytes of pool+0x40 {{.*}}race-isolation.cpp:[[#]]
 * CHECK: by thread 2
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#ifdef BUGGY
constexpr bool buggy = true;
#else
constexpr bool buggy = false;
#endif

struct Pool {
  PM_ALIGNED uint64_t undo;
  PM_ALIGNED uint64_t value;
  PM_ALIGNED uint64_t other;
};
static Pool *pool;
static std::atomic<int> stage;
static std::mutex mutex;

static void wait_for(int which) {
  while (stage.load() < which)
    std::this_thread::yield();
}

/* A transaction with an undo log of one word. */
struct Transaction {
  explicit Transaction(bool nested = false) : nested(nested) {
    fencepost_tx_begin();
    if (!nested) {
      fencepost_tx_add(&pool->undo, sizeof pool->undo);
      pool->undo = pool->value;
      pm_persist(&pool->undo, sizeof pool->undo);
      fencepost_tx_add(&pool->value, sizeof pool->value);
    }
  }
  void abort() {
    pool->value = pool->undo;
    pm_persist(&pool->value, sizeof pool->value);
    fencepost_tx_abort();
    ended = true;
  }
  ~Transaction() {
    if (!ended)
      fencepost_tx_end();
  }
  bool nested;
  bool ended = false;
};

static void put(uint64_t value) {
  pool->value = value;
  pm_persist(&pool->value, sizeof pool->value);
}

static void read() {
  volatile uint64_t seen = pool->value;
  (void)seen;
}

/* The first thread lets the second one read too early, or in time. */
static void write(const std::string &kind) {
  {
    std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
    if (kind != "unlocked" || !buggy)
      lock.lock();
    Transaction transaction;
    put(7);
    if (kind == "nested") {
      /* The inner one is part of the outer one. */
      Transaction inner(true);
    }
    if (buggy) {
      if (lock.owns_lock())
        lock.unlock();
      stage = 1;
      wait_for(2);
    }
    if (kind == "abort")
      transaction.abort();
  }
  if (!buggy) {
    stage = 1;
    wait_for(2);
  }
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  std::string kind = argv[1];
  pool = static_cast<Pool *>(pm_map(argv[2]));
  std::thread first([=] { write(kind); });
  std::thread second([=] {
    wait_for(1);
    {
      std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
      if (kind != "unlocked" || !buggy)
        lock.lock();
      read();
    }
    stage = 2;
  });
  first.join();
  second.join();
  return 0;
}
