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
 * another way (fencepost_visit and fencepost_reach say so).
 *
 * With check_heap, a PMEMoid that goes to an object that was freed, and whose
 * memory has not been allocated since, is a finding, too: also one that the
 * program no longer looks at, such as an element of an array behind its end.
 */
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/real.h"
#include "rt/hooks/visitors.h"
#include "rt/os/os.h"

#include <string.h>

/* The upper 16 bits of a raw pointer may be used otherwise. */
#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)
#define WORD ((uint64_t)FENCEPOST_WORD_SIZE)

struct reach {
  const struct fpost_heap_pool *pool;
  uint32_t index;   /* of its file, in pm addresses */
  uint64_t origin;  /* of the library's pool in the file, in bytes */
  uint64_t end;     /* of the file, in bytes */
  uint64_t *starts; /* a bit per word: an object of the pool begins there */
  struct fpost_object **work; /* to be looked at */
  uint32_t work_count;
  bool rooted;
  struct fpost_thread_state *self;
};

/* The search whose visitors run, in this thread. */
static _Thread_local struct reach *visited
    __attribute__((tls_model("initial-exec")));

static bool starts_at(const struct reach *reach, uint64_t offset) {
  uint64_t word = offset / WORD;
  return offset < reach->end && offset % WORD == 0 &&
         (reach->starts[word / 64] >> word % 64 & 1) != 0;
}

static void mark(struct reach *reach, struct fpost_object *object) {
  if (!object->reached) {
    object->reached = true;
    reach->work[reach->work_count++] = object;
  }
}

/* The object of the pool that begins at offset, where a bit says so. */
static struct fpost_object *object_at(const struct reach *reach,
                                      uint64_t offset) {
  return fpost_objects_get(&fpost_context.heap.objects,
                           fpost_pm_address(reach->index, offset));
}

/* The byte at offset of the file is pointed to. */
static void reached_inside(struct reach *reach, uint64_t offset) {
  if (offset >= reach->end) {
    return;
  }
  uint64_t word = offset / WORD;
  uint64_t at = word / 64;
  uint64_t bits = reach->starts[at] & (UINT64_MAX >> (63 - word % 64));
  while (bits == 0 && at > 0) {
    bits = reach->starts[--at];
  }
  if (bits == 0) {
    return;
  }
  uint64_t start = (at * 64 + 63 - (uint64_t)__builtin_clzll(bits)) * WORD;
  struct fpost_object *object = object_at(reach, start);
  if (offset - start < object->size) {
    mark(reach, object);
  }
}

static void reached_exactly(struct reach *reach, uint64_t offset) {
  if (starts_at(reach, offset)) {
    mark(reach, object_at(reach, offset));
  }
}

/* An address, raw, that may be in the pool. */
static void reached_address(struct reach *reach, uintptr_t address) {
  uint64_t pm = address - __fencepost_state.pm_base < __fencepost_state.pm_size
                    ? fpost_heap_pm((const void *)address)
                    : FPOST_NO_PM;
  if (pm != FPOST_NO_PM && fpost_pm_pool(pm) == reach->index) {
    reached_inside(reach, fpost_pm_offset(pm));
  }
}

/* The PMEMoid at offset goes to target. */
static void freed_check(const struct reach *reach, uint64_t offset,
                        uint64_t target) {
  uint64_t pm = fpost_pm_address(reach->index, target);
  if (target >= reach->end || offset >= reach->end ||
      !fpost_heap_is_freed(pm)) {
    return;
  }
  const struct fpost_object *object =
      fpost_objects_get(&fpost_context.heap.objects, pm);
  if (object != NULL && object->state == FPOST_OBJECT_FREED) {
    fpost_heap_report(reach->self,
                      (struct fpost_finding){
                          .class_ = FPOST_CLASS_DANGLING_POINTER,
                          .detail = FPOST_DETAIL_REACHED_AFTER_FREE,
                          .other_stack = object->stack,
                          .address = fpost_pm_address(reach->index, offset),
                          .size = 2 * WORD});
  }
}

/* One word, offset bytes from the pool's file's begin, and the one behind it.
 */
static void word_look(struct reach *reach, uint64_t offset, uint64_t word,
                      uint64_t next) {
  if (word == 0) {
    return;
  }
  reached_address(reach, word & ADDRESS_MASK);
  if (word == reach->pool->id) {
    reached_inside(reach, reach->origin + next);
    if (fpost_context.flags.check_heap) {
      freed_check(reach, offset, reach->origin + next);
    }
  }
  reached_exactly(reach, reach->origin + word);
  reached_exactly(reach, offset + word);
  reached_exactly(reach, offset + word + 1);
}

/* The type number of an object of libpmemobj; 0 of another. */
static uint64_t type_of(const struct reach *reach,
                        const struct fpost_object *object) {
  if (reach->pool->id == 0 || object->root ||
      fpost_real.pmemobj_type_num == NULL) {
    return 0;
  }
  return fpost_real.pmemobj_type_num((struct fpost_oid){
      reach->pool->id, fpost_pm_offset(object->address) - reach->origin});
}

bool fpost_reach_visited(const void *address) {
  if (visited == NULL) {
    return false;
  }
  reached_address(visited, (uintptr_t)address);
  return true;
}

/* Where the object can be read; null: nowhere. An open pool of libpmemobj is
   mapped as a whole, also where the program says that it is no PM. */
static const uint8_t *object_start(const struct reach *reach,
                                   const struct fpost_object *object) {
  if (reach->pool->id != 0 && fpost_pm_pool(object->address) == reach->index) {
    return reach->pool->base +
           (fpost_pm_offset(object->address) - reach->origin);
  }
  const uint8_t *start = fpost_heap_at(object->address);
  const struct fpost_region *region =
      start == NULL
          ? NULL
          : fpost_regions_find(&fpost_context.regions, (uintptr_t)start);
  bool whole = region != NULL && object->size <= region->end - (uintptr_t)start;
  return whole ? start : NULL;
}

static void object_look(struct reach *reach,
                        const struct fpost_object *object) {
  const uint8_t *start = object_start(reach, object);
  uint64_t words = object->size / WORD;
  if (start == NULL) {
    return;
  }
  /* In another file, words are no distances. */
  uint64_t offset = fpost_pm_pool(object->address) == reach->index
                        ? fpost_pm_offset(object->address)
                        : UINT64_MAX / 2;
  uint64_t word = 0;
  for (uint64_t i = 0; i <= words; i++) {
    uint64_t next = 0;
    if (i < words) {
      memcpy(&next, start + i * WORD, WORD);
    }
    if (i > 0) {
      word_look(reach, offset + (i - 1) * WORD, word, next);
    }
    word = next;
  }
  if (fpost_visitors_any()) {
    visited = reach;
    fpost_visitors_call(type_of(reach, object), start, object->size);
    visited = NULL;
  }
}

/* Is it one that may be a leak? */
static bool object_judged(const struct reach *reach,
                          const struct fpost_object *object) {
  return object->state == FPOST_OBJECT_LIVE &&
         fpost_pm_pool(object->address) == reach->index &&
         object->address % WORD == 0;
}

static void objects_start(struct reach *reach) {
  const struct fpost_objects *objects = &fpost_context.heap.objects;
  for (uint32_t i = 0; i < objects->max; i++) {
    struct fpost_object *object = &objects->items[i];
    if (object->state != FPOST_OBJECT_LIVE) {
      continue;
    }
    object->reached = false;
    if (object_judged(reach, object)) {
      uint64_t word = fpost_pm_offset(object->address) / WORD;
      reach->starts[word / 64] |= UINT64_C(1) << word % 64;
      reach->rooted |= object->root;
    }
    if (object->root || !object_judged(reach, object)) {
      mark(reach, object);
    }
  }
}

static void leaks_report(struct fpost_thread_state *self,
                         const struct reach *reach) {
  const struct fpost_objects *objects = &fpost_context.heap.objects;
  for (uint32_t i = 0; i < objects->max; i++) {
    const struct fpost_object *object = &objects->items[i];
    if (object_judged(reach, object) && !object->reached) {
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

void fpost_reach_scan(struct fpost_thread_state *self,
                      const struct fpost_heap_pool *pool) {
  uint64_t pm = fpost_heap_pm(pool->base);
  size_t work_size =
      fpost_context.heap.objects.count * sizeof(struct fpost_object *);
  if (!pool->known || work_size == 0 || pm == FPOST_NO_PM ||
      (!fpost_heap_wants(FPOST_CLASS_LEAK) &&
       !fpost_context.flags.check_heap)) {
    return;
  }
  struct reach reach = {
      .pool = pool,
      .self = self,
      .index = fpost_pm_pool(pm),
      .origin = fpost_pm_offset(pm),
      .end = fpost_context.regions.pools[fpost_pm_pool(pm)].size};
  size_t starts_size = (reach.end / WORD / 64 + 1) * sizeof(uint64_t);
  reach.starts = fpost_os_reserve(starts_size);
  reach.work = fpost_os_reserve(work_size);
  if ((void *)reach.starts != FPOST_OS_FAILED &&
      (void *)reach.work != FPOST_OS_FAILED) {
    objects_start(&reach);
    while (reach.work_count > 0) {
      object_look(&reach, reach.work[--reach.work_count]);
    }
    if (reach.rooted) { /* else the program has not asked for the root */
      leaks_report(self, &reach);
    }
    fpost_os_release(reach.work, work_size);
    fpost_os_release(reach.starts, starts_size);
  }
}
