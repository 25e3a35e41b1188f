/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Call stacks as numbers. Three ways to get one, each a hundred times the cost
 * of the one before:
 *
 *   1. per thread: (return address, stack pointer) -> the slots of the stack
 * that held return addresses the last time. If they still do, the stack is the
 *      same.
 *   2. per process: return address -> size of the frame that it returns into.
 * The chain of return addresses is followed without decoding anything. A frame
 *      whose size was seen to vary (alloca) stops it.
 *   3. the unwinder, which teaches the other two.
 *
 * Slots lie above the stack pointer, on the stack of the calling thread, and
 * are read innermost first, up to the first that differs: what is read is
 * inside frames that are there.
 *
 * Stacks are interned: number 1 is the first seen, 0 means that there is none.
 */
#ifndef FPOST_HOOKS_STACKS_H
#define FPOST_HOOKS_STACKS_H

#include "rt/base/err.h"
#include "rt/hooks/modules.h"
#include "rt/hooks/unwind.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_STACKS_MAX 65536u /* different stacks; the rest get number 0 */
#define FPOST_STACKS_BUCKETS                                                   \
  131072u                      /* a power of two above FPOST_STACKS_MAX        \
                                */
#define FPOST_STACK_CACHE 512u /* entries per thread, a power of two */
/* Entries that one (pc, cfa) may be in: a library's flush function is called at
   the same depth on behalf of many callers further out. */
#define FPOST_STACK_WAYS 4u
#define FPOST_STACK_SIZES 8192u /* frame sizes remembered, a power of two */

struct fpost_stack {
  uint32_t count;
  uint32_t shared;     /* 1 + index in the results file; trace: 1 if written */
  uint32_t generation; /* code was loaded as at this count of fpost_stacks */
  uintptr_t pcs[FPOST_STACK_MAX];    /* return addresses, innermost first */
  uint16_t modules[FPOST_STACK_MAX]; /* that they lie in (modules.h) */
};

/* One place of the per-thread cache. */
struct fpost_stack_entry {
  uintptr_t pc;  /* of the innermost frame; 0: empty */
  uintptr_t cfa; /* stack pointer after the return to pc */
  uint32_t stack;
  uint32_t count;                  /* of the frames further out */
  uint32_t slots[FPOST_STACK_MAX]; /* where they lie: bytes above cfa */
  uintptr_t pcs[FPOST_STACK_MAX];
};

struct fpost_stack_cache {
  struct fpost_stack_entry entries[FPOST_STACK_CACHE];
  uint32_t replaced; /* how many entries had to make room for another */
};

/* Frame size of the function that pc returns into: bytes between the stack
   pointers after the return to pc and after its own return. */
struct fpost_stack_size {
  uintptr_t pc;
  uint32_t size;
  uint32_t kind; /* enum in stacks.c */
};

struct fpost_stacks {
  struct fpost_stack *stacks; /* FPOST_STACKS_MAX + 1 of them */
  uint32_t *buckets;          /* open addressing; 0: free */
  struct fpost_stack_size *sizes;
  struct fpost_modules *modules;
  uint32_t count;
  uint32_t generation; /* how often code was unloaded */
  uint32_t frames_max; /* per stack, 1 to FPOST_STACK_MAX */
  uint64_t lost;       /* stacks that found no room */
};

/* Make tables. Returns 0 or FPOST_ENOMEM. */
FPOST_MUST_USE int fpost_stacks_init(struct fpost_stacks *stacks,
                                     struct fpost_modules *modules,
                                     uint32_t frames_max);

/*
 * The number of the stack of count >= 1 return addresses, new or known; 0 if
 * the table is full.
 */
uint32_t fpost_stacks_intern(struct fpost_stacks *stacks, const uintptr_t *pcs,
                             uint32_t count);

/*
 * What way 1 does not know: walk by way 2 or 3 from (pc, cfa), intern, remember
 * in cache. top is one past the highest address of the thread's stack; a cfa
 * above it is on some other stack. Preserves errno.
 */
uint32_t fpost_stacks_walk(struct fpost_stacks *stacks,
                           struct fpost_stack_cache *cache, uintptr_t pc,
                           uintptr_t cfa, uintptr_t top);

/* Forget everything that depends on which code is loaded where. */
void fpost_stacks_forget(struct fpost_stacks *stacks);

/* The first of the entries that (pc, cfa) may be in. */
static inline struct fpost_stack_entry *
fpost_stack_entries(struct fpost_stack_cache *cache, uintptr_t pc,
                    uintptr_t cfa) {
  uintptr_t hash = pc ^ (cfa >> 4) ^ (pc >> 9);
  return &cache->entries[(hash * FPOST_STACK_WAYS) & (FPOST_STACK_CACHE - 1)];
}

/* Whether the stack is the one of the entry. hook-safe */
static inline bool fpost_stack_is(const struct fpost_stack_entry *entry,
                                  uintptr_t pc, uintptr_t cfa) {
  if (entry->pc != pc || entry->cfa != cfa) {
    return false;
  }
  uint32_t i = 0;
  while (i < entry->count &&
         *(const uintptr_t *)(cfa + entry->slots[i]) == entry->pcs[i]) {
    i++;
  }
  return i == entry->count;
}

/* The number of the stack whose innermost frame resumes at pc with stack
   pointer cfa: way 1, else the others. hook-safe */
static inline uint32_t fpost_stacks_get(struct fpost_stacks *stacks,
                                        struct fpost_stack_cache *cache,
                                        uintptr_t pc, uintptr_t cfa,
                                        uintptr_t top) {
  const struct fpost_stack_entry *entry = fpost_stack_entries(cache, pc, cfa);
  for (uint32_t i = 0; i < FPOST_STACK_WAYS; i++, entry++) {
    if (fpost_stack_is(entry, pc, cfa)) {
      return entry->stack;
    }
  }
  return fpost_stacks_walk(stacks, cache, pc, cfa, top);
}

#endif /* FPOST_HOOKS_STACKS_H */
