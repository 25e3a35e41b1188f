/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool --no volatile-pointer -- %t run %t.pool
 * RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool --fail-on performance -- %t run %t.pool
 *
 * Intent: addresses in the heap, on the stack, of variables and of code mean
 * nothing when the pool is opened again; those in the pool do. A field that is
 * declared may hold any.
 *
 * CHECK-DAG: a pointer into the heap is stored in a pool
 * CHECK-DAG: store of 8 bytes to pool+0x8 {{.*}} in remember
 * CHECK-DAG: a pointer into a stack is stored in a pool
 * CHECK-DAG: a pointer to a global variable is stored in a pool
 * CHECK-DAG: a pointer to code is stored in a pool
 * CHECK-DAG: store of 8 bytes to pool+0x200 {{.*}} in shape::shape()
 * CHECK: SUMMARY: fencepost: 5 errors, 0 warnings
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <atomic>
#include <new>
#include <string>

struct node {
  node *next;
  const char *name;
  const int *number;
  const int *limit;
  void (*call)();
};

struct shape { /* has a table of virtual functions */
  virtual ~shape() = default;
  int sides = 4;
};

struct plain {
  int sides = 4;
};

static int limit = 17;
static void call() {
  limit++;
}

template <class Shape> static void make(char *place) {
  pm_persist(new (place) Shape(), sizeof(Shape));
}

__attribute__((noinline)) static void remember(node *at, const char *name,
                                               const int *number) {
  at->next = at;
  at[1].next = reinterpret_cast<node *>(0x10); /* no address */
  std::atomic_store(reinterpret_cast<std::atomic<node *> *>(&at[2].next), at);
#ifndef FIXED
  at->name = name;
  at->number = number;
  at->limit = &limit;
  at->call = call;
#else
  (void)name;
  (void)number;
  fencepost_volatile_ok(&at->call, sizeof at->call);
  at->call = call;
#endif
  pm_persist(at, 3 * sizeof *at);
}

int main(int, char **argv) {
  auto *pool = static_cast<char *>(pm_map(argv[2]));
  auto *name = new std::string("a string of some length, on the heap");
  int number = 3;

  remember(reinterpret_cast<node *>(pool), name->c_str(), &number);
#ifdef FIXED
  make<plain>(pool + 512);
#else
  make<shape>(pool + 512);
#endif
  delete name;
  return 0;
}
