// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -pthread -o %t
// RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- %t run %t.pool | FileCheck %s
// RUN: rm -f %t.pool && not %fencepost crash --only recovery-failure --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=LOST %s
// RUN: %fencepost-clang++ -std=c++17 -g -O1 -DFIXED %s -pthread -o %t
// RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t run %t.pool
// RUN: rm -f %t.pool && %fencepost crash --only recovery-failure --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
//
// Intent: orders come into a mailbox in PM by an atomic store of their number,
// and whoever takes one books it durably. The sender flushes the number too
// late: an order is booked that was never made. That a crash shows it says the
// same.
//
// CHECK: WARNING: fencepost: unpersisted-read
// CHECK-NEXT: store of 8 bytes to pool+0x{{.*}}unpersisted-read-mailbox.cpp:[[#]] in {{.*}}send
// CHECK: is not guaranteed when another thread, which has read it, makes durable
// CHECK-NEXT: read of 8 bytes of pool+0x{{.*}}unpersisted-read-mailbox.cpp:[[#]] in {{.*}}take
// CHECK: SUMMARY: fencepost: 0 errors, 1 warning
// LOST: ERROR: fencepost: recovery-failure
#include "Inputs/pm.h"

#include <atomic>
#include <semaphore.h>
#include <thread>

namespace {

constexpr uint64_t Orders = 3;

struct Mailbox {
  struct {
    PM_ALIGNED uint64_t amount;
  } orders[Orders];
  PM_ALIGNED std::atomic<uint64_t> sent; // orders so far
  PM_ALIGNED uint64_t booked;            // of them; never more
  uint64_t total;

  void send(uint64_t amount, sem_t *booking) {
    uint64_t number = sent.load(std::memory_order_relaxed);
    orders[number].amount = amount;
    pm_persist(&orders[number], sizeof orders[number]);
    sent.store(number + 1, std::memory_order_release);
#ifndef FIXED
    sem_wait(booking); // what may happen now and then
#endif
    pm_persist(&sent, sizeof sent);
#ifdef FIXED
    sem_wait(booking);
#endif
  }

  // Returns the number of orders, each of which is durable.
  uint64_t take() const {
    uint64_t seen = sent.load(std::memory_order_acquire);
#ifdef FIXED
    pm_persist(&sent, sizeof sent);
#endif
    return seen;
  }

  void book(sem_t *booking) {
    while (booked < Orders) {
      if (take() == booked)
        continue;
      total += orders[booked].amount;
      booked++;
      pm_persist(&booked, 2 * sizeof booked);
      sem_post(booking);
    }
  }
};

} // namespace

int main(int argc, char **argv) {
  bool isCheck = pm_is_check(argc, argv);
  auto *mailbox = static_cast<Mailbox *>(pm_map(argv[2]));
  if (isCheck)
    return mailbox->booked > mailbox->sent.load();
  sem_t booking;
  sem_init(&booking, 0, 0);
  std::thread booker([&] { mailbox->book(&booking); });
  for (uint64_t i = 1; i <= Orders; i++)
    mailbox->send(10 * i, &booking);
  booker.join();
  return 0;
}
