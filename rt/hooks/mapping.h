/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which mappings are PM, and what is done when one comes or goes. All functions
 * are called inside the context, but not in recover mode.
 */
#ifndef FPOST_HOOKS_MAPPING_H
#define FPOST_HOOKS_MAPPING_H

#include "rt/hooks/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A successful mmap, called from pc. */
struct fpost_mmap_call {
  void *address;
  size_t size; /* bytes */
  int flags;   /* of mmap */
  int fd;
  uint64_t offset; /* in the file */
  uintptr_t pc;
};

/*
 * Something was mapped: what was there before is gone, and if it is a pool, the
 * range is a region from now on.
 */
void fpost_mapping_made(const struct fpost_mmap_call *mapping);

/* [address, address + size) is no longer mapped. */
void fpost_mapping_gone(const void *address, size_t size);

/* A range moved, by mremap. */
void fpost_mapping_moved(const void *old, size_t old_size, const void *new,
                         size_t new_size);

/* Memory that the program declares to be PM (why: FPOST_POOL_API or _HEAP).
   What is a region already stays as it is. Where it shows a file, that file is
   the pool. */
void fpost_mapping_memory(const void *address, size_t size,
                          enum fpost_pool_why why);

/* Record mode: is there a trace to write to? Makes it if there is none yet. */
bool fpost_mapping_trace(void);

/* Record mode: the program has just made the file that is open as fd. */
void fpost_mapping_file_made(int fd);

/* Record mode: the file that is open as fd has this size now. A pool that has
   grown is in the trace; one that has shrunk stays as it was. */
void fpost_mapping_file_sized(int fd, uint64_t size);
/* The same, of the file of a pool. Inside only. */
void fpost_mapping_pool_sized(struct fpost_pool *pool, uint64_t size);

/* A descriptor of our own, for reading, for the file that is open as fd, so
   that the program's keeps its place. A negative errno if it cannot be had. */
int fpost_mapping_reopen(int fd);

/* The pool whose file is open as fd, or null. */
struct fpost_pool *fpost_mapping_pool(int fd);

#endif /* FPOST_HOOKS_MAPPING_H */
