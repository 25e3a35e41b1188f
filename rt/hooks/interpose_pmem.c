/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * libpmem and libpmem2. Their pools are found by mmap (called from these
 * libraries); here are the functions that store, flush and fence, as called by
 * the program and by libraries such as libpmemobj. On a pool that is no DAX
 * file they do no more than the stores: flush instructions would flush the page
 * cache's memory for nothing.
 *
 * How libpmem stores: as the flags say, else non-temporally from MOVNT_MIN
 * bytes on; parts of a line at the edges of a non-temporal copy are stored and
 * flushed.
 */
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/os/os.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>

#define MOVNT_MIN 256u
#define LINE ((size_t)FENCEPOST_LINE_SIZE)

/* The flags of pmem_memcpy and its kind: part of libpmem's ABI. */
#define MEM_NODRAIN 1u
#define MEM_NONTEMPORAL 2u
#define MEM_TEMPORAL 4u
#define MEM_WC 8u
#define MEM_WB 16u
#define MEM_NOFLUSH 32u

/* enum pmem2_granularity: part of libpmem2's ABI. */
#define GRANULARITY_BYTE 0
#define GRANULARITY_CACHE_LINE 1

/* The flush of real DAX memory, by whatever this processor has. */
static void hardware_flush(const void *address, size_t size) {
  uint32_t a;
  uint32_t b = 0;
  uint32_t c;
  uint32_t d;
  (void)__get_cpuid_count(7, 0, &a, &b, &c, &d);
  const char *end = (const char *)address + size;
  const char *at = (const char *)address - (uintptr_t)address % LINE;
  for (; at < end; at += LINE) {
    if ((b & bit_CLWB) != 0) {
      __asm__ volatile("clwb %0" : : "m"(*at) : "memory");
    } else if ((b & bit_CLFLUSHOPT) != 0) {
      __asm__ volatile("clflushopt %0" : : "m"(*at) : "memory");
    } else {
      __builtin_ia32_clflush(at);
    }
  }
}

enum { DO_FLUSH = 1, DO_FENCE = 2 };

/* Between threads an sfence orders non-temporal stores and flushes alone:
   without DAX, and with no such store outstanding, it would be waiting for
   nothing. */
static bool fence_matters(const struct fpost_thread_state *self) {
  return fpost_context.run != FPOST_RUN_CHECK || self->model.nt_count != 0 ||
         fpost_context.dax;
}

/* Flush and fence, outside and inside a pool. hook-safe */
static inline void persist_here(const void *address, size_t size, unsigned what,
                                uintptr_t pc, uintptr_t cfa) {
  if (FPOST_UNLIKELY(size == 0)) {
    what &= ~(unsigned)DO_FLUSH;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (FPOST_UNLIKELY(self == NULL)) {
    if (fpost_recover_on && (what & DO_FLUSH) != 0) {
      fpost_recover_flush();
    }
    /* Nobody tells whether it is real PM; the program relies on it. */
    if ((what & DO_FLUSH) != 0 && fpost_context.run != FPOST_RUN_RECOVER) {
      hardware_flush(address, size);
    }
    if ((what & DO_FENCE) != 0) {
      __builtin_ia32_sfence();
    }
    if (fpost_context.phase == FPOST_PHASE_RUN &&
        fpost_context.run != FPOST_RUN_RECOVER) {
      if ((what & DO_FLUSH) != 0) {
        fpost_defer(FPOST_EVENT_FLUSH, address, size, FENCEPOST_CLWB, pc);
      }
      if ((what & DO_FENCE) != 0) {
        fpost_defer(FPOST_EVENT_FENCE, NULL, 0, FENCEPOST_SFENCE, pc);
      }
    }
    return;
  }
  uint32_t stack = fpost_stack_of(self, pc, cfa);
  if ((what & DO_FLUSH) != 0) {
    const struct fpost_region *region = fpost_region_at(address);
    fpost_event_flush(self, address, size, FENCEPOST_CLWB, stack);
    if (FPOST_UNLIKELY(region == NULL || region->pool->dax)) {
      hardware_flush(address, size);
    }
  }
  bool real = (what & DO_FENCE) != 0 && fence_matters(self);
  if ((what & DO_FENCE) != 0 && fpost_context.regions.count != 0) {
    fpost_event_fence(self, FENCEPOST_SFENCE, stack);
  }
  fpost_leave();
  if (real) {
    __builtin_ia32_sfence();
  }
}

#define PERSIST(address, size, what)                                           \
  persist_here((address), (size), (what), FPOST_CALLER_PC, FPOST_CALLER_CFA)

FPOST_INTERPOSE void pmem_flush(const void *address, size_t size);
FPOST_INTERPOSE void pmem_drain(void);
FPOST_INTERPOSE void pmem_persist(const void *address, size_t size);
FPOST_INTERPOSE int pmem_deep_flush(const void *address, size_t size);
FPOST_INTERPOSE int pmem_deep_drain(const void *address, size_t size);
FPOST_INTERPOSE int pmem_deep_persist(const void *address, size_t size);
FPOST_INTERPOSE int pmem_msync(const void *address, size_t size);

void pmem_flush(const void *address, size_t size) {
  PERSIST(address, size, DO_FLUSH);
}
void pmem_drain(void) {
  PERSIST(NULL, 0, DO_FENCE);
}
void pmem_persist(const void *address, size_t size) {
  PERSIST(address, size, DO_FLUSH | DO_FENCE);
}

/* The deep ones go on to the memory controller's queues, which is below what a
   crash cuts off (docs/MODEL.md): for the model they are the plain ones. */
int pmem_deep_flush(const void *address, size_t size) {
  PERSIST(address, size, DO_FLUSH);
  return 0;
}
int pmem_deep_drain(const void *address, size_t size) {
  PERSIST(address, size, DO_FENCE);
  return 0;
}
int pmem_deep_persist(const void *address, size_t size) {
  PERSIST(address, size, DO_FLUSH | DO_FENCE);
  return 0;
}

/* [address, address + size), in whole pages, is durable. */
static void durable_here(const void *address, size_t size, uintptr_t pc,
                         uintptr_t cfa) {
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  int error = errno;
  uintptr_t start = (uintptr_t)address & ~(uintptr_t)(FPOST_POOL_PAGE - 1);
  uintptr_t end = ((uintptr_t)address + size + FPOST_POOL_PAGE - 1) &
                  ~(uintptr_t)(FPOST_POOL_PAGE - 1);
  fpost_event_durable(self, (const void *)start, end - start,
                      fpost_stack_of(self, pc, cfa));
  fpost_leave();
  errno = error;
}

int pmem_msync(const void *address, size_t size) {
  if (fpost_real.pmem_msync == NULL) {
    fpost_real_late();
  }
  /* libpmem calls msync of its own. */
  fpost_tls.depth++;
  int result = fpost_real.pmem_msync(address, size);
  fpost_tls.depth--;
  if (result == 0) {
    durable_here(address, size, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  }
  return result;
}

/* ---- copies ---- */

/* Is it a library of PMDK that copies? What it stores is not the program's. */
static bool library_at(uintptr_t pc) {
  uint16_t module = fpost_modules_find(&fpost_context.modules, pc);
  return module != FPOST_MODULE_NONE &&
         fpost_context.modules.modules[module].library;
}

/* The copy is made; say what libpmem's would have done. */
static void copied(const char *to, size_t size, unsigned flags, uintptr_t pc,
                   uintptr_t cfa) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    fpost_recover_store(to, size);
    fpost_recover_leave(); /* the caller may have no hooks */
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    if ((flags & MEM_NOFLUSH) == 0) {
      hardware_flush(to, size);
      __builtin_ia32_sfence();
    }
    if (fpost_context.phase == FPOST_PHASE_RUN) {
      fpost_defer(FPOST_EVENT_STORE, to, size, 0, pc);
      fpost_defer(FPOST_EVENT_FLUSH, to, size, FENCEPOST_CLWB, pc);
      fpost_defer(FPOST_EVENT_FENCE, NULL, 0, FENCEPOST_SFENCE, pc);
    }
    return;
  }
  uint32_t stack = fpost_stack_of(self, pc, cfa);
  bool drain = (flags & (MEM_NODRAIN | MEM_NOFLUSH)) == 0;
  bool streams = size >= MOVNT_MIN;
  if ((flags & (MEM_NONTEMPORAL | MEM_WC)) != 0) {
    streams = true;
  } else if ((flags & (MEM_TEMPORAL | MEM_WB)) != 0) {
    streams = false;
  }
  if ((flags & MEM_NOFLUSH) != 0) {
    fpost_event_store(self, to, size, 0, stack);
  } else if (!streams) {
    fpost_event_store(self, to, size, 0, stack);
    fpost_event_flush(self, to, size, FENCEPOST_CLWB, stack);
  } else {
    size_t head = (LINE - (uintptr_t)to % LINE) % LINE;
    head = head < size ? head : size;
    size_t middle = (size - head) / LINE * LINE;
    size_t tail = size - head - middle;
    const size_t edges[2] = {head, tail};
    const char *at[2] = {to, to + head + middle};
    for (unsigned i = 0; i < 2; i++) {
      if (edges[i] != 0) {
        fpost_event_store(self, at[i], edges[i], 0, stack);
        fpost_event_flush(self, at[i], edges[i], FENCEPOST_CLWB, stack);
      }
    }
    fpost_event_store(self, to + head, middle, FENCEPOST_STORE_NT, stack);
  }
  if ((self->tx.active || fpost_context.heap.watch) && !library_at(pc)) {
    fpost_heap_stored(self, to, size, FENCEPOST_STORE_BLOCK, stack);
  }
  if (drain && fpost_context.regions.count != 0) {
    fpost_event_fence(self, FENCEPOST_SFENCE, stack);
  }
  const struct fpost_region *region = fpost_region_at(to);
  bool dax = region == NULL || region->pool->dax;
  fpost_leave();
  if (dax && (flags & MEM_NOFLUSH) == 0) {
    hardware_flush(to, size);
  }
  if (drain) {
    __builtin_ia32_sfence();
  }
}

/* Before the source is read and the target written without hooks. */
static void copy_opens(void *to, const void *from, size_t size, uintptr_t pc,
                       uintptr_t cfa) {
  if (fpost_recover_on) {
    struct fpost_site site = {pc, cfa};
    if (from != NULL) {
      fpost_recover_access(from, size, false, site);
    }
    fpost_recover_access(to, size, true, site);
  }
}

static void *move_here(void *to, const void *from, size_t size, unsigned flags,
                       uintptr_t pc, uintptr_t cfa) {
  if (size != 0) {
    copy_opens(to, from, size, pc, cfa);
    memmove(to, from, size);
    copied(to, size, flags, pc, cfa);
  }
  return to;
}

static void *set_here(void *to, int byte, size_t size, unsigned flags,
                      uintptr_t pc, uintptr_t cfa) {
  if (size != 0) {
    copy_opens(to, NULL, size, pc, cfa);
    memset(to, byte, size);
    copied(to, size, flags, pc, cfa);
  }
  return to;
}

#define DEFINE_MOVE(name, flags_)                                              \
  FPOST_INTERPOSE void *name(void *to, const void *from, size_t size);         \
  void *name(void *to, const void *from, size_t size) {                        \
    return move_here(to, from, size, (flags_), FPOST_CALLER_PC,                \
                     FPOST_CALLER_CFA);                                        \
  }
DEFINE_MOVE(pmem_memcpy_persist, 0)
DEFINE_MOVE(pmem_memmove_persist, 0)
DEFINE_MOVE(pmem_memcpy_nodrain, MEM_NODRAIN)
DEFINE_MOVE(pmem_memmove_nodrain, MEM_NODRAIN)

#define DEFINE_MOVE_FLAGS(name)                                                \
  FPOST_INTERPOSE void *name(void *to, const void *from, size_t size,          \
                             unsigned flags);                                  \
  void *name(void *to, const void *from, size_t size, unsigned flags) {        \
    return move_here(to, from, size, flags, FPOST_CALLER_PC,                   \
                     FPOST_CALLER_CFA);                                        \
  }
DEFINE_MOVE_FLAGS(pmem_memcpy)
DEFINE_MOVE_FLAGS(pmem_memmove)

FPOST_INTERPOSE void *pmem_memset(void *to, int byte, size_t size,
                                  unsigned flags);
FPOST_INTERPOSE void *pmem_memset_persist(void *to, int byte, size_t size);
FPOST_INTERPOSE void *pmem_memset_nodrain(void *to, int byte, size_t size);
void *pmem_memset(void *to, int byte, size_t size, unsigned flags) {
  return set_here(to, byte, size, flags, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}
void *pmem_memset_persist(void *to, int byte, size_t size) {
  return set_here(to, byte, size, 0, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}
void *pmem_memset_nodrain(void *to, int byte, size_t size) {
  return set_here(to, byte, size, MEM_NODRAIN, FPOST_CALLER_PC,
                  FPOST_CALLER_CFA);
}

/* ---- libpmem2: functions that are asked for ---- */

struct pmem2_map;
typedef void (*persist_fn)(const void *, size_t);
typedef void (*drain_fn)(void);
typedef void *(*move_fn)(void *, const void *, size_t, unsigned);
typedef void *(*set_fn)(void *, int, size_t, unsigned);

/* A map whose smallest durable unit is the page: msync is its flush. */
static void page_persist(const void *address, size_t size) {
  uintptr_t start = (uintptr_t)address & ~(uintptr_t)(FPOST_POOL_PAGE - 1);
  uintptr_t end = (uintptr_t)address + size;
  fpost_tls.depth++;
  (void)fpost_real.msync((void *)start, end - start, 4 /* MS_SYNC */);
  fpost_tls.depth--;
  durable_here(address, size, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}
static void page_drain(void) {}
/* Caches survive (eADR): a fence is all it takes. */
static void byte_persist(const void *address, size_t size) {
  PERSIST(address, size, DO_FENCE);
}
static void byte_flush(const void *address, size_t size) {
  (void)address;
  (void)size;
}

static int granularity_of(struct pmem2_map *map) {
  if (fpost_real.pmem2_map_get_store_granularity == NULL) {
    fpost_real_late();
  }
  return fpost_real.pmem2_map_get_store_granularity(map);
}

static void *page_move(void *to, const void *from, size_t size,
                       unsigned flags) {
  void *result = move_here(to, from, size, flags | MEM_NOFLUSH, FPOST_CALLER_PC,
                           FPOST_CALLER_CFA);
  if ((flags & MEM_NOFLUSH) == 0) {
    page_persist(to, size);
  }
  return result;
}
static void *page_set(void *to, int byte, size_t size, unsigned flags) {
  void *result = set_here(to, byte, size, flags | MEM_NOFLUSH, FPOST_CALLER_PC,
                          FPOST_CALLER_CFA);
  if ((flags & MEM_NOFLUSH) == 0) {
    page_persist(to, size);
  }
  return result;
}

FPOST_INTERPOSE persist_fn pmem2_get_persist_fn(struct pmem2_map *map);
FPOST_INTERPOSE persist_fn pmem2_get_flush_fn(struct pmem2_map *map);
FPOST_INTERPOSE drain_fn pmem2_get_drain_fn(struct pmem2_map *map);
FPOST_INTERPOSE move_fn pmem2_get_memmove_fn(struct pmem2_map *map);
FPOST_INTERPOSE move_fn pmem2_get_memcpy_fn(struct pmem2_map *map);
FPOST_INTERPOSE set_fn pmem2_get_memset_fn(struct pmem2_map *map);
FPOST_INTERPOSE int pmem2_deep_flush(struct pmem2_map *map, void *address,
                                     size_t size);

persist_fn pmem2_get_persist_fn(struct pmem2_map *map) {
  int granularity = granularity_of(map);
  return granularity == GRANULARITY_CACHE_LINE ? pmem_persist
         : granularity == GRANULARITY_BYTE     ? byte_persist
                                               : page_persist;
}
persist_fn pmem2_get_flush_fn(struct pmem2_map *map) {
  int granularity = granularity_of(map);
  return granularity == GRANULARITY_CACHE_LINE ? pmem_flush
         : granularity == GRANULARITY_BYTE     ? byte_flush
                                               : page_persist;
}
drain_fn pmem2_get_drain_fn(struct pmem2_map *map) {
  int granularity = granularity_of(map);
  return granularity == GRANULARITY_CACHE_LINE ||
                 granularity == GRANULARITY_BYTE
             ? pmem_drain
             : page_drain;
}
move_fn pmem2_get_memmove_fn(struct pmem2_map *map) {
  int granularity = granularity_of(map);
  return granularity == GRANULARITY_CACHE_LINE ||
                 granularity == GRANULARITY_BYTE
             ? pmem_memmove
             : page_move;
}
move_fn pmem2_get_memcpy_fn(struct pmem2_map *map) {
  return pmem2_get_memmove_fn(map);
}
set_fn pmem2_get_memset_fn(struct pmem2_map *map) {
  int granularity = granularity_of(map);
  return granularity == GRANULARITY_CACHE_LINE ||
                 granularity == GRANULARITY_BYTE
             ? pmem_memset
             : page_set;
}
int pmem2_deep_flush(struct pmem2_map *map, void *address, size_t size) {
  (void)map;
  PERSIST(address, size, DO_FLUSH | DO_FENCE);
  return 0;
}
