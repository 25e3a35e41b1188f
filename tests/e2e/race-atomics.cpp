/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: what C++ says orders threads does, wherever the atomic lies; with a
 * weaker order, or an ordinary variable in its place, there is a race.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool flag fences pointer spin \
 * RUN:   exchange mutex queue shared
 */
#include "Inputs/pm.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#ifdef BUGGY
constexpr bool buggy = true;
#else
constexpr bool buggy = false;
#endif
constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto release = buggy ? relaxed : std::memory_order_release;
constexpr auto acquire = buggy ? relaxed : std::memory_order_acquire;

struct Pool {
  PM_ALIGNED uint64_t data;
  PM_ALIGNED std::atomic<uint64_t> flag;
  PM_ALIGNED std::atomic<uint64_t *> pointer;
  PM_ALIGNED uint64_t copy[8];
};
static Pool *pool;

static void put(uint64_t *to, uint64_t value) {
  *to = value;
  pm_persist(to, sizeof *to);
}

/* Two threads; the second waits for the first by what is tested. */
template <class First, class Second> void both(First first, Second second) {
  std::thread one(first);
  std::thread two(second);
  one.join();
  two.join();
}

static void flag() {
  both(
      [] {
        put(&pool->data, 1);
        pool->flag.store(1, release);
        pm_persist(&pool->flag, 8);
      },
      [] {
        while (pool->flag.load(acquire) == 0)
          std::this_thread::yield();
        pm_persist(&pool->flag, 8);
        put(&pool->copy[0], pool->data);
      });
}

/* The flag is not in PM, and the order is that of fences. */
static std::atomic<int> ready;

static void fences() {
  both(
      [] {
        put(&pool->data, 1);
        if (!buggy)
          std::atomic_thread_fence(std::memory_order_release);
        ready.store(1, relaxed);
      },
      [] {
        while (ready.load(relaxed) == 0)
          std::this_thread::yield();
        if (!buggy)
          std::atomic_thread_fence(std::memory_order_acquire);
        put(&pool->copy[0], pool->data);
      });
}

static void pointer() {
  both(
      [] {
        put(&pool->data, 1);
        pool->pointer.store(&pool->data, release);
        pm_persist(&pool->pointer, 8);
      },
      [] {
        uint64_t *found;
        while ((found = pool->pointer.load(acquire)) == nullptr)
          std::this_thread::yield();
        pm_persist(&pool->pointer, 8);
        put(&pool->copy[0], *found);
      });
}

static std::atomic_flag taken = ATOMIC_FLAG_INIT;

static void spin() {
  auto work = [] {
    while (taken.test_and_set(acquire))
      std::this_thread::yield();
    put(&pool->data, pool->data + 1);
    taken.clear(release);
  };
  both(work, work);
}

/* A ticket that is handed on by compare and exchange. */
static void exchange() {
  auto work = [] {
    int expected = 0;
    while (!ready.compare_exchange_weak(expected, 1, acquire, relaxed)) {
      expected = 0;
      std::this_thread::yield();
    }
    put(&pool->data, pool->data + 1);
    ready.store(0, release);
  };
  both(work, work);
}

static std::mutex mutex;

static void with_mutex() {
  auto work = [] {
    std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
    if (!buggy)
      lock.lock();
    put(&pool->data, pool->data + 1);
  };
  both(work, work);
}

static std::shared_mutex shared_mutex;

static void with_shared_mutex() {
  both(
      [] {
        std::unique_lock<std::shared_mutex> lock(shared_mutex, std::defer_lock);
        if (!buggy)
          lock.lock();
        put(&pool->data, pool->data + 1);
      },
      [] {
        std::shared_lock<std::shared_mutex> lock(shared_mutex);
        put(&pool->copy[0], pool->data);
      });
}

/* A pool of threads: who makes a piece of work hands it over through a queue,
   and so hands over what it refers to. */
static std::condition_variable more;
static std::deque<uint64_t *> queue;

static void with_queue() {
  auto worker = [](int number) {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex);
      more.wait(lock, [] { return !queue.empty(); });
      uint64_t *work = queue.front();
      queue.pop_front();
      lock.unlock();
      if (work == nullptr)
        return;
      put(work, *work + 1);
      if (buggy)
        put(&pool->data, (uint64_t)number);
    }
  };
  std::thread threads[2] = {std::thread(worker, 0), std::thread(worker, 1)};
  for (int i = 0; i < 8; i++) {
    put(&pool->copy[i], (uint64_t)i);
    std::lock_guard<std::mutex> lock(mutex);
    queue.push_back(&pool->copy[i]);
    more.notify_one();
  }
  {
    std::lock_guard<std::mutex> lock(mutex);
    queue.push_back(nullptr);
    queue.push_back(nullptr);
    more.notify_all();
  }
  for (auto &thread : threads)
    thread.join();
  if (buggy)
    both([] { put(&pool->data, 5); }, [] { put(&pool->data, 6); });
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  std::string kind = argv[1];
  pool = static_cast<Pool *>(pm_map(argv[2]));
  if (kind == "flag")
    flag();
  else if (kind == "fences")
    fences();
  else if (kind == "pointer")
    pointer();
  else if (kind == "spin")
    spin();
  else if (kind == "exchange")
    exchange();
  else if (kind == "mutex")
    with_mutex();
  else if (kind == "shared")
    with_shared_mutex();
  else
    with_queue();
  return 0;
}
