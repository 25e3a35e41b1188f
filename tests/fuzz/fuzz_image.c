/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random traces through tools/explore/image.c, and through a reference that
 * keeps the history of every line (image_reference.h).
 *
 * Invariants checked, at every crash point: the guaranteed bytes of the pools;
 * for every line or word all contents that a crash may leave; of each undecided
 * store its event, place, thread and stack; the number of states, of units, of
 * units per page, and the pages that they lie in; equal states, and only these,
 * have equal hashes. Beyond that: what becomes guaranteed does so at a crash
 * point, and a crash point is where docs/MODEL.md has one.
 *
 *   fuzz_image [-n PROGRAMS] [-s SEED]
 */
#include "rt/base/assert.h"
#include "tests/fuzz/image_reference.h"
#include "tests/fuzz/random.h"
#include "tools/explore/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HOT_LINES 6u
#define TRACE_MAX (1u << 20)
#define SEEN_MAX 4096u
#define POOL_LINES (REFERENCE_POOL_SIZE / 64)

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

static const char *failure; /* the first that was met in a program */

static void expect(bool good, const char *what) {
  if (!good && failure == NULL) {
    failure = what;
  }
}

/* ---- programs ---- */

struct program {
  struct explore_options options;
  struct explore_sizes sizes;
  uint8_t content[REFERENCE_POOLS][REFERENCE_POOL_SIZE]; /* when mapped */
  uint64_t now[REFERENCE_POOLS];                         /* size */
  uint64_t hot[HOT_LINES];                               /* pm addresses */
  bool plain; /* few stores to few places: states come again */
  struct fpost_record early[2];
  size_t size;
  uint8_t bytes[TRACE_MAX];
};

static struct fpost_trace_state encoder; /* all programs are one stream */
static struct fpost_trace_state decoder;

static void emit(struct program *program, const struct fpost_record *record) {
  if (program->size + FPOST_RECORD_MAX > sizeof program->bytes) {
    abort();
  }
  program->size +=
      fpost_trace_encode(&encoder, record, program->bytes + program->size);
}

static void emit_pool(struct program *program, uint32_t pool, uint64_t size) {
  emit(program, &(struct fpost_record){.kind = FPOST_RECORD_POOL,
                                       .id = pool,
                                       .size = size,
                                       .text = "",
                                       .value = 0x10000});
  emit(program, &(struct fpost_record){.kind = FPOST_RECORD_IMAGE,
                                       .address = fpost_pm_address(pool, 0),
                                       .data = program->content[pool],
                                       .size = FPOST_PLAN_PAGE,
                                       .data_size = FPOST_PLAN_PAGE});
  program->now[pool] = size;
}

/* An address in a pool that is there, and the bytes from it to its end. */
static uint64_t draw_address(struct random *random,
                             const struct program *program, uint64_t *left) {
  for (;;) {
    uint64_t line = program->hot[random_below(random, HOT_LINES)];
    uint64_t size = program->now[fpost_pm_pool(line)];
    uint64_t address = line + random_below(random, 8) * 8;
    address += !program->plain && random_below(random, 4) == 0
                   ? random_below(random, 8)
                   : 0;
    if (fpost_pm_offset(address) < size) {
      *left = size - fpost_pm_offset(address);
      return address;
    }
  }
}

static uint32_t draw_thread(struct random *random) {
  static const uint32_t threads[] = {0, 1, 5};
  return threads[random_below(random, 3)];
}

static void draw_store(struct random *random, struct program *program,
                       uint32_t thread, uint32_t flags) {
  static const uint32_t sizes[] = {1, 2, 4, 8, 8, 8, 8, 16, 24, 64, 100, 200};
  uint8_t data[256];
  uint8_t value = (uint8_t)(1 + random_below(random, 2));
  uint64_t left = 0;
  struct fpost_record record = {.kind = FPOST_RECORD_STORE,
                                .thread = thread,
                                .flags = flags,
                                .data = data};
  record.address = draw_address(random, program, &left);
  record.size = program->plain ? 8 : sizes[random_below(random, 12)];
  if ((flags & FENCEPOST_STORE_WHOLE) != 0) {
    record.address &= ~UINT64_C(63);
    record.size = left = 64;
  }
  if ((flags & FENCEPOST_STORE_FOUND) != 0 && random_below(random, 4) != 0) {
    record.size = 1 + random_below(random, 8);
  }
  record.size = record.size < left ? record.size : left;
  record.data_size = record.size;
  for (uint64_t i = 0; i < record.size; i++) {
    data[i] = program->plain ? value : (uint8_t)random_below(random, 3);
  }
  emit(program, &record);
}

/*
 * What a comparison finds. It is made for a flush, a fence, msync, munmap or
 * the end of the run, whose record follows, but another thread's may be first:
 * whatever is drawn next.
 */
static void draw_found(struct random *random, struct program *program,
                       uint32_t thread) {
  struct fpost_record record = {.thread = thread, .text = ""};
  for (uint32_t i = 1 + random_below(random, 6); i > 0; i--) {
    thread = random_below(random, 8) == 0 ? draw_thread(random) : thread;
    draw_store(random, program, thread, FENCEPOST_STORE_FOUND);
  }
  switch (random_below(random, 4)) {
  case 0:
    record.kind = FPOST_RECORD_FENCE;
    break;
  case 1:
    record.kind = FPOST_RECORD_NOTE;
    break;
  case 2:
    record.kind = FPOST_RECORD_FLUSH;
    record.flags = random_below(random, 3);
    record.address = draw_address(random, program, &record.size);
    record.size = 1;
    break;
  default:
    return;
  }
  emit(program, &record);
}

static void draw_stores(struct random *random, struct program *program) {
  uint32_t thread = draw_thread(random);
  switch (random_below(random, 10)) {
  case 0:
    draw_store(random, program, thread, FENCEPOST_STORE_WHOLE);
    break;
  case 1:
  case 2:
    draw_store(random, program, thread, FENCEPOST_STORE_NT);
    break;
  case 3:
    draw_found(random, program, thread);
    break;
  default:
    draw_store(random, program, thread, 0);
  }
}

static void draw_size(struct random *random, struct program *program) {
  uint32_t pool = random_below(random, REFERENCE_POOLS);
  uint64_t size = program->now[pool];
  if (size == 0) {
    emit_pool(program, pool, program->early[0].size);
  } else if (size < REFERENCE_POOL_SIZE) {
    size += 1 + random_below(random, (uint32_t)(REFERENCE_POOL_SIZE - size));
    emit(program, &(struct fpost_record){
                      .kind = FPOST_RECORD_RESIZE, .id = pool, .size = size});
    program->now[pool] = size;
  }
}

static void draw_record(struct random *random, struct program *program) {
  struct fpost_record record = {.thread = draw_thread(random), .text = ""};
  uint64_t left = 0;
  record.address = draw_address(random, program, &left);
  record.size =
      random_below(random, 3) == 0 ? 1 + random_below(random, 200) : 1;
  record.size = record.size < left ? record.size : left;
  uint32_t kind = random_below(random, 40);
  if (kind < 20) {
    draw_stores(random, program);
    return;
  }
  if (kind == 20) {
    draw_size(random, program);
    return;
  }
  if (kind < 30) {
    record.kind = FPOST_RECORD_FLUSH;
    record.flags = random_below(random, 3);
  } else if (kind < 36) {
    record.kind = FPOST_RECORD_FENCE;
    record.flags = random_below(random, 3);
  } else if (kind < 38) {
    record.kind = FPOST_RECORD_DURABLE;
  } else {
    record.kind = kind == 38 ? FPOST_RECORD_OP_END : FPOST_RECORD_NOTE;
  }
  emit(program, &record);
}

static void draw_program(struct random *random, struct program *program) {
  uint64_t first = 4096 + random_below(random, 4097);
  uint64_t second = 4096 + random_below(random, 4097);
  program->size = 0;
  program->plain = random_below(random, 4) == 0;
  program->options.mode.torn = random_below(random, 2) != 0;
  program->options.mode.domain =
      random_below(random, 3) == 0 ? FPOST_DOMAIN_EADR : FPOST_DOMAIN_ADR;
  program->options.at = random_below(random, 3);
  /* The lines are next to each other or at random; one is in the first page. */
  for (uint32_t i = 0; i < HOT_LINES; i++) {
    uint32_t line = random_below(random, POOL_LINES);
    if (i % 2 != 0) {
      program->hot[i] = (program->hot[i - 1] + 64) & ~(uint64_t)4096;
      continue;
    }
    program->hot[i] = fpost_pm_address(i % 4 / 2, i == 0 ? 0 : line * 64);
  }
  if (program->plain) {
    for (uint32_t i = 1; i < HOT_LINES; i++) {
      program->hot[i] = program->hot[0];
    }
  }
  for (uint32_t pool = 0; pool < REFERENCE_POOLS; pool++) {
    program->now[pool] = 0;
    for (uint32_t i = 0; i < FPOST_PLAN_PAGE; i++) {
      program->content[pool][i] =
          program->plain ? 1 : (uint8_t)(1 + random_below(random, 2));
    }
  }
  /* The second pool may have been there before the run. */
  program->early[0] = (struct fpost_record){
      .kind = FPOST_RECORD_POOL, .id = 1, .size = second, .value = 0x10000};
  program->early[1] = (struct fpost_record){.kind = FPOST_RECORD_IMAGE,
                                            .address = fpost_pm_address(1, 0),
                                            .data = program->content[1],
                                            .size = FPOST_PLAN_PAGE,
                                            .data_size = FPOST_PLAN_PAGE};
  program->sizes = (struct explore_sizes){
      .count = REFERENCE_POOLS,
      .sizes = {REFERENCE_POOL_SIZE, REFERENCE_POOL_SIZE},
      .early = program->early,
      .early_count = random_below(random, 2) * 2};
  emit_pool(program, 0, first);
  uint32_t records = random_below(random, 24) == 0 ? 300 : 30;
  for (uint32_t i = 0; i < records; i++) {
    draw_record(random, program);
  }
  emit(program, &(struct fpost_record){.kind = FPOST_RECORD_END});
}

/* ---- comparing ---- */

/* What was met at a crash point of the program under way. */
struct seen {
  uint32_t sizes; /* of the pools: a number that says them both */
  uint64_t guaranteed, undecided;
  struct explore_hash content, space;
};

static struct seen seen[SEEN_MAX];
static uint32_t seen_count;
static uint64_t crash_points, contents_count;

/* The unit of the image for a line or word; null: it has none. */
static const struct fpost_unit *find_unit(const struct explore_image *image,
                                          uint64_t address, uint64_t all) {
  const uint32_t *lines = fpost_plan_table(
      image->plan, image->plan->pools[fpost_pm_pool(address)].lines);
  for (uint32_t i = lines[fpost_pm_offset(address) / 64]; i != 0;
       i = image->links[i - 1]) {
    if (image->units[i - 1].all == all) {
      return &image->units[i - 1];
    }
  }
  return NULL;
}

/* What the image says of each step. Returns a digest of them. */
static uint64_t check_steps(const struct explore_image *image,
                            const struct fpost_unit *unit, bool torn,
                            struct reference_part *from) {
  uint64_t digest = XXH3_64bits_withSeed(&unit->all, 8, unit->address);
  uint64_t touched = 0;
  for (uint32_t i = 0; i < unit->steps_count && from != NULL; i++) {
    struct reference_step step = reference_step_at(from);
    const struct reference_part *all = &step.all;
    const struct fpost_step *shown = &image->steps[unit->steps_first + i];
    const struct explore_step *info = &image->step_infos[unit->steps_first + i];
    expect(shown->written == all->written, "bytes of a step");
    bool whole = !torn && (all->flags & FENCEPOST_STORE_WHOLE) != 0;
    expect(shown->whole == whole, "pieces of a step");
    expect(shown->store == all->event && info->number == all->number,
           "event of a step");
    expect(info->address == all->address && info->size == all->size,
           "place of a step");
    expect(info->thread == all->thread &&
               image->step_threads[unit->steps_first + i] == all->thread,
           "thread of a step");
    expect(info->flags == all->flags && info->stack == all->stack,
           "flags of a step");
    touched |= all->written;
    uint64_t key[3] = {digest, all->written, whole};
    digest = XXH3_64bits(key, sizeof key);
    for (uint32_t b = 0; b < 64; b++) {
      if ((all->written >> b & 1) != 0) {
        digest = XXH3_64bits_withSeed(&all->content[b], 1, digest + b);
      }
    }
    from = step.next;
  }
  expect(from == NULL, "steps of a unit");
  expect(unit->touched == touched, "touched bytes of a unit");
  return digest;
}

/* All contents of a line or word. Returns a digest of its steps. */
static uint64_t check_cell(const struct explore_image *image,
                           const struct reference *reference, uint32_t line,
                           uint32_t word, double *states_log2) {
  static uint8_t contents[REFERENCE_CUTS_MAX][64];
  uint64_t address =
      fpost_pm_address(line / POOL_LINES, line % POOL_LINES * 64);
  bool torn = reference_torn(reference, line);
  uint64_t all = torn ? UINT64_C(0xff) << 8 * word : UINT64_MAX;
  const struct fpost_unit *unit = find_unit(image, address, all);
  struct reference_part *from = reference->cells[line][word].open;
  expect((unit != NULL) == (from != NULL), "undecided lines");
  if (unit == NULL || from == NULL) {
    return 0;
  }
  uint32_t count = reference_contents(reference, line, word, contents);
  uint64_t cuts = fpost_unit_cuts(unit, image->steps);
  expect(cuts == count, "number of contents");
  expect(unit->address == address, "address of a unit");
  for (uint32_t cut = 0; cut < count && cut < cuts; cut++) {
    uint8_t out[64];
    memcpy(out, unit->base, 64);
    fpost_unit_at(unit, image->steps, cut, out);
    expect(memcmp(out, contents[cut], 64) == 0, "a content of a line");
  }
  contents_count += count;
  *states_log2 += log2(count);
  return check_steps(image, unit, torn, from);
}

/* What recovery goes by to find the units. */
static void check_tables(const struct explore_image *image,
                         const struct reference *reference) {
  struct fpost_plan *plan = image->plan;
  uint32_t live = 0;
  for (uint32_t page = 0; page < REFERENCE_LINES / 64; page++) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < 64 * 8; i++) {
      count += reference->cells[page * 64 + i / 8][i % 8].open != NULL;
    }
    const struct fpost_plan_pool *pool = &plan->pools[page * 64 / POOL_LINES];
    uint32_t at = page % (POOL_LINES / 64);
    const uint16_t *pages = fpost_plan_table(plan, pool->pages);
    expect(pages[at] == count, "units of a page");
    expect(count == 0 || (at >= pool->closed_first && at < pool->closed_end),
           "pages with units");
    live += count;
  }
  static uint32_t order[REFERENCE_LINES * 8];
  uint32_t count = explore_image_order(image, order, REFERENCE_LINES * 8);
  expect(image->units_live == live && count == live, "number of units");
  for (uint32_t i = 1; i < count; i++) {
    const struct fpost_unit *one = &image->units[order[i - 1]];
    const struct fpost_unit *two = &image->units[order[i]];
    expect(one->address < two->address ||
               (one->address == two->address && one->all < two->all),
           "order of units");
  }
}

static bool hash_equal(struct explore_hash a, struct explore_hash b) {
  return a.low == b.low && a.high == b.high;
}

static void check_hashes(const struct seen *now) {
  for (uint32_t i = 0; i < seen_count && seen[i].sizes == now->sizes; i++) {
    expect((seen[i].guaranteed == now->guaranteed) ==
               hash_equal(seen[i].content, now->content),
           "hash of the guaranteed content");
    expect((seen[i].undecided == now->undecided) ==
               hash_equal(seen[i].space, now->space),
           "hash of what is undecided");
  }
  if (seen_count != 0 && seen[seen_count - 1].sizes != now->sizes) {
    expect(!hash_equal(seen[seen_count - 1].content, now->content),
           "hash of the pools' sizes");
    seen_count = 0;
  }
  if (seen_count < SEEN_MAX) {
    seen[seen_count++] = *now;
  }
}

static void check_point(const struct explore_image *image,
                        const struct reference *reference, uint32_t sizes) {
  struct seen now = {
      .sizes = sizes, .content = image->content, .space = image->space};
  double states_log2 = 0;
  for (uint32_t pool = 0; pool < REFERENCE_POOLS; pool++) {
    uint64_t size = reference->sizes[pool];
    expect(image->pools[pool].size == size &&
               image->plan->pools[pool].size == size,
           "size of a pool");
    expect(size == 0 || memcmp(image->pools[pool].memory,
                               reference->memory[pool], size) == 0,
           "guaranteed content");
    now.guaranteed =
        XXH3_64bits_withSeed(reference->memory[pool], size, now.guaranteed);
  }
  for (uint32_t line = 0; line < REFERENCE_LINES; line++) {
    uint32_t cuts = reference_torn(reference, line) ? 8 : 1;
    for (uint32_t word = 0; word < cuts; word++) {
      now.undecided += check_cell(image, reference, line, word, &states_log2);
    }
  }
  expect(fabs(image->images_log2 - states_log2) < 1e-6, "number of states");
  check_tables(image, reference);
  check_hashes(&now);
  crash_points++;
}

/* ---- walking ---- */

/* Is there to be a crash point before (eADR: during) the record? 0, 1; 2: there
   may be. */
static int point_wanted(const struct program *program,
                        const struct reference *reference,
                        const struct fpost_record *record) {
  bool eadr = program->options.mode.domain == FPOST_DOMAIN_EADR;
  bool drains = (reference->nt >> record->thread & 1) != 0;
  if (reference_found_shows(reference, record)) {
    return 1;
  }
  switch (record->kind) {
  case FPOST_RECORD_STORE:
    if (program->options.at == EXPLORE_AT_STORE ||
        (eadr && (record->flags & FENCEPOST_STORE_FOUND) == 0)) {
      return 1;
    }
    return drains && reference_undecided(reference, record) ? 2 : 0;
  case FPOST_RECORD_FLUSH:
    if (record->flags != FENCEPOST_CLFLUSH) {
      return program->options.at != EXPLORE_AT_FENCE;
    }
    return reference_undecided(reference, record) ? 1 : drains ? 2 : 0;
  case FPOST_RECORD_FENCE:
    if (reference_fence_due(reference, record->thread)) {
      return 1;
    }
    /* Numbers of stores to a line have gaps in the words of a torn one. */
    return memchr(reference->torn, true, sizeof reference->torn) != NULL ? 2
                                                                         : 0;
  case FPOST_RECORD_DURABLE:
    return reference_undecided(reference, record);
  case FPOST_RECORD_NOTE:
  case FPOST_RECORD_IMAGE:
    return 0;
  default:
    return 1;
  }
}

/* As tools/explore/search.c does it. */
static void walk_record(struct explore_image *image,
                        struct reference *reference,
                        const struct program *program,
                        const struct fpost_record *record, uint64_t event,
                        uint32_t sizes) {
  bool during = explore_image_during(image, record);
  bool point = explore_image_crash_point(image, record);
  int wanted = point_wanted(program, reference, record);
  expect(wanted == 2 || point == (wanted == 1), "where crash points are");
  /* What comparisons have found was undecided at a crash point, with all that
     has not been guaranteed since. */
  bool shown = reference->found_waits && reference->found_shown;
  uint64_t before = reference->guaranteed_count;
  if (during) {
    expect(explore_image_apply(image, record, event) == FPOST_OK, "room");
    reference_apply(reference, record, event);
  }
  if (point) {
    check_point(image, reference, sizes);
  }
  if (during) {
    explore_image_settle(image);
  } else {
    expect(explore_image_apply(image, record, event) == FPOST_OK, "room");
    reference_apply(reference, record, event);
  }
  reference_settle(reference);
  expect(point || shown || reference->guaranteed_count == before,
         "no crash point before something becomes guaranteed");
}

static void run_program(const struct program *program) {
  static struct explore_image image;
  static struct reference reference;
  struct fpost_record record;
  uint32_t sizes = 0;
  size_t at = 0;
  reference_init(&reference, &program->options.mode);
  seen_count = 0;
  failure = NULL;
  if (explore_image_init(&image, &program->options, &program->sizes) !=
      FPOST_OK) {
    fputs("fuzz_image: no memory\n", stderr);
    exit(2);
  }
  for (uint32_t i = 0; i < program->sizes.early_count; i++) {
    reference.early[i] = program->early[i];
    reference.early_count++;
  }
  for (uint64_t event = 0; at < program->size; event++) {
    size_t used = 0;
    if (fpost_trace_decode(&decoder, program->bytes + at, program->size - at,
                           &record, &used) != FPOST_OK) {
      abort();
    }
    at += used;
    if (failure == NULL) {
      walk_record(&image, &reference, program, &record, event, sizes);
    }
    if (failure != NULL) {
      continue; /* the decoder has to see the rest */
    }
    sizes = (uint32_t)(reference.sizes[0] * 3 * REFERENCE_POOL_SIZE +
                       reference.sizes[1]);
  }
  explore_image_free(&image);
}

int main(int argc, char **argv) {
  uint64_t programs = 2000;
  uint64_t seed = 1;
  int option = 0;
  while ((option = getopt(argc, argv, "n:s:")) != -1) {
    uint64_t value = strtoull(optarg, NULL, 0);
    if (option == 'n') {
      programs = value;
    } else if (option == 's') {
      seed = value;
    } else {
      fputs("usage: fuzz_image [-n PROGRAMS] [-s SEED]\n", stderr);
      return 2;
    }
  }
  static struct program program;
  struct random random = {.state = seed};
  for (uint64_t i = 0; i < programs; i++) {
    draw_program(&random, &program);
    run_program(&program);
    if (failure != NULL) {
      printf("fuzz_image: seed %llu, program %llu%s%s: differs: %s\n",
             (unsigned long long)seed, (unsigned long long)i,
             program.options.mode.torn ? ", torn" : "",
             program.options.mode.domain == FPOST_DOMAIN_EADR ? ", eADR" : "",
             failure);
      return 1;
    }
  }
  printf(
      "fuzz_image: seed %llu: %llu programs, %llu crash points, %llu "
      "contents of lines, none differs\n",
      (unsigned long long)seed, (unsigned long long)programs,
      (unsigned long long)crash_points, (unsigned long long)contents_count);
  return 0;
}
