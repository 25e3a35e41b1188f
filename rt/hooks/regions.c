/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/regions.h"

#include "rt/base/assert.h"
#include "rt/os/os.h"

#include <string.h>

/* Of a bit map of a pool, rounded up to what a huge page needs. */
static uint64_t bits_size(uint64_t reserved) {
  return reserved / FPOST_POOL_PAGE / 8 + FPOST_OS_HUGE / FPOST_POOL_PAGE / 8;
}

static uint64_t visits_size(uint64_t reserved) {
  return (reserved / FPOST_OS_HUGE + 1) * sizeof(uint16_t);
}

static void pool_release(struct fpost_pool *pool) {
  void *arrays[] = {pool->cells, pool->shadow, pool->touched, pool->initial,
                    pool->visits};
  const uint64_t sizes[] = {
      pool->reserved, pool->reserved, bits_size(pool->reserved),
      bits_size(pool->reserved), visits_size(pool->reserved)};
  for (unsigned i = 0; i < 5; i++) {
    if (arrays[i] != FPOST_OS_FAILED) {
      fpost_os_release(arrays[i], sizes[i]);
    }
  }
}

static int pool_reserve(struct fpost_pool *pool, uint64_t size) {
  pool->reserved = size;
  pool->cells = fpost_os_reserve(size);
  pool->shadow = fpost_os_reserve(size);
  pool->touched = fpost_os_reserve(bits_size(size));
  pool->initial = fpost_os_reserve(bits_size(size));
  pool->visits = fpost_os_reserve(visits_size(size));
  if ((void *)pool->cells == FPOST_OS_FAILED ||
      (void *)pool->shadow == FPOST_OS_FAILED ||
      (void *)pool->touched == FPOST_OS_FAILED ||
      (void *)pool->visits == FPOST_OS_FAILED ||
      (void *)pool->initial == FPOST_OS_FAILED) {
    pool_release(pool);
    return FPOST_ENOMEM;
  }
  return FPOST_OK;
}

static uint64_t line_up(uint64_t size) {
  return (size + FPOST_POOL_PAGE - 1) & ~(uint64_t)(FPOST_POOL_PAGE - 1);
}

struct fpost_pool *fpost_regions_file(struct fpost_regions *regions,
                                      const struct fpost_file_id *file) {
  for (uint32_t i = 0; i < regions->pools_count; i++) {
    if (regions->pools[i].memory == NULL &&
        memcmp(&regions->pools[i].file, file, sizeof(*file)) == 0) {
      return &regions->pools[i];
    }
  }
  return NULL;
}

/* The pool without a file that holds the range. */
static struct fpost_pool *pool_of_memory(struct fpost_regions *regions,
                                         const void *address, uint64_t size) {
  for (uint32_t i = 0; i < regions->pools_count; i++) {
    struct fpost_pool *pool = &regions->pools[i];
    uint64_t offset = (uintptr_t)address - (uintptr_t)pool->memory;
    if (pool->memory != NULL && offset < pool->size &&
        size <= pool->size - offset) {
      return pool;
    }
  }
  return NULL;
}

int fpost_regions_pool(struct fpost_regions *regions,
                       const struct fpost_file_id *file, const void *address,
                       uint64_t size, struct fpost_pool **pool, bool *made) {
  struct fpost_pool *found = file != NULL
                                 ? fpost_regions_file(regions, file)
                                 : pool_of_memory(regions, address, size);
  *made = found == NULL;
  if (found != NULL) {
    if (size > found->reserved) {
      return FPOST_EINVAL;
    }
    found->size = size > found->size ? size : found->size;
    *pool = found;
    return FPOST_OK;
  }
  if (regions->pools_count == FPOST_POOLS_MAX ||
      size > UINT64_C(1) << FPOST_POOL_SHIFT) {
    return FPOST_ENOMEM;
  }
  found = &regions->pools[regions->pools_count];
  memset(found, 0, sizeof(*found));
  uint64_t wanted = line_up(file != NULL ? 2 * size : size);
  if (file != NULL && wanted < FPOST_POOL_RESERVE_MIN) {
    wanted = FPOST_POOL_RESERVE_MIN;
  }
  /* Under a limit of the address space, what is needed now must do. */
  if (pool_reserve(found, wanted) != FPOST_OK &&
      pool_reserve(found, line_up(size)) != FPOST_OK) {
    return FPOST_ENOMEM;
  }
  found->index = regions->pools_count++;
  found->size = size;
  if (file != NULL) {
    found->file = *file;
  } else {
    found->memory = address;
  }
  *pool = found;
  return FPOST_OK;
}

/* The number of regions that end at or before address. */
static uint32_t regions_before(const struct fpost_regions *regions,
                               uintptr_t address) {
  uint32_t low = 0;
  uint32_t high = regions->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (regions->regions[middle].end <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static void region_erase(struct fpost_regions *regions, uint32_t at) {
  regions->regions[at].pool->regions--;
  regions->count--;
  memmove(&regions->regions[at], &regions->regions[at + 1],
          (regions->count - at) * sizeof(regions->regions[0]));
}

static int region_insert(struct fpost_regions *regions, uint32_t at,
                         const struct fpost_region *region) {
  if (regions->count == FPOST_REGIONS_MAX) {
    return FPOST_ENOMEM;
  }
  memmove(&regions->regions[at + 1], &regions->regions[at],
          (regions->count - at) * sizeof(regions->regions[0]));
  regions->regions[at] = *region;
  regions->count++;
  region->pool->regions++;
  return FPOST_OK;
}

void fpost_regions_remove(struct fpost_regions *regions, uintptr_t start,
                          uint64_t size) {
  uintptr_t end = start + size;
  uint32_t at = regions_before(regions, start);
  while (at < regions->count && regions->regions[at].start < end) {
    struct fpost_region whole = regions->regions[at];
    region_erase(regions, at);
    if (whole.start < start) {
      struct fpost_region left = whole;
      left.end = start;
      at += region_insert(regions, at, &left) == FPOST_OK;
    }
    if (whole.end > end) {
      struct fpost_region right = whole;
      right.start = end;
      right.offset += end - whole.start;
      at += region_insert(regions, at, &right) == FPOST_OK;
    }
  }
}

int fpost_regions_add(struct fpost_regions *regions, uintptr_t start,
                      uint64_t size, struct fpost_pool *pool, uint64_t offset) {
  FPOST_ASSERT(size > 0);
  FPOST_ASSERT(offset + size <= pool->reserved);
  fpost_regions_remove(regions, start, size);
  struct fpost_region region = {
      .start = start, .end = start + size, .offset = offset, .pool = pool};
  return region_insert(regions, regions_before(regions, start), &region);
}

const struct fpost_region *
fpost_regions_after(const struct fpost_regions *regions, uintptr_t address) {
  uint32_t at = regions_before(regions, address);
  return at == regions->count ? NULL : &regions->regions[at];
}

const struct fpost_region *
fpost_regions_find(const struct fpost_regions *regions, uintptr_t address) {
  const struct fpost_region *region = fpost_regions_after(regions, address);
  return region != NULL && region->start <= address ? region : NULL;
}

const struct fpost_region *fpost_regions_of(const struct fpost_regions *regions,
                                            const struct fpost_pool *pool,
                                            uint64_t offset) {
  for (uint32_t i = 0; i < regions->count; i++) {
    const struct fpost_region *region = &regions->regions[i];
    if (region->pool == pool && region->offset <= offset &&
        offset - region->offset < region->end - region->start) {
      return region;
    }
  }
  return NULL;
}

void fpost_regions_hull(const struct fpost_regions *regions, uint64_t *base,
                        uint64_t *size) {
  if (regions->count == 0) {
    *base = 0;
    *size = 0;
    return;
  }
  *base = regions->regions[0].start;
  *size = regions->regions[regions->count - 1].end - *base;
}
