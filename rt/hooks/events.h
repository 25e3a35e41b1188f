/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What happens to PM: told to the rules (check) or written to the trace
 * (record). All functions are called inside the context (context.h), with
 * addresses of the program; what lies outside all regions is passed over.
 */
#ifndef FPOST_HOOKS_EVENTS_H
#define FPOST_HOOKS_EVENTS_H

#include "rt/hooks/context.h"
#include "rt/os/os.h"

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

/* Bit of fpost_cell.caller: the content of the line is in the shadow. */
#define FPOST_CELL_KNOWN 1u

/* size bytes at address have been stored. hook-safe */
void fpost_event_store(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t flags, uint32_t stack);

/* Metadata and shadow of the line at address in region will be needed: they are
   seldom in the cache, and the stack can be found meanwhile. hook-safe */
static inline void fpost_event_prefetch(const struct fpost_region *region,
                                        const void *address) {
  uint64_t offset = (uintptr_t)address - region->start + region->offset;
  const struct fpost_pool *pool = region->pool;
  __builtin_prefetch(&pool->cells[offset / FENCEPOST_LINE_SIZE], 1);
  __builtin_prefetch(pool->shadow + offset, 1);
}

/*
 * The store at hand is in another window of the pool (of a huge page's size)
 * than the one before. A window that is visited often, and in use to nearly all
 * of its pages, gets huge pages for its metadata and shadow: random accesses
 * then do not wait for page tables.
 */
void fpost_event_window(struct fpost_pool *pool, uint64_t window);

/*
 * The common case of fpost_event_store, for hooks: check mode, within one line
 * of region that had an event before. False if it is another case: nothing is
 * done. hook-safe
 */
static inline bool fpost_event_store_line(struct fpost_thread_state *self,
                                          const struct fpost_region *region,
                                          const void *address, uint64_t size,
                                          uint32_t flags, uint32_t stack) {
  struct fpost_pool *pool = region->pool;
  uint64_t offset = (uintptr_t)address - region->start + region->offset;
  struct fpost_cell *cell = &pool->cells[offset / FENCEPOST_LINE_SIZE];
  if (FPOST_UNLIKELY(fpost_context.run != FPOST_RUN_CHECK ||
                     size - 1 >=
                         FENCEPOST_LINE_SIZE - offset % FENCEPOST_LINE_SIZE ||
                     cell->caller == 0) ||
      fpost_rules_store(&fpost_context.rules, &self->model, cell,
                        fpost_pm_address(pool->index, offset), (uint32_t)size,
                        flags, stack) != FPOST_OK) {
    return false;
  }
  self->stores++;
  if (FPOST_UNLIKELY(offset / FPOST_OS_HUGE != pool->window)) {
    fpost_event_window(pool, offset / FPOST_OS_HUGE);
  }
  if (FPOST_LIKELY(size == sizeof(uint64_t))) {
    __builtin_memcpy(pool->shadow + offset, address, sizeof(uint64_t));
  } else {
    __builtin_memcpy(pool->shadow + offset, address, size);
  }
  return true;
}

/*
 * The lines of [address, address + size) are about to be flushed, by one
 * instruction or one call. Stores of code without hooks are found first.
 * hook-safe
 */
void fpost_event_flush(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t kind, uint32_t stack);

/* Is any of the line PM, and, as far as check mode knows, not flushed? */
bool fpost_event_line_dirty(const void *line);

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

/*
 * Stores to [address, address + size) do not matter: none ever, or, if it was
 * freed, those up to now.
 */
void fpost_event_unused(const void *address, uint64_t size, bool freed);

/* Is PM to be compared at the end and before an unmap? */
bool fpost_event_compares(void);

/*
 * With full_compare: did code without hooks store to these bytes, as far as
 * their content was known? Then say so, as from stack. Without: count such
 * words.
 */
void fpost_event_compare_known(struct fpost_thread_state *self,
                               const void *address, uint64_t size,
                               uint32_t stack);
/* The same for all PM. */
void fpost_event_compare_all(struct fpost_thread_state *self, uint32_t stack);

/* Did code without hooks store to these bytes? Then say so, as from stack. */
void fpost_event_compare(struct fpost_thread_state *self, const void *address,
                         uint64_t size, uint32_t stack);

#endif /* FPOST_HOOKS_EVENTS_H */
