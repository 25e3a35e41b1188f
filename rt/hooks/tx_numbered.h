/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Annotated transactions that have a number, as pmemcheck's client requests
 * know them: several threads may be in one, and a thread in several. A store
 * needs to be covered by one of those that its thread is in. All functions
 * return what pmemcheck answers, and are called inside the context.
 */
#ifndef FPOST_HOOKS_TX_NUMBERED_H
#define FPOST_HOOKS_TX_NUMBERED_H

#include "rt/hooks/context.h"

#include <stdbool.h>
#include <stdint.h>

enum fpost_tx_answer {
  FPOST_TX_DONE = 0,
  FPOST_TX_UNKNOWN = 1, /* there is no such transaction */
  FPOST_TX_FOREIGN = 2  /* the thread is not in it */
};

/* The thread begins it, once more if it is under way already. */
enum fpost_tx_answer fpost_tx_number_begin(struct fpost_thread_state *self,
                                           uint64_t number, uint32_t stack);
/* As many ends as begins: it is over for all threads. */
enum fpost_tx_answer fpost_tx_number_end(uint64_t number);
/* The thread is in it from now on, or no longer. */
enum fpost_tx_answer fpost_tx_number_join(struct fpost_thread_state *self,
                                          uint64_t number, uint32_t stack);
enum fpost_tx_answer fpost_tx_number_leave(struct fpost_thread_state *self,
                                           uint64_t number);
/* It covers the size bytes at address, or no longer. */
enum fpost_tx_answer
fpost_tx_number_range(const struct fpost_thread_state *self, uint64_t number,
                      const void *address, uint64_t size, bool added,
                      uint32_t stack);

#endif /* FPOST_HOOKS_TX_NUMBERED_H */
