/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Bookkeeping of transactions and objects, and the findings that follow from it
 * at once. docs/HEAP.md says what is reported and what is not.
 */
#include "rt/hooks/heap_rules.h"

#include "rt/base/assert.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_bits.h"
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/os/os.h"

#include <string.h>

#define WORD ((uint64_t)FENCEPOST_WORD_SIZE)
/* First room of a table; it doubles when full. */
#define RANGES_MIN 1024u
#define ACTIONS_MIN 1024u
#define OBJECTS_MIN 4096u

/* enum pobj_tx_stage: part of libpmemobj's ABI. */
enum { STAGE_NONE, STAGE_WORK, STAGE_ONCOMMIT, STAGE_ONABORT };

void fpost_heap_start(void) {
  const uint32_t ours =
      1u << FPOST_CLASS_UNLOGGED_STORE | 1u << FPOST_CLASS_DUPLICATE_LOG |
      1u << FPOST_CLASS_VOLATILE_POINTER | 1u << FPOST_CLASS_FOREIGN_POINTER |
      1u << FPOST_CLASS_DANGLING_POINTER | 1u << FPOST_CLASS_LEAK;
  /* A trace tells the explorer of objects, races of transactions. */
  fpost_context.heap.off = fpost_context.run == FPOST_RUN_CHECK &&
                           !fpost_races_on &&
                           (fpost_context.heap.enabled & ours) == 0;
}

bool fpost_heap_wants(enum fpost_class class_) {
  return (fpost_context.heap.enabled >> class_ & 1) != 0;
}

void fpost_heap_report(struct fpost_thread_state *self,
                       struct fpost_finding finding) {
  if (fpost_heap_wants(finding.class_)) {
    finding.thread = self->model.id;
    fpost_found(&finding);
  }
}

uint64_t fpost_heap_pm(const void *address) {
  const struct fpost_region *region = fpost_region_at(address);
  return region == NULL ? FPOST_NO_PM
                        : fpost_pm_address(region->pool->index,
                                           (uintptr_t)address - region->start +
                                               region->offset);
}

const uint8_t *fpost_heap_at(uint64_t pm) {
  uint64_t offset = fpost_pm_offset(pm);
  const struct fpost_pool *pool =
      &fpost_context.regions.pools[fpost_pm_pool(pm)];
  const struct fpost_region *region =
      fpost_regions_of(&fpost_context.regions, pool, offset);
  return region == NULL
             ? NULL
             : (const uint8_t *)region->start + (offset - region->offset);
}

/* For the explorer: what becomes of objects. */
static void mark(enum fpost_mark what, uint64_t pm, uint64_t size,
                 uint32_t stack) {
  if (fpost_context.run == FPOST_RUN_RECORD) {
    fpost_record_put(
        &fpost_context.record,
        &(struct fpost_record){
            .kind = FPOST_RECORD_MARK,
            .flags = what,
            .thread = fpost_tls.self == NULL ? 0 : fpost_tls.self->model.id,
            .stack = stack,
            .address = pm,
            .size = size});
  }
}

/* ---- tables that grow ---- */

/* Twice the room for an array, at least min items; its content stays. */
static void *table_grow(void *items, uint32_t *max, uint32_t min, size_t size) {
  uint32_t new_max = *max == 0 ? min : *max * 2;
  FPOST_ASSERT(new_max > *max);
  void *grown = *max == 0 ? fpost_os_reserve(new_max * size)
                          : fpost_os_grow(items, *max * size, new_max * size);
  FPOST_ASSERT(grown != FPOST_OS_FAILED);
  *max = new_max;
  return grown;
}

void fpost_heap_ranges_add(struct fpost_ranges *ranges, uint64_t start,
                           uint64_t size, uint32_t stack, uint32_t kind) {
  while (fpost_ranges_add(
             ranges, (struct fpost_range){start, start + size, stack, kind}) !=
         FPOST_OK) {
    ranges->items = table_grow(ranges->items, &ranges->max, RANGES_MIN,
                               sizeof(*ranges->items));
  }
}

void fpost_heap_ranges_remove(struct fpost_ranges *ranges, uint64_t start,
                              uint64_t size) {
  while (fpost_ranges_remove(ranges, start, start + size) != FPOST_OK) {
    ranges->items = table_grow(ranges->items, &ranges->max, RANGES_MIN,
                               sizeof(*ranges->items));
  }
}

static void action_add(struct fpost_tx *tx, uint64_t address, bool freed,
                       uint32_t stack) {
  if (tx->actions_count == tx->actions_max) {
    tx->actions = table_grow(tx->actions, &tx->actions_max, ACTIONS_MIN,
                             sizeof(*tx->actions));
  }
  tx->actions[tx->actions_count++] =
      (struct fpost_tx_action){address, stack, freed};
}

static void object_put(struct fpost_object object) {
  struct fpost_objects *objects = &fpost_context.heap.objects;
  while (fpost_objects_put(objects, object) != FPOST_OK) {
    struct fpost_objects old = *objects;
    objects->max = old.max == 0 ? OBJECTS_MIN : old.max * 2;
    objects->count = 0;
    objects->items =
        fpost_os_reserve(objects->max * sizeof(struct fpost_object));
    FPOST_ASSERT((void *)objects->items != FPOST_OS_FAILED);
    fpost_objects_move(objects, &old);
    if (old.max != 0) {
      fpost_os_release(old.items, old.max * sizeof(struct fpost_object));
    }
  }
}

/* ---- a bit per word of a pool ---- */

static uint64_t *bits_make(const struct fpost_pool *pool) {
  void *bits = fpost_os_reserve(pool->reserved / WORD / 8);
  FPOST_ASSERT(bits != FPOST_OS_FAILED);
  return bits;
}

bool fpost_heap_is_freed(uint64_t pm) {
  const struct fpost_pool *pool =
      &fpost_context.regions.pools[fpost_pm_pool(pm)];
  return pool->freed != NULL &&
         fpost_bits_any(pool->freed, fpost_pm_offset(pm), 1);
}

/* The object whose freed memory holds pm: freed objects are few steps away. */
static const struct fpost_object *freed_at(uint64_t pm) {
  const uint64_t granule = 16; /* what libpmemobj aligns objects to */
  for (uint64_t at = pm & ~(granule - 1); fpost_heap_is_freed(at);
       at -= granule) {
    const struct fpost_object *object =
        fpost_objects_get(&fpost_context.heap.objects, at);
    if (object != NULL && object->state == FPOST_OBJECT_FREED) {
      return object->address + object->size > pm ? object : NULL;
    }
    if (fpost_pm_offset(at) == 0) {
      break;
    }
  }
  return NULL;
}

/* ---- stores ---- */

/* Does libpmemobj say so too? A transaction may have been aborted inside of
   libpmemobj, which then jumps past us. */
static bool tx_confirmed(struct fpost_thread_state *self, const void *address) {
  if (self->tx.pool == NULL) {
    return true;
  }
  fpost_tx_sync(self);
  return self->tx.active && fpost_real.pmemobj_pool_by_ptr != NULL &&
         fpost_real.pmemobj_pool_by_ptr(address) == self->tx.pool;
}

static void unlogged(struct fpost_thread_state *self, const uint8_t *address,
                     uint64_t pm, uint64_t size, uint32_t stack) {
  uint64_t gap;
  uint64_t gap_end;
  if (!fpost_heap_wants(FPOST_CLASS_UNLOGGED_STORE) ||
      !fpost_ranges_gap(&fpost_context.heap.exempt, pm, pm + size, &gap,
                        &gap_end) ||
      !fpost_ranges_gap(&fpost_context.heap.reserved, gap, gap_end, &gap,
                        &gap_end) ||
      !tx_confirmed(self, address)) {
    return;
  }
  fpost_heap_report(self,
                    (struct fpost_finding){.class_ = FPOST_CLASS_UNLOGGED_STORE,
                                           .store_stack = stack,
                                           .other_stack = self->tx.stack,
                                           .address = gap,
                                           .size = (uint32_t)(gap_end - gap)});
}

/* A store to words that carry a mark: freed, or logged by transactions. */
static void marked(struct fpost_thread_state *self,
                   const struct fpost_region *region, uint64_t pm,
                   uint64_t size, uint32_t flags, uint32_t stack) {
  const struct fpost_pool *pool = region->pool;
  uint64_t offset = fpost_pm_offset(pm);
  uint64_t gap;
  uint64_t gap_end;
  bool freed = pool->freed != NULL && fpost_bits_any(pool->freed, offset, size);
  /* An atomic store is whole by itself, and meant to go past transactions. */
  if (!freed &&
      ((flags & FENCEPOST_STORE_ATOMIC) != 0 || pool->logged == NULL ||
       self->tx.active || !fpost_bits_any(pool->logged, offset, size))) {
    return;
  }
  if (!fpost_ranges_gap(&fpost_context.heap.exempt, pm, pm + size, &gap,
                        &gap_end)) {
    return;
  }
  const struct fpost_object *object = freed ? freed_at(pm) : NULL;
  struct fpost_finding finding = {.class_ = FPOST_CLASS_UNLOGGED_STORE,
                                  .detail = FPOST_DETAIL_OUTSIDE_TX,
                                  .store_stack = stack,
                                  .address = pm,
                                  .size = (uint32_t)size};
  if (freed) {
    finding.class_ = FPOST_CLASS_DANGLING_POINTER;
    finding.detail = FPOST_DETAIL_USED_AFTER_FREE;
    finding.other_stack = object != NULL ? object->stack : 0;
  }
  fpost_heap_report(self, finding);
}

/* The first part of [pm, end) that the thread's transactions do not cover. */
static bool tx_gap(struct fpost_tx *tx, uint64_t pm, uint64_t end,
                   uint64_t *gap, uint64_t *gap_end) {
  while (fpost_ranges_gap(&tx->ranges, pm, end, gap, gap_end)) {
    bool covered = false;
    for (uint64_t left = tx->numbered; left != 0 && !covered;
         left &= left - 1) {
      struct fpost_tx_numbered *other =
          &fpost_context.heap.numbered[__builtin_ctzll(left)];
      pm = *gap_end;
      covered = !fpost_ranges_gap(&other->ranges, *gap, *gap_end, gap, gap_end);
    }
    if (!covered) {
      return true;
    }
  }
  return false;
}

void fpost_heap_stored_slow(struct fpost_thread_state *self,
                            const void *address, uint64_t size, uint32_t flags,
                            uint32_t stack) {
  const struct fpost_region *region = fpost_region_at(address);
  uint64_t gap;
  uint64_t gap_end;
  if (region == NULL || size - 1 >= region->end - (uintptr_t)address) {
    return;
  }
  uint64_t pm = fpost_pm_address(
      region->pool->index, (uintptr_t)address - region->start + region->offset);
  if (self->tx.active && tx_gap(&self->tx, pm, pm + size, &gap, &gap_end)) {
    const uint8_t *at = address;
    unlogged(self, at + (gap - pm), gap, gap_end - gap, stack);
  }
  if (fpost_context.heap.watch) {
    marked(self, region, pm, size, flags, stack);
    fpost_pointers_ids(self, region, address, size, flags, stack);
  }
  if ((flags & FENCEPOST_STORE_POINTER) != 0) {
    fpost_pointers_stored(self, region, address, size, stack);
  }
}

static void exempt(struct fpost_ranges *ranges, const void *address,
                   uint64_t size) {
  uint64_t pm = fpost_heap_pm(address);
  if (pm != FPOST_NO_PM && size != 0) {
    fpost_heap_ranges_add(ranges, pm, size, 0, 0);
  }
}

void fpost_heap_exempt(const void *address, uint64_t size) {
  exempt(&fpost_context.heap.exempt, address, size);
  exempt(&fpost_context.heap.volatile_ok, address, size);
}

void fpost_heap_volatile_ok(const void *address, uint64_t size) {
  exempt(&fpost_context.heap.volatile_ok, address, size);
}

/* ---- transactions ---- */

void fpost_tx_open(struct fpost_thread_state *self, const void *pool,
                   uint32_t stack) {
  struct fpost_tx *tx = &self->tx;
  if (fpost_races_on) {
    fpost_races_tx(true);
  }
  tx->pool = pool;
  tx->stack = stack;
  tx->settled = false;
  tx->actions_count = 0;
  fpost_ranges_clear(&tx->ranges);
  mark(FPOST_MARK_TX, 0, 0, 0);
}

void fpost_tx_begin(struct fpost_thread_state *self, const void *pool,
                    uint32_t stack) {
  struct fpost_tx *tx = &self->tx;
  if (tx->depth++ == 0) {
    fpost_tx_open(self, pool, stack);
  }
  tx->active = true;
}

static void object_free(uint64_t address, uint32_t stack) {
  struct fpost_object *object =
      fpost_objects_get(&fpost_context.heap.objects, address);
  if (object == NULL || object->state == FPOST_OBJECT_FREED) {
    return;
  }
  struct fpost_pool *pool =
      &fpost_context.regions.pools[fpost_pm_pool(address)];
  mark(FPOST_MARK_FREED, address, object->size, stack);
  object->state = FPOST_OBJECT_FREED;
  object->stack = stack;
  object->root = false;
  uint64_t offset = fpost_pm_offset(address);
  if (pool->freed == NULL) {
    pool->freed = bits_make(pool);
  }
  fpost_bits_set(pool->freed, offset, object->size, true);
  if (pool->logged != NULL) {
    fpost_bits_set(pool->logged, offset, object->size, false);
  }
  fpost_context.heap.watch = true;
  fpost_context.heap.frees = true;
}

/* The transaction is over: its allocations and frees are done, or undone. */
static void tx_settle(struct fpost_thread_state *self, bool committed) {
  struct fpost_tx *tx = &self->tx;
  if (tx->settled) {
    return;
  }
  tx->settled = true;
  if (fpost_races_on && self == fpost_tls.self) {
    fpost_races_tx(false);
  }
  for (uint32_t i = 0; i < tx->actions_count; i++) {
    const struct fpost_tx_action *action = &tx->actions[i];
    struct fpost_object *object =
        fpost_objects_get(&fpost_context.heap.objects, action->address);
    if (action->freed == committed) {
      object_free(action->address, action->stack);
    } else if (committed && object != NULL &&
               object->state == FPOST_OBJECT_PENDING) {
      object->state = FPOST_OBJECT_LIVE;
    }
  }
  tx->actions_count = 0;
}

void fpost_tx_end(struct fpost_thread_state *self, bool committed) {
  struct fpost_tx *tx = &self->tx;
  if (tx->depth == 0 || tx->pool != NULL) {
    return;
  }
  if (!committed) {
    tx_settle(self, false);
  }
  if (--tx->depth == 0) {
    fpost_tx_left(self);
  }
}

void fpost_tx_left(struct fpost_thread_state *self) {
  struct fpost_tx *tx = &self->tx;
  if (tx->depth == 0 && tx->numbered == 0) {
    tx_settle(self, true);
    tx->active = false;
  }
}

void fpost_tx_pop(struct fpost_thread_state *self) {
  if (self->tx.depth > 0 && self->tx.pool != NULL) {
    self->tx.depth--;
  }
}

void fpost_tx_sync(struct fpost_thread_state *self) {
  struct fpost_tx *tx = &self->tx;
  if (tx->pool == NULL || fpost_real.pmemobj_tx_stage == NULL) {
    return;
  }
  int stage = fpost_real.pmemobj_tx_stage();
  tx->active = stage == STAGE_WORK || tx->numbered != 0;
  if (stage == STAGE_ONABORT) {
    tx_settle(self, false);
  } else if (stage == STAGE_ONCOMMIT && tx->depth <= 1) {
    tx_settle(self, true);
  } else if (stage == STAGE_NONE && tx->depth == 0) {
    /* Inside another one it means only that the inner one is over. */
    tx_settle(self, false);
    tx->pool = NULL;
  }
}

/* The entry of a place that logs, made if it is new; null: no room. */
static struct fpost_log_place *log_place(uintptr_t pc) {
  struct fpost_heap *heap = &fpost_context.heap;
  if (heap->places == NULL) {
    void *places =
        fpost_os_reserve(FPOST_LOG_PLACES_MAX * sizeof(*heap->places));
    if (places == FPOST_OS_FAILED) {
      return NULL;
    }
    heap->places = places;
  }
  uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15);
  for (uint64_t at = hash >> 32;; at++) {
    struct fpost_log_place *place =
        &heap->places[at & (FPOST_LOG_PLACES_MAX - 1)];
    if (place->pc == pc) {
      return place;
    }
    if (place->pc == 0) {
      if (heap->places_count >= FPOST_LOG_PLACES_MAX / 4 * 3) {
        return NULL;
      }
      heap->places_count++;
      place->pc = pc;
      return place;
    }
  }
}

/* Logs of new objects alone: the place may be meant for old ones that this run
   did not have. */
static bool place_convicted(const struct fpost_log_place *place) {
  bool allocated = place->finding.detail == FPOST_DETAIL_LOG_ALLOCATED;
  return place->needed == 0 && place->needless > (allocated ? 1u : 0u);
}

/* The needed ones as well: a function that is inlined in many places has one
   place in the source, and whoever knows that needs both. */
static void places_report(struct fpost_thread_state *self) {
  struct fpost_heap *heap = &fpost_context.heap;
  uint32_t convicted = 0;
  for (uint32_t i = 0; heap->places_count != 0 && i < FPOST_LOG_PLACES_MAX;
       i++) {
    convicted += place_convicted(&heap->places[i]);
  }
  for (uint32_t i = 0; convicted != 0 && i < FPOST_LOG_PLACES_MAX; i++) {
    if (heap->places[i].needed != 0) {
      fpost_heap_report(
          self, (struct fpost_finding){.class_ = FPOST_CLASS_DUPLICATE_LOG,
                                       .detail = FPOST_DETAIL_LOG_NEEDED,
                                       .other_stack = heap->places[i].stack});
    }
  }
  for (uint32_t i = 0; convicted != 0 && i < FPOST_LOG_PLACES_MAX; i++) {
    if (place_convicted(&heap->places[i])) {
      fpost_heap_report(self, heap->places[i].finding);
    }
  }
}

/* A range was logged that no part of was new, or that some part of was. */
static void logged(const struct fpost_tx *tx, uint64_t pm, uint64_t size,
                   bool needed, uintptr_t pc, uint32_t stack) {
  struct fpost_log_place *place = log_place(pc);
  if (place == NULL) {
    return;
  }
  if (needed) {
    place->needed++;
    place->stack = stack;
    return;
  }
  if (place->needless++ == 0) {
    struct fpost_ranges ranges = tx->ranges;
    const struct fpost_range *first = fpost_ranges_find(&ranges, pm);
    place->finding = (struct fpost_finding){
        .class_ = FPOST_CLASS_DUPLICATE_LOG,
        .detail =
            first->kind != 0 ? FPOST_DETAIL_LOG_ALLOCATED : FPOST_DETAIL_NONE,
        .store_stack = first->stack,
        .other_stack = stack,
        .address = pm,
        .size = (uint32_t)size};
  }
}

void fpost_tx_add(struct fpost_thread_state *self, const void *address,
                  uint64_t size, enum fpost_tx_add how, uintptr_t pc,
                  uint32_t stack) {
  struct fpost_tx *tx = &self->tx;
  uint64_t pm = fpost_heap_pm(address);
  uint64_t gap;
  uint64_t gap_end;
  if (!tx->active || pm == FPOST_NO_PM || size == 0) {
    return;
  }
  bool needed = fpost_ranges_gap(&tx->ranges, pm, pm + size, &gap, &gap_end);
  if (how == FPOST_TX_ADD && fpost_heap_wants(FPOST_CLASS_DUPLICATE_LOG)) {
    logged(tx, pm, size, needed, pc, stack);
  }
  if (!needed) {
    return;
  }
  const struct fpost_object *freed =
      fpost_context.heap.frees && fpost_heap_is_freed(pm) ? freed_at(pm) : NULL;
  if (freed != NULL) {
    fpost_heap_report(
        self, (struct fpost_finding){.class_ = FPOST_CLASS_DANGLING_POINTER,
                                     .detail = FPOST_DETAIL_LOGGED_AFTER_FREE,
                                     .store_stack = stack,
                                     .other_stack = freed->stack,
                                     .address = pm,
                                     .size = (uint32_t)size});
  }
  fpost_heap_ranges_add(&tx->ranges, pm, size, stack, 0);
  struct fpost_pool *pool = &fpost_context.regions.pools[fpost_pm_pool(pm)];
  if (how != FPOST_TX_ADD_UNLOGGED) {
    if (pool->logged == NULL) {
      pool->logged = bits_make(pool);
      fpost_context.heap.watch = true;
    }
    fpost_bits_set(pool->logged, fpost_pm_offset(pm), size, true);
  }
}

void fpost_tx_remove(struct fpost_thread_state *self, const void *address,
                     uint64_t size) {
  uint64_t pm = fpost_heap_pm(address);
  if (pm != FPOST_NO_PM) {
    fpost_heap_ranges_remove(&self->tx.ranges, pm, size);
  }
}

/* ---- objects ---- */

void fpost_heap_made(struct fpost_thread_state *self, const void *address,
                     uint64_t size, enum fpost_made how, uint32_t stack) {
  uint64_t pm = fpost_heap_pm(address);
  if (pm == FPOST_NO_PM || size == 0) {
    return;
  }
  const struct fpost_object *old =
      fpost_objects_get(&fpost_context.heap.objects, pm);
  if (how == FPOST_MADE_ROOT && old != NULL && old->root && old->size == size) {
    return;
  }
  if (how == FPOST_MADE_TX && old != NULL && old->size == size &&
      old->state == FPOST_OBJECT_PENDING) {
    return; /* told by a function that libpmemobj has jumped to from another */
  }
  if (how != FPOST_MADE_BEFORE) {
    mark(how == FPOST_MADE_ROOT ? FPOST_MARK_FOUND : FPOST_MARK_MADE, pm, size,
         stack);
  }
  bool pending = how == FPOST_MADE_TX || how == FPOST_MADE_RESERVED;
  if (how == FPOST_MADE_RESERVED) {
    fpost_heap_ranges_add(&fpost_context.heap.reserved, pm, size, stack, 0);
  } else if (old != NULL && old->state == FPOST_OBJECT_PENDING) {
    fpost_heap_ranges_remove(&fpost_context.heap.reserved, pm, old->size);
  }
  if (fpost_races_on && (pending || how == FPOST_MADE_NOW)) {
    fpost_races_forget(address, size);
  }
  object_put((struct fpost_object){
      .address = pm,
      .size = size,
      .stack = stack,
      .root = how == FPOST_MADE_ROOT ||
              (old != NULL && old->root && how == FPOST_MADE_BEFORE),
      .state = pending ? FPOST_OBJECT_PENDING : FPOST_OBJECT_LIVE});
  struct fpost_pool *pool = &fpost_context.regions.pools[fpost_pm_pool(pm)];
  if (pool->freed != NULL) {
    fpost_bits_set(pool->freed, fpost_pm_offset(pm), size, false);
  }
  if (pool->logged != NULL && how != FPOST_MADE_ROOT) {
    fpost_bits_set(pool->logged, fpost_pm_offset(pm), size, false);
  }
  if (self->tx.active && how != FPOST_MADE_BEFORE && how != FPOST_MADE_ROOT) {
    /* Nobody can have reached it before: a store to it needs no log. */
    fpost_heap_ranges_add(&self->tx.ranges, pm, size, stack, 1);
  }
  if (how == FPOST_MADE_TX) {
    action_add(&self->tx, pm, false, stack);
  }
}

/* Where the thread's transaction has freed the object already; null: it has
   not. */
static const struct fpost_tx_action *freed_by(const struct fpost_tx *tx,
                                              uint64_t address) {
  for (uint32_t i = tx->settled ? 0 : tx->actions_count; i-- > 0;) {
    if (tx->actions[i].address == address && tx->actions[i].freed) {
      return &tx->actions[i];
    }
  }
  return NULL;
}

void fpost_heap_freeing(struct fpost_thread_state *self, const void *address,
                        uint32_t stack) {
  uint64_t pm = fpost_heap_pm(address);
  const struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object == NULL) {
    return;
  }
  bool freed = object->state == FPOST_OBJECT_FREED && fpost_heap_is_freed(pm);
  const struct fpost_tx_action *action = freed_by(&self->tx, pm);
  if (freed || action != NULL) {
    fpost_heap_report(self,
                      (struct fpost_finding){
                          .class_ = FPOST_CLASS_DANGLING_POINTER,
                          .detail = FPOST_DETAIL_FREED_TWICE,
                          .store_stack = stack,
                          .other_stack = freed ? object->stack : action->stack,
                          .address = pm,
                          .size = (uint32_t)object->size});
  }
}

void fpost_heap_published(struct fpost_thread_state *self, const void *address,
                          bool tx, uint32_t stack) {
  uint64_t pm = fpost_heap_pm(address);
  struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object == NULL) {
    return;
  }
  if (object->state == FPOST_OBJECT_PENDING) {
    fpost_heap_ranges_remove(&fpost_context.heap.reserved, pm, object->size);
    if (tx) {
      fpost_heap_ranges_add(&self->tx.ranges, pm, object->size, object->stack,
                            1);
      action_add(&self->tx, pm, false, object->stack);
    } else {
      object->state = FPOST_OBJECT_LIVE;
    }
  } else { /* its free was deferred */
    fpost_heap_freeing(self, address, stack);
    fpost_heap_freed(self, address, tx, stack);
  }
}

void fpost_heap_cancelled(const void *address) {
  uint64_t pm = fpost_heap_pm(address);
  const struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object != NULL && object->state == FPOST_OBJECT_PENDING) {
    fpost_heap_ranges_remove(&fpost_context.heap.reserved, pm, object->size);
    object_free(pm, object->stack);
  }
}

/* Did the transaction allocate the object? Then that is undone at once. */
static bool action_undo(struct fpost_tx *tx, uint64_t address) {
  for (uint32_t i = tx->actions_count; i-- > 0;) {
    if (tx->actions[i].address == address) {
      bool made = !tx->actions[i].freed;
      if (made) {
        tx->actions[i] = tx->actions[--tx->actions_count];
      }
      return made;
    }
  }
  return false;
}

void fpost_heap_freed(struct fpost_thread_state *self, const void *address,
                      bool tx, uint32_t stack) {
  uint64_t pm = fpost_heap_pm(address);
  const struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (pm == FPOST_NO_PM ||
      (object != NULL && object->state == FPOST_OBJECT_FREED)) {
    return; /* the memory may be allocated again before the transaction ends */
  }
  if (tx && self->tx.depth != 0 && !action_undo(&self->tx, pm)) {
    action_add(&self->tx, pm, true, stack);
  } else {
    object_free(pm, stack);
  }
}

bool fpost_heap_knows(const void *address) {
  uint64_t pm = fpost_heap_pm(address);
  return pm != FPOST_NO_PM &&
         fpost_objects_get(&fpost_context.heap.objects, pm) != NULL;
}

void fpost_heap_found(const void *address) {
  uint64_t pm = fpost_heap_pm(address);
  struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object != NULL && !object->root) {
    mark(FPOST_MARK_FOUND, pm, object->size, 0);
    object->root = true;
  }
}

void fpost_heap_pointer(struct fpost_thread_state *self, const void *field,
                        const void *target, uint32_t stack) {
  const struct fpost_region *found = fpost_region_at(field);
  if (found != NULL) {
    struct fpost_region from = *found;
    fpost_pointers_value(self, &from, fpost_heap_pm(field), (uintptr_t)target,
                         stack);
    fpost_heap_found(target);
  }
}

/* ---- pools of libpmemobj ---- */

static struct fpost_heap_pool *pool_at(const void *base) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    if (fpost_context.heap.pools[i].base == base) {
      return &fpost_context.heap.pools[i];
    }
  }
  return NULL;
}

void fpost_heap_opened(const void *base, uint64_t id) {
  struct fpost_heap_pool *pool = pool_at(NULL);
  if (pool == NULL || pool_at(base) != NULL ||
      fpost_heap_pm(base) == FPOST_NO_PM) {
    return;
  }
  *pool = (struct fpost_heap_pool){.base = base, .id = id, .known = true};
  fpost_context.heap.pools_count += id != 0;
  if (fpost_context.heap.pools_count > 1) {
    fpost_context.heap.watch = true;
  }
}

void fpost_heap_unknown(const void *base) {
  struct fpost_heap_pool *pool = pool_at(base);
  if (pool != NULL) {
    pool->known = false;
  }
}

void fpost_heap_closing(struct fpost_thread_state *self, const void *base) {
  struct fpost_heap_pool *pool = pool_at(base);
  if (pool != NULL) {
    fpost_reach_scan(self, pool);
    *pool = (struct fpost_heap_pool){.base = NULL};
    fpost_context.heap.pools_count--;
  }
}

void fpost_heap_end(struct fpost_thread_state *self) {
  places_report(self);
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    if (fpost_context.heap.pools[i].base != NULL) {
      fpost_reach_scan(self, &fpost_context.heap.pools[i]);
    }
  }
}

const void *fpost_heap_direct(uint64_t id, uint64_t offset) {
  for (uint32_t i = 0; id != 0 && i < FPOST_HEAP_POOLS_MAX; i++) {
    const struct fpost_heap_pool *pool = &fpost_context.heap.pools[i];
    if (pool->base != NULL && pool->id == id) {
      return pool->base + offset;
    }
  }
  return NULL;
}
