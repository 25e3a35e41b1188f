/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/hooks/recover_heap.h"

#include "rt/hooks/context.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_run.h"
#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <stdlib.h>
#include <string.h>

#define CHECK_HEAP "FENCEPOST_CHECK_HEAP"
/* Objects of a pool; one with more is not checked. */
#define OBJECTS_MAX (UINT32_C(1) << 22)
/* The exit code of a run that finds something. */
#define EXIT_FOUND 1
#define WORD sizeof(uint64_t)

struct object {
  uint64_t offset;
  uint64_t size;
  bool reached;
};

struct search {
  const struct fpost_heap_pool *pool;
  struct object *objects; /* ascending */
  uint32_t *work;         /* indices of objects to be looked at */
  uint32_t count;
  uint32_t work_count;
};

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
  if (getenv(CHECK_HEAP) == NULL || place == NULL) {
    return;
  }
  struct fpost_oid oid = fpost_real.pmemobj_oid((const char *)pool + WORD);
  *place = (struct fpost_heap_pool){.base = pool, .id = oid.pool};
}

void fpost_recover_heap_root(void *pool, uint64_t offset) {
  struct fpost_heap_pool *place = pool_of(pool);
  if (place != NULL) {
    place->root = offset;
    place->root_size = fpost_real.pmemobj_root_size(pool);
  }
}

static _Noreturn void found(const char *what, uint64_t offset) {
  char bytes[160];
  struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
  fpost_text_add(&text, "fencepost: ");
  fpost_text_add(&text, what);
  fpost_text_add(&text, " at pool+0x");
  fpost_text_add_hex(&text, offset);
  fpost_text_add(&text, "\n");
  fpost_run_say(bytes);
  fpost_os_exit(EXIT_FOUND);
}

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
  if (object != NULL && !object->reached &&
      (!exactly || object->offset == offset)) {
    object->reached = true;
    search->work[search->work_count++] = (uint32_t)(object - search->objects);
  }
}

/* The word at offset, and the one behind it; the forms are those of reach.c. */
static void word_look(struct search *search, uint64_t offset, uint64_t word,
                      uint64_t next) {
  const struct fpost_heap_pool *pool = search->pool;
  bool in_root = next - pool->root < pool->root_size;
  if (word == 0) {
    return;
  }
  if (word == pool->id) {
    struct object *object = object_at(search, next);
    if (object == NULL && next != 0 && !in_root) {
      found("dangling-pointer: a PMEMoid that goes to no object", offset);
    }
    reach(search, object, false, next);
  }
  uint64_t raw = word - (uintptr_t)pool->base;
  reach(search, object_at(search, raw), false, raw);
  reach(search, object_at(search, word), true, word);
  reach(search, object_at(search, offset + word), true, offset + word);
  reach(search, object_at(search, offset + word + 1), true, offset + word + 1);
}

static void range_look(struct search *search, uint64_t offset, uint64_t size) {
  const uint8_t *start = search->pool->base + offset;
  struct fpost_site nowhere = {0, 0};
  uint64_t pair[2];
  for (uint64_t i = 0; i + WORD <= size; i += WORD) {
    bool last = i + 2 * WORD > size;
    fpost_recover_load(start + i, last ? WORD : 2 * WORD, nowhere);
    memcpy(&pair[0], start + i, WORD);
    pair[1] = 0;
    if (!last) {
      memcpy(&pair[1], start + i + WORD, WORD);
    }
    word_look(search, offset + i, pair[0], pair[1]);
  }
  fpost_recover_leave();
}

/* Fill the list of objects; false: too many. */
static bool objects_list(struct search *search) {
  struct fpost_oid oid = fpost_real.pmemobj_first(search->pool->base);
  for (; oid.offset != 0; oid = fpost_real.pmemobj_next(oid)) {
    if (search->count == OBJECTS_MAX) {
      return false;
    }
    search->objects[search->count++] =
        (struct object){.offset = oid.offset,
                        .size = fpost_real.pmemobj_alloc_usable_size(oid)};
  }
  return true;
}

static void pool_search(struct search *search) {
  if (!objects_list(search)) {
    return;
  }
  range_look(search, search->pool->root, search->pool->root_size);
  while (search->work_count > 0) {
    const struct object *object =
        &search->objects[search->work[--search->work_count]];
    range_look(search, object->offset, object->size);
  }
  for (uint32_t i = 0; i < search->count; i++) {
    if (!search->objects[i].reached) {
      found("leak: an object that nothing in the pool reaches",
            search->objects[i].offset);
    }
  }
}

void fpost_recover_heap_closing(void *base) {
  struct fpost_heap_pool *pool = pool_of(base);
  if (pool == NULL) {
    return;
  }
  if (pool->root != 0) {
    struct search search = {
        .pool = pool,
        .objects = fpost_os_reserve(OBJECTS_MAX * sizeof(struct object)),
        .work = fpost_os_reserve(OBJECTS_MAX * sizeof(uint32_t))};
    if ((void *)search.objects != FPOST_OS_FAILED &&
        (void *)search.work != FPOST_OS_FAILED) {
      pool_search(&search);
      fpost_os_release(search.objects, OBJECTS_MAX * sizeof(struct object));
      fpost_os_release(search.work, OBJECTS_MAX * sizeof(uint32_t));
    }
  }
  *pool = (struct fpost_heap_pool){.base = NULL};
}
