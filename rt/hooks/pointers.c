/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What stored pointers point to. The kernel's list of mappings is read when a
 * pointer goes to an address that was in none of them the last time; addresses
 * that are nowhere are not looked up again and again.
 */
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/maps.h"
#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <string.h>

#define EXTENTS_MAX 65536u
/* User space ends here: what is above is no address. */
#define ADDRESS_END (UINT64_C(1) << 47)
/* Misses up to this number lead to a look each, then every power of two. */
#define MISSES_LOOKED_AT 64u
/* The offset of an object is a multiple of it, in libpmemobj. */
#define OBJECT_ALIGN 16u

static void extent_add(void *unused, const struct fpost_maps_line *line) {
  (void)unused;
  if (fpost_context.heap.extents_count < EXTENTS_MAX) {
    fpost_context.heap.extents[fpost_context.heap.extents_count++] =
        (struct fpost_extent){.start = line->start,
                              .end = line->end,
                              .code = line->code,
                              .file = line->inode != 0};
  }
}

static void mappings_read(void) {
  if (fpost_context.heap.extents == NULL) {
    void *items = fpost_os_reserve(EXTENTS_MAX * sizeof(struct fpost_extent));
    if (items == FPOST_OS_FAILED) {
      return;
    }
    fpost_context.heap.extents = items;
  }
  fpost_context.heap.extents_count = 0;
  fpost_maps_each(extent_add, NULL);
}

static const struct fpost_extent *mapping_search(uintptr_t address) {
  uint32_t low = 0;
  uint32_t high = fpost_context.heap.extents_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (fpost_context.heap.extents[middle].end > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low < fpost_context.heap.extents_count &&
                 fpost_context.heap.extents[low].start <= address
             ? &fpost_context.heap.extents[low]
             : NULL;
}

static const struct fpost_extent *mapping_find(uintptr_t address) {
  const struct fpost_extent *found = mapping_search(address);
  if (found == NULL) {
    uint64_t misses = ++fpost_context.heap.extents_misses;
    if (misses <= MISSES_LOOKED_AT || (misses & (misses - 1)) == 0) {
      mappings_read();
      found = mapping_search(address);
    }
  }
  return found;
}

/* Which sort of volatile memory is it? */
static enum fpost_detail detail_of(const struct fpost_extent *mapping,
                                   uintptr_t address) {
  if (fpost_modules_find(&fpost_context.modules, address) !=
      FPOST_MODULE_NONE) {
    return mapping->code ? FPOST_DETAIL_TO_CODE : FPOST_DETAIL_TO_GLOBAL;
  }
  if (mapping->code) {
    return FPOST_DETAIL_TO_CODE;
  }
  for (uint32_t i = 0; i < fpost_context.threads_count; i++) {
    uintptr_t top = fpost_context.threads[i].stack_top;
    if (top > mapping->start && top - 1 < mapping->end && address < top) {
      return FPOST_DETAIL_TO_STACK;
    }
  }
  return mapping->file ? FPOST_DETAIL_TO_MAPPING : FPOST_DETAIL_TO_HEAP;
}

static bool pointer_meant(uint64_t pm) {
  return fpost_ranges_find(&fpost_context.heap.volatile_ok, pm) != NULL;
}

/* All of the heap is PM, by an option: the heap holds addresses of functions
   and variables, by the thousand, that nobody calls a mistake. */
static bool pool_holds_heap(const struct fpost_pool *pool) {
  uint32_t only = fpost_context.flags.only;
  return pool->heap && (only >> FPOST_CLASS_VOLATILE_POINTER & 1) == 0;
}

static void volatile_check(struct fpost_thread_state *self,
                           const struct fpost_pool *pool, uint64_t pm,
                           uintptr_t value, uint32_t stack) {
  if (!fpost_heap_wants(FPOST_CLASS_VOLATILE_POINTER) ||
      pool_holds_heap(pool)) {
    return;
  }
  const struct fpost_extent *mapping = mapping_find(value);
  if (mapping != NULL && !pointer_meant(pm)) {
    fpost_heap_report(
        self, (struct fpost_finding){.class_ = FPOST_CLASS_VOLATILE_POINTER,
                                     .detail = detail_of(mapping, value),
                                     .store_stack = stack,
                                     .address = pm,
                                     .size = sizeof(value)});
  }
}

/* A pointer that goes to PM. */
static void pm_check(struct fpost_thread_state *self,
                     const struct fpost_region *from,
                     const struct fpost_region *to, uint64_t pm,
                     uintptr_t value, uint32_t stack) {
  uint64_t target =
      fpost_pm_address(to->pool->index, value - to->start + to->offset);
  struct fpost_finding finding = {.class_ = FPOST_CLASS_FOREIGN_POINTER,
                                  .store_stack = stack,
                                  .address = pm,
                                  .size = sizeof(value)};
  if (to->pool != from->pool && !pointer_meant(pm) &&
      !pool_holds_heap(from->pool)) {
    fpost_heap_report(self, finding);
  }
  if (!fpost_context.heap.frees || !fpost_heap_is_freed(target)) {
    return;
  }
  const struct fpost_object *object =
      fpost_objects_get(&fpost_context.heap.objects, target);
  if (object != NULL && object->state == FPOST_OBJECT_FREED) {
    finding.class_ = FPOST_CLASS_DANGLING_POINTER;
    finding.detail = FPOST_DETAIL_STORED_AFTER_FREE;
    finding.other_stack = object->stack;
    fpost_heap_report(self, finding);
  }
}

void fpost_pointers_value(struct fpost_thread_state *self,
                          const struct fpost_region *from, uint64_t pm,
                          uintptr_t value, uint32_t stack) {
  if (value < FPOST_POOL_PAGE || value >= ADDRESS_END) {
    return;
  }
  const struct fpost_region *to =
      fpost_regions_find(&fpost_context.regions, value);
  if (to != NULL) {
    pm_check(self, from, to, pm, value, stack);
  } else {
    volatile_check(self, from->pool, pm, value, stack);
  }
}

void fpost_pointers_stored(struct fpost_thread_state *self,
                           const struct fpost_region *region,
                           const void *address, uint64_t size, uint32_t stack) {
  const struct fpost_region from = *region; /* it may be the cached one */
  uint64_t pm = fpost_pm_address(from.pool->index,
                                 (uintptr_t)address - from.start + from.offset);
  for (uint64_t i = 0; i + sizeof(uintptr_t) <= size; i += sizeof(uintptr_t)) {
    uintptr_t value;
    memcpy(&value, (const uint8_t *)address + i, sizeof(value));
    fpost_pointers_value(self, &from, pm + i, value, stack);
  }
}

/* ---- PMEMoids ---- */

/* The pool of libpmemobj that address lies in, or null. */
static const struct fpost_heap_pool *
pool_of(const struct fpost_region *region) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    const struct fpost_heap_pool *pool = &fpost_context.heap.pools[i];
    if (pool->base != NULL &&
        (uintptr_t)pool->base - region->start < region->end - region->start) {
      return pool;
    }
  }
  return NULL;
}

static bool id_is_foreign(const struct fpost_heap_pool *own, uint64_t id) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    const struct fpost_heap_pool *pool = &fpost_context.heap.pools[i];
    if (pool->base != NULL && pool != own && pool->id == id && id != 0) {
      return true;
    }
  }
  return false;
}

/* The word is the offset of a PMEMoid: is the object freed? */
static const struct fpost_object *id_freed(const struct fpost_heap_pool *own,
                                           const uint64_t *word) {
  if (*word < FPOST_POOL_PAGE || *word % OBJECT_ALIGN != 0 || own->id == 0 ||
      word[-1] != own->id) {
    return NULL;
  }
  uint64_t target = fpost_heap_pm(own->base + *word);
  if (target == FPOST_NO_PM || !fpost_heap_is_freed(target)) {
    return NULL;
  }
  const struct fpost_object *object =
      fpost_objects_get(&fpost_context.heap.objects, target);
  return object != NULL && object->state == FPOST_OBJECT_FREED ? object : NULL;
}

/*
 * Stores of one or two words only, and no copies of blocks: arrays and
 * structures hold what is no longer in use as well.
 */
void fpost_pointers_ids(struct fpost_thread_state *self,
                        const struct fpost_region *region, const void *address,
                        uint64_t size, uint32_t flags, uint32_t stack) {
  if ((flags & FENCEPOST_STORE_BLOCK) != 0 || (size != 8 && size != 16) ||
      (uintptr_t)address % 8 != 0 || (uintptr_t)address - region->start < 8) {
    return;
  }
  bool frees = fpost_context.heap.frees;
  if (!frees && fpost_context.heap.pools_count < 2) {
    return;
  }
  uint64_t pm = fpost_pm_address(
      region->pool->index, (uintptr_t)address - region->start + region->offset);
  const struct fpost_heap_pool *own = pool_of(region);
  const uint64_t *words = address;
  for (uint64_t i = 0; own != NULL && i < size / 8; i++) {
    if (fpost_context.heap.pools_count > 1 && words[i] != own->id &&
        id_is_foreign(own, words[i]) && !pointer_meant(pm + i * 8)) {
      fpost_heap_report(
          self, (struct fpost_finding){.class_ = FPOST_CLASS_FOREIGN_POINTER,
                                       .detail = FPOST_DETAIL_OTHER_POOL_ID,
                                       .store_stack = stack,
                                       .address = pm + i * 8,
                                       .size = 16});
    }
    const struct fpost_object *freed = frees ? id_freed(own, &words[i]) : NULL;
    if (freed != NULL) {
      fpost_heap_report(
          self, (struct fpost_finding){.class_ = FPOST_CLASS_DANGLING_POINTER,
                                       .detail = FPOST_DETAIL_STORED_AFTER_FREE,
                                       .store_stack = stack,
                                       .other_stack = freed->stack,
                                       .address = pm + i * 8,
                                       .size = 8});
    }
  }
}
