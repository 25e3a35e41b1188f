/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/second.h"

#include "rt/base/assert.h"
#include "tools/explore/checked.h"
#include "tools/explore/describe.h"
#include "tools/explore/judge.h"
#include "tools/explore/replay.h"
#include "tools/run.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE FPOST_PLAN_PAGE
#define LINE FENCEPOST_LINE_SIZE
/* Contents of what one recovery overwrites unread that are tried. */
#define OVERWRITTEN_MAX 64u
/* Contents of one unknown unit. */
#define UNKNOWN_MAX 64u
/* A recovery that records itself may write so much. */
#define TRACE_MAX (UINT64_C(4) << 30)

/* ---- the recording ---- */

struct recording {
  struct explore_material *material;
  struct explore_target *target; /* for the command */
  char path[96];
  struct fpost_reader reader;
  struct explore_info info;
};

static void recording_options(const struct recording *recording,
                              const struct explore_image *first,
                              struct fpost_flags *flags) {
  const struct fpost_plan *plan = first->plan;
  fpost_flags_init(flags);
  fpost_flags_add(flags, "mode", "record");
  fpost_flags_add(flags, "trace", recording->path);
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    if (plan->pools[i].path[0] != '\0') {
      fpost_flags_add(flags, "pool", plan->pools[i].path);
    }
  }
  if (first->options.mode.domain == FPOST_DOMAIN_EADR) {
    fpost_flags_add(flags, "domain", "eadr");
  }
}

/* The pools are those of the first crash, whether they were opened or not. */
static bool pools_agree(struct explore_info *info,
                        const struct explore_image *first) {
  const struct fpost_plan *plan = first->plan;
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    if (i >= plan->pool_count || info->pool_paths[i] == NULL ||
        strcmp(info->pool_paths[i], plan->pools[i].path) != 0) {
      return false;
    }
  }
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    if (i >= info->sizes.count) {
      info->pool_paths[i] = strdup(plan->pools[i].path);
      info->sizes.paths[i] = info->pool_paths[i];
      info->sizes.sizes[i] = 0;
    }
    if (info->sizes.sizes[i] < first->pools[i].size) {
      info->sizes.sizes[i] = first->pools[i].size;
    }
  }
  info->sizes.count = plan->pool_count;
  return true;
}

/* Run recovery on the files as they are. Returns whether there is a trace of a
   recovery that ended well. */
static bool record(struct recording *recording,
                   const struct explore_image *first) {
  struct fpost_flags *flags = malloc(sizeof *flags);
  struct fpost_plan_run run;
  FPOST_ASSERT(flags != NULL);
  snprintf(recording->path, sizeof recording->path, "%s/trace",
           recording->material->directory);
  (void)unlink(recording->path);
  recording_options(recording, first, flags);
  const struct explore_material_run how = {.words = recording->target->words,
                                           .options = flags->text,
                                           .output = first->output,
                                           .output_max = TRACE_MAX,
                                           .timeout_ms =
                                               recording->target->timeout_ms};
  bool good = !flags->full;
  if (good) {
    explore_material_run(recording->material, &how, &run);
    good = run.outcome == FPOST_OUTCOME_EXIT && run.value == 0 &&
           fpost_reader_open(&recording->reader, recording->path) == FPOST_OK;
  }
  free(flags);
  if (good &&
      explore_info_read(&recording->info, &recording->reader) != FPOST_OK) {
    fpost_reader_close(&recording->reader);
    good = false;
  }
  if (good && !pools_agree(&recording->info, first)) {
    explore_info_free(&recording->info);
    fpost_reader_close(&recording->reader);
    good = false;
  }
  return good;
}

static void recording_free(struct recording *recording) {
  explore_info_free(&recording->info);
  fpost_reader_close(&recording->reader);
  (void)unlink(recording->path);
}

/*
 * The next record that means something to the second crash: its pools are there
 * from the start, with their content. *event does not count records of content,
 * which depend on it.
 */
static int recording_next(struct recording *recording, uint64_t *images,
                          struct fpost_record *record, uint64_t *event) {
  int err = FPOST_OK;
  do {
    err = fpost_reader_next(&recording->reader, record);
    *images += err == FPOST_OK && record->kind == FPOST_RECORD_IMAGE;
  } while (err == FPOST_OK && record->kind == FPOST_RECORD_IMAGE);
  *event = recording->reader.index - *images;
  return err;
}

/* ---- what the first crash leaves unknown ---- */

struct unknown {
  uint32_t inner; /* unit of the second image */
  uint32_t outer; /* unit of the first */
};

/* What recovery stored of each unit of the first image: by unit. */
static fpost_bytes *overwritten(struct recording *recording,
                                const struct explore_image *first) {
  struct fpost_plan *plan = first->plan;
  fpost_bytes *bytes = calloc(plan->units_used + 1, sizeof *bytes);
  struct fpost_record record;
  FPOST_ASSERT(bytes != NULL);
  while (fpost_reader_next(&recording->reader, &record) == FPOST_OK) {
    if (record.kind != FPOST_RECORD_STORE) {
      continue;
    }
    const struct fpost_plan_pool *pool =
        &plan->pools[fpost_pm_pool(record.address)];
    const uint32_t *lines = fpost_plan_table(plan, pool->lines);
    for (uint64_t i = 0; i < record.size; i++) {
      uint64_t offset = fpost_pm_offset(record.address) + i;
      for (uint32_t unit =
               offset / PAGE < pool->pages_count ? lines[offset / LINE] : 0;
           unit != 0; unit = first->links[unit - 1]) {
        bytes[unit - 1] |=
            UINT64_C(1) << offset % LINE & first->units[unit - 1].touched;
      }
    }
  }
  return bytes;
}

/* Decide what recovery has overwritten unread. */
static bool decide_overwritten(struct explore_search *search,
                               const fpost_bytes *bytes,
                               struct fpost_choice_list *list) {
  const struct explore_image *first = &search->image;
  for (uint32_t i = 0; i < first->plan->units_used; i++) {
    struct fpost_lazy lazy = {0};
    fpost_bytes fresh = 0;
    if (first->units[i].touched == 0 || bytes[i] == 0) {
      continue;
    }
    fpost_choice_known(list->choices, list->count, i, &lazy.known);
    if (fpost_choice_read(&first->units[i], first->steps, i, &lazy, bytes[i],
                          FPOST_CHOICE_FIRST, 0, list, search->values,
                          &fresh) != FPOST_OK) {
      return false;
    }
  }
  return true;
}

/* One unit: the contents that the bytes nobody knows may have. */
static bool unknown_add(struct explore_search *inner, uint32_t outer_unit,
                        fpost_bytes rest, uint32_t count) {
  const struct explore_image *first = &inner->outer->image;
  const struct fpost_unit *unit = &first->units[outer_unit];
  struct explore_step info = {.number = UINT32_MAX,
                              .address = unit->address +
                                         (uint64_t)__builtin_ctzll(rest),
                              .size = (uint32_t)__builtin_popcountll(rest)};
  uint32_t index = 0;
  int err = explore_unit_get(&inner->image, unit->address, rest, &index);
  for (uint32_t i = 1; i < count && err == FPOST_OK; i++) {
    struct fpost_step step = {.written = rest, .whole = 1};
    memcpy(step.content, inner->values[i], LINE);
    err = explore_unit_add(&inner->image, index, &step, &info);
  }
  inner->unknown = realloc(inner->unknown,
                           (inner->unknown_count + 1) * sizeof *inner->unknown);
  FPOST_ASSERT(inner->unknown != NULL);
  inner->unknown[inner->unknown_count++] =
      (struct unknown){.inner = index, .outer = outer_unit};
  return err == FPOST_OK;
}

/* Which of `rest` differ between the contents: what the choices imply of others
   is decided, though nobody has read it. */
static fpost_bytes varying(uint8_t (*contents)[LINE], uint32_t count,
                           fpost_bytes rest) {
  fpost_bytes bytes = 0;
  for (uint32_t i = 1; i < count; i++) {
    for (fpost_bytes left = rest & ~bytes; left != 0; left &= left - 1) {
      int at = __builtin_ctzll(left);
      if (contents[i][at] != contents[0][at]) {
        bytes |= left & -left;
      }
    }
  }
  return bytes;
}

/* All units that the choices leave open; the base holds their first content. */
static bool unknown_all(struct explore_search *inner) {
  const struct explore_image *first = &inner->outer->image;
  for (uint32_t i = 0; i < first->plan->units_used; i++) {
    const struct fpost_unit *unit = &first->units[i];
    struct fpost_known known;
    uint32_t count = 0;
    fpost_choice_known(inner->first, inner->first_count, i, &known);
    fpost_bytes rest = unit->touched & ~known.fixed;
    if (rest == 0) {
      continue;
    }
    if (fpost_unit_values(unit, first->steps, &known, rest, inner->values,
                          UNKNOWN_MAX, &count) != FPOST_OK) {
      return false;
    }
    if (count > 1 &&
        !unknown_add(inner, i, varying(inner->values, count, rest), count)) {
      return false;
    }
  }
  return true;
}

uint32_t explore_second_own(const struct explore_search *search,
                            uint32_t *units, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    bool own = true;
    for (uint32_t j = 0; j < search->unknown_count; j++) {
      own = own && search->unknown[j].inner != units[i];
    }
    units[kept] = units[i];
    kept += own;
  }
  return kept;
}

char *explore_second_name(const struct explore_search *search,
                          const struct explore_lost *units, uint32_t count,
                          bool others_full, char *name) {
  const struct explore_image *first = &search->outer->image;
  struct explore_lost *cuts = malloc((first->units_live + 1u) * sizeof *cuts);
  uint32_t kept = 0;
  FPOST_ASSERT(cuts != NULL);
  for (uint32_t i = 0; i < first->plan->units_used; i++) {
    const struct fpost_unit *unit = &first->units[i];
    struct fpost_choice content = {.unit = i, .count = 1};
    if (unit->touched == 0) {
      continue;
    }
    struct fpost_lazy lazy = {0};
    fpost_choice_known(search->first, search->first_count, i, &lazy.known);
    for (uint32_t j = 0; j < search->unknown_count; j++) {
      if (search->unknown[j].outer != i) {
        continue;
      }
      const struct fpost_unit *one =
          &search->image.units[search->unknown[j].inner];
      uint64_t cut = others_full ? one->steps_count : 0;
      for (uint32_t k = 0; k < count; k++) {
        cut = units[k].unit == search->unknown[j].inner ? units[k].cut : cut;
      }
      content.read = one->all;
      fpost_unit_at(one, search->image.steps, cut, content.value);
      fpost_choice_apply(&content, &lazy);
    }
    uint64_t cut = fpost_unit_first_cut(unit, first->steps, &lazy.known);
    if (cut != 0) {
      cuts[kept++] = (struct explore_lost){.unit = i, .cut = cut};
    }
  }
  char *before =
      explore_state_name(first, search->outer->point.event, cuts, kept, false);
  char *both = NULL;
  int size = asprintf(&both, "%s:%s", before, name);
  FPOST_ASSERT(size > 0);
  free(cuts);
  free(before);
  free(name);
  return both;
}

/* ---- exploring ---- */

static void found_keep(struct explore_search *outer,
                       struct explore_search *inner) {
  for (uint32_t i = 0; i < inner->found_count; i++) {
    const struct explore_found *found = &inner->found[i];
    char key[EXPLORE_KEY_MAX] = "again ";
    explore_found_key(inner, found, key + 6);
    uint32_t at = 0;
    while (at < outer->second_count &&
           strcmp(outer->second_found[at].key, key) != 0) {
      at++;
    }
    if (at < outer->second_count) {
      outer->second_found[at].count += found->count;
      continue;
    }
    outer->second_found =
        realloc(outer->second_found, (at + 1) * sizeof *outer->second_found);
    FPOST_ASSERT(outer->second_found != NULL);
    struct explore_second_found *kept = &outer->second_found[at];
    *kept = (struct explore_second_found){
        .count = found->count,
        .class_name = fpost_class_infos[found->class_].name,
        .json = explore_found_json(inner, found)};
    memcpy(kept->key, key, sizeof kept->key);
    outer->second_count++;
  }
}

static double log2_sum(double a, double b) {
  double most = a > b ? a : b;
  double least = a > b ? b : a;
  return most + log2(1 + exp2(least - most));
}

static void inner_point(struct explore_search *inner, uint64_t event) {
  struct explore_search *outer = inner->outer;
  inner->point =
      (struct explore_point){.number = outer->point.number,
                             .event = event,
                             .twin = -1,
                             .complete = true,
                             .images_log2 = inner->image.images_log2};
  explore_judge_begin(inner);
  explore_walk(inner);
  explore_checked_walk(inner);
  outer->point.second++;
  outer->point.runs += inner->point.runs;
  outer->point.flags |= inner->point.flags;
  outer->point.complete = outer->point.complete && inner->point.complete;
  outer->point.images_log2 =
      log2_sum(outer->point.images_log2, inner->point.images_log2);
  found_keep(outer, inner);
}

/* The crash points of the recording. Before recovery's first store there is
   nothing that the first crash did not leave. */
static int inner_walk(struct explore_search *inner,
                      struct recording *recording) {
  struct fpost_record record;
  uint64_t images = 0;
  uint64_t event = 0;
  bool stored = false;
  int err = FPOST_OK;
  while (inner->shared->stop == 0 &&
         (err = recording_next(recording, &images, &record, &event)) ==
             FPOST_OK) {
    bool during = explore_image_during(&inner->image, &record);
    bool point = explore_image_crash_point(&inner->image, &record);
    if (during) {
      err = explore_image_apply(&inner->image, &record, event);
    }
    stored = stored || during;
    inner->crash_stack = record.stack;
    if (err == FPOST_OK && point && stored &&
        explore_seen(&inner->outer->second_seen, inner, event) < 0) {
      inner_point(inner, event);
    }
    stored = stored || record.kind == FPOST_RECORD_STORE ||
             record.kind == FPOST_RECORD_RESIZE;
    if (during) {
      explore_image_settle(&inner->image);
    } else if (err == FPOST_OK && record.kind != FPOST_RECORD_POOL) {
      err = explore_image_apply(&inner->image, &record, event);
    }
    if (err != FPOST_OK) {
      return err;
    }
  }
  return err == FPOST_ENOENT ? FPOST_OK : err;
}

static bool inner_begin(struct explore_search *inner,
                        struct recording *recording) {
  static const struct fpost_report_options no_options = {
      .fail_on = FPOST_FAIL_ON_DEFAULT};
  const struct explore_search *outer = inner->outer;
  inner->config = outer->config;
  inner->trace = recording->path;
  inner->shared = outer->shared;
  inner->deadline_ms = outer->deadline_ms;
  inner->values = outer->values;
  inner->choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *inner->choices);
  inner->marks = mmap(NULL, FPOST_PLAN_UNITS_MAX * sizeof *inner->marks,
                      PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  FPOST_ASSERT(inner->choices != NULL);
  if (inner->marks == MAP_FAILED ||
      fpost_report_init(&inner->report, &no_options) != FPOST_OK ||
      explore_image_init(&inner->image, &outer->config->options,
                         &recording->info.sizes) != FPOST_OK ||
      explore_target_init(&inner->target, outer->config->recover) != FPOST_OK) {
    return false; /* out of memory: the process is about to end */
  }
  inner->image.plan->output_max = outer->image.plan->output_max;
  inner->image.plan->observe_stdout = outer->image.plan->observe_stdout;
  memcpy(inner->image.plan->observe_path, outer->image.plan->observe_path,
         sizeof inner->image.plan->observe_path);
  explore_heap_again(inner);
  inner->target.timeout_ms = outer->target.timeout_ms;
  inner->image.plan->fork_runs = outer->image.plan->fork_runs;
  inner->material = outer->material;
  explore_info_symbols(&recording->info, inner->report.symbols);
  inner->report.pools_count = recording->info.sizes.count;
  return explore_checked_begin(inner) == FPOST_OK &&
         explore_target_start(&inner->target, &inner->image) == FPOST_OK;
}

static void inner_end(struct explore_search *inner) {
  explore_judge_begin(inner);
  explore_target_stop(&inner->target);
  explore_target_free(&inner->target);
  if (inner->config->checker != NULL) {
    explore_target_free(&inner->other_target);
    explore_checker_free(&inner->checker);
  }
  explore_image_free(&inner->image);
  fpost_report_free(&inner->report);
  (void)munmap(inner->marks, FPOST_PLAN_UNITS_MAX * sizeof *inner->marks);
  free(inner->found);
  free(inner->heap_judged);
  free(inner->kept);
  free(inner->unknown);
  free(inner->choices);
  free(inner);
}

/* Explore the recording, after the first crash that the choices say. */
static bool explore_recording(struct explore_search *search,
                              struct recording *recording,
                              const struct fpost_choice_list *list) {
  struct explore_search *inner = calloc(1, sizeof *inner);
  FPOST_ASSERT(inner != NULL);
  /* What is legal was decided by the first crash. */
  struct explore_info info = recording->info;
  info.operations = search->info->operations;
  inner->info = &info;
  inner->moment = search->moment;
  inner->outer = search;
  inner->first = list->choices;
  inner->first_count = list->count;
  bool good =
      fpost_reader_rewind(&recording->reader) == FPOST_OK &&
      explore_material_put(&search->material, &search->image, list->choices,
                           list->count, false) == FPOST_OK;
  FPOST_ASSERT(inner_begin(inner, recording));
  good = good &&
         explore_material_take(&search->material, &inner->image,
                               &search->image) == FPOST_OK &&
         unknown_all(inner) && inner_walk(inner, recording) == FPOST_OK;
  inner_end(inner);
  return good;
}

/* Crash the recovery that the choices of a run lead to. */
static bool second_run(struct explore_search *search,
                       struct fpost_choice_list *list) {
  struct recording recording = {.material = &search->material,
                                .target = &search->target};
  uint32_t fixed = list->count;
  if (explore_material_put(&search->material, &search->image, list->choices,
                           list->count, false) != FPOST_OK ||
      !record(&recording, &search->image)) {
    return false;
  }
  fpost_bytes *bytes = overwritten(&recording, &search->image);
  bool good = true;
  bool more = true;
  for (uint32_t i = 0; good && more && search->shared->stop == 0; i++) {
    good = i < OVERWRITTEN_MAX && decide_overwritten(search, bytes, list) &&
           explore_recording(search, &recording, list);
    more = fpost_choice_next(list, fixed, search->image.units,
                             search->image.steps, search->values);
  }
  free(bytes);
  recording_free(&recording);
  return good;
}

/* ---- a crash point ---- */

void explore_second_keep(struct explore_search *search,
                         const struct fpost_plan_run *run) {
  if (search->outer != NULL || search->config->depth < 2 ||
      (run->flags & FPOST_RUN_STORED) == 0) {
    return;
  }
  search->again =
      realloc(search->again, (search->again_count + 1) * sizeof *search->again);
  FPOST_ASSERT(search->again != NULL);
  struct explore_again *again = &search->again[search->again_count++];
  size_t size = search->choice_count * sizeof *search->choices;
  again->count = search->choice_count;
  again->choices = malloc(size + 1);
  FPOST_ASSERT(again->choices != NULL);
  memcpy(again->choices, search->choices, size);
}

void explore_second_walk(struct explore_search *search) {
  struct fpost_choice_list list = {
      .choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *list.choices),
      .max = FPOST_PLAN_CHOICES_MAX};
  FPOST_ASSERT(list.choices != NULL);
  for (uint32_t i = 0; i < search->again_count; i++) {
    const struct explore_again *again = &search->again[i];
    list.count = again->count;
    memcpy(list.choices, again->choices, again->count * sizeof *list.choices);
    if (search->shared->stop == 0 && !second_run(search, &list)) {
      search->point.flags |= EXPLORE_FLAG_ONCE;
    }
    free(again->choices);
  }
  if (search->shared->stop != 0) {
    search->point.complete = false;
  }
  search->again_count = 0;
  explore_seen_clear(&search->second_seen);
  free(list.choices);
}

int explore_second_store(struct explore_search *search) {
  int err = FPOST_OK;
  for (uint32_t i = 0; i < search->second_count; i++) {
    const struct explore_second_found *found = &search->second_found[i];
    bool fresh = false;
    if (err == FPOST_OK) {
      err = explore_db_finding(&search->db, found->key, search->point.number,
                               found->count, &fresh);
    }
    if (err == FPOST_OK && fresh) {
      err = explore_db_describe(&search->db, found->key, search->point.number,
                                found->class_name, found->json);
    }
    free(found->json);
  }
  search->second_count = 0;
  return err;
}

/* ---- one state ---- */

static int replay_recording(struct explore_image *image,
                            struct recording *recording, const char *state,
                            char error[512]) {
  struct fpost_record record;
  uint64_t images = 0;
  uint64_t event = 0;
  char *end = NULL;
  uint64_t wanted = strtoull(state, &end, 10);
  while (recording_next(recording, &images, &record, &event) == FPOST_OK &&
         event <= wanted) {
    bool last = event == wanted;
    if (record.kind != FPOST_RECORD_POOL &&
        (!last || explore_image_during(image, &record)) &&
        explore_image_apply(image, &record, event) != FPOST_OK) {
      break;
    }
    if (last && *end == '/') {
      return explore_replay_cuts(image, state, error);
    }
    explore_image_settle(image);
  }
  snprintf(error, 512, "'%.200s' is no state of a crash in recovery", state);
  return FPOST_EINVAL;
}

int explore_second_replay(struct explore_image *image,
                          const struct explore_image *first,
                          const char *recover, const char *state,
                          char error[512]) {
  static struct explore_material material;
  struct explore_target target;
  struct recording recording = {.material = &material, .target = &target};
  struct explore_sizes sizes = {.count = first->plan->pool_count};
  for (uint32_t i = 0; i < sizes.count; i++) {
    sizes.paths[i] = first->plan->pools[i].path;
  }
  int err = explore_target_init(&target, recover);
  if (err != FPOST_OK) {
    snprintf(error, 512, "%s", target.error);
    return err;
  }
  err = explore_material_open(&material, &sizes, NULL);
  if (err == FPOST_OK) {
    err = explore_material_put(&material, first, NULL, 0, false);
  }
  if (err != FPOST_OK) {
    snprintf(error, 512, "%s", material.error);
  } else if (!record(&recording, first)) {
    snprintf(error, 512,
             "recovery does not end well on the state after the first crash");
    err = FPOST_EINVAL;
  } else {
    if (explore_material_put(&material, first, NULL, 0, false) != FPOST_OK ||
        explore_image_init(image, &first->options, &recording.info.sizes) !=
            FPOST_OK ||
        explore_material_take(&material, image, first) != FPOST_OK) {
      snprintf(error, 512, "no memory");
      err = FPOST_ENOMEM;
    } else {
      err = replay_recording(image, &recording, state, error);
    }
    recording_free(&recording);
  }
  explore_material_close(&material);
  explore_target_free(&target);
  /* The user's files are in their place again: recovery must not get them. */
  for (uint32_t i = 0; err == FPOST_OK && i < sizes.count; i++) {
    image->plan->pools[i].device = first->plan->pools[i].device;
    image->plan->pools[i].inode = first->plan->pools[i].inode;
  }
  return err;
}
