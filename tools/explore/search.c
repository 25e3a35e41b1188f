/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/search.h"

#include "rt/base/assert.h"
#include "tools/explore/checked.h"
#include "tools/explore/describe.h"
#include "tools/explore/foreign.h"
#include "tools/explore/judge.h"
#include "tools/explore/overlap.h"
#include "tools/explore/second.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs that one request may take before the explorer looks at its bounds. */
#define REQUEST_RUNS 4096u
/* The same with --time: a recovery may take a tenth of a second. */
#define REQUEST_RUNS_TIMED 64u
/* Samples per crash point with `--explore sample`; so few images are all run.
 */
#define SAMPLES 64u
#define SAMPLES_LOG2 6.0
/* How long the results of crash points may wait for their commit. */
#define COMMIT_MS 50u
/* Bytes that a run may write to any one file, beyond the pools. */
#define OUTPUT_MAX (UINT64_C(64) << 20)

uint64_t explore_now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void stop(struct explore_search *search, const char *text) {
  fpost_error("explore: %s", text);
  search->shared->failed = 1;
  search->shared->stop = 1;
}

/* ---- crash points seen before ---- */

struct seen {
  struct explore_hash content, space;
  uint64_t legal;  /* explore_moment_key */
  uint64_t number; /* 1 + that of the crash point; 0: free */
};

static struct seen *seen_find(const struct explore_seen *set,
                              const struct seen *key) {
  uint64_t at = (key->content.low ^ key->space.low * 31) & (set->size - 1);
  while (set->entries[at].number != 0) {
    const struct seen *entry = &set->entries[at];
    if (memcmp(&entry->content, &key->content, sizeof key->content) == 0 &&
        memcmp(&entry->space, &key->space, sizeof key->space) == 0 &&
        entry->legal == key->legal) {
      break;
    }
    at = (at + 1) & (set->size - 1);
  }
  return &set->entries[at];
}

static void seen_grow(struct explore_seen *set) {
  if (set->used * 2 < set->size) {
    return;
  }
  struct explore_seen bigger = {.size = set->size == 0 ? 1024 : set->size * 2};
  bigger.entries = calloc(bigger.size, sizeof *bigger.entries);
  FPOST_ASSERT(bigger.entries != NULL);
  for (uint64_t i = 0; i < set->size; i++) {
    if (set->entries[i].number != 0) {
      *seen_find(&bigger, &set->entries[i]) = set->entries[i];
    }
  }
  free(set->entries);
  bigger.used = set->used;
  *set = bigger;
}

int64_t explore_seen(struct explore_seen *set,
                     const struct explore_search *search, uint64_t number) {
  const struct explore_image *image = &search->image;
  seen_grow(set);
  struct seen key = {
      .content = image->content,
      .space = image->space,
      .legal = explore_moment_key(&search->info->operations, &search->moment),
      .number = number + 1};
  struct seen *entry = seen_find(set, &key);
  if (entry->number != 0) {
    return (int64_t)entry->number - 1;
  }
  *entry = key;
  set->used++;
  return -1;
}

void explore_seen_clear(struct explore_seen *set) {
  free(set->entries);
  *set = (struct explore_seen){0};
}

/* ---- requests ---- */

static bool restart(struct explore_search *search) {
  if (search->target.pid > 0 || search->target.material.count != 0) {
    return true;
  }
  if (explore_target_start(&search->target, &search->image) != FPOST_OK) {
    stop(search, search->target.error);
    return false;
  }
  return true;
}

/* The checker could not be run. */
static void stop_if_wrong(struct explore_search *search) {
  if (search->target.foreign && search->target.error[0] != '\0') {
    stop(search, search->target.error);
  }
}

/* One run, without varying anything. */
static void run_request(struct explore_search *search,
                        enum fpost_plan_request request,
                        struct fpost_plan_run *run) {
  struct fpost_plan *plan = search->image.plan;
  *run = (struct fpost_plan_run){.outcome = FPOST_OUTCOME_ESCAPED};
  if (!restart(search)) {
    return;
  }
  plan->request = request;
  plan->runs_max = 1;
  plan->collision.words = 0;
  if (explore_target_ask(&search->target) == EXPLORE_ANSWERED) {
    memcpy(run, fpost_plan_table(plan, plan->log_at), sizeof *run);
    stop_if_wrong(search);
  }
}

static void run_one(struct explore_search *search, struct fpost_plan_run *run) {
  run_request(search, FPOST_PLAN_ONE, run);
}

void explore_run_full(struct explore_search *search,
                      struct fpost_plan_run *run) {
  struct fpost_plan *plan = search->image.plan;
  plan->choices_count = 0;
  plan->fixed = 0;
  plan->rule = FPOST_CHOICE_LAST;
  plan->joints_used = 0;
  plan->facts_used = 0;
  plan->stops = 0;
  run_request(search, FPOST_PLAN_WALK, run);
}

void explore_run_state(struct explore_search *search,
                       const struct explore_lost *lost, uint32_t count,
                       bool others_full, struct fpost_plan_run *run) {
  struct explore_image *image = &search->image;
  FPOST_ASSERT(count <= FPOST_PLAN_CHOICES_MAX);
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_unit *unit = &image->units[lost[i].unit];
    struct fpost_choice *choice = &image->choices[i];
    *choice = (struct fpost_choice){
        .unit = lost[i].unit, .count = 1, .read = unit->touched};
    fpost_unit_at(unit, image->steps, lost[i].cut, choice->value);
  }
  image->plan->choices_count = count;
  image->plan->fixed = count;
  image->plan->rule = others_full ? FPOST_CHOICE_LAST : FPOST_CHOICE_FIRST;
  run_one(search, run);
}

void explore_run_prefix(struct explore_search *search,
                        const struct fpost_choice *choices, uint32_t count,
                        struct fpost_plan_run *run) {
  struct fpost_plan *plan = search->image.plan;
  for (uint32_t i = 0; i < count; i++) {
    search->image.choices[i] = choices[i];
    search->image.choices[i].joint = 0; /* what it says of the word is enough */
  }
  plan->choices_count = count;
  plan->fixed = count;
  plan->rule = FPOST_CHOICE_FIRST;
  run_one(search, run);
}

/* ---- a crash point ---- */

static void take_run(struct explore_search *search,
                     const struct fpost_plan_run *run) {
  search->point.runs++;
  search->point.flags |= run->flags;
  if (run->outcome == FPOST_OUTCOME_OVERFLOW) {
    search->point.complete = false;
  }
  if ((run->flags & FPOST_RUN_MAPPED) != 0 && search->shared->touched == 0) {
    search->shared->touched = 1;
  }
  if (search->target.checker != NULL && run->outcome == FPOST_OUTCOME_EXIT) {
    search->shared->checks = 1;
  }
  if ((run->flags & (FPOST_RUN_CHECKED | FPOST_RUN_CHECKER)) != 0) {
    search->shared->checked = 1;
  }
  if (!explore_judge_failed(search, run) &&
      run->outcome == FPOST_OUTCOME_EXIT) {
    explore_second_keep(search, run);
    explore_checked_keep(search, run);
  }
  explore_judge_run(search);
}

static void judge_run(struct explore_search *search,
                      const struct fpost_plan_run *run) {
  if (explore_judge_failed(search, run) && !explore_judge_known(search, run)) {
    explore_judge_failure(search, run);
  }
  explore_judge_heap(search, run);
}

/* The runs of a log in order, each with its choices in search->choices. */
static void log_walk(struct explore_search *search, const uint8_t *log,
                     uint64_t runs,
                     void (*each)(struct explore_search *search,
                                  const struct fpost_plan_run *run)) {
  uint64_t at = 0;
  search->choice_count = 0;
  for (uint64_t i = 0; i < runs; i++) {
    struct fpost_plan_run run;
    memcpy(&run, log + at, sizeof run);
    at += sizeof run;
    FPOST_ASSERT(run.kept + run.added <= FPOST_PLAN_CHOICES_MAX);
    memcpy(search->choices + run.kept, log + at,
           run.added * sizeof *search->choices);
    at += run.added * sizeof *search->choices;
    search->choice_count = run.kept + run.added;
    each(search, &run);
  }
}

static bool any_failed(struct explore_search *search, const uint8_t *log,
                       uint64_t runs) {
  uint64_t at = 0;
  for (uint64_t i = 0; i < runs; i++) {
    struct fpost_plan_run run;
    memcpy(&run, log + at, sizeof run);
    at += sizeof run + run.added * sizeof *search->choices;
    if (explore_judge_failed(search, &run) || run.heap_count != 0) {
      return true;
    }
  }
  return false;
}

/* Go through the runs of a request. To judge failures takes runs, which are
   logged in the same place. */
static void take_log(struct explore_search *search) {
  struct fpost_plan *plan = search->image.plan;
  const uint8_t *log = fpost_plan_table(plan, plan->log_at);
  uint64_t runs = plan->log_runs;
  log_walk(search, log, runs, take_run);
  if (any_failed(search, log, runs)) {
    uint8_t *copy = malloc(plan->log_used);
    FPOST_ASSERT(copy != NULL);
    memcpy(copy, log, plan->log_used);
    log_walk(search, copy, runs, judge_run);
    free(copy);
  }
}

uint64_t explore_budget(struct explore_search *search) {
  const struct explore_config *config = search->config;
  if (search->shared->stop != 0) {
    return 0;
  }
  uint64_t runs = __atomic_load_n(&search->shared->runs, __ATOMIC_RELAXED);
  bool late =
      search->deadline_ms != 0 && explore_now_ms() >= search->deadline_ms;
  if (late || (config->states != 0 && runs >= config->states)) {
    search->shared->unfinished = 1;
    search->shared->stop = 1;
    return 0;
  }
  uint64_t left = config->states == 0 ? UINT64_MAX : config->states - runs;
  uint64_t most = search->deadline_ms != 0 ? REQUEST_RUNS_TIMED : REQUEST_RUNS;
  return left < most ? left : most;
}

/* The run that took the server with it, and how the walk goes on. */
static bool escaped_run(struct explore_search *search, uint32_t flags,
                        struct fpost_choice_list *walk, uint32_t fixed) {
  const struct fpost_plan_run run = {.outcome = FPOST_OUTCOME_ESCAPED,
                                     .flags = flags};
  search->choice_count = walk->count;
  memcpy(search->choices, walk->choices, walk->count * sizeof *walk->choices);
  take_run(search, &run);
  judge_run(search, &run);
  bool more = fpost_choice_next(walk, fixed, search->image.units,
                                search->image.steps, search->values);
  search->image.plan->varied = walk->varied;
  return more;
}

bool explore_request(struct explore_search *search, uint64_t runs,
                     struct fpost_choice_list *walk, uint32_t fixed,
                     enum fpost_choice_rule rule) {
  struct fpost_plan *plan = search->image.plan;
  if (!restart(search)) {
    return false;
  }
  memcpy(search->image.choices, walk->choices,
         walk->count * sizeof *walk->choices);
  plan->choices_count = walk->count;
  plan->request = FPOST_PLAN_WALK;
  plan->rule = rule;
  plan->fixed = fixed;
  plan->runs_max = runs;
  enum explore_answer answer = explore_target_ask(&search->target);
  uint64_t runs_made =
      answer == EXPLORE_ANSWERED ? plan->log_runs : plan->log_runs + 1;
  bool more = answer == EXPLORE_ESCAPED || plan->complete == 0;
  walk->count = plan->choices_count;
  memcpy(walk->choices, search->image.choices,
         walk->count * sizeof *walk->choices);
  bool overflow = answer == EXPLORE_ANSWERED && plan->run_over != 0;
  uint32_t flags = plan->run_flags;
  stop_if_wrong(search);
  if (plan->alikes.stopped != 0 || plan->goods.stopped != 0) {
    search->point.complete = false;
    search->point.flags |= plan->alikes.stopped != 0
                               ? EXPLORE_FLAG_STOPPED
                               : EXPLORE_FLAG_STOPPED_GOOD;
  }
  take_log(search);
  if (answer == EXPLORE_ESCAPED) {
    more = escaped_run(search, flags, walk, fixed);
  }
  __atomic_add_fetch(&search->shared->runs, runs_made, __ATOMIC_RELAXED);
  return more && !overflow;
}

static void walk_all(struct explore_search *search,
                     enum fpost_choice_rule rule) {
  struct fpost_plan *plan = search->image.plan;
  struct fpost_choice_list walk = {
      .choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *walk.choices),
      .max = FPOST_PLAN_CHOICES_MAX,
      .joints = fpost_plan_joints(plan)};
  FPOST_ASSERT(walk.choices != NULL);
  plan->joints_used = 0;
  plan->facts_used = 0;
  plan->stops = rule == FPOST_CHOICE_FIRST;
  plan->varied = UINT32_MAX;
  plan->alikes = (struct fpost_alikes){.used = 0};
  plan->goods = (struct fpost_alikes){.used = 0};
  bool more = true;
  search->point.complete = true;
  while (more) {
    uint64_t runs = explore_budget(search);
    if (runs == 0) {
      search->point.complete = false;
      break;
    }
    more = explore_request(search, runs, &walk, 0, rule);
  }
  free(walk.choices);
}

uint64_t explore_random(struct explore_search *search) {
  uint64_t z = (search->random += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static void walk_samples(struct explore_search *search) {
  const struct explore_image *image = &search->image;
  struct fpost_choice_list walk = {
      .choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *walk.choices),
      .max = FPOST_PLAN_CHOICES_MAX};
  FPOST_ASSERT(walk.choices != NULL);
  search->image.plan->stops = 0;
  search->random = search->config->seed ^ search->point.number << 32;
  for (uint32_t i = 0; i < SAMPLES && explore_budget(search) != 0; i++) {
    walk.count = 0;
    for (uint32_t j = 0; j < image->plan->units_used; j++) {
      const struct fpost_unit *unit = &image->units[j];
      if (unit->touched == 0 || walk.count == walk.max) {
        continue;
      }
      struct fpost_choice *choice = &walk.choices[walk.count++];
      *choice =
          (struct fpost_choice){.unit = j, .count = 1, .read = unit->touched};
      uint64_t cuts = fpost_unit_cuts(unit, image->steps);
      uint64_t cut = i == 0   ? 0
                     : i == 1 ? cuts - 1
                              : explore_random(search) % cuts;
      fpost_unit_at(unit, image->steps, cut, choice->value);
    }
    (void)explore_request(search, 1, &walk, walk.count, FPOST_CHOICE_FIRST);
  }
  search->point.complete = false;
  free(walk.choices);
}

/* End the transaction that is open, if it is time or asked for. */
static void commit(struct explore_search *search, bool now) {
  uint64_t time = explore_now_ms();
  if (!search->open || (!now && time - search->open_since_ms < COMMIT_MS)) {
    return;
  }
  search->open = false;
  if (explore_db_commit(&search->db) != FPOST_OK) {
    stop(search, search->db.error);
  }
}

/*
 * A crash point and its findings go into one transaction; a few crash points
 * share one, or the database would take longer than the runs.
 */
static void store_point(struct explore_search *search) {
  struct explore_db *db = &search->db;
  int err = FPOST_OK;
  bool alone = search->config->jobs == 1;
  if (!search->open) {
    err = explore_db_begin(db);
    search->open = err == FPOST_OK;
    search->open_since_ms = explore_now_ms();
  }
  if (err == FPOST_OK) {
    err = explore_judge_store(search);
  }
  if (err == FPOST_OK) {
    err = explore_second_store(search);
  }
  if (err == FPOST_OK) {
    err = explore_db_point(db, &search->point);
  }
  if (err != FPOST_OK) {
    stop(search, db->error);
  } else {
    commit(search, !alone);
  }
}

/* Was the image's only run that of a reference? It did not look at heaps. */
static bool referenced(const struct explore_search *search, uint64_t event) {
  const struct explore_operations *all = &search->info->operations;
  uint32_t last = search->boundaries - 1;
  return search->config->heap == FPOST_PLAN_HEAP_OFF && last != UINT32_MAX &&
         all->references != NULL &&
         !(search->moment.overlap && all->replayed) &&
         all->boundaries[last].event == event && all->references[last].known &&
         search->image.units_live == 0;
}

void explore_walk(struct explore_search *search) {
  switch (search->config->strategy) {
  case EXPLORE_LAZY:
    if (search->target.foreign &&
        search->image.images_log2 > EXPLORE_FOREIGN_LOG2_MAX) {
      walk_samples(search);
      search->point.flags |= EXPLORE_FLAG_SAMPLED;
    } else {
      walk_all(search, FPOST_CHOICE_FIRST);
    }
    break;
  case EXPLORE_ALL:
    walk_all(search, FPOST_CHOICE_EVERY);
    break;
  case EXPLORE_SAMPLE:
    if (search->image.images_log2 <= SAMPLES_LOG2) {
      walk_all(search, FPOST_CHOICE_EVERY);
      search->point.complete = false;
    } else {
      walk_samples(search);
    }
    break;
  }
}

static void explore_point(struct explore_search *search, uint64_t number,
                          uint64_t event, int64_t twin) {
  search->point =
      (struct explore_point){.number = number,
                             .event = event,
                             .twin = twin,
                             .complete = true,
                             .images_log2 = search->image.images_log2};
  explore_judge_begin(search);
  bool again = search->config->depth > 1 || search->config->checker != NULL;
  if (twin < 0 && (again || !referenced(search, event))) {
    explore_walk(search);
    explore_checked_walk(search);
    explore_second_walk(search);
  }
  bool cut_short = search->shared->stop != 0 && !search->point.complete &&
                   (search->point.flags & EXPLORE_FLAG_SAMPLED) == 0 &&
                   search->config->strategy != EXPLORE_SAMPLE;
  if (!cut_short) {
    store_point(search);
    __atomic_add_fetch(&search->shared->points, 1, __ATOMIC_RELAXED);
  } else if (search->shared->failed == 0) {
    store_point(search); /* with complete = 0: --resume does it again */
  }
}

/* ---- a worker ---- */

static bool claim(struct explore_search *search, uint64_t number) {
  const struct fpost_shard *shard = &search->config->shard;
  if (number >= EXPLORE_POINTS_MAX ||
      (shard->count > 1 && number % shard->count != shard->index - 1)) {
    return false;
  }
  return __atomic_exchange_n(&search->shared->claimed[number], 1,
                             __ATOMIC_RELAXED) == 0;
}

static void observe_begin(struct explore_search *search) {
  const char *observe = search->config->observe;
  struct fpost_plan *plan = search->image.plan;
  if (observe != NULL && strcmp(observe, "stdout") == 0) {
    plan->observe_stdout = 1;
  } else if (observe != NULL) {
    size_t size = strlen(observe);
    FPOST_ASSERT(size < sizeof plan->observe_path); /* checked before */
    memcpy(plan->observe_path, observe, size + 1);
  }
}

int explore_worker_begin(struct explore_search *search,
                         struct fpost_reader *reader) {
  const struct explore_config *config = search->config;
  static const struct fpost_report_options no_options = {
      .fail_on = FPOST_FAIL_ON_DEFAULT};
  search->choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *search->choices);
  search->values = malloc(FPOST_CHOICE_VALUES_MAX * 64);
  search->marks = mmap(NULL, FPOST_PLAN_UNITS_MAX * sizeof *search->marks,
                       PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (search->choices == NULL || search->values == NULL ||
      search->marks == MAP_FAILED ||
      fpost_report_init(&search->report, &no_options) != FPOST_OK ||
      explore_image_init(&search->image, &config->options,
                         &search->info->sizes) != FPOST_OK) {
    stop(search, "out of memory, address space or file descriptors");
    return FPOST_ENOMEM;
  }
  uint64_t output = OUTPUT_MAX;
  for (uint32_t i = 0; i < search->info->sizes.count; i++) {
    output += search->info->sizes.sizes[i];
  }
  search->image.plan->output_max = output;
  observe_begin(search);
  explore_heap_begin(search);
  explore_info_symbols(search->info, search->report.symbols);
  search->report.pools_count = search->info->sizes.count;
  if (fpost_reader_open(reader, config->trace) != FPOST_OK) {
    stop(search, reader->error);
    return FPOST_EIO;
  }
  int err = explore_db_open(&search->db, config->db, false);
  if (err == FPOST_OK) {
    err = explore_target_init(&search->target, config->recover);
    if (err != FPOST_OK) {
      stop(search, search->target.error);
    }
  } else {
    stop(search, search->db.error);
  }
  search->target.timeout_ms = config->timeout_ms;
  search->image.plan->fork_runs = config->fork_runs;
  return err;
}

/* The crash points of the trace, in order. */
static void worker_walk(struct explore_search *search,
                        struct fpost_reader *reader) {
  struct explore_seen seen = {0};
  struct fpost_record record;
  uint64_t number = 0;
  int err = FPOST_OK;
  while (search->shared->stop == 0 &&
         (err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    uint64_t event = reader->index;
    bool during = explore_image_during(&search->image, &record);
    bool point = explore_image_crash_point(&search->image, &record);
    if (during) { /* a crash in the middle of the store */
      err = explore_image_apply(&search->image, &record, event);
    }
    if (err == FPOST_OK && point && search->image.content.low != 0) {
      search->moment = explore_operations_moment(&search->info->operations,
                                                 &search->boundaries, event,
                                                 record.kind, search->stores);
      int64_t twin = explore_seen(&seen, search, number);
      search->crash_stack = record.stack;
      if (claim(search, number)) {
        explore_point(search, number, event, twin);
      }
      number++;
    }
    if (during) {
      explore_image_settle(&search->image);
    } else if (err == FPOST_OK) {
      err = explore_image_apply(&search->image, &record, event);
    }
    if (err != FPOST_OK) {
      stop(search,
           "too much is undecided at one crash point: more than the "
           "plan holds (rt/os/plan.h)");
    }
    search->stores = record.kind == FPOST_RECORD_STORE ||
                     (search->stores && record.kind != FPOST_RECORD_OP_BEGIN &&
                      record.kind != FPOST_RECORD_OP_END);
    if (search->shared->records < event) {
      search->shared->records = event;
    }
  }
  if (err == FPOST_ENOENT) {
    search->shared->points_all = number;
  } else if (err != FPOST_OK && search->shared->failed == 0) {
    stop(search, reader->error);
  }
  free(seen.entries);
}

/* Enter the place of crash states as files, if it is needed; before anything
   of the worker looks at the pools' files. */
static int place_open(struct explore_search *search) {
  const struct explore_config *config = search->config;
  struct explore_material *material = &search->material;
  if (config->depth == 1 && (config->checker == NULL || config->foreign)) {
    return FPOST_OK;
  }
  bool is_file =
      config->observe != NULL && strcmp(config->observe, "stdout") != 0;
  int err = explore_material_open(material, &search->info->sizes,
                                  is_file ? config->observe : NULL);
  if (err != FPOST_OK) {
    stop(search, material->error);
  }
  return err;
}

static int worker(const struct explore_config *config,
                  const struct explore_info *info,
                  struct explore_shared *shared, uint64_t deadline_ms) {
  struct explore_search *search = calloc(1, sizeof *search);
  struct fpost_reader reader;
  FPOST_ASSERT(search != NULL);
  search->config = config;
  search->trace = config->trace;
  search->info = info;
  search->shared = shared;
  search->deadline_ms = deadline_ms;
  if (place_open(search) == FPOST_OK &&
      explore_worker_begin(search, &reader) == FPOST_OK &&
      explore_checked_begin(search) == FPOST_OK && restart(search)) {
    worker_walk(search, &reader);
    commit(search, true);
    explore_overlap_free(search);
    explore_target_stop(&search->target);
    explore_db_close(&search->db);
  }
  explore_material_close(&search->material);
  int err = shared->failed == 0 ? FPOST_OK : FPOST_EIO;
  free(search); /* the rest goes with the process */
  return err;
}

/* ---- all workers ---- */

static void mark_done(void *context, uint64_t number) {
  struct explore_shared *shared = context;
  if (number < EXPLORE_POINTS_MAX) {
    shared->claimed[number] = 1;
  }
}

static int resume(const struct explore_config *config,
                  struct explore_shared *shared) {
  struct explore_db db;
  int err = explore_db_open(&db, config->db, false);
  if (err == FPOST_OK) {
    err = explore_db_points(&db, config->strategy == EXPLORE_SAMPLE, mark_done,
                            shared);
    if (err != FPOST_OK) {
      fpost_error("explore: %s", db.error);
    }
    explore_db_close(&db);
  } else {
    fpost_error("explore: %s", db.error);
  }
  return err;
}

static void progress(const struct explore_info *info,
                     const struct explore_shared *shared, uint64_t start_ms,
                     bool end) {
  if (isatty(2) == 0) {
    return;
  }
  if (end) {
    fputs("\r\033[K", stderr);
    return;
  }
  double seconds = (double)(explore_now_ms() - start_ms) / 1000;
  double part = info->records == 0
                    ? 1
                    : (double)(shared->records + 1) / (double)info->records;
  fprintf(stderr,
          "\r\033[Kexploring: %3.0f%%  %lu crash points, %lu runs, %.0f/s, "
          "%.0f s left",
          part * 100, shared->points, shared->runs,
          seconds > 0 ? (double)shared->runs / seconds : 0,
          part > 0 ? seconds / part - seconds : 0);
  (void)fflush(stderr);
}

int explore_search(const struct explore_config *config,
                   const struct explore_info *info,
                   struct explore_shared *shared) {
  uint64_t start = explore_now_ms();
  uint64_t deadline = config->time_ms == 0 ? 0 : start + config->time_ms;
  if (config->resume && resume(config, shared) != FPOST_OK) {
    return FPOST_EIO;
  }
  uint32_t alive = 0;
  (void)fflush(NULL);
  for (uint32_t i = 0; i < config->jobs; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
      int err = worker(config, info, shared, deadline);
      (void)fflush(NULL);
      _exit(err == FPOST_OK ? 0 : 1);
    }
    alive += pid > 0;
  }
  bool failed = alive < config->jobs;
  while (alive > 0) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, isatty(2) != 0 ? WNOHANG : 0);
    if (pid < 0) {
      break;
    }
    if (pid > 0) {
      alive--;
      failed = failed || status != 0;
    } else {
      progress(info, shared, start, false);
      struct timespec pause = {0, 20000000};
      (void)nanosleep(&pause, NULL);
    }
  }
  progress(info, shared, start, true);
  return failed ? FPOST_EIO : FPOST_OK;
}
