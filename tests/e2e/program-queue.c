/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 -DBUG=1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=CRASH %s < %t.out
 *
 * RUN: %fencepost-clang -g -O2 -DBUG=2 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=FENCE %s < %t.out
 *
 * RUN: %fencepost-clang -g -O2 -DBUG=3 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=FLUSH %s < %t.out
 *
 * RUN: %fencepost-clang -g -O2 %s -pthread -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: two producers publish in a ring without locks, one consumer takes.
 * BUG=1 publishes a slot before its text is guaranteed, BUG=2 leaves the fence
 * to the other thread, BUG=3 never flushes how far the consumer got.
 *
 * CRASH: ERROR: fencepost: recovery-failure
 * FENCE: ERROR: fencepost: missing-fence
 * FENCE-NEXT: program-queue.c:{{.*}} in consume
 * FLUSH: ERROR: fencepost: missing-flush
 * FLUSH-NEXT: program-queue.c:{{.*}} in consume
 */
#include <pthread.h>
#include <stdatomic.h>

#include "Inputs/pm.h"

#ifndef BUG
#define BUG 0
#endif

#define SLOTS 4
#define EACH 2 /* slots that each producer publishes */
#define TEXT 120

struct slot {
  char text[TEXT];        /* filled with one letter */
  _Atomic uint64_t ready; /* 1 + the ticket of the slot; in the second line */
} PM_ALIGNED;

struct ring {
  uint64_t taken PM_ALIGNED; /* slots that the consumer is done with */
  struct slot slots[SLOTS];
};

static struct ring *ring;
static atomic_uint tickets; /* volatile: recovery counts what is ready */

static char letter(uint64_t ticket) {
  return (char)('a' + ticket);
}

static void publish(struct slot *slot, uint64_t ticket) {
  memset(slot->text, letter(ticket), TEXT);
  pm_flush(slot->text, TEXT);
#if BUG != 1
  pm_fence();
#endif
  atomic_store_explicit(&slot->ready, ticket + 1, memory_order_release);
  pm_persist(&slot->ready, sizeof slot->ready);
}

static void *produce(void *unused) {
  (void)unused;
  for (unsigned i = 0; i < EACH; i++) {
    uint64_t ticket = atomic_fetch_add(&tickets, 1);
    publish(&ring->slots[ticket % SLOTS], ticket);
  }
  return NULL;
}

static void consume(void) {
  for (uint64_t ticket = 0; ticket < 2 * EACH; ticket++) {
    struct slot *slot = &ring->slots[ticket % SLOTS];

    while (atomic_load_explicit(&slot->ready, memory_order_acquire) !=
           ticket + 1)
      ;
    pm_persist(slot, sizeof *slot);
    ring->taken = ticket + 1;
#if BUG != 3
    pm_flush(&ring->taken, sizeof ring->taken);
#endif
#if BUG != 2
    pm_fence();
#endif
  }
}

static int run(void) {
  pthread_t producers[2];

  for (unsigned i = 0; i < 2; i++)
    if (pthread_create(&producers[i], NULL, produce, NULL) != 0)
      return 2;
  consume();
  for (unsigned i = 0; i < 2; i++)
    pthread_join(producers[i], NULL);
  return 0;
}

/* A slot that is ready is whole, and what was taken was ready. */
static int check(void) {
  for (uint64_t i = 0; i < SLOTS; i++) {
    struct slot *slot = &ring->slots[i];
    uint64_t ready = atomic_load_explicit(&slot->ready, memory_order_acquire);

    if (ready == 0 && i < ring->taken)
      return 1;
    for (unsigned at = 0; ready != 0 && at < TEXT; at++)
      if (slot->text[at] != letter(ready - 1))
        return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);

  ring = pm_map(argv[2]);
  return is_check ? check() : run();
}
