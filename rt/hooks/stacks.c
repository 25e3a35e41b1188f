/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/stacks.h"

#include "rt/base/assert.h"
#include "rt/os/os.h"

#include <errno.h>
#include <string.h>

/* No frame that way 2 follows is larger, in bytes. */
#define FRAME_SIZE_MAX (UINT32_C(1) << 20)

enum size_kind {
  SIZE_FIXED = 0,
  SIZE_VARIES = 1, /* two sizes were seen for one return address */
  SIZE_LAST = 2    /* the outermost frame */
};

int fpost_stacks_init(struct fpost_stacks *stacks,
                      struct fpost_modules *modules, uint32_t frames_max) {
  FPOST_ASSERT(frames_max >= 1);
  FPOST_ASSERT(frames_max <= FPOST_STACK_MAX);
  memset(stacks, 0, sizeof(*stacks));
  stacks->frames_max = frames_max;
  stacks->modules = modules;
  stacks->stacks = fpost_os_reserve(sizeof(struct fpost_stack) *
                                    (FPOST_STACKS_MAX + UINT64_C(1)));
  stacks->buckets = fpost_os_reserve(sizeof(uint32_t) * FPOST_STACKS_BUCKETS);
  stacks->sizes =
      fpost_os_reserve(sizeof(struct fpost_stack_size) * FPOST_STACK_SIZES);
  if ((void *)stacks->stacks == FPOST_OS_FAILED ||
      (void *)stacks->buckets == FPOST_OS_FAILED ||
      (void *)stacks->sizes == FPOST_OS_FAILED) {
    return FPOST_ENOMEM;
  }
  return FPOST_OK;
}

static uint64_t stack_hash(const uintptr_t *pcs, uint32_t count) {
  uint64_t hash = count;
  for (uint32_t i = 0; i < count; i++) {
    hash = (hash ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  return hash;
}

uint32_t fpost_stacks_intern(struct fpost_stacks *stacks, const uintptr_t *pcs,
                             uint32_t count) {
  FPOST_ASSERT(count >= 1);
  FPOST_ASSERT(count <= FPOST_STACK_MAX);
  uint64_t at = stack_hash(pcs, count) + stacks->generation;
  for (;; at++) {
    uint32_t *bucket = &stacks->buckets[at & (FPOST_STACKS_BUCKETS - 1)];
    if (*bucket == 0) {
      if (stacks->count == FPOST_STACKS_MAX) {
        stacks->lost++;
        return 0;
      }
      *bucket = ++stacks->count;
      struct fpost_stack *stack = &stacks->stacks[*bucket];
      stack->count = count;
      stack->generation = stacks->generation;
      memcpy(stack->pcs, pcs, count * sizeof(*pcs));
      for (uint32_t i = 0; i < count; i++) {
        stack->modules[i] = fpost_modules_find(stacks->modules, pcs[i]);
      }
      return *bucket;
    }
    const struct fpost_stack *stack = &stacks->stacks[*bucket];
    if (stack->count == count && stack->generation == stacks->generation &&
        memcmp(stack->pcs, pcs, count * sizeof(*pcs)) == 0) {
      return *bucket;
    }
  }
}

static struct fpost_stack_size *size_place(struct fpost_stacks *stacks,
                                           uintptr_t pc) {
  uint64_t hash = pc * UINT64_C(0x9e3779b97f4a7c15);
  return &stacks->sizes[(hash >> 40) & (FPOST_STACK_SIZES - 1)];
}

/* Way 2. Returns the number of frames, or 0 if something on the way is unknown.
 */
static uint32_t walk_sizes(struct fpost_stacks *stacks, uintptr_t pc,
                           uintptr_t cfa, uintptr_t top,
                           struct fpost_frame *frames) {
  frames[0] = (struct fpost_frame){.pc = pc, .slot = cfa - sizeof(pc)};
  uint32_t count = 1;
  while (count < stacks->frames_max) {
    const struct fpost_stack_size *size = size_place(stacks, pc);
    if (size->pc != pc || size->kind == SIZE_VARIES) {
      return 0;
    }
    if (size->kind == SIZE_LAST) {
      break;
    }
    cfa += size->size;
    if (cfa >= top) {
      return 0;
    }
    uintptr_t slot = cfa - sizeof(pc);
    pc = *(const uintptr_t *)slot;
    frames[count++] = (struct fpost_frame){.pc = pc, .slot = slot};
  }
  /* The innermost unknown word would be taken for a return address: whether the
     last one is known has been checked for all but itself. */
  if (count == stacks->frames_max && size_place(stacks, pc)->pc != pc) {
    return 0;
  }
  return count;
}

static void size_learn(struct fpost_stacks *stacks, uintptr_t pc, uint64_t size,
                       enum size_kind kind) {
  struct fpost_stack_size *place = size_place(stacks, pc);
  if (place->pc == pc && (place->kind != (uint32_t)kind ||
                          (kind == SIZE_FIXED && place->size != size))) {
    kind = SIZE_VARIES;
  }
  if (size > FRAME_SIZE_MAX) {
    kind = SIZE_VARIES;
  }
  *place =
      (struct fpost_stack_size){.pc = pc, .size = (uint32_t)size, .kind = kind};
}

/* Way 3. *cacheable is false if a frame's return address lies nowhere. */
static uint32_t walk_unwind(struct fpost_stacks *stacks, uintptr_t pc,
                            uintptr_t cfa, struct fpost_frame *frames,
                            bool *cacheable) {
  bool ended = false;
  /* One more than wanted, to learn that the last one is a return address. */
  uint32_t count =
      fpost_unwind(pc, cfa, frames, stacks->frames_max + 1, &ended);
  *cacheable = count > 0;
  if (count == 0) {
    frames[0] = (struct fpost_frame){.pc = pc, .slot = 0};
    return 1;
  }
  for (uint32_t i = 0; i + 1 < count; i++) {
    if (frames[i].slot != 0 && frames[i + 1].slot != 0) {
      size_learn(stacks, frames[i].pc, frames[i + 1].slot - frames[i].slot,
                 SIZE_FIXED);
    } else {
      *cacheable = false;
      size_learn(stacks, frames[i].pc, 0, SIZE_VARIES);
    }
  }
  if (ended) {
    size_learn(stacks, frames[count - 1].pc, 0, SIZE_LAST);
  }
  return count < stacks->frames_max ? count : stacks->frames_max;
}

/* The entry to be overwritten by a new stack of (pc, cfa). */
static struct fpost_stack_entry *entry_free(struct fpost_stack_cache *cache,
                                            uintptr_t pc, uintptr_t cfa) {
  struct fpost_stack_entry *entries = fpost_stack_entries(cache, pc, cfa);
  for (uint32_t i = 0; i < FPOST_STACK_WAYS; i++) {
    if (entries[i].pc == 0) {
      return &entries[i];
    }
  }
  return &entries[cache->replaced++ % FPOST_STACK_WAYS];
}

uint32_t fpost_stacks_walk(struct fpost_stacks *stacks,
                           struct fpost_stack_cache *cache, uintptr_t pc,
                           uintptr_t cfa, uintptr_t top) {
  struct fpost_frame frames[FPOST_STACK_MAX + 1];
  uintptr_t pcs[FPOST_STACK_MAX];
  bool cacheable = true;
  /* On a stack that is not the thread's own (a coroutine's, a signal's) way 2
     has no end to stay within. */
  bool own = cfa < top;
  int error = errno;
  uint32_t count = own ? walk_sizes(stacks, pc, cfa, top, frames) : 0;
  if (count == 0) {
    count = walk_unwind(stacks, pc, cfa, frames, &cacheable);
  }
  for (uint32_t i = 0; i < count; i++) {
    pcs[i] = frames[i].pc;
  }
  uint32_t stack = fpost_stacks_intern(stacks, pcs, count);
  errno = error;
  if (cacheable && own) {
    struct fpost_stack_entry *entry = entry_free(cache, pc, cfa);
    entry->pc = pc;
    entry->cfa = cfa;
    entry->stack = stack;
    entry->count = count - 1;
    for (uint32_t i = 1; i < count; i++) {
      uint64_t above = frames[i].slot - cfa;
      if (above > UINT32_MAX || frames[i].slot >= top) {
        entry->pc = 0;
        break;
      }
      entry->slots[i - 1] = (uint32_t)above;
      entry->pcs[i - 1] = frames[i].pc;
    }
  }
  return stack;
}

void fpost_stacks_forget(struct fpost_stacks *stacks) {
  stacks->generation++;
  fpost_os_empty(stacks->sizes,
                 sizeof(struct fpost_stack_size) * FPOST_STACK_SIZES);
}
