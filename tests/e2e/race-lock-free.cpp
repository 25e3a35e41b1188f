/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: a queue after Michael and Scott and a stack after Treiber, lock-free
 * and in PM, that several threads use. A link is made durable by whoever sees
 * it first, before anything is built on it (link-and-persist); without that,
 * what depends on the link may survive it. A log record that is made durable
 * before the flag it was written for is the same fault.
 *
 * RUN: sh %S/Inputs/races.sh unpersisted-read %t %t.pool queue stack flag
 * RUN: rm -f %t.pool && not %fencepost check --only unpersisted-read --pool %t.pool \
 * RUN:   -- %t.buggy flag %t.pool | FileCheck %s
 * CHECK: WARNING: fencepost: unpersisted-read
 * CHECK-NEXT: store of 8 bytes to pool+{{.*}}race-lock-free.cpp:[[#]]
 * CHECK: by thread 1
 * CHECK: is not guaranteed when another thread, which has read it, makes durable
 * CHECK-NEXT: read of 8 bytes of pool+{{.*}}race-lock-free.cpp:[[#]]
 * CHECK: by thread 2
 *
 * Nothing is wrong where all that is visible is durable.
 *
 * RUN: rm -f %t.pool && %fencepost check --races --domain eadr --no redundant-flush \
 * RUN:   --pool %t.pool -- %t.buggy flag %t.pool
 */
#include "Inputs/pm.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#ifdef BUGGY
constexpr bool buggy = true;
#else
constexpr bool buggy = false;
#endif

constexpr int threads_count = 3;
constexpr uint64_t steps = 8; /* of each thread */

struct PM_ALIGNED Node {
  uint64_t value;
  std::atomic<uint64_t> next; /* 1 + index in nodes; 0: none */
};

struct Pool {
  PM_ALIGNED std::atomic<uint64_t> head;
  PM_ALIGNED std::atomic<uint64_t> tail;
  PM_ALIGNED std::atomic<uint64_t> flag;
  PM_ALIGNED uint64_t log[8];
  Node nodes[100];
};
static_assert(sizeof(Pool) <= PM_SIZE, "fits");
static Pool *pool;
static std::atomic<uint64_t> used; /* of the nodes */

static void persist(const void *at) {
  pm_persist(at, 8);
}

/* Whoever has read a link makes it durable before building on it. */
static uint64_t load(const std::atomic<uint64_t> &link) {
  uint64_t seen = link.load();
  if (!buggy)
    persist(&link);
  return seen;
}

static bool link(std::atomic<uint64_t> &to, uint64_t expected, uint64_t next) {
  if (!to.compare_exchange_strong(expected, next))
    return false;
  if (!buggy)
    persist(&to);
  return true;
}

static Node &node(uint64_t link) {
  return pool->nodes[link - 1];
}

static uint64_t make(uint64_t value) {
  uint64_t made = ++used;
  node(made).value = value;
  node(made).next.store(0, std::memory_order_relaxed);
  pm_persist(&node(made), sizeof(Node));
  return made;
}

static void enqueue(uint64_t value) {
  uint64_t made = make(value);
  for (;;) {
    uint64_t tail = load(pool->tail);
    uint64_t next = load(node(tail).next);
    if (next != 0) {
      link(pool->tail, tail, next);
    } else if (link(node(tail).next, 0, made)) {
      link(pool->tail, tail, made);
      return;
    }
  }
}

static void dequeue() {
  for (;;) {
    uint64_t head = load(pool->head);
    uint64_t tail = load(pool->tail);
    uint64_t next = load(node(head).next);
    if (next == 0)
      return;
    if (head == tail)
      link(pool->tail, tail, next);
    else if (link(pool->head, head, next))
      return;
  }
}

static void push(uint64_t value) {
  uint64_t made = make(value);
  for (;;) {
    uint64_t head = load(pool->head);
    node(made).next.store(head, std::memory_order_relaxed);
    persist(&node(made).next);
    if (link(pool->head, head, made))
      return;
  }
}

static void pop() {
  for (;;) {
    uint64_t head = load(pool->head);
    if (head == 0)
      return;
    if (link(pool->head, head, load(node(head).next)))
      return;
  }
}

template <class Work> void run(Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < threads_count; i++)
    threads.emplace_back([=] {
      for (uint64_t step = 0; step < steps; step++) {
        work(step);
        std::this_thread::yield();
      }
    });
  for (auto &thread : threads)
    thread.join();
  /* What a run leaves is durable in both. */
  pm_persist(pool, sizeof *pool);
}

/* The flag is seen, and what was done about it is in the log. */
static void with_flag() {
  std::atomic<int> logged{0};
  std::thread first([&] {
    pool->flag.store(1);
    while (logged.load() == 0)
      std::this_thread::yield();
    persist(&pool->flag);
  });
  std::thread second([&] {
    while (load(pool->flag) == 0)
      std::this_thread::yield();
    pool->log[0] = 1;
    persist(&pool->log[0]);
    logged.store(1);
  });
  first.join();
  second.join();
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  std::string kind = argv[1];
  pool = static_cast<Pool *>(pm_map(argv[2]));
  if (kind == "queue") {
    uint64_t made = make(0);
    pool->head.store(made);
    pool->tail.store(made);
    pm_persist(pool, sizeof *pool);
    run([](uint64_t step) { step % 2 == 0 ? enqueue(step) : dequeue(); });
  } else if (kind == "stack") {
    run([](uint64_t step) { step % 4 != 3 ? push(step) : pop(); });
  } else {
    with_flag();
  }
  return 0;
}
