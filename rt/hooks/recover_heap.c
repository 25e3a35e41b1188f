/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/hooks/recover_heap.h"

#include "rt/hooks/context.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_run.h"
#include "rt/hooks/recover_threads.h"
#include "rt/hooks/text.h"
#include "rt/hooks/visitors.h"
#include "rt/os/os.h"

#include <errno.h>
#include <string.h>

/* First room of a table; it doubles when full. */
#define OBJECTS_MIN (UINT32_C(1) << 12)
/* The exit code of a replay that finds something. */
#define EXIT_FOUND 1
#define WORD sizeof(uint64_t)

enum { STAGE_NONE }; /* of enum pobj_tx_stage */

struct object {
  uint64_t offset;
  uint64_t size;
  bool reached;
  bool held; /* not reached, but an object that is not either points to it */
};

struct search {
  const struct fpost_heap_pool *pool;
  const struct fpost_view *view;
  uint64_t origin;        /* of the pool in its file, bytes */
  struct object *objects; /* ascending */
  uint32_t *work;         /* indices of objects to be looked at */
  uint32_t count;
  uint32_t max;
  uint32_t work_count;
  bool holders;                /* of objects that are not reached: look for
                                  which others they hold */
  struct fpost_plan_object at; /* what is looked at now */
};

/* Addresses that the program has declared to be reached. */
static const void **declared;
static uint32_t declared_count;
static uint32_t declared_max;
static bool looking;
/* The search whose visitors run. */
static struct search *under_way;

static struct fpost_heap_pool *pool_of(const void *base) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    if (fpost_context.heap.pools[i].base == base) {
      return &fpost_context.heap.pools[i];
    }
  }
  return NULL;
}

void fpost_recover_heap_opened(void *pool) {
  struct fpost_heap_pool *place = pool_of(NULL);
  if (fpost_run.plan->heap_mode == FPOST_PLAN_HEAP_OFF || fpost_run.forked) {
    return;
  }
  if (place == NULL) {
    fpost_run_flag(FPOST_RUN_HEAP_SIZE);
    return;
  }
  struct fpost_oid oid = fpost_real.pmemobj_oid((const char *)pool + WORD);
  *place = (struct fpost_heap_pool){.base = pool, .id = oid.pool};
}

/* Room for one more item; false: there is no memory. */
static bool room(void **items, uint32_t count, uint32_t *max, size_t size) {
  if (count < *max) {
    return true;
  }
  uint32_t more = *max == 0 ? OBJECTS_MIN : *max * 2;
  void *grown = more <= *max ? FPOST_OS_FAILED
                : *max == 0  ? fpost_os_reserve(more * size)
                             : fpost_os_grow(*items, *max * size, more * size);
  if (grown == FPOST_OS_FAILED) {
    fpost_run_flag(FPOST_RUN_HEAP_SIZE);
    return false;
  }
  *items = grown;
  *max = more;
  return true;
}

/* ---- what is found ---- */

static uint64_t pm_of(const struct search *search, uint64_t offset) {
  return fpost_pm_address((uint32_t)(search->view - fpost_run.views),
                          search->origin + offset);
}

/* Replay: nobody reads the plan. */
static _Noreturn void found_aloud(const struct fpost_plan_heap *heap,
                                  const struct fpost_plan_object *object) {
  char bytes[256];
  struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
  fpost_text_add(&text, heap->field == 0
                            ? "fencepost: leak: nothing reaches the object"
                            : "fencepost: dangling-pointer: no object is where "
                              "the PMEMoid at pool+");
  if (heap->field != 0) {
    fpost_text_add_hex(&text, fpost_pm_offset(heap->field));
    fpost_text_add(&text, " goes to,");
  }
  fpost_text_add(&text, " at pool+");
  fpost_text_add_hex(&text, fpost_pm_offset(heap->object));
  fpost_text_add(&text,
                 heap->field == 0 ? ", type " : "; it is in one of type ");
  fpost_text_add_number(&text, object->type);
  fpost_text_add(&text, "\n");
  fpost_run_say(bytes);
  fpost_os_exit(EXIT_FOUND);
}

static void found(const struct search *search, uint64_t target, uint64_t field,
                  struct fpost_plan_object object) {
  struct fpost_plan *plan = fpost_run.plan;
  struct fpost_plan_heap heap = {.object = pm_of(search, target),
                                 .field =
                                     field == 0 ? 0 : pm_of(search, field)};
  if (fpost_plan_heap_place(plan, &heap)->object != 0) {
    return;
  }
  object.address = pm_of(search, object.address);
  if (plan->request == FPOST_PLAN_MAIN) {
    found_aloud(&heap, &object);
  }
  for (uint32_t i = 0; i < plan->heap_count; i++) {
    if (plan->heap[i].object == heap.object &&
        plan->heap[i].field == heap.field) {
      return;
    }
  }
  if (plan->heap_count < FPOST_PLAN_HEAP_MAX) {
    plan->heap[plan->heap_count] = heap;
    plan->heap_objects[plan->heap_count++] = object;
  }
}

/* ---- reaching ---- */

/* The object that holds the byte at offset, or null. */
static struct object *object_at(const struct search *search, uint64_t offset) {
  uint32_t low = 0;
  uint32_t high = search->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (search->objects[middle].offset > offset) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  struct object *object = low == 0 ? NULL : &search->objects[low - 1];
  return object != NULL && offset - object->offset < object->size ? object
                                                                  : NULL;
}

static void reach(struct search *search, struct object *object, bool exactly,
                  uint64_t offset) {
  if (object == NULL || object->reached ||
      (exactly && object->offset != offset)) {
    return;
  }
  if (search->holders) {
    object->held = object->held || object->offset != search->at.address;
    return;
  }
  object->reached = true;
  search->work[search->work_count++] = (uint32_t)(object - search->objects);
}

static bool in_root(const struct search *search, uint64_t offset) {
  return offset - search->pool->root < search->pool->root_size;
}

/* The word at offset, and the one behind it; the forms are those of reach.c. */
static void word_look(struct search *search, uint64_t offset, uint64_t word,
                      uint64_t next) {
  const struct fpost_heap_pool *pool = search->pool;
  if (word == 0) {
    return;
  }
  if (word == pool->id) {
    struct object *object = object_at(search, next);
    if (object == NULL && next != 0 && !in_root(search, next) &&
        !search->holders) {
      found(search, next, offset, search->at);
    }
    reach(search, object, false, next);
  }
  uint64_t raw = word - (uintptr_t)pool->base;
  reach(search, object_at(search, raw), false, raw);
  reach(search, object_at(search, word), true, word);
  reach(search, object_at(search, offset + word), true, offset + word);
  reach(search, object_at(search, offset + word + 1), true, offset + word + 1);
}

static void object_look(struct search *search) {
  const uint64_t offset = search->at.address;
  const uint8_t *start = search->pool->base + offset;
  struct fpost_site nowhere = {0, 0};
  uint64_t words[FPOST_RUN_PAGE / WORD + 1] = {0};
  const uint64_t piece = FPOST_RUN_PAGE;
  for (uint64_t i = 0; i < search->at.size; i += piece) {
    uint64_t left = search->at.size - i;
    /* One word more: a PMEMoid may lie across. */
    uint64_t size = left < piece + WORD ? left : piece + WORD;
    fpost_recover_load(start + i, size, nowhere);
    memcpy(words, start + i, size);
    fpost_recover_leave();
    for (uint64_t at = 0; at < piece && at + WORD <= size; at += WORD) {
      bool last = at + 2 * WORD > size;
      word_look(search, offset + i + at, words[at / WORD],
                last ? 0 : words[at / WORD + 1]);
    }
  }
  if (fpost_visitors_any()) {
    under_way = search;
    fpost_visitors_call(search->at.type, start, search->at.size);
    under_way = NULL;
    fpost_recover_leave();
  }
}

static void look(struct search *search, const struct object *object) {
  struct fpost_oid oid = {search->pool->id, object->offset};
  search->at =
      (struct fpost_plan_object){.address = object->offset,
                                 .size = object->size,
                                 .type = fpost_real.pmemobj_type_num(oid)};
  object_look(search);
}

/* ---- a pool ---- */

/* Fill the list of objects; false: no memory, or not as expected. */
static bool objects_list(struct search *search) {
  struct fpost_oid oid = fpost_real.pmemobj_first(search->pool->base);
  uint64_t end = 0;
  for (; oid.offset != 0; oid = fpost_real.pmemobj_next(oid)) {
    void *objects = search->objects;
    if (oid.offset < end ||
        !room(&objects, search->count, &search->max, sizeof(struct object))) {
      fpost_run_flag(FPOST_RUN_HEAP_SIZE);
      return false;
    }
    search->objects = objects;
    uint64_t size = fpost_real.pmemobj_alloc_usable_size(oid);
    end = oid.offset + size;
    search->objects[search->count++] =
        (struct object){.offset = oid.offset, .size = size};
  }
  search->work = search->count == 0
                     ? NULL
                     : fpost_os_reserve(search->count * sizeof(uint32_t));
  if ((void *)search->work == FPOST_OS_FAILED) {
    fpost_run_flag(FPOST_RUN_HEAP_SIZE);
    return false;
  }
  return true;
}

static void declared_reach(struct search *search) {
  for (uint32_t i = 0; i < declared_count; i++) {
    uint64_t offset = (uintptr_t)declared[i] - (uintptr_t)search->pool->base;
    reach(search, object_at(search, offset), false, offset);
  }
}

static void leak_report(const struct search *search,
                        const struct object *object) {
  struct fpost_oid oid = {search->pool->id, object->offset};
  found(search, object->offset, 0,
        (struct fpost_plan_object){.address = object->offset,
                                   .size = object->size,
                                   .type = fpost_real.pmemobj_type_num(oid)});
}

/* Of a list that nothing reaches its first element is the leak. */
static void leaks_report(struct search *search) {
  uint32_t heads = 0;
  search->holders = true;
  for (uint32_t i = 0; i < search->count; i++) {
    if (!search->objects[i].reached) {
      look(search, &search->objects[i]);
    }
  }
  for (uint32_t i = 0; i < search->count; i++) {
    const struct object *object = &search->objects[i];
    if (!object->reached && !object->held) {
      leak_report(search, object);
      heads++;
    }
  }
  for (uint32_t i = 0; heads == 0 && i < search->count; i++) {
    if (!search->objects[i].reached) { /* they hold each other */
      leak_report(search, &search->objects[i]);
      heads++;
    }
  }
}

static void pool_search(struct search *search) {
  search->at = (struct fpost_plan_object){.address = search->pool->root,
                                          .size = search->pool->root_size,
                                          .root = 1};
  object_look(search);
  declared_reach(search);
  while (search->work_count > 0) {
    look(search, &search->objects[search->work[--search->work_count]]);
  }
  leaks_report(search);
}

static void pool_look(struct fpost_heap_pool *pool) {
  const struct fpost_mapping *mapping = fpost_run_find((uintptr_t)pool->base);
  pool->root_size = fpost_real.pmemobj_root_size((void *)(uintptr_t)pool->base);
  if (pool->root_size == 0 || mapping == NULL || mapping->view->adopted) {
    return; /* objects are found in another way, if there are any */
  }
  struct fpost_oid root =
      fpost_real.pmemobj_root((void *)(uintptr_t)pool->base, pool->root_size);
  pool->root = root.offset;
  struct search search = {.pool = pool,
                          .view = mapping->view,
                          .origin = (uintptr_t)pool->base - mapping->address +
                                    mapping->offset};
  looking = true;
  if (objects_list(&search)) {
    pool_search(&search);
    fpost_os_release(search.work, search.count * sizeof(uint32_t));
  }
  looking = false;
  fpost_os_release(search.objects, search.max * sizeof(struct object));
}

void fpost_recover_heap_closing(void *base) {
  struct fpost_heap_pool *pool = base == NULL ? NULL : pool_of(base);
  int error = errno;
  if (pool == NULL) {
    return;
  }
  uint32_t mode = fpost_run.plan->heap_mode;
  if (!fpost_run.forked && fpost_real.pmemobj_tx_stage() == STAGE_NONE) {
    if (mode == FPOST_PLAN_HEAP_READ || fpost_run.rule == FPOST_CHOICE_LAST) {
      pool_look(pool);
    } else if (fpost_recover_threads_alive()) {
      fpost_run_flag(FPOST_RUN_HEAP_THREADS);
    } else if (fpost_view_aside_begin()) {
      pool_look(pool);
      fpost_view_aside_end();
    } else {
      fpost_run_flag(FPOST_RUN_HEAP_SIZE);
    }
  }
  *pool = (struct fpost_heap_pool){.base = NULL};
  errno = error;
}

void fpost_recover_heap_end(void) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    fpost_recover_heap_closing(
        (void *)(uintptr_t)fpost_context.heap.pools[i].base);
  }
}

/* ---- what the program says ---- */

void fpost_recover_heap_reach(const void *address) {
  if (under_way != NULL) {
    struct search *search = under_way;
    uint64_t offset = (uintptr_t)address - (uintptr_t)search->pool->base;
    struct object *object = object_at(search, offset);
    if (object == NULL && !in_root(search, offset) && !search->holders &&
        fpost_run_find((uintptr_t)address) != NULL) {
      found(search, offset, search->at.address, search->at);
    }
    reach(search, object, false, offset);
    return;
  }
  /* libpmemobj's functions, which we call, call each other by way of us. */
  if (fpost_run.plan->heap_mode == FPOST_PLAN_HEAP_OFF || looking) {
    return;
  }
  void *items = (void *)declared;
  if (room(&items, declared_count, &declared_max, sizeof(*declared))) {
    declared = items;
    declared[declared_count++] = address;
  }
}

void fpost_recover_heap_found(struct fpost_oid oid) {
  for (uint32_t i = 0; i < FPOST_HEAP_POOLS_MAX; i++) {
    const struct fpost_heap_pool *pool = &fpost_context.heap.pools[i];
    if (pool->base != NULL && pool->id == oid.pool) {
      fpost_recover_heap_reach(pool->base + oid.offset);
    }
  }
}
