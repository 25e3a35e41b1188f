/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: libpmemobj-cpp-dev
 * RUN: %fencepost-clang++ -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --states 3000 --recover '%t check %t.pool' -- %t window %t.pool | FileCheck --check-prefix=WINDOW %s
 * RUN: %fencepost-clang++ -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t run %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t window %t.pool | FileCheck --check-prefix=NONE %s
 *
 * Intent: libpmemobj++, whose headers log for the program: transactions, nested
 * and left by exceptions, p<>, persistent_ptr, make_persistent and
 * delete_persistent, string, vector, mutex. What goes past
 * them is found, and nothing of theirs is.
 *
 * CHECK-DAG: ERROR: fencepost: unlogged-store
 * CHECK-DAG: store of 8 bytes to pool+{{.*}} in past_the_headers
 * CHECK-DAG: a pointer into a stack is stored in a pool
 * CHECK-DAG: a pointer to an object that has been freed is stored
 * CHECK-DAG: WARNING: fencepost: leak
 * CHECK: SUMMARY: fencepost: 3 errors, 1 warning
 * WINDOW: WARNING: fencepost: leak
 * WINDOW: is allocated, and nothing points to it, if power is cut
 * NONE: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include <cstdio>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include <libpmemobj++/container/string.hpp>
#include <libpmemobj++/container/vector.hpp>
#include <libpmemobj++/make_persistent.hpp>
#include <libpmemobj++/make_persistent_atomic.hpp>
#include <libpmemobj++/mutex.hpp>
#include <libpmemobj++/p.hpp>
#include <libpmemobj++/persistent_ptr.hpp>
#include <libpmemobj++/pool.hpp>
#include <libpmemobj++/transaction.hpp>

using pmem::obj::delete_persistent;
using pmem::obj::make_persistent;
using pmem::obj::make_persistent_atomic;
using pmem::obj::p;
using pmem::obj::persistent_ptr;
using pmem::obj::transaction;

namespace {

struct node {
  p<uint64_t> key = 0;
  persistent_ptr<node> next = nullptr;
};

struct root {
  pmem::obj::mutex lock;
  p<uint64_t> count = 0;
  persistent_ptr<node> head = nullptr;
  persistent_ptr<node> other = nullptr;
  persistent_ptr<pmem::obj::string> name = nullptr;
  persistent_ptr<pmem::obj::vector<int>> numbers = nullptr;
  uint64_t raw = 0;
  const char *label = nullptr;
};

using pool = pmem::obj::pool<root>;

void push(pool &pop, persistent_ptr<root> r, uint64_t key) {
  transaction::run(
      pop,
      [&] {
        auto fresh = make_persistent<node>();
        fresh->key = key;
        fresh->next = r->head;
        r->head = fresh;
        transaction::run(pop, [&] { r->count = r->count + 1; });
      },
      r->lock);
}

void pop_front(pool &pop, persistent_ptr<root> r) {
  transaction::run(pop, [&] {
    auto old = r->head;
    r->head = old->next;
    r->count = r->count - 1;
    delete_persistent<node>(old);
  });
}

/* An exception undoes it, and leaves through several levels. */
void fail(pool &pop, persistent_ptr<root> r) {
  try {
    transaction::run(pop, [&] {
      r->count = 99;
      transaction::run(pop, [&] {
        r->other = make_persistent<node>();
        throw std::runtime_error("no");
      });
    });
  } catch (const std::exception &) {
  }
  if (r->count == 99 || r->other != nullptr)
    std::puts("not undone");
}

void containers(pool &pop, persistent_ptr<root> r) {
  transaction::run(pop, [&] {
    r->name = make_persistent<pmem::obj::string>(
        "a name that is too long for "
        "the object itself");
    r->numbers = make_persistent<pmem::obj::vector<int>>();
  });
  for (int i = 0; i < 20; i++)
    r->numbers->push_back(i);
  r->numbers->erase(r->numbers->begin());
  *r->name += " and longer";
  transaction::run(pop, [&] { (*r->numbers)[3] = 4; });
}

void past_the_headers(pool &pop, persistent_ptr<root> r) {
#ifdef FIXED
  transaction::run(pop, [&] {
    transaction::snapshot(&r->raw);
    r->raw = 7;
    r->other = nullptr;
  });
#else
  char label[] = "on the stack";
  transaction::run(pop, [&] { r->raw = 7; });
  r->label = label;
  pop.persist(&r->label, sizeof r->label);
  persistent_ptr<node> volatile_only;
  transaction::run(pop, [&] { volatile_only = make_persistent<node>(); });
  persistent_ptr<node> freed;
  transaction::run(pop, [&] { freed = make_persistent<node>(); });
  transaction::run(pop, [&] { delete_persistent<node>(freed); });
  transaction::run(pop, [&] { r->other = freed; });
  transaction::run(pop, [&] { r->other = nullptr; });
#endif
}

/* Allocated atomically: into the field, or into a variable. */
void window(pool &pop, persistent_ptr<root> r) {
#ifdef FIXED
  make_persistent_atomic<node>(pop, r->other);
#else
  persistent_ptr<node> fresh;
  make_persistent_atomic<node>(pop, fresh);
  r->other = fresh;
  pop.persist(r->other);
#endif
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  if (std::strcmp(argv[1], "create") == 0) {
    auto pop = pool::create(argv[2], "test", PMEMOBJ_MIN_POOL * 2, 0600);
    (void)pop.root();
    pop.close();
    return 0;
  }
  auto pop = pool::open(argv[2], "test");
  auto r = pop.root();
  if (std::strcmp(argv[1], "run") == 0) {
    push(pop, r, 1);
    push(pop, r, 2);
    {
      std::lock_guard<pmem::obj::mutex> guard(r->lock);
      pop_front(pop, r);
    }
    fail(pop, r);
    containers(pop, r);
    past_the_headers(pop, r);
  } else if (std::strcmp(argv[1], "window") == 0) {
    window(pop, r);
  }
  pop.close();
  return 0;
}
