/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One line of PM, as the runtime knows it. Its content is *known* once its
 * bytes are in the shadow: from the start if the file had nothing there, else
 * from the first event on. A line that is flushed before it is known is taken
 * for stored: nobody flushes for nothing, and which words were stored cannot be
 * found any more.
 */
#include "rt/hooks/events.h"

#include "rt/base/assert.h"
#include "rt/base/bytes.h"
#include "rt/hooks/races.h"
#include "rt/os/os.h"

#include <string.h>

#define LINE ((uint64_t)FENCEPOST_LINE_SIZE)
/* Of the 512 pages of a window, so many must be in use to make it huge: 3 % of
   its memory may be lost. */
#define WINDOW_PAGES_MIN 496u
/* Visits of a window before that is looked at: a program that fills its pool
   once from front to end does not pay for the copy. */
#define WINDOW_VISITS 128u
/* Pages whose being there is asked for at once. */
#define PAGES_ASKED 64u
/* Ranges from this size on are looked at by page before by line. */
#define BY_PAGE_MIN (UINT64_C(16) * FPOST_POOL_PAGE)

static struct fpost_cell *cell_at(const struct fpost_pool *pool,
                                  uint64_t offset) {
  return &pool->cells[offset / LINE];
}

/* The pages of a window that are in use. */
static uint64_t window_pages(const struct fpost_pool *pool, uint64_t window) {
  const uint64_t *bits =
      &pool->touched[window * FPOST_OS_HUGE / FPOST_POOL_PAGE / 64];
  uint64_t count = 0;
  for (uint64_t i = 0; i < FPOST_OS_HUGE / FPOST_POOL_PAGE / 64; i++) {
    count += (uint64_t)__builtin_popcountll(bits[i]);
  }
  return count;
}

static void window_huge(struct fpost_pool *pool, uint64_t window, bool now) {
  uint64_t start = window * FPOST_OS_HUGE;
  if (start + FPOST_OS_HUGE <= pool->reserved) {
    fpost_os_make_huge(&pool->cells[start / LINE], now);
    fpost_os_make_huge(&pool->shadow[start], now);
    pool->visits[window] = UINT16_MAX;
  }
}

void fpost_event_window(struct fpost_pool *pool, uint64_t window) {
  pool->window = window;
  uint16_t *visits = &pool->visits[window];
  if (*visits == UINT16_MAX || ++*visits < WINDOW_VISITS) {
    return;
  }
  *visits = 0;
  if (window_pages(pool, window) >= WINDOW_PAGES_MIN) {
    window_huge(pool, window, true);
  }
}

/*
 * A page is in use that was not. If its window is full now, and the next one is
 * empty, the pool is being filled, and the next window will be full as well: it
 * gets huge pages before anything of it is read.
 */
static void page_touch(struct fpost_pool *pool, uint64_t offset) {
  uint64_t next = offset / FPOST_OS_HUGE + 1;
  fpost_pool_bit_set(pool->touched, offset);
  if (window_pages(pool, next - 1) == WINDOW_PAGES_MIN &&
      (next + 1) * FPOST_OS_HUGE <= pool->size &&
      window_pages(pool, next) == 0) {
    window_huge(pool, next, false);
  }
}

/* First event of a line: was its content known? Then remember that there was
   one, and that its page has one. */
static bool cell_touch(struct fpost_pool *pool, struct fpost_cell *cell,
                       uint64_t offset) {
  if (!fpost_pool_bit(pool->touched, offset)) {
    page_touch(pool, offset);
  }
  cell->caller = FPOST_CELL_KNOWN;
  return !pool->all_unknown && (fpost_context.run == FPOST_RUN_RECORD ||
                                !fpost_pool_bit(pool->initial, offset));
}

/* More room for a thread's pending flushes. */
static void pending_grow(struct fpost_thread *thread, uint64_t needed) {
  uint64_t max = thread->pending_max == 0 ? FPOST_PENDING_MIN
                                          : UINT64_C(2) * thread->pending_max;
  while (max < thread->pending_count + needed) {
    max *= 2;
  }
  FPOST_ASSERT(max <= UINT32_MAX);
  size_t size = sizeof(struct fpost_pending);
  void *list = thread->pending_max == 0
                   ? fpost_os_reserve(max * size)
                   : fpost_os_grow(thread->pending, thread->pending_max * size,
                                   max * size);
  FPOST_ASSERT(list != FPOST_OS_FAILED);
  thread->pending = list;
  thread->pending_max = (uint32_t)max;
}

static void rules_store(struct fpost_thread_state *self,
                        struct fpost_cell *cell, uint64_t address,
                        uint32_t size, uint32_t flags, uint32_t stack) {
  while (FPOST_UNLIKELY(fpost_rules_store(&fpost_context.rules, &self->model,
                                          cell, address, size, flags,
                                          stack) != FPOST_OK)) {
    pending_grow(&self->model, 1);
  }
}

/* Bytes of one line were stored; live is where they can be read. */
static void line_store(struct fpost_thread_state *self, struct fpost_pool *pool,
                       uint64_t offset, const uint8_t *live, uint32_t size,
                       uint32_t flags, uint32_t stack) {
  struct fpost_cell *cell = cell_at(pool, offset);
  uint8_t *shadow = pool->shadow + offset;
  if (FPOST_UNLIKELY(cell->caller == 0) && !cell_touch(pool, cell, offset)) {
    uint64_t before = offset % LINE;
    memcpy(shadow - before, live - before, LINE);
  }
  rules_store(self, cell, fpost_pm_address(pool->index, offset), size, flags,
              stack);
  if (FPOST_LIKELY(size == 8)) {
    memcpy(shadow, live, 8);
  } else {
    memcpy(shadow, live, size);
  }
}

static void record_store(struct fpost_thread_state *self,
                         struct fpost_pool *pool, uint64_t offset,
                         const uint8_t *live, uint64_t size, uint32_t flags,
                         uint32_t stack) {
  /* What a crash does not show. */
  flags &= ~(uint32_t)(FENCEPOST_STORE_POINTER | FENCEPOST_STORE_BLOCK);
  while (size > 0) {
    uint64_t part = size < FPOST_STORE_MAX ? size : FPOST_STORE_MAX;
    fpost_record_put(
        &fpost_context.record,
        &(struct fpost_record){.kind = FPOST_RECORD_STORE,
                               .thread = self->model.id,
                               .flags = flags,
                               .stack = stack,
                               .address = fpost_pm_address(pool->index, offset),
                               .size = part,
                               .data = live,
                               .data_size = part});
    memcpy(pool->shadow + offset, live, part);
    offset += part;
    live += part;
    size -= part;
  }
}

/* Record mode with race rules: these ask the cells what is guaranteed. The
   shadow has been seen to. */
static void cells_store(struct fpost_thread_state *self,
                        struct fpost_pool *pool, uint64_t offset, uint64_t size,
                        uint32_t flags, uint32_t stack) {
  while (size > 0) {
    uint64_t room = LINE - offset % LINE;
    uint64_t part = size < room ? size : room;
    struct fpost_cell *cell = cell_at(pool, offset);
    fpost_pool_bit_set(pool->touched, offset);
    cell->caller = FPOST_CELL_KNOWN;
    rules_store(self, cell, fpost_pm_address(pool->index, offset),
                (uint32_t)part, flags, stack);
    offset += part;
    size -= part;
  }
}

/* A store that lies in one region. */
static void region_store(struct fpost_thread_state *self,
                         const struct fpost_region *region,
                         const uint8_t *address, uint64_t size, uint32_t flags,
                         uint32_t stack) {
  struct fpost_pool *pool = region->pool;
  uint64_t offset = (uintptr_t)address - region->start + region->offset;
  self->stores++;
  if (FPOST_UNLIKELY(fpost_context.run != FPOST_RUN_CHECK)) {
    record_store(self, pool, offset, address, size, flags, stack);
    if (fpost_races_on) {
      cells_store(self, pool, offset, size, flags, stack);
    }
    return;
  }
  uint64_t room = LINE - offset % LINE;
  while (FPOST_UNLIKELY(size > room)) {
    line_store(self, pool, offset, address, (uint32_t)room, flags, stack);
    offset += room;
    address += room;
    size -= room;
    room = LINE;
  }
  line_store(self, pool, offset, address, (uint32_t)size, flags, stack);
}

/* The part of [*address, *address + *size) that lies in one region, taken off
   its front; null if nothing of it is PM. */
static const struct fpost_region *region_take(const uint8_t **address,
                                              uint64_t *size,
                                              const uint8_t **part,
                                              uint64_t *part_size) {
  if (*size == 0) {
    return NULL;
  }
  const struct fpost_region *region = fpost_region_at(*address);
  if (FPOST_UNLIKELY(region == NULL)) {
    region = fpost_regions_after(&fpost_context.regions, (uintptr_t)*address);
    if (region == NULL || region->start - (uintptr_t)*address >= *size) {
      return NULL;
    }
    uint64_t skipped = region->start - (uintptr_t)*address;
    *address += skipped;
    *size -= skipped;
  }
  uint64_t room = region->end - (uintptr_t)*address;
  *part = *address;
  *part_size = *size < room ? *size : room;
  *address += *part_size;
  *size -= *part_size;
  return region;
}

void fpost_event_store(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t flags, uint32_t stack) {
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &part_size)) != NULL) {
    region_store(self, region, part, part_size, flags, stack);
    if (FPOST_UNLIKELY(fpost_races_on)) {
      fpost_races_store(self, region, part, part_size, flags, stack);
    }
  }
}

/* Words of the line that differ from the shadow: stores that nobody reported.
 */
static void line_found(struct fpost_thread_state *self, struct fpost_pool *pool,
                       uint64_t offset, const uint8_t *live, uint32_t stack) {
  for (uint32_t i = 0; i < LINE; i += FENCEPOST_WORD_SIZE) {
    if (memcmp(live + i, pool->shadow + offset + i, FENCEPOST_WORD_SIZE) == 0) {
      continue;
    }
    self->stores++;
    if (fpost_context.run == FPOST_RUN_CHECK) {
      line_store(self, pool, offset + i, live + i, FENCEPOST_WORD_SIZE,
                 FENCEPOST_STORE_FOUND, stack);
    } else {
      record_store(self, pool, offset + i, live + i, FENCEPOST_WORD_SIZE,
                   FENCEPOST_STORE_FOUND, stack);
    }
  }
}

/* Compare one line; offset is that of its first byte. */
static inline void line_compare(struct fpost_thread_state *self,
                                struct fpost_pool *pool, uint64_t offset,
                                const uint8_t *live, uint32_t stack) {
  if (fpost_context.run == FPOST_RUN_CHECK) {
    struct fpost_cell *cell = cell_at(pool, offset);
    if (FPOST_UNLIKELY(cell->caller == 0) && !cell_touch(pool, cell, offset)) {
      rules_store(self, cell, fpost_pm_address(pool->index, offset), LINE,
                  FENCEPOST_STORE_FOUND, stack);
      memcpy(pool->shadow + offset, live, LINE);
      return;
    }
  }
  const uint8_t *shadow = pool->shadow + offset;
  uint64_t differs = 0;
  for (uint32_t i = 0; i < LINE; i += 8) {
    uint64_t a;
    uint64_t b;
    memcpy(&a, live + i, 8);
    memcpy(&b, shadow + i, 8);
    differs |= a ^ b;
  }
  if (FPOST_UNLIKELY(differs != 0)) {
    line_found(self, pool, offset, live, stack);
  }
}

/* Widen a range of a region to whole lines; lines that the region holds in part
   only are left out. */
static void lines_widen(const struct fpost_region *region, const uint8_t **part,
                        uint64_t *size) {
  uintptr_t start = (uintptr_t)*part & ~(uintptr_t)(LINE - 1);
  uintptr_t end =
      ((uintptr_t)*part + *size + LINE - 1) & ~(uintptr_t)(LINE - 1);
  start += start < region->start ? LINE : 0;
  end -= end > region->end ? LINE : 0;
  *size = end > start ? end - start : 0;
  *part += start - (uintptr_t)*part;
}

static void region_compare(struct fpost_thread_state *self,
                           const struct fpost_region *region,
                           const uint8_t *part, uint64_t size, uint32_t stack) {
  uint64_t offset = (uintptr_t)part - region->start + region->offset;
  for (uint64_t i = 0; i + LINE <= size; i += LINE) {
    line_compare(self, region->pool, offset + i, part + i, stack);
  }
}

static void region_flush(struct fpost_thread_state *self,
                         const struct fpost_region *region, const uint8_t *part,
                         uint64_t size, uint32_t kind, uint32_t stack) {
  struct fpost_pool *pool = region->pool;
  const uint8_t *lines = part;
  uint64_t lines_size = size;
  lines_widen(region, &lines, &lines_size);
  region_compare(self, region, lines, lines_size, stack);
  uint64_t offset = (uintptr_t)part - region->start + region->offset;
  self->flushes++;
  if (FPOST_LIKELY(fpost_context.run == FPOST_RUN_CHECK) || fpost_races_on) {
    struct fpost_cell *cell = cell_at(pool, offset);
    while (FPOST_UNLIKELY(
        fpost_rules_flush(&fpost_context.rules, &self->model, cell,
                          fpost_pm_address(pool->index, offset), size, kind,
                          stack) != FPOST_OK)) {
      pending_grow(&self->model, size / LINE + 2);
    }
  }
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_flush(pool, offset, size, kind);
  }
  if (FPOST_LIKELY(fpost_context.run == FPOST_RUN_CHECK)) {
    return;
  }
  fpost_record_put(
      &fpost_context.record,
      &(struct fpost_record){.kind = FPOST_RECORD_FLUSH,
                             .thread = self->model.id,
                             .flags = kind,
                             .stack = stack,
                             .address = fpost_pm_address(pool->index, offset),
                             .size = size});
}

/*
 * The lines of [address, address + size), of which regions hold parts: all
 * parts of a line are flushed, those that were not asked for only if there is
 * anything to flush.
 */
static void parts_flush(struct fpost_thread_state *self, const uint8_t *address,
                        uint64_t size, uint32_t kind, uint32_t stack) {
  const uint8_t *at = address - (uintptr_t)address % LINE;
  const uint8_t *end = address + size;
  uint64_t left = ((uint64_t)(end - at) + LINE - 1) & ~(uint64_t)(LINE - 1);
  uint64_t last = UINT64_MAX; /* line flushed last: its pm address / LINE */
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &left, &part, &part_size)) != NULL) {
    struct fpost_pool *pool = region->pool;
    uint64_t offset = (uintptr_t)part - region->start + region->offset;
    if (fpost_pm_address(pool->index, offset) / LINE == last) {
      uint64_t rest = LINE - offset % LINE;
      if (rest >= part_size) {
        continue;
      }
      part += rest;
      part_size -= rest;
      offset += rest;
    }
    last = fpost_pm_address(pool->index, offset + part_size - 1) / LINE;
    bool asked = part < end && part + part_size > address;
    if (asked || fpost_context.run != FPOST_RUN_CHECK ||
        cell_at(pool, offset)->dirty != 0) {
      region_flush(self, region, part, part_size, kind, stack);
    }
  }
}

void fpost_event_flush(struct fpost_thread_state *self, const void *address,
                       uint64_t size, uint32_t kind, uint32_t stack) {
  uintptr_t start = (uintptr_t)address & ~(uintptr_t)(LINE - 1);
  uintptr_t end =
      ((uintptr_t)address + size + LINE - 1) & ~(uintptr_t)(LINE - 1);
  const struct fpost_region *region = fpost_region_at(address);
  if (FPOST_LIKELY(region != NULL && region->start <= start &&
                   region->end >= end && size != 0)) {
    region_flush(self, region, address, size, kind, stack);
  } else if (size != 0) {
    parts_flush(self, address, size, kind, stack);
  }
}

bool fpost_event_line_dirty(const void *line) {
  const uint8_t *at = line;
  uint64_t left = LINE;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  bool dirty = false;
  while ((region = region_take(&at, &left, &part, &part_size)) != NULL) {
    uint64_t offset = (uintptr_t)part - region->start + region->offset;
    dirty = dirty || fpost_context.run != FPOST_RUN_CHECK ||
            cell_at(region->pool, offset)->dirty != 0;
  }
  return dirty;
}

static uint64_t words_differing(const uint8_t *live, const uint8_t *shadow,
                                uint64_t size) {
  uint64_t count = 0;
  for (uint64_t i = 0; i + FENCEPOST_WORD_SIZE <= size;
       i += FENCEPOST_WORD_SIZE) {
    count += memcmp(live + i, shadow + i, FENCEPOST_WORD_SIZE) != 0;
  }
  return count;
}

static bool shadow_empty(const struct fpost_pool *pool, uint64_t offset) {
  return !fpost_pool_bit(pool->touched, offset) &&
         !fpost_pool_bit(pool->initial, offset);
}

/* Is [part, part + size), at most a page, as the shadow has it? A page of the
   shadow that is read gets memory. */
static bool page_same(const struct fpost_pool *pool, uint64_t offset,
                      const uint8_t *part, uint64_t size) {
  return shadow_empty(pool, offset) && shadow_empty(pool, offset + size - 1)
             ? fpost_bytes_zero(part, size)
             : memcmp(part, pool->shadow + offset, size) == 0;
}

/* The lines of [part, part + size), which lie in one page. */
static void page_compare(struct fpost_thread_state *self,
                         const struct fpost_region *region, const uint8_t *part,
                         uint64_t size, uint32_t stack) {
  struct fpost_pool *pool = region->pool;
  uint64_t offset = (uintptr_t)part - region->start + region->offset;
  if (page_same(pool, offset, part, size)) {
    return;
  }
  if (!fpost_context.flags.full_compare) {
    fpost_context.unseen += words_differing(part, pool->shadow + offset, size);
    return;
  }
  for (uint64_t i = 0; i + LINE <= size; i += LINE) {
    bool known = fpost_context.run != FPOST_RUN_CHECK ||
                 cell_at(pool, offset + i)->caller != 0 ||
                 (!pool->all_unknown && !fpost_pool_bit(pool->initial, offset));
    if (known) {
      line_compare(self, pool, offset + i, part + i, stack);
    }
  }
}

bool fpost_event_compares(void) {
  return fpost_context.run == FPOST_RUN_RECORD ||
         (fpost_context.run == FPOST_RUN_CHECK &&
          fpost_context.flags.full_compare);
}

void fpost_event_compare_known(struct fpost_thread_state *self,
                               const void *address, uint64_t size,
                               uint32_t stack) {
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t left;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &left)) != NULL) {
    lines_widen(region, &part, &left);
    while (left > 0) {
      uint64_t into = (uintptr_t)part % FPOST_POOL_PAGE;
      uint64_t pages = (into + left + FPOST_POOL_PAGE - 1) / FPOST_POOL_PAGE;
      uint8_t there[PAGES_ASKED];
      pages = pages < PAGES_ASKED ? pages : PAGES_ASKED;
      fpost_os_resident(part - into, pages, there);
      for (uint64_t i = 0; i < pages; i++, into = 0) {
        uint64_t step = FPOST_POOL_PAGE - into;
        step = step < left ? step : left;
        if (there[i]) { /* reading a hole would fill it */
          page_compare(self, region, part, step, stack);
        }
        part += step;
        left -= step;
      }
    }
  }
}

void fpost_event_compare_all(struct fpost_thread_state *self, uint32_t stack) {
  for (uint32_t i = 0; i < fpost_context.regions.count; i++) {
    const struct fpost_region *region = &fpost_context.regions.regions[i];
    fpost_event_compare_known(self, (const void *)region->start,
                              region->end - region->start, stack);
  }
}

void fpost_event_fence(struct fpost_thread_state *self, uint32_t kind,
                       uint32_t stack) {
  if (FPOST_UNLIKELY(fpost_context.flags.full_compare)) {
    fpost_event_compare_all(self, stack);
  }
  self->fences++;
  if (FPOST_LIKELY(fpost_context.run == FPOST_RUN_CHECK) || fpost_races_on) {
    fpost_rules_fence(&fpost_context.rules, &self->model, kind, stack);
  }
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_fence();
    fpost_races_barrier(kind);
  }
  if (FPOST_LIKELY(fpost_context.run == FPOST_RUN_CHECK)) {
    return;
  }
  fpost_record_put(&fpost_context.record,
                   &(struct fpost_record){.kind = FPOST_RECORD_FENCE,
                                          .thread = self->model.id,
                                          .flags = kind,
                                          .stack = stack});
}

void fpost_event_compare(struct fpost_thread_state *self, const void *address,
                         uint64_t size, uint32_t stack) {
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &part_size)) != NULL) {
    lines_widen(region, &part, &part_size);
    if (part_size < BY_PAGE_MIN) {
      region_compare(self, region, part, part_size, stack);
      continue;
    }
    while (part_size > 0) {
      uint64_t step =
          FPOST_POOL_PAGE - ((uintptr_t)part & (FPOST_POOL_PAGE - 1));
      step = step < part_size ? step : part_size;
      uint64_t offset = (uintptr_t)part - region->start + region->offset;
      const uint8_t *page = part - ((uintptr_t)part & (FPOST_POOL_PAGE - 1));
      /* A file's hole reads as zero; reading it here would fill it. */
      uint8_t there;
      fpost_os_resident(page, 1, &there);
      if (there && (fpost_context.run == FPOST_RUN_CHECK ||
                    memcmp(part, region->pool->shadow + offset, step) != 0)) {
        region_compare(self, region, part, step, stack);
      }
      part += step;
      part_size -= step;
    }
  }
}

/* The touched lines of [offset, offset + size) of a pool have nothing
   outstanding. */
static void pool_durable(struct fpost_pool *pool, uint64_t offset,
                         uint64_t size) {
  uint64_t end = offset + size;
  for (offset &= ~(LINE - 1); offset < end; offset += LINE) {
    if (!fpost_pool_bit(pool->touched, offset)) {
      offset |= FPOST_POOL_PAGE - LINE;
      continue;
    }
    struct fpost_cell *cell = cell_at(pool, offset);
    if (cell->caller != 0) {
      fpost_rules_durable(cell);
    }
  }
}

static void record_durable(struct fpost_thread_state *self,
                           const struct fpost_pool *pool, uint64_t offset,
                           uint64_t size, uint32_t stack) {
  fpost_record_put(
      &fpost_context.record,
      &(struct fpost_record){.kind = FPOST_RECORD_DURABLE,
                             .thread = self->model.id,
                             .stack = stack,
                             .address = fpost_pm_address(pool->index, offset),
                             .size = size});
}

void fpost_event_durable(struct fpost_thread_state *self, const void *address,
                         uint64_t size, uint32_t stack) {
  fpost_event_compare(self, address, size, stack);
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &part_size)) != NULL) {
    uint64_t offset = (uintptr_t)part - region->start + region->offset;
    pool_durable(region->pool, offset, part_size);
    if (fpost_context.run != FPOST_RUN_CHECK) {
      record_durable(self, region->pool, offset, part_size, stack);
    }
  }
}

void fpost_event_durable_pool(struct fpost_thread_state *self,
                              struct fpost_pool *pool, uint32_t stack) {
  for (uint32_t i = 0; i < fpost_context.regions.count; i++) {
    const struct fpost_region *region = &fpost_context.regions.regions[i];
    if (region->pool == pool) {
      fpost_event_compare(self, (const void *)region->start,
                          region->end - region->start, stack);
    }
  }
  pool_durable(pool, 0, pool->size);
  if (fpost_context.run != FPOST_RUN_CHECK) {
    record_durable(self, pool, 0, pool->size, stack);
  }
}

void fpost_event_written(struct fpost_thread_state *self,
                         struct fpost_pool *pool, uint64_t offset,
                         const void *bytes, uint64_t size, uint32_t stack) {
  const uint8_t *from = bytes;
  while (size > 0 && offset < pool->size) {
    const struct fpost_region *region =
        fpost_regions_of(&fpost_context.regions, pool, offset);
    uint64_t step = FPOST_POOL_PAGE - offset % FPOST_POOL_PAGE;
    step = step < size ? step : size;
    if (region != NULL) {
      uintptr_t at = region->start + (offset - region->offset);
      uint64_t room = region->end - at;
      step = size < room ? size : room;
      region_store(self, region, (const uint8_t *)at, step, 0, stack);
    } else if (fpost_context.run != FPOST_RUN_CHECK) {
      record_store(self, pool, offset, from, step, 0, stack);
    } else {
      memcpy(pool->shadow + offset, from, step);
    }
    offset += step;
    from += step;
    size -= step;
  }
}

void fpost_event_clean(const void *address, uint64_t size) {
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &part_size)) != NULL) {
    struct fpost_pool *pool = region->pool;
    uint64_t offset = (uintptr_t)part - region->start + region->offset;
    if (fpost_context.run == FPOST_RUN_CHECK) {
      pool_durable(pool, offset, part_size);
      continue;
    }
    record_durable(fpost_tls.self, pool, offset, part_size, 0);
  }
}

void fpost_event_unused(const void *address, uint64_t size, bool freed) {
  const uint8_t *at = address;
  const uint8_t *part;
  uint64_t part_size;
  const struct fpost_region *region;
  while ((region = region_take(&at, &size, &part, &part_size)) != NULL) {
    struct fpost_pool *pool = region->pool;
    uint64_t offset = (uintptr_t)part - region->start + region->offset;
    if (fpost_context.run != FPOST_RUN_CHECK) {
      fpost_record_put(&fpost_context.record,
                       &(struct fpost_record){
                           .kind = FPOST_RECORD_IGNORE,
                           .flags = freed,
                           .address = fpost_pm_address(pool->index, offset),
                           .size = part_size});
      continue;
    }
    while (part_size > 0) {
      uint64_t room = LINE - offset % LINE;
      uint32_t step = (uint32_t)(part_size < room ? part_size : room);
      struct fpost_cell *cell = cell_at(pool, offset);
      if (cell->caller == 0 && !cell_touch(pool, cell, offset)) {
        uint64_t before = offset % LINE;
        memcpy(pool->shadow + offset - before, part - before, LINE);
      }
      uint64_t pm = fpost_pm_address(pool->index, offset);
      if (freed) {
        fpost_rules_forget(cell, pm, step);
      } else {
        fpost_rules_ignore(cell, pm, step);
      }
      offset += step;
      part += step;
      part_size -= step;
    }
  }
}
