/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/tx_numbered.h"

#include "rt/hooks/heap_rules.h"

static struct fpost_tx_numbered *numbered_of(uint64_t number) {
  for (uint32_t i = 0; i < FPOST_TX_NUMBERED_MAX; i++) {
    struct fpost_tx_numbered *tx = &fpost_context.heap.numbered[i];
    if (tx->begins != 0 && tx->number == number) {
      return tx;
    }
  }
  return NULL;
}

static struct fpost_tx_numbered *numbered_make(uint64_t number) {
  for (uint32_t i = 0; i < FPOST_TX_NUMBERED_MAX; i++) {
    struct fpost_tx_numbered *tx = &fpost_context.heap.numbered[i];
    if (tx->begins == 0) {
      tx->number = number;
      fpost_ranges_clear(&tx->ranges);
      return tx;
    }
  }
  fpost_note(
      "more than 64 numbered transactions at a time: stores in the others "
      "are not checked");
  return NULL;
}

static uint64_t bit_of(const struct fpost_tx_numbered *tx) {
  return UINT64_C(1) << (tx - fpost_context.heap.numbered);
}

static void enter(struct fpost_thread_state *self,
                  const struct fpost_tx_numbered *tx, uint32_t stack) {
  if (self->tx.depth == 0 && self->tx.numbered == 0) {
    fpost_tx_open(self, NULL, stack);
  }
  self->tx.numbered |= bit_of(tx);
  self->tx.active = true;
}

static void leave(struct fpost_thread_state *self,
                  const struct fpost_tx_numbered *tx) {
  if ((self->tx.numbered & bit_of(tx)) != 0) {
    self->tx.numbered &= ~bit_of(tx);
    fpost_tx_left(self);
  }
}

enum fpost_tx_answer fpost_tx_number_begin(struct fpost_thread_state *self,
                                           uint64_t number, uint32_t stack) {
  struct fpost_tx_numbered *tx = numbered_of(number);
  tx = tx != NULL ? tx : numbered_make(number);
  if (tx != NULL) {
    tx->begins++;
    enter(self, tx, stack);
  }
  return FPOST_TX_DONE;
}

enum fpost_tx_answer fpost_tx_number_end(uint64_t number) {
  struct fpost_tx_numbered *tx = numbered_of(number);
  if (tx == NULL) {
    return FPOST_TX_UNKNOWN;
  }
  if (--tx->begins == 0) {
    for (uint32_t i = 0; i < fpost_context.threads_count; i++) {
      leave(&fpost_context.threads[i], tx);
    }
  }
  return FPOST_TX_DONE;
}

enum fpost_tx_answer fpost_tx_number_join(struct fpost_thread_state *self,
                                          uint64_t number, uint32_t stack) {
  const struct fpost_tx_numbered *tx = numbered_of(number);
  if (tx == NULL) {
    return FPOST_TX_UNKNOWN;
  }
  enter(self, tx, stack);
  return FPOST_TX_DONE;
}

enum fpost_tx_answer fpost_tx_number_leave(struct fpost_thread_state *self,
                                           uint64_t number) {
  const struct fpost_tx_numbered *tx = numbered_of(number);
  if (tx == NULL) {
    return FPOST_TX_UNKNOWN;
  }
  leave(self, tx);
  return FPOST_TX_DONE;
}

enum fpost_tx_answer
fpost_tx_number_range(const struct fpost_thread_state *self, uint64_t number,
                      const void *address, uint64_t size, bool added,
                      uint32_t stack) {
  struct fpost_tx_numbered *tx = numbered_of(number);
  if (tx == NULL) {
    return FPOST_TX_UNKNOWN;
  }
  if ((self->tx.numbered & bit_of(tx)) == 0) {
    return FPOST_TX_FOREIGN;
  }
  uint64_t pm = fpost_heap_pm(address);
  if (pm != FPOST_NO_PM && size != 0 && added) {
    fpost_heap_ranges_add(&tx->ranges, pm, size, stack, 0);
  } else if (pm != FPOST_NO_PM && size != 0) {
    fpost_heap_ranges_remove(&tx->ranges, pm, size);
  }
  return FPOST_TX_DONE;
}
