/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -g -O1 -std=c++17 -pthread %s -o %t
 * RUN: %fencepost-clang++ -g -O1 -std=c++17 -pthread -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool --op 'ring::p*' -o %t.fpt -- %t run %t.pool
 * RUN: rm -f %t.*fpdb && %fencepost explore %t.fpt --db %t.0.fpdb --observe stdout --recover '%t check %t.pool' | FileCheck --check-prefix=ALONE %s
 * RUN: not %fencepost explore %t.fpt --db %t.1.fpdb --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' > %t.1.txt
 * RUN: FileCheck %s < %t.1.txt
 * RUN: %fencepost explore %t.fpt --db %t.2.fpdb --states 9 --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' || true
 * RUN: not %fencepost explore %t.fpt --db %t.2.fpdb --resume -j 2 --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' > %t.2.txt
 * RUN: %fencepost explore %t.fpt --db %t.3.fpdb --shard 1/2 --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' || true
 * RUN: %fencepost explore %t.fpt --db %t.4.fpdb --shard 2/2 --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' || true
 * RUN: %fencepost merge %t.3.fpdb %t.4.fpdb -o %t.5.fpdb
 * RUN: not %fencepost report %t.5.fpdb > %t.5.txt
 * RUN: sed -e 's/==[0-9]*==//' -e 's/tmp.[0-9].fpdb/tmp.fpdb/' -e /SUMMARY/d %t.1.txt > %t.1.same
 * RUN: sed -e 's/==[0-9]*==//' -e 's/tmp.[0-9].fpdb/tmp.fpdb/' -e /SUMMARY/d %t.2.txt | diff %t.1.same -
 * RUN: sed -e 's/==[0-9]*==//' -e 's/tmp.[0-9].fpdb/tmp.fpdb/' -e /SUMMARY/d %t.5.txt | diff %t.1.same -
 * RUN: %fencepost explore %t.fpt --db %t.6.fpdb --buffered 'ring::push*' --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --op 'ring::p*' --trace %t.f.fpt --observe stdout --apply '%t.fixed apply %t.pool' --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a queue with a lock, whose operations are functions named on the
 * command line. While one thread waits for the lock, within its operation, the
 * other's push returns and is not durable: found by the orders alone, and the
 * same by whatever way the work is split.
 *
 * ALONE: judged by observed boundaries only
 * ALONE: 0 errors
 * CHECK: ERROR: fencepost: lost-operation
 * CHECK-NEXT: in operation ring::push({{.*}}value=10)
 * CHECK: op-queue-orders.cpp:{{[0-9]+}} in ring::push
 * CHECK: recovery found a state from before the operation
 * CHECK: found, against the nearest of 3 legal states, the one after ring::push(
 * CHECK-NEXT: - 10
 * CHECK: orders replayed
 * GOOD: orders replayed
 * GOOD-NOT: not judged
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include <atomic>
#include <mutex>
#include <thread>

static std::mutex mutex;
static std::atomic<int> waiting;
static std::atomic<bool> together, returned;

struct ring {
  PM_ALIGNED uint64_t tail;
  PM_ALIGNED uint64_t slots[8];

  __attribute__((noinline)) void push(uint64_t value) {
    waiting++;
    std::lock_guard<std::mutex> lock(mutex);
    while (together && (waiting < 2 || (value == 20 && !returned))) {
      /* One ends while the other waits for the lock. */
    }
    slots[tail] = value;
    pm_persist(&slots[tail], 8);
    tail = tail + 1;
#ifndef FIXED
    if (value != 10)
#endif
      pm_persist(&tail, 8);
  }

  __attribute__((noinline)) uint64_t pop() {
    std::lock_guard<std::mutex> lock(mutex);
    uint64_t value = tail == 0 ? 0 : slots[tail - 1];
    tail = tail - (tail != 0);
    pm_persist(&tail, 8);
    return value;
  }
};

static int apply(ring *queue) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != nullptr) {
    const char *value = strstr(line, "value=");
    if (strstr(line, "::push(") != nullptr && value != nullptr)
      queue->push(strtoul(value + 6, nullptr, 10));
    else if (strstr(line, "::pop(") != nullptr)
      queue->pop();
    else
      return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  ring *queue = static_cast<ring *>(pm_map(argv[2]));
  if (check) {
    for (uint64_t i = 0; i < queue->tail; i++)
      printf("%lu\n", queue->slots[i]);
    printf("end\n");
    return 0;
  }
  if (strcmp(argv[1], "apply") == 0)
    return apply(queue);
  queue->push(1);
  queue->push(2);
  if (queue->pop() != 2)
    return 1;
  waiting = 0;
  together = true;
  std::thread one([queue] {
    queue->push(10);
    returned = true;
  });
  while (waiting == 0) {
  }
  std::thread two([queue] { queue->push(20); });
  one.join();
  two.join();
  return 0;
}
