// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++20 -g -O1 %s -pthread -o %t
// RUN: %fencepost-clang++ -std=c++20 -g -O1 -DBUGGY %s -pthread -o %t.buggy
//
// Intent: the locks, tasks and owners of C++, with what their parts in the
// library without hooks do, order threads; left out, or used where the other
// one is not, they do not.
//
// RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool shared shared-timed scoped \
// RUN:   recursive condition-any task shared-future exception notify-at-exit \
// RUN:   owners atomic-owner reference flag thread-local jthread deferred
#include "Inputs/pm.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>

#ifdef BUGGY
constexpr bool buggy = true;
#else
constexpr bool buggy = false;
#endif

namespace {

uint64_t *cell;

void put() {
  ++*cell;
  pm_persist(cell, sizeof *cell);
}

uint64_t get() {
  return *static_cast<volatile uint64_t *>(cell);
}

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// Both threads are there. Orders nothing.
void meet() {
  alignas(64) static std::atomic<int> met;
  met.fetch_add(1, std::memory_order_relaxed);
  while (met.load(std::memory_order_relaxed) < 2)
    std::this_thread::yield();
}

template <class First, class Second> void both(First first, Second second) {
  std::thread one([&] {
    meet();
    first();
  });
  std::thread two([&] {
    meet();
    second();
  });
  one.join();
  two.join();
}

// The first thread is done, or in the buggy program not yet, when tell is
// called; the second waits for that.
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
        if (buggy)
          pause(); // until the other one is through
        put();
      });
}

// Both, in turns; the buggy program's second thread has no turn.
template <class Work> void turns(Work work) {
  auto often = [&](bool mine) {
    for (int i = 0; i < 20; i++)
      work(mine);
  };
  both([&] { often(true); }, [&] { often(!buggy); });
}

void shared() {
  std::shared_mutex mutex;
  turns([&](bool mine) {
    {
      std::shared_lock<std::shared_mutex> lock(mutex);
      get();
    }
    std::unique_lock<std::shared_mutex> lock(mutex, std::defer_lock);
    if (mine)
      lock.lock();
    put();
  });
}

void sharedTimed() {
  std::shared_timed_mutex mutex;
  turns([&](bool mine) {
    std::unique_lock<std::shared_timed_mutex> lock(mutex, std::defer_lock);
    while (mine && !lock.try_lock_for(std::chrono::seconds(60))) {
    }
    put();
  });
}

// Two locks at once, which the threads name in another order.
void scoped() {
  std::mutex a, b;
  std::atomic<int> turn{0};
  turns([&](bool mine) {
    if (!mine) {
      put();
    } else if (turn.fetch_add(1, std::memory_order_relaxed) % 2 == 0) {
      std::scoped_lock lock(a, b);
      put();
    } else {
      std::scoped_lock lock(b, a);
      put();
    }
  });
}

void recursive() {
  std::recursive_timed_mutex mutex;
  turns([&](bool mine) {
    std::unique_lock<std::recursive_timed_mutex> outer(mutex, std::defer_lock);
    if (mine)
      outer.lock();
    {
      std::unique_lock<std::recursive_timed_mutex> inner(mutex,
                                                         std::defer_lock);
      if (mine)
        inner.lock();
    }
    put();
  });
}

void conditionAny() {
  std::shared_mutex mutex;
  std::condition_variable_any condition;
  bool told = false;
  message(
      [&] {
        std::unique_lock<std::shared_mutex> lock(mutex);
        told = true;
        condition.notify_all();
      },
      [&] {
        std::shared_lock<std::shared_mutex> lock(mutex);
        condition.wait(lock, [&] { return told; });
      });
}

void task() {
  std::packaged_task<int()> task([] { return 1; });
  auto future = task.get_future();
  message([&] { task(); }, [&] { future.get(); });
}

void sharedFuture() {
  std::promise<int> promise;
  std::shared_future<int> future = promise.get_future().share();
  message([&] { promise.set_value(1); },
          [copy = future] {
            while (copy.wait_for(std::chrono::seconds(60)) !=
                   std::future_status::ready) {
            }
          });
}

void exception() {
  std::promise<void> promise;
  auto future = promise.get_future();
  message(
      [&] {
        promise.set_exception(
            std::make_exception_ptr(std::runtime_error("done")));
      },
      [&] {
        try {
          future.get();
        } catch (const std::runtime_error &) {
        }
      });
}

// What is told when the thread has ended comes behind all it did.
void notifyAtExit() {
  std::mutex mutex;
  std::condition_variable condition;
  bool told = false;
  both(
      [&] {
        std::unique_lock<std::mutex> lock(mutex);
        told = true;
        if (buggy)
          lock.unlock();
        else
          std::notify_all_at_thread_exit(condition, std::move(lock));
        put();
      },
      [&] {
        std::unique_lock<std::mutex> lock(mutex);
        condition.wait_for(lock, std::chrono::milliseconds(200),
                           [&] { return told && !buggy; });
        if (!told)
          condition.wait(lock, [&] { return told; });
        lock.unlock();
        put();
      });
}

// The last owner's deleter comes behind what the others did with it.
struct Owned {
  ~Owned() {
    put();
  }
};

void owners() {
  auto one = std::make_shared<Owned>();
  std::shared_ptr<Owned> two = one;
  std::weak_ptr<Owned> weak = one;
  both(
      [&] {
        if (!buggy)
          put();
        one.reset();
        if (buggy)
          put();
      },
      [&] {
        while (weak.use_count() != 1)
          std::this_thread::yield();
        if (buggy)
          pause();
        two.reset();
      });
}

void atomicOwner() {
  std::atomic<std::shared_ptr<int>> owner;
  message([&] { owner.store(std::make_shared<int>(1)); },
          [&] {
            while (owner.load() == nullptr)
              std::this_thread::yield();
          });
}

void reference() {
  alignas(64) uint64_t word = 0;
  message(
      [&] {
        std::atomic_ref<uint64_t>(word).store(1, std::memory_order_release);
      },
      [&] {
        std::atomic_ref<uint64_t> seen(word);
        while (seen.load(std::memory_order_acquire) == 0)
          std::this_thread::yield();
      });
}

void flag() {
  std::atomic_flag flag;
  message(
      [&] {
        flag.test_and_set(std::memory_order_release);
        flag.notify_all();
      },
      [&] { flag.wait(false, std::memory_order_acquire); });
}

// Destroyed by its thread, before whoever joins it goes on.
struct Last {
  bool puts = false;
  ~Last() {
    if (puts)
      put();
  }
};
thread_local Last last;

void threadLocal() {
  std::thread thread([] { last.puts = true; });
  if (buggy)
    put();
  thread.join();
  put();
}

void jthread() {
  std::atomic<bool> began{false};
  {
    std::jthread thread([&](std::stop_token token) {
      began.store(true, std::memory_order_relaxed);
      while (!token.stop_requested())
        std::this_thread::yield();
      put();
    });
    while (!began.load(std::memory_order_relaxed))
      std::this_thread::yield();
    if (buggy) {
      thread.request_stop();
      put();
    }
  }
  put();
}

// Run by who asks for it first, while the other one waits.
void deferred() {
  std::shared_future<void> future = std::async(std::launch::deferred, [] {
                                      put();
                                      pause();
                                    }).share();
  both(
      [copy = future] {
        copy.get();
        if (buggy)
          put();
      },
      [copy = future] {
        copy.get();
        if (buggy)
          pause();
        put();
      });
}

const std::map<std::string, std::function<void()>> kinds = {
    {"shared", shared},
    {"shared-timed", sharedTimed},
    {"scoped", scoped},
    {"recursive", recursive},
    {"condition-any", conditionAny},
    {"task", task},
    {"shared-future", sharedFuture},
    {"exception", exception},
    {"notify-at-exit", notifyAtExit},
    {"owners", owners},
    {"atomic-owner", atomicOwner},
    {"reference", reference},
    {"flag", flag},
    {"thread-local", threadLocal},
    {"jthread", jthread},
    {"deferred", deferred},
};

} // namespace

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  cell = static_cast<uint64_t *>(pm_map(argv[2]));
  kinds.at(argv[1])();
  return 0;
}
