/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The request codes are those of pmemcheck's public header (BSD-licensed, made
 * to be compiled into programs); the order never changes there.
 */
#include "rt/hooks/client.h"

#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/tx_numbered.h"

/* Valgrind's own: how many of it are below the program. */
#define RUNNING_ON_VALGRIND UINT64_C(0x1001)

/* 'P', 'C' in the two upper bytes of the low half. */
#define PMC_BASE UINT64_C(0x50430000)

enum request {
  PMC_REGISTER_MAPPING = 0,
  PMC_REGISTER_FILE = 1,
  PMC_REMOVE_MAPPING = 2,
  PMC_CHECK_IS_MAPPING = 3,
  PMC_PRINT_MAPPINGS = 4,
  PMC_DO_FLUSH = 5,
  PMC_DO_FENCE = 6,
  PMC_WRITE_STATS = 8,
  PMC_SET_CLEAN = 17,
  PMC_START_TX = 18,
  PMC_START_TX_N = 19,
  PMC_END_TX = 20,
  PMC_END_TX_N = 21,
  PMC_ADD_TO_TX = 22,
  PMC_ADD_TO_TX_N = 23,
  PMC_REMOVE_FROM_TX = 24,
  PMC_REMOVE_FROM_TX_N = 25,
  PMC_ADD_THREAD_TO_TX_N = 26,
  PMC_REMOVE_THREAD_FROM_TX_N = 27,
  PMC_ADD_TO_GLOBAL_TX_IGNORE = 28,
  PMC_EMIT_LOG = 30
};

/* 1: all of it is PM, 0: nothing, 2: a part (as pmemcheck answers). */
static uint64_t range_is_pm(const char *address, uint64_t size) {
  uint64_t inside = 0;
  uint64_t done = 0;
  while (done < size) {
    const struct fpost_region *region =
        fpost_regions_after(&fpost_context.regions, (uintptr_t)address + done);
    uintptr_t at = (uintptr_t)address + done;
    if (region == NULL || region->start >= (uintptr_t)address + size) {
      break;
    }
    at = region->start > at ? region->start : at;
    uintptr_t end = (uintptr_t)address + size;
    end = region->end < end ? region->end : end;
    inside += end - at;
    done = end - (uintptr_t)address;
  }
  return inside == 0 ? 0 : inside == size ? 1 : 2;
}

/*
 * Flush for those who say so beside doing so: the request follows the flush
 * instructions of the same range in code that serves both; then there is
 * nothing left to flush, and that is no mistake.
 */
static void flush_say(struct fpost_thread_state *self, const char *address,
                      uint64_t size, uint32_t stack) {
  fpost_event_compare(self, address, size, stack);
  const uint8_t *at = (const uint8_t *)address;
  const uint8_t *end = at + size;
  at -= (uintptr_t)at % FENCEPOST_LINE_SIZE;
  while (at < end) {
    if (fpost_event_line_dirty(at)) {
      fpost_event_flush(self, at, FENCEPOST_LINE_SIZE, FENCEPOST_CLWB, stack);
    }
    at += FENCEPOST_LINE_SIZE;
  }
}

/* Transactions without a number, which each thread has of its own. */
static uint64_t transaction(struct fpost_thread_state *self,
                            const uint64_t *words, uint32_t stack) {
  const void *range = (const void *)words[1];
  uint32_t request = words[0] & 0xffff;
  if (request == PMC_START_TX) {
    fpost_tx_begin(self, NULL, stack);
  } else if (self->tx.depth == 0) {
    return FPOST_TX_UNKNOWN;
  } else if (request == PMC_END_TX) {
    fpost_tx_end(self, true);
  } else if (request == PMC_ADD_TO_TX) {
    fpost_tx_add(self, range, words[2], FPOST_TX_ADD_AGAIN, 0, stack);
  } else {
    fpost_tx_remove(self, range, words[2]);
  }
  return FPOST_TX_DONE;
}

/* The number is the first argument. */
static uint64_t numbered(struct fpost_thread_state *self, const uint64_t *words,
                         uint32_t stack) {
  uint64_t number = words[1];
  switch (words[0] & 0xffff) {
  case PMC_START_TX_N:
    return fpost_tx_number_begin(self, number, stack);
  case PMC_END_TX_N:
    return fpost_tx_number_end(number);
  case PMC_ADD_THREAD_TO_TX_N:
    return fpost_tx_number_join(self, number, stack);
  case PMC_REMOVE_THREAD_FROM_TX_N:
    return fpost_tx_number_leave(self, number);
  default:
    return fpost_tx_number_range(self, number, (const void *)words[2], words[3],
                                 (words[0] & 0xffff) == PMC_ADD_TO_TX_N, stack);
  }
}

uint64_t fpost_client_request(struct fpost_thread_state *self,
                              const void *arguments, uint64_t result,
                              uint32_t stack) {
  const uint64_t *words = arguments;
  if (words[0] == RUNNING_ON_VALGRIND && fpost_context.flags.valgrind) {
    return 1;
  }
  if ((words[0] & ~UINT64_C(0xffff)) != PMC_BASE) {
    return result;
  }
  const char *address = (const char *)words[1];
  uint64_t size = words[2];
  switch (words[0] & 0xffff) {
  case PMC_REGISTER_MAPPING:
    fpost_mapping_memory(address, size, FPOST_POOL_API);
    return 0;
  case PMC_REGISTER_FILE: /* descriptor, address, size, offset */
    if ((int)words[1] < 0) {
      return 1;
    }
    fpost_mapping_memory((const void *)words[2], words[3], FPOST_POOL_API);
    return 0;
  case PMC_REMOVE_MAPPING:
    fpost_mapping_gone(address, size);
    return 0;
  case PMC_CHECK_IS_MAPPING:
    return range_is_pm(address, size);
  case PMC_DO_FLUSH:
    flush_say(self, address, size, stack);
    return 0;
  case PMC_DO_FENCE:
    /* Beside a real fence, as above: never redundant. */
    fpost_event_fence(self, FENCEPOST_LOCKED, stack);
    return 0;
  case PMC_SET_CLEAN:
    fpost_event_clean(address, size);
    return 0;
  case PMC_START_TX:
  case PMC_END_TX:
  case PMC_ADD_TO_TX:
  case PMC_REMOVE_FROM_TX:
    return transaction(self, words, stack);
  case PMC_START_TX_N:
  case PMC_END_TX_N:
  case PMC_ADD_TO_TX_N:
  case PMC_REMOVE_FROM_TX_N:
  case PMC_ADD_THREAD_TO_TX_N:
  case PMC_REMOVE_THREAD_FROM_TX_N:
    return numbered(self, words, stack);
  case PMC_ADD_TO_GLOBAL_TX_IGNORE:
    fpost_heap_exempt(address, size);
    return 0;
  case PMC_PRINT_MAPPINGS:
  case PMC_WRITE_STATS:
  case PMC_EMIT_LOG:
    return 0;
  default:
    return result;
  }
}
