// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 -pthread %s -o %t
// RUN: rm -f %t.a %t.b && %fencepost check --fail-on performance --pool %t.a --pool %t.b -- %t %t.a %t.b
// RUN: %fencepost-clang++ -g -O1 -pthread -DUNLOGGED %s -o %t
// RUN: rm -f %t.a %t.b && not %fencepost check --pool %t.a --pool %t.b -- %t %t.a %t.b | FileCheck --check-prefix=UNLOGGED %s
// RUN: %fencepost-clang++ -g -O1 -pthread -DLEAK %s -o %t
// RUN: rm -f %t.a %t.b && not %fencepost check --pool %t.a --pool %t.b -- %t %t.a %t.b | FileCheck --check-prefix=LEAK %s
// RUN: %fencepost-clang++ -g -O1 -pthread -DDANGLING %s -o %t
// RUN: rm -f %t.a %t.b && not %fencepost check --pool %t.a --pool %t.b -- %t %t.a %t.b | FileCheck --check-prefix=DANGLING %s
// RUN: %fencepost-clang++ -g -O1 -pthread -DFOREIGN %s -o %t
// RUN: rm -f %t.a %t.b && not %fencepost check --pool %t.a --pool %t.b -- %t %t.a %t.b | FileCheck --check-prefix=FOREIGN %s
// RUN: %fencepost-clang++ -g -O1 -pthread -DVOLATILE %s -o %t
// RUN: rm -f %t.a %t.b && not %fencepost check --pool %t.a --pool %t.b -- %t %t.a %t.b | FileCheck --check-prefix=VOLATILE %s
//
// Intent: a small library of one's own, with an undo log and objects, tells of
// its transactions by annotations. Two threads each have a list in a pool of
// their own; each mistake is found, in the thread that makes it.
//
// UNLOGGED: ERROR: fencepost: unlogged-store
// UNLOGGED-NEXT: store of 8 bytes to {{.*}}.b+{{.*}} in {{.*}}List::push
// UNLOGGED: SUMMARY: fencepost: 1 error, 0 warnings
// LEAK: WARNING: fencepost: leak
// LEAK-NEXT: object of 64 bytes at {{.*}}.b+{{.*}} in {{.*}}List::make
// LEAK: SUMMARY: fencepost: 0 errors, 1 warning
// DANGLING: ERROR: fencepost: dangling-pointer
// DANGLING: store of 8 bytes to {{.*}}.b+{{.*}} in {{.*}}List::pop
// FOREIGN: ERROR: fencepost: foreign-pointer
// FOREIGN: store of 8 bytes to {{.*}}.b+{{.*}} in {{.*}}List::push
// VOLATILE: ERROR: fencepost: volatile-pointer
// VOLATILE: store of 8 bytes to {{.*}}.b+{{.*}} in {{.*}}List::push
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <thread>

namespace {

struct Node {
  PM_ALIGNED Node *next;
  uint64_t value;
};

// One entry of the log: a pointer, and what it was.
struct Saved {
  Node **place;
  Node *was;
};

struct Log {
  PM_ALIGNED Saved saved[2];
  PM_ALIGNED uint64_t count;
};

// A transaction: what is added to it is undone unless it commits.
class Tx {
  Log &log;

public:
  explicit Tx(Log &of) : log(of) {
    fencepost_tx_begin();
    fencepost_tx_add(&log, sizeof log);
  }
  void add(Node *&place) {
    fencepost_tx_add(&place, sizeof place);
    log.saved[log.count] = {&place, place};
    pm_persist(&log.saved[log.count], sizeof(Saved));
    log.count++;
    pm_persist(&log.count, sizeof log.count);
  }
  ~Tx() {
    for (uint64_t i = 0; i < log.count; i++)
      pm_flush(log.saved[i].place, sizeof(Node *));
    pm_fence();
    log.count = 0;
    pm_persist(&log.count, sizeof log.count);
    fencepost_tx_end();
  }
};

// A pool; its pointers are addresses.
class List {
  Log log;
  PM_ALIGNED Node *head;
  PM_ALIGNED Node *last; // that was taken out
  PM_ALIGNED uint64_t used;
  Node nodes[16];

  Node *make(uint64_t value) {
    Node *node = &nodes[used++];
    pm_persist(&used, sizeof used);
    fencepost_alloc(node, sizeof *node);
    node->next = head;
    node->value = value;
    pm_persist(node, sizeof *node);
    return node;
  }

public:
  void open() {
    fencepost_root(&head, sizeof head); // the log may hold what is gone
  }
  __attribute__((noinline)) void push(uint64_t value, Node *node, bool bad) {
    node = node == nullptr ? make(value) : node;
    Tx tx(log);
    if (!bad)
      tx.add(head);
    head = node;
    if (bad)
      pm_flush(&head, sizeof head); // the commit knows nothing of it
  }
  __attribute__((noinline)) void pop(bool leaves, bool keeps) {
    Node *node = head;
    {
      Tx tx(log);
      tx.add(head);
      head = node->next;
      if (!leaves)
        fencepost_free(node);
    }
    if (keeps) {
      last = node;
      pm_persist(&last, sizeof last);
    }
  }
  Node *first() {
    return head;
  }
};

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  auto *one = static_cast<List *>(pm_map(argv[1]));
  auto *two = static_cast<List *>(pm_map(argv[2]));
  one->open();
  two->open();
  bool unlogged = false, leaves = false, keeps = false;
  Node *other = nullptr;
#if defined(UNLOGGED)
  unlogged = true;
#elif defined(LEAK)
  leaves = true;
#elif defined(DANGLING)
  keeps = true;
#elif defined(FOREIGN)
  one->push(1, nullptr, false);
  other = one->first();
#elif defined(VOLATILE)
  other = new Node();
#endif
  std::thread good([one] {
    for (uint64_t i = 1; i < 4; i++)
      one->push(i, nullptr, false);
    one->pop(false, false);
  });
  std::thread bad([=] {
    for (uint64_t i = 1; i < 4; i++)
      two->push(i, nullptr, unlogged && i == 2);
    two->pop(leaves, keeps);
    if (other != nullptr)
      two->push(4, other, false);
  });
  good.join();
  bad.join();
  return 0;
}
