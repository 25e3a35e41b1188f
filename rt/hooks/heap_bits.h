/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A bit per word of a pool. Offsets and sizes are in bytes. */
#ifndef FPOST_HOOKS_HEAP_BITS_H
#define FPOST_HOOKS_HEAP_BITS_H

#include "fencepost/events.h"

#include <stdbool.h>
#include <stdint.h>

/* Set, or clear, the bits of the words that [offset, offset + size) touches. */
static inline void fpost_bits_set(uint64_t *bits, uint64_t offset,
                                  uint64_t size, bool value) {
  uint64_t at = offset / FENCEPOST_WORD_SIZE;
  uint64_t end =
      (offset + size + FENCEPOST_WORD_SIZE - 1) / FENCEPOST_WORD_SIZE;
  while (at < end) {
    uint64_t room = 64 - at % 64;
    uint64_t count = end - at < room ? end - at : room;
    uint64_t mask = (UINT64_MAX >> (64 - count)) << at % 64;
    bits[at / 64] = value ? bits[at / 64] | mask : bits[at / 64] & ~mask;
    at += count;
  }
}

/* Is one of them set? */
static inline bool fpost_bits_any(const uint64_t *bits, uint64_t offset,
                                  uint64_t size) {
  for (uint64_t at = offset / FENCEPOST_WORD_SIZE;
       at * FENCEPOST_WORD_SIZE < offset + size; at++) {
    if ((bits[at / 64] >> at % 64 & 1) != 0) {
      return true;
    }
  }
  return false;
}

#endif /* FPOST_HOOKS_HEAP_BITS_H */
