/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Where PM is: regions (mapped ranges of the address space) and the pools that
 * they show. A pool is a file, known by device, inode and birth, or a range of
 * memory without a file. Metadata and shadow of a pool are arrays over its
 * size:
 *
 *   pool      0        64       128                            size   reserved
 *   cells     cell 0 | cell 1 | cell 2 | ...                     |       |
 *   shadow    64 B   | 64 B   | 64 B   | ...                     |       |
 *
 * reserved as address space; memory comes with the first touch of a page. They
 * do not move while the pool lives, because the model keeps pointers into
 * cells.
 *
 * A pool stays when its last region goes: the program may map it again, and
 * what it left unflushed is reported at the end of the run.
 */
#ifndef FPOST_HOOKS_REGIONS_H
#define FPOST_HOOKS_REGIONS_H

#include "rt/base/err.h"
#include "rt/model/rules.h"
#include "rt/os/results.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_REGIONS_MAX 1024u
/* Metadata is kept for at least this much of a pool, so that it can grow. */
#define FPOST_POOL_RESERVE_MIN (UINT64_C(4) << 30)
/* Pages as far as the bit maps of a pool are concerned, in bytes. */
#define FPOST_POOL_PAGE 4096u

/* What makes a file a pool of its own. Zero: no file. */
struct fpost_file_id {
  uint64_t device;
  uint64_t inode;
  uint64_t birth; /* ns; 0 where the file system does not say */
};

struct fpost_pool {
  struct fpost_file_id file;
  uint32_t index;   /* in pm addresses */
  uint32_t regions; /* that show it now */
  uint64_t size;    /* bytes, the largest seen; whole pages are mapped */
  uint64_t shown;   /* recording: of the file, as the trace has it */
  uint64_t reserved;
  struct fpost_cell *cells;
  uint8_t *shadow;
  /* A bit per page: some line of it is known; the file had data there when it
     was mapped first, so that a line's content is unknown until it is touched,
     or, when recording, is that of the shadow. The shadow of a page that has
     neither is zero. */
  uint64_t *touched;
  uint64_t *initial;
  /* A bit per word, or null: transactions have logged it; it was freed. */
  uint64_t *logged;
  uint64_t *freed;
  uint16_t *visits;      /* per window of 2 MiB (events.h) */
  uint64_t window;       /* the one visited last */
  bool all_unknown;      /* as if every bit of initial were set */
  bool heap;             /* all of the program's heap is in it */
  bool dax;              /* flush instructions have an effect on it */
  const void *memory;    /* no file: where it lies */
  uint32_t shared_index; /* 1 + index in the results file, 0: none */
};

struct fpost_region {
  uintptr_t start;
  uintptr_t end;   /* one past the last byte */
  uint64_t offset; /* of start in the pool */
  struct fpost_pool *pool;
};

struct fpost_regions {
  struct fpost_region regions[FPOST_REGIONS_MAX]; /* ascending, disjoint */
  uint32_t count;
  uint32_t pools_count;
  struct fpost_pool pools[FPOST_POOLS_MAX];
};

/*
 * The pool of file, made if it is new (then *made is true). A null file makes a
 * pool of the memory at address, or finds the one that it is part of. size is
 * what is mapped of it, in bytes from its start. Returns 0, FPOST_ENOMEM if
 * there are too many pools or no address space, or FPOST_EINVAL if the pool
 * grew beyond what was reserved for it.
 */
FPOST_MUST_USE int fpost_regions_pool(struct fpost_regions *regions,
                                      const struct fpost_file_id *file,
                                      const void *address, uint64_t size,
                                      struct fpost_pool **pool, bool *made);

/*
 * [start, start + size) shows pool from offset on; what was there before goes.
 * Returns 0, or FPOST_ENOMEM if there are too many regions.
 */
FPOST_MUST_USE int fpost_regions_add(struct fpost_regions *regions,
                                     uintptr_t start, uint64_t size,
                                     struct fpost_pool *pool, uint64_t offset);

/* [start, start + size) shows no pool any more. Splits regions where needed;
   if there is no room for that the whole region goes. */
void fpost_regions_remove(struct fpost_regions *regions, uintptr_t start,
                          uint64_t size);

/* The region that holds address, or null. */
const struct fpost_region *
fpost_regions_find(const struct fpost_regions *regions, uintptr_t address);

/* The first region that ends after address, or null. */
const struct fpost_region *
fpost_regions_after(const struct fpost_regions *regions, uintptr_t address);

/* Some region that shows the byte at offset of pool, or null. */
const struct fpost_region *fpost_regions_of(const struct fpost_regions *regions,
                                            const struct fpost_pool *pool,
                                            uint64_t offset);

/* The smallest range that holds all regions; size 0 if there are none. */
void fpost_regions_hull(const struct fpost_regions *regions, uint64_t *base,
                        uint64_t *size);

/* The pool of a file, or null. */
struct fpost_pool *fpost_regions_file(struct fpost_regions *regions,
                                      const struct fpost_file_id *file);

static inline bool fpost_pool_bit(const uint64_t *bits, uint64_t offset) {
  uint64_t page = offset / FPOST_POOL_PAGE;
  return (bits[page / 64] >> (page % 64) & 1) != 0;
}
static inline void fpost_pool_bit_set(uint64_t *bits, uint64_t offset) {
  uint64_t page = offset / FPOST_POOL_PAGE;
  bits[page / 64] |= UINT64_C(1) << (page % 64);
}

#endif /* FPOST_HOOKS_REGIONS_H */
