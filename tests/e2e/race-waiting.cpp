/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -std=c++20 -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang++ -std=c++20 -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: what C++20 has to wait with orders threads, and so does the
 * initialisation of a static variable that another thread waits for, however
 * the library does it; what is done behind the notification does not.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool static static-throws once \
 * RUN:   wait barrier completion latch semaphore binary timed future promise \
 * RUN:   stop
 *
 * With the C++ library in the program.
 *
 * RUN: %fencepost-clang++ -std=c++20 -g -O1 %s -pthread -static-libstdc++ \
 * RUN:   -o %t.static
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.static static %t.pool
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.static once %t.pool
 */
#include "Inputs/pm.h"

#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>

#ifdef BUGGY
constexpr bool buggy = true;
#else
constexpr bool buggy = false;
#endif

static uint64_t *cells;

static void put() {
  cells[0]++;
  pm_persist(&cells[0], sizeof cells[0]);
}

template <class First, class Second> void both(First first, Second second) {
  std::thread one(first);
  std::thread two(second);
  one.join();
  two.join();
}

/* The first thread is done, or in the buggy program not yet, when tell is
   called; the second waits for that. */
template <class Tell, class Wait> void message(Tell tell, Wait wait) {
  both(
      [&] {
        if (!buggy)
          put();
        tell();
        if (buggy)
          put();
      },
      [&] {
        wait();
        put();
      });
}

/* The variable is being made while the other thread comes to it. Neither the
   flag nor the clock is what orders them. */
static std::atomic<bool> making;
static bool fails;

static void others_come() {
  making.store(true, std::memory_order_relaxed);
  making.notify_all();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

struct Made {
  Made() {
    put();
    others_come();
    if (fails) {
      fails = false;
      throw 1;
    }
  }
};

static void with_static() {
  auto make = [] {
    for (;;)
      try {
        static Made made;
        (void)&made;
        return;
      } catch (int) {
        /* The other one makes it then, and is followed by this one. */
      }
  };
  both(
      [&] {
        make();
        if (buggy)
          put();
      },
      [&] {
        while (!making.load(std::memory_order_relaxed))
          std::this_thread::yield();
        make();
        put();
      });
}

static void with_once() {
  static std::once_flag flag;
  both(
      [] {
        std::call_once(flag, [] {
          put();
          others_come();
        });
        if (buggy)
          put();
      },
      [] {
        while (!making.load(std::memory_order_relaxed))
          std::this_thread::yield();
        std::call_once(flag, put);
        put();
      });
}

static void with_wait() {
  static std::atomic<int> word;
  message(
      [] {
        word.store(1, std::memory_order_release);
        word.notify_one();
      },
      [] { word.wait(0, std::memory_order_acquire); });
}

static void with_barrier() {
  static std::barrier barrier(2);
  message([] { barrier.arrive_and_wait(); }, [] { barrier.arrive_and_wait(); });
}

/* What all have done comes before the completion, and it before what follows.
 */
static void with_completion() {
  static std::barrier barrier(2, []() noexcept { put(); });
  message([] { barrier.arrive_and_wait(); }, [] { barrier.arrive_and_wait(); });
}

static void with_latch() {
  static std::latch latch(1);
  message([] { latch.count_down(); }, [] { latch.wait(); });
}

static void with_semaphore() {
  static std::counting_semaphore<8> semaphore(0);
  message([] { semaphore.release(2); },
          [] {
            semaphore.acquire();
            while (!semaphore.try_acquire())
              ;
          });
}

static void with_binary() {
  static std::binary_semaphore semaphore(0);
  message([] { semaphore.release(); }, [] { semaphore.acquire(); });
}

static void with_timed() {
  static std::timed_mutex mutex;
  static bool told;
  message(
      [] {
        std::lock_guard<std::timed_mutex> lock(mutex);
        told = true;
      },
      [] {
        for (bool seen = false; !seen; std::this_thread::yield())
          if (mutex.try_lock_for(std::chrono::seconds(60))) {
            seen = told;
            mutex.unlock();
          }
      });
}

static void with_promise() {
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
  message([&] { promise.set_value(); }, [&] { future.get(); });
}

static void with_future() {
  auto future = std::async(std::launch::async, [] {
    if (buggy)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    put();
  });
  if (!buggy)
    future.get();
  put();
}

static void with_stop() {
  std::stop_source source;
  message([&] { source.request_stop(); },
          [token = source.get_token()] {
            std::condition_variable_any any;
            std::mutex mutex;
            std::unique_lock<std::mutex> lock(mutex);
            any.wait(lock, token, [] { return false; });
          });
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  std::string kind = argv[1];
  cells = static_cast<uint64_t *>(pm_map(argv[2]));
  fails = kind == "static-throws";
  if (kind == "static" || kind == "static-throws")
    with_static();
  else if (kind == "once")
    with_once();
  else if (kind == "wait")
    with_wait();
  else if (kind == "barrier")
    with_barrier();
  else if (kind == "completion")
    with_completion();
  else if (kind == "latch")
    with_latch();
  else if (kind == "semaphore")
    with_semaphore();
  else if (kind == "binary")
    with_binary();
  else if (kind == "timed")
    with_timed();
  else if (kind == "promise")
    with_promise();
  else if (kind == "future")
    with_future();
  else
    with_stop();
  return 0;
}
