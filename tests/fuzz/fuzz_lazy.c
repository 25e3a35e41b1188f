/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Lazy exploration against every single image.
 *
 * A case is a random set of undecided units (what a program left behind at a
 * crash) and a random recovery: reads and stores of any size at any place, each
 * of which depends on what was read before. What recovery has read is its
 * outcome.
 *
 * Invariants checked:
 *   - the set of outcomes of the lazy walk equals the set of outcomes over all
 *     images;
 *   - a run of the walk behaves as the same recovery on an image made of its
 *     choices;
 *   - no two runs of the walk have the same choices, and there are never more
 * runs than images.
 */
#include "rt/base/assert.h"
#include "rt/model/choice.h"
#include "tests/fuzz/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 3u
#define MEMORY (LINES * 64u)
#define UNITS_MAX (LINES * 8u)
#define STEPS_MAX 64u
#define ACTIONS 10u
#define IMAGES_MAX 4096u
#define CHOICES_MAX 256u

struct world {
  uint8_t base[MEMORY];
  struct fpost_unit units[UNITS_MAX];
  struct fpost_step steps[STEPS_MAX];
  uint32_t unit_count;
  uint32_t step_count;
  uint64_t recovery; /* seed of the recovery's behaviour */
};

/* A run of recovery: on memory that is fixed, or decided on the way. */
struct run {
  const struct world *world;
  uint8_t memory[MEMORY];
  struct fpost_lazy lazy[UNITS_MAX];
  struct fpost_choice_list *list; /* null: the image is fixed */
  uint64_t outcome;
};

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

static uint8_t values[FPOST_CHOICE_VALUES_MAX][64];

static uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
  return (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* ---- making a case ---- */

static void add_step(struct world *world, struct fpost_unit *unit,
                     struct random *random) {
  struct fpost_step *step = &world->steps[world->step_count++];
  uint32_t size = 1u << random_below(random, 5);
  uint32_t at = random_below(random, 65 - size);
  *step = (struct fpost_step){.store = world->step_count,
                              .whole = random_below(random, 8) == 0};
  step->written = (size == 64 ? ~UINT64_C(0) : (UINT64_C(1) << size) - 1) << at;
  step->written &= unit->all;
  if (step->written == 0) {
    step->written = unit->all & (~unit->all + 1);
  }
  for (uint32_t i = 0; i < 64; i++) {
    /* Few values, so that different cuts often look the same. */
    step->content[i] =
        (step->written >> i & 1) != 0 ? (uint8_t)random_below(random, 3) : 0;
  }
  unit->touched |= step->written;
  unit->steps_count++;
}

static void add_unit(struct world *world, uint32_t line, fpost_bytes all,
                     struct random *random) {
  struct fpost_unit *unit = &world->units[world->unit_count++];
  *unit = (struct fpost_unit){
      .address = line * 64, .steps_first = world->step_count, .all = all};
  memcpy(unit->base, world->base + line * 64, 64);
  uint32_t count = 1 + random_below(random, 3);
  for (uint32_t i = 0; i < count; i++) {
    add_step(world, unit, random);
  }
}

static void make_world(struct world *world, struct random *random) {
  *world = (struct world){.recovery = random_next(random)};
  for (uint32_t i = 0; i < MEMORY; i++) {
    world->base[i] = (uint8_t)random_below(random, 2);
  }
  for (uint32_t line = 0; line < LINES; line++) {
    uint32_t kind = random_below(random, 4);
    if (kind == 0) { /* torn: a unit for each of some words */
      for (uint32_t word = 0; word < 8; word += 1 + random_below(random, 6)) {
        add_unit(world, line, UINT64_C(0xff) << (8 * word), random);
      }
    } else if (kind != 1) {
      add_unit(world, line, ~UINT64_C(0), random);
    }
  }
}

/* ---- running recovery ---- */

static fpost_bytes part_of(const struct fpost_unit *unit, uint64_t at,
                           uint64_t size) {
  fpost_bytes bytes = 0;
  for (uint64_t i = at; i < at + size; i++) {
    if (i / 64 == unit->address / 64) {
      bytes |= UINT64_C(1) << i % 64;
    }
  }
  return bytes & unit->all;
}

static void decide(struct run *run, uint64_t at, uint64_t size) {
  for (uint32_t i = 0; run->list != NULL && i < run->world->unit_count; i++) {
    const struct fpost_unit *unit = &run->world->units[i];
    fpost_bytes bytes = part_of(unit, at, size);
    fpost_bytes fresh = 0;
    if (bytes == 0) {
      continue;
    }
    int err =
        fpost_choice_read(unit, run->world->steps, i, &run->lazy[i], bytes,
                          FPOST_CHOICE_FIRST, 0, run->list, values, &fresh);
    FPOST_ASSERT(err == FPOST_OK);
    for (; fresh != 0; fresh &= fresh - 1) {
      int byte = __builtin_ctzll(fresh);
      run->memory[unit->address + (uint64_t)byte] =
          run->lazy[i].known.content[byte];
    }
  }
}

static void store(struct run *run, uint64_t at, uint64_t size, uint64_t value) {
  for (uint64_t i = at; i < at + size; i++) {
    run->memory[i] = (uint8_t)(value % 3);
    value = mix(value, i);
  }
  for (uint32_t i = 0; run->list != NULL && i < run->world->unit_count; i++) {
    fpost_choice_store(&run->lazy[i], part_of(&run->world->units[i], at, size));
  }
}

/* What recovery does next depends on all that it has read. */
static void recover(struct run *run) {
  uint64_t state = run->world->recovery;
  uint64_t actions = 1 + state % ACTIONS;
  for (uint64_t i = 0; i < actions; i++) {
    uint64_t dice = mix(state, i);
    uint64_t size = 1 + dice % 24;
    uint64_t at = (dice >> 16) % (MEMORY - size);
    if ((dice >> 40) % 4 == 0) {
      store(run, at, size, dice >> 44);
      continue;
    }
    decide(run, at, size);
    for (uint64_t j = at; j < at + size; j++) {
      state = mix(state, run->memory[j]);
    }
  }
  run->outcome = state;
}

/* ---- sets ---- */

struct set {
  uint64_t items[IMAGES_MAX];
  uint32_t count;
};

static int compare(const void *a, const void *b) {
  uint64_t one = *(const uint64_t *)a;
  uint64_t two = *(const uint64_t *)b;
  return one < two ? -1 : one > two;
}

static void set_close(struct set *set) {
  qsort(set->items, set->count, sizeof set->items[0], compare);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < set->count; i++) {
    if (kept == 0 || set->items[kept - 1] != set->items[i]) {
      set->items[kept++] = set->items[i];
    }
  }
  set->count = kept;
}

/* All images, as an odometer over the cuts. False: too many. */
static bool run_all(const struct world *world, struct set *set,
                    uint64_t *images) {
  uint64_t cuts[UNITS_MAX] = {0};
  *images = 1;
  for (uint32_t i = 0; i < world->unit_count; i++) {
    *images *= fpost_unit_cuts(&world->units[i], world->steps);
    if (*images > IMAGES_MAX) {
      return false;
    }
  }
  set->count = 0;
  for (uint64_t image = 0; image < *images; image++) {
    struct run run = {.world = world};
    uint64_t rest = image;
    memcpy(run.memory, world->base, MEMORY);
    for (uint32_t i = 0; i < world->unit_count; i++) {
      const struct fpost_unit *unit = &world->units[i];
      uint64_t count = fpost_unit_cuts(unit, world->steps);
      cuts[i] = rest % count;
      rest /= count;
      fpost_unit_at(unit, world->steps, cuts[i], run.memory + unit->address);
    }
    recover(&run);
    set->items[set->count++] = run.outcome;
  }
  set_close(set);
  return true;
}

/* The image that the choices leave, with the least persisted. */
static uint64_t outcome_of_choices(const struct world *world,
                                   const struct fpost_choice_list *list) {
  struct run run = {.world = world};
  memcpy(run.memory, world->base, MEMORY);
  for (uint32_t i = 0; i < world->unit_count; i++) {
    const struct fpost_unit *unit = &world->units[i];
    struct fpost_known known;
    fpost_choice_known(list->choices, list->count, i, &known);
    fpost_unit_at(unit, world->steps,
                  fpost_unit_first_cut(unit, world->steps, &known),
                  run.memory + unit->address);
  }
  recover(&run);
  return run.outcome;
}

static uint64_t run_lazy(const struct world *world, struct set *set) {
  struct fpost_choice choices[CHOICES_MAX];
  struct fpost_choice_list list = {.choices = choices, .max = CHOICES_MAX};
  uint64_t runs = 0;
  set->count = 0;
  do {
    struct run run = {.world = world, .list = &list};
    memcpy(run.memory, world->base, MEMORY);
    for (uint32_t i = 0; i < list.count; i++) {
      fpost_choice_apply(&choices[i], &run.lazy[choices[i].unit]);
    }
    recover(&run);
    runs++;
    FPOST_ASSERT(runs <= IMAGES_MAX);
    FPOST_ASSERT(run.outcome == outcome_of_choices(world, &list));
    set->items[set->count++] = run.outcome;
  } while (fpost_choice_next(&list, 0, world->units, world->steps, values));
  set_close(set);
  return runs;
}

int main(int argc, char **argv) {
  uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
  uint64_t cases = argc > 2 ? strtoull(argv[2], NULL, 0) : 10000;
  static struct set lazy;
  static struct set all;
  static struct world world;
  uint64_t images = 0;
  uint64_t total_images = 0;
  uint64_t total_runs = 0;
  uint64_t done = 0;
  for (uint64_t i = 0; done < cases; i++) {
    struct random random = {seed + i * UINT64_C(0x2545f4914f6cdd1d)};
    make_world(&world, &random);
    if (!run_all(&world, &all, &images)) {
      continue;
    }
    uint64_t runs = run_lazy(&world, &lazy);
    if (runs > images || lazy.count != all.count ||
        memcmp(lazy.items, all.items, all.count * sizeof all.items[0]) != 0) {
      printf(
          "case %llu of seed %llu: %u outcomes in %llu lazy runs, %u in %llu "
          "images\n",
          (unsigned long long)i, (unsigned long long)seed, lazy.count,
          (unsigned long long)runs, all.count, (unsigned long long)images);
      return 1;
    }
    total_runs += runs;
    total_images += images;
    done++;
  }
  printf("seed %llu: %llu cases, %llu runs for %llu images\n",
         (unsigned long long)seed, (unsigned long long)done,
         (unsigned long long)total_runs, (unsigned long long)total_images);
  return 0;
}
