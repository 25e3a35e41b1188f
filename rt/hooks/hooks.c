/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What instrumented code calls. Each hook enters the context, takes the stack,
 * and hands the event on; the rare cases (recovery, an event of a signal
 * handler that interrupted a hook) are kept out of the way.
 */
#include "rt/hooks/hooks.h"

#include "rt/hooks/client.h"
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/operations.h"
#include "rt/hooks/races.h"
#include "rt/hooks/recover.h"

#include <string.h>

#define FENCEPOST_HOOK(...)
#include "fencepost/hooks.def"

#define ATOMIC_FENCES 1u
#define ATOMIC_POINTER 4u
#define ATOMIC_MAYBE 8u
/* What atomic_end says then. */
#define STORED_MAYBE 2u

static __attribute__((noinline)) void
store_aside(void *address, uint64_t size, uint32_t flags, uintptr_t pc) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    fpost_recover_store(address, size);
  } else if (fpost_context.phase == FPOST_PHASE_RUN) {
    fpost_defer(FPOST_EVENT_STORE, address, size, flags, pc);
  }
}

static inline bool pm_is(const void *address, uint64_t size) {
  if (FPOST_LIKELY(fpost_region_at(address) != NULL)) {
    return true;
  }
  const struct fpost_region *after =
      fpost_regions_after(&fpost_context.regions, (uintptr_t)address);
  return after != NULL && after->start - (uintptr_t)address < size;
}

/* Is it a store of no interest but to who holds a lock? */
static bool store_elsewhere(const void *address, uint64_t size) {
  fpost_races_touch(address, true);
  uint64_t distance = (uintptr_t)address - __fencepost_state.pm_base;
  return distance >= __fencepost_state.pm_size && (0 - distance) >= size;
}

/* hook-safe */
void __fencepost_store(void *address, uint64_t size, uint32_t flags) {
  /* The version that reports loads tells of all its stores. */
  if (FPOST_UNLIKELY(fpost_races_on) && store_elsewhere(address, size)) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (FPOST_UNLIKELY(self == NULL)) {
    store_aside(address, size, flags, FPOST_CALLER_PC);
    return;
  }
  const struct fpost_region *region = fpost_region_at(address);
  if (FPOST_LIKELY(region != NULL)) {
    fpost_event_prefetch(region, address);
    uint32_t stack = FPOST_CALLER_STACK(self);
    if (FPOST_UNLIKELY(!fpost_event_store_line(self, region, address, size,
                                               flags, stack))) {
      fpost_event_store(self, address, size, flags, stack);
    } else if (FPOST_UNLIKELY(fpost_races_on)) {
      fpost_races_store(self, region, address, size, flags, stack);
    }
    fpost_heap_stored(self, address, size, flags, stack);
  } else if (pm_is(address, size)) {
    fpost_event_store(self, address, size, flags, FPOST_CALLER_STACK(self));
  }
  fpost_leave();
}

/* hook-safe */
void __fencepost_store_masked(void *address, uint64_t mask, uint32_t size,
                              uint32_t flags) {
  char *base = address;
  if (FPOST_UNLIKELY(fpost_races_on) &&
      store_elsewhere(address,
                      (64 - (uint64_t)__builtin_clzll(mask | 1)) * size)) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  uint32_t stack = 0;
  if (FPOST_LIKELY(self != NULL)) {
    stack = FPOST_CALLER_STACK(self);
  }
  while (mask != 0) {
    /* Neighbouring elements are one store, as far as the rules care. */
    uint32_t first = (uint32_t)__builtin_ctzll(mask);
    uint64_t rest = mask >> first;
    uint32_t count = rest == UINT64_MAX ? 64 : (uint32_t)__builtin_ctzll(~rest);
    char *at = base + (uint64_t)first * size;
    uint64_t bytes = (uint64_t)count * size;
    if (FPOST_LIKELY(self != NULL)) {
      fpost_event_store(self, at, bytes, flags, stack);
      fpost_heap_stored(self, at, bytes, flags, stack);
    } else {
      store_aside(at, bytes, flags, FPOST_CALLER_PC);
    }
    /* The carry runs through the lowest run of ones. */
    mask &= mask + (UINT64_C(1) << first);
  }
  if (FPOST_LIKELY(self != NULL)) {
    fpost_leave();
  }
}

/* Is it of no interest now? Where the pass asks inline it is not asked again.
 */
static inline bool load_elsewhere(const void *address, uint64_t size) {
  return (uintptr_t)address - __fencepost_state.loads_base >=
             __fencepost_state.loads_size &&
         size <= FENCEPOST_LOADS_SPAN;
}

void __fencepost_load(void *address, uint64_t size) {
  if (load_elsewhere(address, size)) {
    return;
  }
  if (fpost_races_on) {
    fpost_races_touch(address, false);
    fpost_races_load(address, size, false, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  } else if (fpost_context.run == FPOST_RUN_RECOVER) {
    struct fpost_site site = {FPOST_CALLER_PC, FPOST_CALLER_CFA};
    fpost_recover_load(address, size, site);
  }
}

void __fencepost_load_atomic(void *address, uint64_t size) {
  if (load_elsewhere(address, size)) {
    return;
  }
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    struct fpost_site site = {FPOST_CALLER_PC, FPOST_CALLER_CFA};
    fpost_recover_load(address, size, site);
  }
}

void __fencepost_touch(void *address, uint32_t write) {
  if (fpost_races_on) {
    fpost_races_touch(address, write != 0);
  }
}

void __fencepost_sync(void *address, uint64_t size, uint32_t flags) {
  if (!fpost_races_on) {
    return;
  }
  fpost_races_sync(address, flags);
  if ((flags & FENCEPOST_SYNC_READ) != 0) {
    fpost_races_load(address, size, true, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  }
}

void __fencepost_leave(uint32_t returns) {
  if (fpost_races_on) {
    if (returns == 0) {
      fpost_races_leave();
    }
  } else if (fpost_context.run == FPOST_RUN_RECOVER) {
    fpost_recover_leave();
  }
}

static __attribute__((noinline)) void
atomic_begin_aside(void *address, uint64_t size, uint32_t flags, uintptr_t pc,
                   uintptr_t cfa) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    struct fpost_site site = {pc, cfa};
    fpost_recover_atomic(address, size, flags, site);
    return;
  }
  if (fpost_context.phase != FPOST_PHASE_RUN || fpost_tls.self == NULL) {
    return;
  }
  fpost_tls.self->atomic_nested++;
  if ((flags & ATOMIC_FENCES) != 0) {
    fpost_defer(FPOST_EVENT_FENCE, NULL, 0, FENCEPOST_LOCKED, pc);
  }
}

/*
 * Between begin and end the context stays entered: nobody else's event comes in
 * between. A locked operation is a fence first (F7), then a store.
 */
void __fencepost_atomic_begin(void *address, uint64_t size, uint32_t flags) {
  struct fpost_thread_state *self = fpost_enter();
  if (FPOST_UNLIKELY(self == NULL)) {
    atomic_begin_aside(address, size, flags, FPOST_CALLER_PC, FPOST_CALLER_CFA);
    return;
  }
  if ((flags & ATOMIC_FENCES) != 0) {
    fpost_event_fence(self, FENCEPOST_LOCKED, FPOST_CALLER_STACK(self));
  }
  if (FPOST_UNLIKELY(!pm_is(address, size))) {
    fpost_leave();
    return;
  }
  self->atomic_address = address;
  self->atomic_pointer = (flags & ATOMIC_POINTER) != 0;
  if ((flags & ATOMIC_MAYBE) != 0) {
    self->atomic_size = size < sizeof(self->atomic_before)
                            ? (uint32_t)size
                            : (uint32_t)sizeof(self->atomic_before);
    memcpy(self->atomic_before, address, self->atomic_size);
  }
}

static __attribute__((noinline)) void
atomic_end_aside(void *address, uint64_t size, uint32_t stored, uintptr_t pc) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    if (stored != 0) {
      fpost_recover_store(address, size);
    }
    return;
  }
  struct fpost_thread_state *self = fpost_tls.self;
  if (self != NULL && self->atomic_nested != 0) {
    self->atomic_nested--;
    if (stored != 0) {
      fpost_defer(FPOST_EVENT_STORE, address, size, FENCEPOST_STORE_ATOMIC, pc);
    }
  }
}

void __fencepost_atomic_end(void *address, uint64_t size, uint32_t stored) {
  struct fpost_thread_state *self = fpost_tls.self;
  if (FPOST_UNLIKELY(self == NULL || self->atomic_nested != 0 ||
                     self->atomic_address != address)) {
    atomic_end_aside(address, size, stored, FPOST_CALLER_PC);
    return;
  }
  self->atomic_address = NULL;
  if (stored == STORED_MAYBE) {
    stored = memcmp(self->atomic_before, address, self->atomic_size) != 0;
  }
  if (stored != 0) {
    uint32_t stack = FPOST_CALLER_STACK(self);
    uint32_t flags = FENCEPOST_STORE_ATOMIC |
                     (self->atomic_pointer ? FENCEPOST_STORE_POINTER : 0u);
    fpost_event_store(self, address, size, FENCEPOST_STORE_ATOMIC, stack);
    fpost_heap_stored(self, address, size, flags, stack);
  }
  fpost_leave();
}

static __attribute__((noinline)) void event_aside(enum fpost_event_kind event,
                                                  void *address, uint32_t kind,
                                                  uintptr_t pc) {
  if (fpost_context.phase == FPOST_PHASE_RUN &&
      fpost_context.run != FPOST_RUN_RECOVER) {
    fpost_defer(event, address, 1, kind, pc);
  }
}

/* hook-safe */
void __fencepost_flush(void *address, uint32_t kind) {
  struct fpost_thread_state *self = fpost_enter();
  if (FPOST_UNLIKELY(self == NULL)) {
    event_aside(FPOST_EVENT_FLUSH, address, kind, FPOST_CALLER_PC);
    return;
  }
  /* Of the line, the byte that is named may not be PM, and others are. */
  const uint8_t *line =
      (const uint8_t *)address - (uintptr_t)address % FENCEPOST_LINE_SIZE;
  if (FPOST_LIKELY(pm_is(line, FENCEPOST_LINE_SIZE))) {
    fpost_event_flush(self, address, 1, kind, FPOST_CALLER_STACK(self));
  }
  fpost_leave();
}

/* hook-safe */
void __fencepost_fence(uint32_t kind) {
  struct fpost_thread_state *self = fpost_enter();
  if (FPOST_UNLIKELY(self == NULL)) {
    event_aside(FPOST_EVENT_FENCE, NULL, kind, FPOST_CALLER_PC);
    return;
  }
  fpost_event_fence(self, kind, FPOST_CALLER_STACK(self));
  fpost_leave();
}

uint64_t __fencepost_client(void *arguments, uint64_t result) {
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return result;
  }
  result =
      fpost_client_request(self, arguments, result, FPOST_CALLER_STACK(self));
  fpost_leave();
  return result;
}

static void number_say(struct fpost_text *text, const char *before,
                       uint64_t number) {
  fpost_text_add(text, before);
  fpost_text_add_number(text, number);
}

void __fencepost_module(void *module) {
  const struct fencepost_module *said = module;
  char bytes[480];
  struct fpost_text text = fpost_text_in(bytes, sizeof(bytes));
  if (said->abi_version != FENCEPOST_ABI_VERSION) {
    number_say(&text, "", said->abi_version);
    number_say(&text, ", this runtime needs ", FENCEPOST_ABI_VERSION);
    fpost_refuse(
        "a part of the program was compiled by the pass of another "
        "Fencepost: its hooks have version ",
        bytes, "compile all of the program and link it with one Fencepost");
  }
  struct fpost_results *results = fpost_context.results;
  if (results == NULL) {
    return;
  }
  atomic_fetch_add(&results->modules_instrumented, 1);
  atomic_fetch_add(&results->hooks, (uint64_t)said->stores + said->loads +
                                        said->flushes + said->fences);
  atomic_fetch_add(&results->not_understood, said->asm_unknown);
  if (fpost_enter() == NULL) {
    return;
  }
  fpost_modules_hooked(&fpost_context.modules, (uintptr_t)module);
  fpost_operations_module(said);
  if (said->asm_unknown != 0) {
    number_say(&text, "", said->asm_unknown);
    fpost_text_add(&text, " inline assembly in ");
    fpost_text_add(&text, said->source);
    fpost_text_add(&text,
                   " may write memory in a way that the pass does not "
                   "understand, first in ");
    fpost_text_add(&text, said->asm_unknown_function);
    fpost_text_add(&text, ": what it stores is found when it is flushed");
    fpost_note(bytes);
  }
  fpost_leave();
}
