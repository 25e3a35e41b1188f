/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What of a pool's objects can be reached from its root. Every aligned word of
 * an object that is reached is taken for a pointer if it can be one:
 *
 *   a raw pointer                 anywhere into an object
 *   a PMEMoid (two words)         anywhere into an object
 *   an offset in the pool         to the first byte of an object
 *   a distance from the word      to the first byte of an object
 *                                 (libpmemobj++'s self-relative pointers)
 *
 * so that an object that is called a leak is one, if no pointer is encoded in
 * another way (fencepost_reach says so).
 */
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/os/os.h"

#include <string.h>

/* The upper 16 bits of a raw pointer may be used otherwise. */
#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

struct reach {
  const struct fpost_heap_pool *pool;
  struct fpost_object **live; /* of all pools, ascending */
  uint32_t *work;             /* indices of objects to be looked at */
  uint32_t live_count;
  uint32_t work_count;
};

static void down(struct fpost_object **objects, uint32_t at, uint32_t count) {
  for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count &&
        objects[child + 1]->address > objects[child]->address) {
      child++;
    }
    if (objects[at]->address >= objects[child]->address) {
      return;
    }
    struct fpost_object *swapped = objects[at];
    objects[at] = objects[child];
    objects[child] = swapped;
  }
}

/* By address, without memory of its own. */
static void objects_sort(struct fpost_object **objects, uint32_t count) {
  for (uint32_t i = count / 2; i-- > 0;) {
    down(objects, i, count);
  }
  for (uint32_t i = count; i-- > 1;) {
    struct fpost_object *largest = objects[0];
    objects[0] = objects[i];
    objects[i] = largest;
    down(objects, 0, i);
  }
}

/* The index of the first object behind pm. */
static uint32_t behind(const struct reach *reach, uint64_t pm) {
  uint32_t low = 0;
  uint32_t high = reach->live_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (reach->live[middle]->address > pm) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

static void mark(struct reach *reach, uint32_t index) {
  struct fpost_object *object = reach->live[index];
  if (!object->reached) {
    object->reached = true;
    reach->work[reach->work_count++] = index;
  }
}

/* Something points to the PM address pm. */
static void reached(struct reach *reach, uint64_t pm, bool inside) {
  uint32_t index = pm == FPOST_NO_PM ? 0 : behind(reach, pm);
  if (index == 0) {
    return;
  }
  const struct fpost_object *object = reach->live[index - 1];
  if (inside ? pm - object->address < object->size : pm == object->address) {
    mark(reach, index - 1);
  }
}

/* Where an address lies, if it is in PM. Without the cache of the last region,
   which would go to and fro. */
static uint64_t pm_of(uintptr_t address) {
  const struct fpost_region *region =
      fpost_regions_find(&fpost_context.regions, address);
  return region == NULL
             ? FPOST_NO_PM
             : fpost_pm_address(region->pool->index,
                                address - region->start + region->offset);
}

/* An object of the table that is at this very address and alive. */
static void reached_exactly(struct reach *reach, uintptr_t address) {
  uint64_t pm = pm_of(address);
  const struct fpost_object *object =
      pm == FPOST_NO_PM ? NULL
                        : fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object != NULL && object->state == FPOST_OBJECT_LIVE &&
      !object->reached) {
    reached(reach, pm, false);
  }
}

static void word_look(struct reach *reach, const uint8_t *at, uint64_t word,
                      uint64_t next) {
  if (word == 0) {
    return;
  }
  uintptr_t base = (uintptr_t)reach->pool->base;
  reached(reach, pm_of(word & ADDRESS_MASK), true);
  const uint8_t *named = fpost_heap_direct(word, next);
  if (named != NULL) {
    reached(reach, pm_of((uintptr_t)named), true);
  }
  reached_exactly(reach, base + word);
  reached_exactly(reach, (uintptr_t)at + word);
  reached_exactly(reach, (uintptr_t)at + word + 1);
}

static void object_look(struct reach *reach,
                        const struct fpost_object *object) {
  const uint8_t *start = fpost_heap_at(object->address);
  uint64_t words = object->size / 8;
  const struct fpost_region *region =
      start == NULL
          ? NULL
          : fpost_regions_find(&fpost_context.regions, (uintptr_t)start);
  if (region == NULL || object->size > region->end - (uintptr_t)start) {
    return;
  }
  for (uint64_t i = 0; i < words; i++) {
    uint64_t pair[2] = {0, 0};
    memcpy(pair, start + i * 8, i + 1 < words ? 16 : 8);
    word_look(reach, start + i * 8, pair[0], pair[1]);
  }
}

/* Is the object in the memory of the pool of libpmemobj? */
static bool object_of(const struct fpost_heap_pool *pool,
                      const struct fpost_object *object) {
  return fpost_pm_pool(fpost_heap_pm(pool->base)) ==
         fpost_pm_pool(object->address);
}

static void leaks_report(struct fpost_thread_state *self,
                         const struct reach *reach) {
  for (uint32_t i = 0; i < reach->live_count; i++) {
    const struct fpost_object *object = reach->live[i];
    if (!object->reached && object_of(reach->pool, object)) {
      fpost_heap_report(
          self, (struct fpost_finding){.class_ = FPOST_CLASS_LEAK,
                                       .detail = object->stack == 0
                                                     ? FPOST_DETAIL_OLD_LEAK
                                                     : FPOST_DETAIL_NONE,
                                       .other_stack = object->stack,
                                       .address = object->address,
                                       .size = (uint32_t)object->size});
    }
  }
}

static uint32_t live_collect(struct fpost_object **live) {
  const struct fpost_objects *objects = &fpost_context.heap.objects;
  uint32_t count = 0;
  for (uint32_t i = 0; i < objects->max; i++) {
    if (objects->items[i].state == FPOST_OBJECT_LIVE) {
      objects->items[i].reached = false;
      live[count++] = &objects->items[i];
    }
  }
  return count;
}

void fpost_reach_scan(struct fpost_thread_state *self,
                      const struct fpost_heap_pool *pool) {
  uint32_t max = fpost_context.heap.objects.count;
  bool rooted = false;
  if (!pool->known || max == 0 || fpost_heap_pm(pool->base) == FPOST_NO_PM ||
      !fpost_heap_wants(FPOST_CLASS_LEAK)) {
    return;
  }
  struct reach reach = {.pool = pool};
  reach.live = fpost_os_reserve(max * sizeof(struct fpost_object *));
  reach.work = fpost_os_reserve(max * sizeof(uint32_t));
  if ((void *)reach.live == FPOST_OS_FAILED ||
      (void *)reach.work == FPOST_OS_FAILED) {
    return;
  }
  reach.live_count = live_collect(reach.live);
  objects_sort(reach.live, reach.live_count);
  for (uint32_t i = 0; i < reach.live_count; i++) {
    if (reach.live[i]->root || !object_of(pool, reach.live[i])) {
      mark(&reach, i);
      rooted |= reach.live[i]->root && object_of(pool, reach.live[i]);
    }
  }
  while (reach.work_count > 0) {
    object_look(&reach, reach.live[reach.work[--reach.work_count]]);
  }
  if (rooted) { /* else the program has not asked for the root */
    leaks_report(self, &reach);
  }
  fpost_os_release(reach.live, max * sizeof(struct fpost_object *));
  fpost_os_release(reach.work, max * sizeof(uint32_t));
}
