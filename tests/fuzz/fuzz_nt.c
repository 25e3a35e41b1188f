/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Small random runs of several threads, many of their stores non-temporal,
 * through tools/explore/image.c, and through a machine that knows nothing of
 * it: the run is executed once for every way in which its NT stores may leave
 * their write-combining buffers, and every set of stores is tried that a crash
 * may have persisted.
 *
 * Invariants checked: a crash leaves every state that the machine has, at some
 * crash point; and no other, unless two threads met in a line of which one had
 * an NT store under way, or lines are torn (docs/MODEL.md). Runs in which an
 * NT store races with another for a word are left out.
 *
 *   fuzz_nt [-n RUNS] [-s SEED] [-e EVENTS] [-v]
 */
#include "rt/base/assert.h"
#include "tests/fuzz/random.h"
#include "tools/explore/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_MAX 12u
#define LINES 2u
#define WORDS 3u /* of a line, in use */
#define CELLS (LINES * WORDS)
#define THREADS 3u

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

enum kind { STORE, NT, CLFLUSH, CLWB, FENCE };

/* A store puts the number of its event, from 1, into a cell. */
struct event {
  enum kind kind;
  uint32_t thread;
  uint32_t cell;
};

struct run {
  struct fpost_mode mode;
  uint32_t count;
  struct event events[EVENTS_MAX];
};

/* ---- sets of states: a byte per cell ---- */

struct states {
  uint64_t *all;
  size_t count, max;
};

static void states_add(struct states *states, uint64_t state) {
  if (states->count == states->max) {
    states->max = states->max == 0 ? 1024 : 2 * states->max;
    states->all = realloc(states->all, states->max * sizeof *states->all);
    if (states->all == NULL) {
      abort();
    }
  }
  states->all[states->count++] = state;
}

static int state_compare(const void *a, const void *b) {
  uint64_t one = *(const uint64_t *)a;
  uint64_t two = *(const uint64_t *)b;
  return one < two ? -1 : one > two;
}

static void states_sort(struct states *states) {
  size_t kept = 0;
  qsort(states->all, states->count, sizeof *states->all, state_compare);
  for (size_t i = 0; i < states->count; i++) {
    if (kept == 0 || states->all[i] != states->all[kept - 1]) {
      states->all[kept++] = states->all[i];
    }
  }
  states->count = kept;
}

static bool states_have(const struct states *states, uint64_t state) {
  return bsearch(&state, states->all, states->count, sizeof state,
                 state_compare) != NULL;
}

static uint64_t state_put(uint64_t state, uint32_t cell, uint32_t value) {
  return (state & ~(UINT64_C(0xff) << 8 * cell)) | (uint64_t)value << 8 * cell;
}

/* ---- the machine ---- */

/* What took effect, in this order; NT stores where they left. */
struct machine {
  const struct run *run;
  uint32_t done[EVENTS_MAX];
  uint32_t count;
  uint32_t waiting; /* bit per event: an NT store that has not left */
  struct states states;
};

static bool is_store(const struct event *event) {
  return event->kind == STORE || event->kind == NT;
}

static bool same_line(const struct event *one, const struct event *two) {
  return one->cell / WORDS == two->cell / WORDS;
}

/* Does the store at index of `done` survive whatever happens? */
static bool survives(const struct machine *machine, uint32_t index) {
  const struct event *events = machine->run->events;
  const struct event *store = &events[machine->done[index]];
  if (store->kind == NT || machine->run->mode.domain == FPOST_DOMAIN_EADR) {
    return true; /* N1, A1 */
  }
  for (uint32_t i = index + 1; i < machine->count; i++) {
    const struct event *flush = &events[machine->done[i]];
    bool covers = same_line(store, flush);
    if (flush->kind == CLFLUSH && covers) {
      return true; /* F1 */
    }
    for (uint32_t j = i + 1;
         j < machine->count && flush->kind == CLWB && covers; j++) {
      const struct event *fence = &events[machine->done[j]];
      if (fence->kind == FENCE && fence->thread == flush->thread) {
        return true; /* F3, F4 */
      }
    }
  }
  return false;
}

/* All states of a crash now: each set of stores that has those that survive,
   and with a store those that persist before it. */
static void machine_crash(struct machine *machine) {
  const struct event *events = machine->run->events;
  uint32_t stores[EVENTS_MAX];
  uint32_t count = 0;
  uint32_t needed = 0;
  for (uint32_t i = 0; i < machine->count; i++) {
    if (is_store(&events[machine->done[i]])) {
      needed |= (uint32_t)survives(machine, i) << count;
      stores[count++] = machine->done[i];
    }
  }
  for (uint32_t set = 0; set < 1u << count; set++) {
    bool good = (needed & ~set) == 0;
    uint64_t state = 0;
    for (uint32_t i = 0; i < count; i++) {
      const struct event *one = &events[stores[i]];
      if ((set >> i & 1) != 0) {
        state = state_put(state, one->cell, stores[i] + 1);
        continue;
      }
      for (uint32_t j = i + 1; j < count; j++) { /* S3 */
        const struct event *two = &events[stores[j]];
        bool first = machine->run->mode.torn ? one->cell == two->cell
                                             : same_line(one, two);
        good = good && !(first && (set >> j & 1) != 0);
      }
    }
    if (good) {
      states_add(&machine->states, state);
    }
  }
}

/* Must the NT store have left before its thread does this? (N1) */
static bool leaves_before(const struct event *nt, const struct event *event) {
  if (nt->thread != event->thread) {
    return false;
  }
  return event->kind == FENCE || event->kind == CLFLUSH ||
         (event->kind == STORE && same_line(nt, event));
}

/* May the NT store leave before all others of its thread and line? */
static bool is_oldest(const struct machine *machine, uint32_t index) {
  const struct event *events = machine->run->events;
  for (uint32_t i = 0; i < index; i++) {
    if ((machine->waiting >> i & 1) != 0 &&
        events[i].thread == events[index].thread &&
        same_line(&events[i], &events[index])) {
      return false;
    }
  }
  return true;
}

/* Crash now and in all futures, of which `at` is the next event. */
static void machine_go(struct machine *machine, uint32_t at) {
  const struct run *run = machine->run;
  machine_crash(machine);
  for (uint32_t i = 0; i < at; i++) {
    if ((machine->waiting >> i & 1) != 0 && is_oldest(machine, i)) {
      machine->waiting ^= 1u << i;
      machine->done[machine->count++] = i;
      machine_go(machine, at);
      machine->count--;
      machine->waiting ^= 1u << i;
    }
  }
  if (at == run->count) {
    return;
  }
  for (uint32_t i = 0; i < at; i++) {
    if ((machine->waiting >> i & 1) != 0 &&
        leaves_before(&run->events[i], &run->events[at])) {
      return;
    }
  }
  bool waits = run->events[at].kind == NT;
  machine->waiting ^= (uint32_t)waits << at;
  machine->done[machine->count] = at;
  machine->count += !waits;
  machine_go(machine, at + 1);
  machine->count -= !waits;
  machine->waiting ^= (uint32_t)waits << at;
}

/* ---- the image ---- */

static uint64_t address_of(uint32_t cell) {
  return fpost_pm_address(0, cell / WORDS * 64 + cell % WORDS * 8);
}

/* All states that units from `at` on leave, the others being decided. */
static void image_states(const struct explore_image *image, uint32_t at,
                         struct states *states) {
  uint8_t(*lines)[64] = (void *)image->pools[0].memory;
  while (at < image->plan->units_used && image->units[at].touched == 0) {
    at++;
  }
  if (at == image->plan->units_used) {
    uint64_t state = 0;
    for (uint32_t cell = 0; cell < CELLS; cell++) {
      state = state_put(state, cell, lines[cell / WORDS][cell % WORDS * 8]);
    }
    states_add(states, state);
    return;
  }
  const struct fpost_unit *unit = &image->units[at];
  uint8_t *line = lines[fpost_pm_offset(unit->address) / 64];
  uint8_t before[64];
  memcpy(before, line, 64);
  uint64_t cuts = fpost_unit_cuts(unit, image->steps);
  for (uint64_t cut = 0; cut < cuts; cut++) {
    fpost_unit_at(unit, image->steps, cut, line);
    image_states(image, at + 1, states);
  }
  memcpy(line, before, 64);
}

static void record_make(const struct run *run, uint32_t at, uint8_t data[8],
                        struct fpost_record *record) {
  static const uint32_t kinds[] = {FPOST_RECORD_STORE, FPOST_RECORD_STORE,
                                   FPOST_RECORD_FLUSH, FPOST_RECORD_FLUSH,
                                   FPOST_RECORD_FENCE};
  static const uint32_t flags[] = {0, FENCEPOST_STORE_NT, FENCEPOST_CLFLUSH,
                                   FENCEPOST_CLWB, FENCEPOST_SFENCE};
  const struct event *event = &run->events[at];
  memset(data, 0, 8);
  data[0] = (uint8_t)(at + 1);
  *record = (struct fpost_record){.kind = kinds[event->kind],
                                  .flags = flags[event->kind],
                                  .thread = event->thread,
                                  .address = address_of(event->cell),
                                  .size = 8,
                                  .data = data,
                                  .data_size = 8};
}

/* Is a line torn that is not so all the time? */
static bool image_met(const struct explore_image *image) {
  bool met = false;
  for (uint32_t line = 0; line < LINES; line++) {
    met = met || image->pools[0].torn[line] != 0;
  }
  return met;
}

/* *met: two threads met in a line. */
static void image_run(const struct run *run, struct states *states, bool *met) {
  static struct explore_image image;
  const struct explore_options options = {.mode = run->mode};
  const struct explore_sizes sizes = {.count = 1, .sizes = {FPOST_PLAN_PAGE}};
  struct fpost_record record = {
      .kind = FPOST_RECORD_POOL, .size = FPOST_PLAN_PAGE, .text = ""};
  uint8_t data[8];
  if (explore_image_init(&image, &options, &sizes) != FPOST_OK ||
      explore_image_apply(&image, &record, 0) != FPOST_OK) {
    abort();
  }
  *met = false;
  for (uint32_t i = 0; i <= run->count; i++) {
    record = (struct fpost_record){.kind = FPOST_RECORD_END};
    if (i < run->count) {
      record_make(run, i, data, &record);
    }
    bool during = explore_image_during(&image, &record);
    bool point = explore_image_crash_point(&image, &record);
    int err = during ? explore_image_apply(&image, &record, i + 1) : FPOST_OK;
    if (point) {
      image_states(&image, 0, states);
    }
    if (during) {
      explore_image_settle(&image);
    } else {
      err = explore_image_apply(&image, &record, i + 1);
    }
    FPOST_ASSERT(err == FPOST_OK);
    *met = *met || image_met(&image);
  }
  explore_image_free(&image);
}

/* ---- runs ---- */

static void draw_run(struct random *random, uint32_t events, struct run *run) {
  static const enum kind mix[] = {STORE, STORE, STORE, NT,      NT,    NT,
                                  NT,    CLWB,  CLWB,  CLFLUSH, FENCE, FENCE};
  uint32_t mode = random_below(random, 4);
  uint32_t threads = 1 + random_below(random, THREADS);
  uint32_t cells = 1 + random_below(random, CELLS);
  run->mode.torn = mode == 2;
  run->mode.domain = mode == 3 ? FPOST_DOMAIN_EADR : FPOST_DOMAIN_ADR;
  run->count = 2 + random_below(random, events - 1);
  for (uint32_t i = 0; i < run->count; i++) {
    run->events[i] = (struct event){.kind = mix[random_below(random, 12)],
                                    .thread = random_below(random, threads),
                                    .cell = random_below(random, cells)};
  }
}

static void run_print(const struct run *run) {
  static const char *const names[] = {"", "nt ", "clflush ", "clwb ", "sfence"};
  printf("%s:", run->mode.torn                          ? "torn"
                : run->mode.domain == FPOST_DOMAIN_EADR ? "eadr"
                                                        : "line");
  for (uint32_t i = 0; i < run->count; i++) {
    const struct event *event = &run->events[i];
    printf("  T%u %s", event->thread, names[event->kind]);
    if (event->kind != FENCE) {
      printf("%c%u", "xy"[event->cell / WORDS], event -> cell % WORDS);
    }
    if (is_store(event)) {
      printf("=%u", i + 1);
    }
  }
  printf("\n");
}

static void state_print(const char *what, uint64_t state) {
  printf("  %s:", what);
  for (uint32_t cell = 0; cell < CELLS; cell++) {
    printf(" %c%u=%u", "xy"[cell / WORDS], cell % WORDS,
           (unsigned)(state >> 8 * cell & 0xff));
  }
  printf("\n");
}

/* Do two threads store to one word, one of them with an NT store? A trace has
   them in an order that they need not have had. */
static bool has_race(const struct run *run) {
  bool has = false;
  for (uint32_t i = 0; i < run->count; i++) {
    for (uint32_t j = 0; j < run->count; j++) {
      const struct event *one = &run->events[i];
      const struct event *two = &run->events[j];
      has = has || (one->kind == NT && is_store(two) &&
                    one->thread != two->thread && one->cell == two->cell);
    }
  }
  return has;
}

/* Do two NT stores of one thread go to different words of a line? */
static bool has_nt_order(const struct run *run) {
  bool has = false;
  for (uint32_t i = 0; i < run->count; i++) {
    for (uint32_t j = 0; j < i; j++) {
      const struct event *one = &run->events[i];
      const struct event *two = &run->events[j];
      has = has ||
            (one->kind == NT && two->kind == NT && one->thread == two->thread &&
             same_line(one, two) && one->cell != two->cell);
    }
  }
  return has;
}

enum result { EQUAL, MORE, WRONG };

static enum result run_check(const struct run *run, bool verbose) {
  static struct machine machine;
  static struct states found;
  bool met = false;
  bool missing = false;
  machine.run = run;
  machine.count = machine.waiting = 0;
  machine.states.count = found.count = 0;
  machine_go(&machine, 0);
  image_run(run, &found, &met);
  states_sort(&machine.states);
  states_sort(&found);
  bool more = found.count > machine.states.count;
  bool may = met || (run->mode.torn && has_nt_order(run));
  for (size_t i = 0; i < machine.states.count; i++) {
    missing = missing || !states_have(&found, machine.states.all[i]);
  }
  if (missing || (more && (!may || verbose))) {
    run_print(run);
    for (size_t i = 0; i < machine.states.count; i++) {
      if (!states_have(&found, machine.states.all[i])) {
        state_print("missing", machine.states.all[i]);
      }
    }
    for (size_t i = 0; i < found.count; i++) {
      if (!states_have(&machine.states, found.all[i])) {
        state_print("too many", found.all[i]);
      }
    }
  }
  return missing || (more && !may) ? WRONG : more ? MORE : EQUAL;
}

int main(int argc, char **argv) {
  uint64_t runs = 10000;
  uint64_t seed = 1;
  uint32_t events = 8;
  bool verbose = false;
  int option = 0;
  while ((option = getopt(argc, argv, "n:s:e:v")) != -1) {
    uint64_t value = option == 'v' ? 0 : strtoull(optarg, NULL, 0);
    if (option == 'n') {
      runs = value;
    } else if (option == 's') {
      seed = value;
    } else if (option == 'e' && value >= 2 && value <= EVENTS_MAX) {
      events = (uint32_t)value;
    } else if (option == 'v') {
      verbose = true;
    } else {
      fputs("usage: fuzz_nt [-n RUNS] [-s SEED] [-e EVENTS] [-v]\n", stderr);
      return 2;
    }
  }
  struct random random = {.state = seed};
  uint64_t results[3] = {0};
  for (uint64_t i = 0; i < runs && results[WRONG] < 5; i++) {
    struct run run;
    do {
      draw_run(&random, events, &run);
    } while (has_race(&run));
    results[run_check(&run, verbose)]++;
  }
  printf(
      "fuzz_nt: seed %llu: %llu runs of up to %u events: states equal in "
      "%llu, in %llu more where there may be, in %llu wrong\n",
      (unsigned long long)seed, (unsigned long long)runs, events,
      (unsigned long long)results[EQUAL], (unsigned long long)results[MORE],
      (unsigned long long)results[WRONG]);
  return results[WRONG] != 0;
}
