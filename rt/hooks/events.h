/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What happens to PM: told to the rules (check) or written to the trace
 * (record). All functions are called inside the context (context.h), with
 * addresses of the program; what lies outside all regions is passed over.
 */
#ifndef FPOST_HOOKS_EVENTS_H
#define FPOST_HOOKS_EVENTS_H

#include "rt/hooks/context.h"

#include <stdbool.h>
#include <stdint.h>

/* The pool at address, by the cached region or a search; null if it is not PM.
   hook-safe */
static inline const struct fpost_region *fpost_region_at(const void *address) {
  struct fpost_region *last = &fpost_context.last;
  uintptr_t at = (uintptr_t)address;
  if (FPOST_LIKELY(at - last->start < last->end - last->start)) {
    return last;
  }
  const struct fpost_region *found =
      fpost_regions_find(&fpost_context.regions, at);
  if (found != NULL) {
    *last = *found;
  }
  return found;
}

/* size bytes at address have been stored. hook-safe */
void fpost_event_store(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t flags, uint32_t stack);

/*
 * The lines of [address, address + size) are about to be flushed, by one
 * instruction or one call. Stores of code without hooks are found first.
 * hook-safe
 */
void fpost_event_flush(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t kind, uint32_t stack);

/* hook-safe */
void fpost_event_fence(struct fpost_thread_state *self, uint32_t kind,
                       uint32_t stack);

/* [address, address + size) is durable: msync. */
void fpost_event_durable(struct fpost_thread_state *self, const void *address,
                         uint64_t size, uint32_t stack);

/* The whole pool is durable: fsync of its file. */
void fpost_event_durable_pool(struct fpost_thread_state *self,
                              struct fpost_pool *pool, uint32_t stack);

/* size bytes at address, all in PM, hold what the medium holds: no store of
   them is outstanding, and the present content is the known one (set clean). */
void fpost_event_clean(const void *address, uint64_t size);

/* The kernel wrote size bytes to the pool's file at offset: as a store, where
   the pool is mapped. */
void fpost_event_written(struct fpost_thread_state *self,
                         struct fpost_pool *pool, uint64_t offset,
                         const void *bytes, uint64_t size, uint32_t stack);

/* Stores to [address, address + size) do not matter. */
void fpost_event_ignore(const void *address, uint64_t size);

/* Did code without hooks store to these bytes? Then say so, as from stack. */
void fpost_event_compare(struct fpost_thread_state *self, const void *address,
                         uint64_t size, uint32_t stack);

#endif /* FPOST_HOOKS_EVENTS_H */
