/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The machine knows no guarantees: it has PM, and a queue of visible stores
 * that have not reached it. At any moment a store of the queue may go to PM
 * unless an older one has to go first (S3, or the same word). clflush waits
 * until nothing of its line is in the queue (F1); clwb marks what is there as
 * awaited by its thread (F4), and a fence waits until nothing that its thread
 * awaits is left (F3). An NT store goes to PM as it becomes visible (N1). A
 * crash leaves what PM holds.
 */
#include "tests/fuzz/model_reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS FPOST_LITMUS_THREADS_MAX
#define QUEUE REFERENCE_INSTRUCTIONS_MAX

/* Bytes only, so that equal worlds have equal bytes. */
struct world {
  uint8_t pc[THREADS];
  uint8_t issued[THREADS]
                [QUEUE]; /* 1 + instruction, oldest first; 0: no more */
  uint8_t registers[THREADS][REFERENCE_REGISTERS_MAX];
  uint8_t visible[FPOST_LITMUS_LOCATIONS_MAX];
  uint8_t pm[FPOST_LITMUS_LOCATIONS_MAX];
  uint8_t queue_count;
  struct {
    uint8_t location, value, awaited; /* awaited: bit per thread */
  } queue[QUEUE];
};

/* The worlds met so far: a hash table, of which those past `done` are to do. */
struct worlds {
  struct world *all;
  size_t count, max;
  size_t *table; /* 1 + index into all; 0: free */
  size_t table_max;
};

static void *allocate(void *old, size_t size) {
  void *memory = realloc(old, size);
  if (memory == NULL) {
    fputs("model_reference: out of memory\n", stderr);
    abort();
  }
  return memory;
}

static size_t *table_place(const struct worlds *worlds,
                           const struct world *world) {
  const uint8_t *bytes = (const uint8_t *)world;
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < sizeof(*world); i++) {
    hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
  }
  size_t at = hash & (worlds->table_max - 1);
  while (worlds->table[at] != 0 && memcmp(&worlds->all[worlds->table[at] - 1],
                                          world, sizeof(*world)) != 0) {
    at = (at + 1) & (worlds->table_max - 1);
  }
  return &worlds->table[at];
}

static void worlds_add(struct worlds *worlds, const struct world *world) {
  if (worlds->count == worlds->max) {
    worlds->max = worlds->max == 0 ? 256 : 2 * worlds->max;
    worlds->all = allocate(worlds->all, worlds->max * sizeof(*world));
    worlds->table_max = 4 * worlds->max;
    worlds->table =
        allocate(worlds->table, worlds->table_max * sizeof(*worlds->table));
    memset(worlds->table, 0, worlds->table_max * sizeof(*worlds->table));
    for (size_t i = 0; i < worlds->count; i++) {
      *table_place(worlds, &worlds->all[i]) = i + 1;
    }
  }
  size_t *place = table_place(worlds, world);
  if (*place == 0) {
    worlds->all[worlds->count] = *world;
    *place = ++worlds->count;
  }
}

struct reference {
  const struct fpost_litmus_program *program;
  const struct fpost_mode *mode;
  struct worlds worlds;
};

static const struct fpost_litmus_instruction *
instruction(const struct reference *reference, uint32_t thread, uint32_t i) {
  return &reference->program->threads[thread].instructions[i];
}

static bool is_clflush(const struct fpost_litmus_instruction *i) {
  return i->op == FPOST_LITMUS_FLUSH && i->value == FENCEPOST_CLFLUSH;
}

static bool is_clwb(const struct fpost_litmus_instruction *i) {
  return i->op == FPOST_LITMUS_FLUSH && i->value != FENCEPOST_CLFLUSH;
}

/* The rules, one by one: does a stay before b, which follows it in the program?
 */
static bool stays_before(const struct reference *reference,
                         const struct fpost_litmus_instruction *a,
                         const struct fpost_litmus_instruction *b) {
  bool a_store = a->op == FPOST_LITMUS_STORE;
  bool b_store = b->op == FPOST_LITMUS_STORE;
  bool a_nt = a->op == FPOST_LITMUS_NT;
  bool b_nt = b->op == FPOST_LITMUS_NT;
  if (a->op == FPOST_LITMUS_SFENCE || b->op == FPOST_LITMUS_SFENCE) {
    return true;
  }
  bool line = reference->program->line[a->location] ==
              reference->program->line[b->location];
  if (a_store && b_store) {
    return true; /* S1 */
  }
  if (is_clflush(a) && (b_store || is_clflush(b))) {
    return true; /* F1 */
  }
  if (a_store && is_clflush(b)) {
    return true; /* F1 */
  }
  if (a_store && is_clwb(b)) {
    return line; /* F2 */
  }
  if ((is_clflush(a) && is_clwb(b)) || (is_clwb(a) && is_clflush(b))) {
    return line; /* F2 */
  }
  if (a_nt && is_clflush(b)) {
    return true; /* N1: no later clflush overtakes it */
  }
  if ((a_nt || b_nt) && !is_clwb(a)) {
    return line; /* N1: accesses to its own line */
  }
  return false;
}

/* Is a store to `older` in the queue bound to reach PM before one to `newer`?
 */
static bool persists_before(const struct reference *reference, uint32_t older,
                            uint32_t newer) {
  return reference->mode->torn ? older == newer
                               : reference->program->line[older] ==
                                     reference->program->line[newer];
}

/* Does the queue hold something that a fence of the thread waits for? */
static bool fence_waits(const struct world *world, uint32_t thread) {
  for (uint32_t i = 0; i < world->queue_count; i++) {
    if ((world->queue[i].awaited >> thread & 1) != 0) {
      return true;
    }
  }
  return false;
}

/* Make a store visible. */
static void store(const struct reference *reference, struct world *world,
                  uint32_t location, uint32_t value) {
  world->visible[location] = (uint8_t)value;
  if (reference->mode->domain == FPOST_DOMAIN_EADR) {
    world->pm[location] = (uint8_t)value; /* A1 */
    return;
  }
  world->queue[world->queue_count].location = (uint8_t)location;
  world->queue[world->queue_count].value = (uint8_t)value;
  world->queue_count++;
}

/*
 * Let an issued instruction take effect, apart from leaving the list. Returns
 * false if it has to wait.
 */
static bool take_effect(const struct reference *reference, struct world *world,
                        uint32_t thread,
                        const struct fpost_litmus_instruction *i) {
  if (i->op == FPOST_LITMUS_STORE) {
    store(reference, world, i->location, i->value);
    return true;
  }
  if (i->op == FPOST_LITMUS_SFENCE) {
    return !fence_waits(world, thread);
  }
  for (uint32_t q = 0; q < world->queue_count; q++) {
    uint32_t location = world->queue[q].location;
    bool line = reference->program->line[location] ==
                reference->program->line[i->location];
    if (is_clflush(i) && line) {
      return false;
    }
    if (i->op == FPOST_LITMUS_NT &&
        persists_before(reference, location, i->location)) {
      return false;
    }
    if (is_clwb(i) && line) {
      world->queue[q].awaited |= (uint8_t)(1u << thread);
    }
  }
  if (i->op == FPOST_LITMUS_NT) {
    world->visible[i->location] = world->pm[i->location] = (uint8_t)i->value;
  }
  return true;
}

/* Worlds in which one more issued instruction of the thread has taken effect.
 */
static void add_effects(struct reference *reference, const struct world *world,
                        uint32_t thread) {
  const uint8_t *issued = world->issued[thread];
  for (uint32_t i = 0; i < QUEUE && issued[i] != 0; i++) {
    bool blocked = false;
    for (uint32_t j = 0; j < i; j++) {
      blocked |= stays_before(reference,
                              instruction(reference, thread, issued[j] - 1u),
                              instruction(reference, thread, issued[i] - 1u));
    }
    struct world next = *world;
    if (!blocked &&
        take_effect(reference, &next, thread,
                    instruction(reference, thread, issued[i] - 1u))) {
      memmove(&next.issued[thread][i], &next.issued[thread][i + 1],
              QUEUE - i - 1);
      next.issued[thread][QUEUE - 1] = 0;
      worlds_add(&reference->worlds, &next);
    }
  }
}

/* What a load of the thread sees. */
static uint8_t load(const struct reference *reference,
                    const struct world *world, uint32_t thread,
                    uint32_t location) {
  uint8_t value = world->visible[location];
  for (uint32_t i = 0; i < QUEUE && world->issued[thread][i] != 0; i++) {
    const struct fpost_litmus_instruction *own =
        instruction(reference, thread, world->issued[thread][i] - 1u);
    if ((own->op == FPOST_LITMUS_STORE || own->op == FPOST_LITMUS_NT) &&
        own->location == location) {
      value = (uint8_t)own->value;
    }
  }
  return value;
}

/* The world in which the thread has executed its next instruction, if it can.
 */
static void add_next(struct reference *reference, const struct world *world,
                     uint32_t thread) {
  if (world->pc[thread] ==
      reference->program->threads[thread].instructions_count) {
    return;
  }
  const struct fpost_litmus_instruction *i =
      instruction(reference, thread, world->pc[thread]);
  struct world next = *world;
  uint8_t *result = &next.registers[thread][i->register_];
  next.pc[thread]++;
  bool idle = world->issued[thread][0] == 0 && !fence_waits(world, thread);
  switch (i->op) {
  case FPOST_LITMUS_LFENCE:
    break;
  case FPOST_LITMUS_MFENCE:
    if (!idle) {
      return;
    }
    break;
  case FPOST_LITMUS_LOAD:
    *result = load(reference, world, thread, i->location);
    break;
  case FPOST_LITMUS_XCHG:
  case FPOST_LITMUS_CAS:
    if (!idle) {
      return;
    }
    *result = world->visible[i->location];
    if (i->op == FPOST_LITMUS_XCHG || *result == i->expected) {
      store(reference, &next, i->location, i->value);
    }
    break;
  case FPOST_LITMUS_IF:
    if (*result != i->expected) {
      next.pc[thread] = (uint8_t)(next.pc[thread] + i->skip);
    }
    break;
  default: {
    uint32_t end = 0;
    while (next.issued[thread][end] != 0) {
      end++;
    }
    next.issued[thread][end] = (uint8_t)(world->pc[thread] + 1);
  }
  }
  worlds_add(&reference->worlds, &next);
}

/* Worlds in which one more store has reached PM. */
static void add_persists(struct reference *reference,
                         const struct world *world) {
  for (uint32_t i = 0; i < world->queue_count; i++) {
    bool blocked = false;
    for (uint32_t j = 0; j < i; j++) {
      blocked |= persists_before(reference, world->queue[j].location,
                                 world->queue[i].location);
    }
    if (!blocked) {
      struct world next = *world;
      next.pm[world->queue[i].location] = world->queue[i].value;
      next.queue_count--;
      memmove(&next.queue[i], &next.queue[i + 1],
              (next.queue_count - i) * sizeof(next.queue[0]));
      memset(&next.queue[next.queue_count], 0, sizeof(next.queue[0]));
      worlds_add(&reference->worlds, &next);
    }
  }
}

void reference_run(const struct fpost_litmus_program *program,
                   const struct fpost_mode *mode,
                   struct fpost_litmus_states *states) {
  struct reference reference = {.program = program, .mode = mode};
  *states = (struct fpost_litmus_states){.values = NULL};
  worlds_add(&reference.worlds, &(struct world){.queue_count = 0});
  for (size_t w = 0; w < reference.worlds.count; w++) {
    const struct world world = reference.worlds.all[w];
    uint32_t content[FPOST_LITMUS_LOCATIONS_MAX] = {0};
    for (uint32_t i = 0; i < program->locations_count; i++) {
      content[i] = world.pm[i];
    }
    if (fpost_litmus_states_add(states, content) != FPOST_OK) {
      abort();
    }
    for (uint32_t t = 0; t < program->threads_count; t++) {
      add_effects(&reference, &world, t);
      add_next(&reference, &world, t);
    }
    add_persists(&reference, &world);
  }
  fpost_litmus_states_sort(states);
  free(reference.worlds.all);
  free(reference.worlds.table);
}
