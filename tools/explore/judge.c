/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/judge.h"

#include "rt/base/assert.h"
#include "rt/model/robust.h"
#include "tools/explore/describe.h"
#include "tools/explore/overlap.h"
#include "tools/explore/references.h"
#include "tools/explore/second.h"

#include <stdlib.h>
#include <string.h>

/* Lost units whose necessity is tried out one by one; each costs a run. */
#define MINIMISE_MAX 256u
/* The same for failures that take as long as a time-out. */
#define MINIMISE_SLOW_MAX 6u
/* Units that are tried as the one whose persisting does the harm. */
#define CULPRITS_MAX 32u

/* What is wrong with a run; FPOST_CLASS_COUNT: nothing. */
static enum fpost_class class_of(struct explore_search *search,
                                 const struct fpost_plan_run *run) {
  uint32_t lost = 0;
  if (run->outcome == FPOST_OUTCOME_OVERFLOW) {
    return FPOST_CLASS_COUNT;
  }
  if (run->outcome != FPOST_OUTCOME_EXIT || run->value != 0) {
    return FPOST_CLASS_RECOVERY_FAILURE;
  }
  if (search->checking) {
    return FPOST_CLASS_COUNT; /* its hooks were off: it has been judged */
  }
  switch (explore_state_verdict(search, run->observed, &lost)) {
  case EXPLORE_LOST:
    return FPOST_CLASS_LOST_OPERATION;
  case EXPLORE_TORN:
    return FPOST_CLASS_NOT_FAILURE_ATOMIC;
  case EXPLORE_UNDECIDED:
    search->point.flags |= EXPLORE_FLAG_UNDECIDED;
    return FPOST_CLASS_COUNT;
  default:
    return FPOST_CLASS_COUNT;
  }
}

bool explore_judge_failed(struct explore_search *search,
                          const struct fpost_plan_run *run) {
  return class_of(search, run) != FPOST_CLASS_COUNT;
}

void explore_judge_begin(struct explore_search *search) {
  for (uint32_t i = 0; i < search->found_count; i++) {
    free(search->found[i].lost);
    free(search->found[i].choices);
  }
  search->found_count = 0;
  if (search->moment.judged && search->moment.overlap) {
    search->point.flags |= EXPLORE_FLAG_OVERLAP;
  }
}

struct explore_found *explore_found_add(struct explore_search *search,
                                        enum fpost_class class_) {
  if (search->found_count == search->found_max) {
    search->found_max = search->found_max == 0 ? 16 : search->found_max * 2;
    search->found =
        realloc(search->found, search->found_max * sizeof *search->found);
    FPOST_ASSERT(search->found != NULL);
  }
  struct explore_found *found = &search->found[search->found_count++];
  *found = (struct explore_found){.class_ = class_, .count = 1};
  return found;
}

/* ---- cuts ---- */

void explore_cut_split(const struct fpost_unit *unit,
                       const struct fpost_step *steps, uint64_t cut,
                       uint32_t *step, uint64_t *pieces, bool *whole) {
  uint64_t left = cut;
  *pieces = 0;
  *whole = false;
  for (*step = 0; *step < unit->steps_count; (*step)++) {
    uint64_t all =
        (UINT64_C(1) << fpost_step_pieces(&steps[unit->steps_first + *step])) -
        1;
    if (left == 0) {
      return;
    }
    if (left < all) {
      *pieces = left;
      return;
    }
    left -= all;
  }
  *whole = true;
}

static uint64_t last_cut(const struct explore_image *image, uint32_t unit) {
  return fpost_unit_cuts(&image->units[unit], image->steps) - 1;
}

/* ---- failures ---- */

/* The distinct units of the run's choices, at most max, last read first. */
static uint32_t units_read(struct explore_search *search, uint32_t *units,
                           uint32_t max) {
  uint32_t count = 0;
  for (uint32_t i = search->choice_count; i > 0 && count < max; i--) {
    uint32_t unit = search->choices[i - 1].unit;
    if (search->marks[unit] == 0) {
      search->marks[unit] = 1;
      units[count++] = unit;
    }
  }
  for (uint32_t i = 0; i < count; i++) {
    search->marks[units[i]] = 0;
  }
  return count;
}

/* Do the runs go wrong in the same way? */
static bool same_outcome(struct explore_search *search,
                         const struct fpost_plan_run *a,
                         const struct fpost_plan_run *b) {
  return a->outcome == b->outcome && a->value == b->value &&
         (a->flags & FPOST_RUN_CHECKER) == (b->flags & FPOST_RUN_CHECKER) &&
         class_of(search, a) == class_of(search, b);
}

/* Has the run lost the store that is the first lost one at this cut? Which of
   its pieces are lost does not matter. */
static bool loses(const struct explore_search *search,
                  const struct explore_lost *lost) {
  const struct explore_image *image = &search->image;
  const struct fpost_unit *unit = &image->units[lost->unit];
  struct fpost_known known;
  uint32_t step = 0;
  uint32_t wanted = 0;
  uint64_t pieces = 0;
  bool whole = false;
  fpost_choice_known(search->choices, search->choice_count, lost->unit, &known);
  if (known.fixed == 0) {
    return false;
  }
  explore_cut_split(unit, image->steps, lost->cut, &wanted, &pieces, &whole);
  explore_cut_split(unit, image->steps,
                    fpost_unit_last_cut(unit, image->steps, &known), &step,
                    &pieces, &whole);
  return !whole && step == wanted;
}

bool explore_judge_known(struct explore_search *search,
                         const struct fpost_plan_run *run) {
  enum fpost_class class_ = class_of(search, run);
  for (uint32_t i = 0; i < search->found_count; i++) {
    struct explore_found *found = &search->found[i];
    if (found->class_ != class_ || !found->others_full ||
        found->outcome != run->outcome || found->value != run->value ||
        found->checker != ((run->flags & FPOST_RUN_CHECKER) != 0)) {
      continue;
    }
    uint32_t same = 0;
    for (uint32_t j = 0; j < found->lost_count; j++) {
      same += loses(search, &found->lost[j]);
    }
    if (same == found->lost_count) {
      found->count++;
      return true;
    }
  }
  return false;
}

/* The units of the run that have lost something, at the most they may have. */
static uint32_t lost_of(struct explore_search *search,
                        struct explore_lost *lost, uint32_t max) {
  const struct explore_image *image = &search->image;
  uint32_t *units = malloc((max + 1) * sizeof *units);
  FPOST_ASSERT(units != NULL);
  uint32_t count = 0;
  uint32_t read = units_read(search, units, max);
  for (uint32_t i = 0; i < read; i++) {
    struct fpost_known known;
    fpost_choice_known(search->choices, search->choice_count, units[i], &known);
    uint64_t cut =
        fpost_unit_last_cut(&image->units[units[i]], image->steps, &known);
    if (cut != last_cut(image, units[i])) {
      lost[count++] = (struct explore_lost){.unit = units[i], .cut = cut};
    }
  }
  free(units);
  return count;
}

/* Leave out of `lost` what the failure does not need. */
static uint32_t minimise(struct explore_search *search,
                         const struct fpost_plan_run *run,
                         struct explore_lost *lost, uint32_t count) {
  uint32_t tries =
      run->outcome == FPOST_OUTCOME_TIMEOUT ? MINIMISE_SLOW_MAX : MINIMISE_MAX;
  struct fpost_plan_run again;
  for (uint32_t i = count; i > 0 && tries > 0; i--, tries--) {
    struct explore_lost left_out = lost[i - 1];
    memmove(&lost[i - 1], &lost[i], (count - i) * sizeof *lost);
    explore_run_state(search, lost, count - 1, true, &again);
    search->point.runs++;
    if (same_outcome(search, &again, run)) {
      count--;
    } else {
      memmove(&lost[i], &lost[i - 1], (count - i) * sizeof *lost);
      lost[i - 1] = left_out;
    }
  }
  return count;
}

/* The first store that the unit has lost: index of its step in the image. */
static uint32_t lost_step(const struct explore_image *image,
                          const struct explore_lost *lost) {
  const struct fpost_unit *unit = &image->units[lost->unit];
  uint32_t step = 0;
  uint64_t pieces = 0;
  bool whole = false;
  explore_cut_split(unit, image->steps, lost->cut, &step, &pieces, &whole);
  FPOST_ASSERT(!whole);
  return unit->steps_first + step;
}

/* Are the two stores by one line of the user's code? */
static bool same_line(struct explore_search *search, uint32_t one,
                      uint32_t two) {
  const struct explore_step *infos = search->image.step_infos;
  struct fpost_place places[2] = {
      explore_info_place(search->info, &search->report, infos[one].stack),
      explore_info_place(search->info, &search->report, infos[two].stack)};
  const struct fpost_frame *x = fpost_place_frame(&places[0]);
  const struct fpost_frame *y = fpost_place_frame(&places[1]);
  return x != NULL && y != NULL && x->file != NULL && y->file != NULL &&
         x->line == y->line && strcmp(x->file, y->file) == 0;
}

/*
 * The unit whose having persisted does the harm: at its guaranteed content, the
 * failure is gone. Returns its first step later than the lost store, or
 * UINT32_MAX.
 */
static uint32_t find_culprit(struct explore_search *search,
                             const struct fpost_plan_run *run,
                             struct explore_lost *lost, uint32_t count) {
  const struct explore_image *image = &search->image;
  uint32_t first = lost_step(image, &lost[0]);
  uint64_t after = image->steps[first].store;
  uint32_t found = UINT32_MAX;
  uint32_t units[CULPRITS_MAX];
  uint32_t read = units_read(search, units, CULPRITS_MAX);
  for (uint32_t i = 0; i < read; i++) {
    const struct fpost_unit *unit = &image->units[units[i]];
    uint32_t step = unit->steps_first;
    uint32_t end = step + unit->steps_count;
    bool is_lost = false;
    for (uint32_t j = 0; j < count; j++) {
      is_lost = is_lost || lost[j].unit == units[i];
    }
    while (step < end && image->steps[step].store < after) {
      step++;
    }
    if (is_lost || step == end) {
      continue;
    }
    struct fpost_plan_run again;
    lost[count] = (struct explore_lost){.unit = units[i], .cut = 0};
    explore_run_state(search, lost, count + 1, true, &again);
    search->point.runs++;
    if (!same_outcome(search, &again, run)) {
      found = found == UINT32_MAX ? step : found;
      if (!same_line(search, first, step)) {
        return step;
      }
    }
  }
  return found;
}

static int lost_compare(const void *a, const void *b) {
  const struct explore_lost *one = a;
  const struct explore_lost *two = b;
  return one->unit < two->unit ? -1 : one->unit > two->unit;
}

/* Put the unit with the earliest lost store first. */
static void lost_sort(const struct explore_image *image,
                      struct explore_lost *lost, uint32_t count) {
  qsort(lost, count, sizeof *lost, lost_compare);
  uint32_t first = 0;
  for (uint32_t i = 1; i < count; i++) {
    if (image->steps[lost_step(image, &lost[i])].store <
        image->steps[lost_step(image, &lost[first])].store) {
      first = i;
    }
  }
  if (count != 0) {
    struct explore_lost swap = lost[0];
    lost[0] = lost[first];
    lost[first] = swap;
  }
}

uint32_t explore_lost_first(const struct explore_image *image,
                            struct explore_lost *lost, uint32_t count) {
  lost_sort(image, lost, count);
  return lost_step(image, &lost[0]);
}

/* Does the state end as the run did? */
static bool repeats(struct explore_search *search,
                    const struct explore_lost *lost, uint32_t count,
                    bool others_full, const struct fpost_plan_run *run) {
  struct fpost_plan_run again;
  explore_run_state(search, lost, count, others_full, &again);
  search->point.runs++;
  return same_outcome(search, &again, run);
}

/* The units that the run has read, at the least they may have persisted. */
static uint32_t persisted_of(struct explore_search *search,
                             struct explore_lost *units, uint32_t max) {
  const struct explore_image *image = &search->image;
  uint32_t *read = malloc((max + 1) * sizeof *read);
  FPOST_ASSERT(read != NULL);
  uint32_t count = units_read(search, read, max);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct fpost_known known;
    fpost_choice_known(search->choices, search->choice_count, read[i], &known);
    uint64_t cut =
        fpost_unit_first_cut(&image->units[read[i]], image->steps, &known);
    if (cut != 0) {
      units[kept++] = (struct explore_lost){.unit = read[i], .cut = cut};
    }
  }
  free(read);
  return kept;
}

/* A run on a state or with a prefix once more, with an eye on checksums: did
   one match by chance? *collision says so if the run ended like `run`. */
static void audit_end(struct explore_search *search,
                      const struct fpost_plan_run *run,
                      const struct fpost_plan_run *again,
                      struct fpost_plan_collision *collision) {
  struct fpost_plan *plan = search->image.plan;
  plan->audit = 0;
  search->point.runs++;
  *collision = plan->collision;
  for (uint32_t i = 0; i < collision->stack.count; i++) {
    collision->stack.pcs[i] =
        explore_target_pc(search, collision->stack.pcs[i]);
  }
  if (again->outcome != run->outcome || again->value != run->value ||
      again->observed != run->observed) {
    collision->words = 0;
  }
}

static void audit_state(struct explore_search *search,
                        const struct explore_lost *lost, uint32_t count,
                        bool others_full, const struct fpost_plan_run *run,
                        struct fpost_plan_collision *collision) {
  struct fpost_plan_run again;
  search->image.plan->audit = 1;
  explore_run_state(search, lost, count, others_full, &again);
  audit_end(search, run, &again, collision);
}

void explore_audit_prefix(struct explore_search *search,
                          const struct fpost_choice *choices, uint32_t count,
                          const struct fpost_plan_run *run,
                          struct fpost_plan_collision *collision) {
  struct fpost_plan_run again;
  search->image.plan->audit = 1;
  explore_run_prefix(search, choices, count, &again);
  audit_end(search, run, &again, collision);
}

/* Is the checksum that matched in this run one that has been reported with this
   outcome? Then it is counted. */
static bool collision_known(struct explore_search *search,
                            const struct fpost_plan_run *run,
                            const struct fpost_plan_collision *collision) {
  for (uint32_t i = 0; i < search->found_count; i++) {
    struct explore_found *found = &search->found[i];
    if (found->class_ == FPOST_CLASS_CHECKSUM_COLLISION &&
        found->outcome == run->outcome && found->value == run->value &&
        memcmp(&found->collision.stack, &collision->stack,
               sizeof collision->stack) == 0) {
      found->count++;
      return true;
    }
  }
  return false;
}

/*
 * A state that fails because a checksum has matched by chance is no fault of
 * the program's, if it fails for no other reason: then the state that is left
 * of it has such a checksum, too. And where the run had none, the state that is
 * reported must not have one either, or it would explain something else.
 */
static enum fpost_class judge_collision(struct explore_search *search,
                                        const struct fpost_plan_run *run,
                                        bool before,
                                        struct explore_found *found) {
  enum fpost_class class_ = class_of(search, run);
  audit_state(search, found->lost, found->lost_count, found->others_full, run,
              &found->collision);
  bool after = found->collision.words != 0;
  if (after && !before && found->others_full) {
    found->lost_count = lost_of(search, found->lost, search->choice_count + 1);
    lost_sort(&search->image, found->lost, found->lost_count);
  }
  return before && after ? FPOST_CLASS_CHECKSUM_COLLISION : class_;
}

void explore_judge_failure(struct explore_search *search,
                           const struct fpost_plan_run *run) {
  const struct explore_image *image = &search->image;
  struct fpost_plan_collision collision = {0};
  if (!search->target.foreign) {
    explore_audit_prefix(search, search->choices, search->choice_count, run,
                         &collision);
    if (collision.words != 0 && collision_known(search, run, &collision)) {
      return;
    }
  }
  uint32_t max = search->choice_count + 1;
  struct explore_lost *lost = malloc((max + 1) * sizeof *lost);
  FPOST_ASSERT(lost != NULL);
  uint32_t count = lost_of(search, lost, max);
  bool others_full = repeats(search, lost, count, true, run);
  if (others_full) {
    count = minimise(search, run, lost, count);
    lost_sort(image, lost, count);
  } else {
    count = persisted_of(search, lost, max);
    if (!repeats(search, lost, count, false, run)) {
      /* What recovery does is not decided by the image alone. */
      search->point.flags |= EXPLORE_FLAG_UNREPEATED;
      free(lost);
      return;
    }
  }
  enum fpost_class class_ = class_of(search, run);
  if (class_ != FPOST_CLASS_RECOVERY_FAILURE &&
      !explore_references_confirm(search, lost, count, others_full)) {
    free(lost);
    return;
  }
  struct explore_found *found = explore_found_add(search, class_);
  found->outcome = run->outcome;
  found->value = run->value;
  found->checker = (run->flags & FPOST_RUN_CHECKER) != 0;
  found->checked = search->checking;
  found->lost = lost;
  found->lost_count = count;
  found->others_full = others_full;
  found->first = UINT32_MAX;
  found->second = UINT32_MAX;
  found->class_ = judge_collision(search, run, collision.words != 0, found);
  if (found->class_ == class_ && count != 0 && found->others_full) {
    found->first = lost_step(image, &lost[0]);
    found->second = find_culprit(search, run, lost, found->lost_count);
  }
}

/* ---- robustness and races ---- */

static bool found_pair(struct explore_search *search, enum fpost_class class_,
                       uint32_t first, uint32_t second) {
  const struct explore_step *infos = search->image.step_infos;
  for (uint32_t i = 0; i < search->found_count; i++) {
    struct explore_found *found = &search->found[i];
    if (found->class_ == class_ &&
        infos[found->first].stack == infos[first].stack &&
        (second == UINT32_MAX ||
         infos[found->second].stack == infos[second].stack)) {
      found->count++;
      return true;
    }
  }
  return false;
}

/* The step of a store, among the units of a run; UINT32_MAX: none. */
static uint32_t step_of(const struct explore_image *image,
                        const struct fpost_robust_unit *units, uint32_t count,
                        uint64_t store, uint32_t *unit) {
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_unit *one = units[i].unit;
    for (uint32_t j = 0; j < one->steps_count; j++) {
      if (image->steps[one->steps_first + j].store == store) {
        *unit = (uint32_t)(one - image->units);
        return one->steps_first + j;
      }
    }
  }
  return UINT32_MAX;
}

static void keep_choices(struct explore_search *search,
                         struct explore_found *found, uint32_t one,
                         uint32_t two) {
  uint32_t last = 0;
  for (uint32_t i = 0; i < search->choice_count; i++) {
    if (search->choices[i].unit == one || search->choices[i].unit == two) {
      last = i;
    }
  }
  size_t size = search->choice_count * sizeof *search->choices;
  found->choices = malloc(size + 1);
  FPOST_ASSERT(found->choices != NULL);
  memcpy(found->choices, search->choices, size);
  found->choice_count = search->choice_count;
  found->choice = last;
}

static void judge_pair(struct explore_search *search,
                       const struct fpost_robust_unit *units, uint32_t count,
                       const struct fpost_robust_pair *pair) {
  const struct explore_image *image = &search->image;
  uint32_t unit_one = 0;
  uint32_t unit_two = 0;
  uint32_t first = step_of(image, units, count, pair->first, &unit_one);
  uint32_t second = step_of(image, units, count, pair->second, &unit_two);
  if (first == UINT32_MAX || second == UINT32_MAX ||
      explore_info_library(search->info, image->step_infos[first].stack) ||
      explore_info_library(search->info, image->step_infos[second].stack) ||
      found_pair(search, FPOST_CLASS_NOT_ROBUST, first, second)) {
    return;
  }
  struct explore_found *found =
      explore_found_add(search, FPOST_CLASS_NOT_ROBUST);
  found->first = first;
  found->second = second;
  keep_choices(search, found, unit_one, unit_two);
}

/* What recovery has read of the unit and validates by itself. */
static fpost_bytes validated(const struct explore_search *search,
                             uint32_t unit) {
  fpost_bytes bytes = 0;
  for (uint32_t i = 0; i < search->choice_count; i++) {
    bytes |= search->choices[i].unit == unit ? search->choices[i].valid : 0;
  }
  return bytes;
}

/* Does what is known of the unit leave only part of a non-atomic store? */
static void judge_race(struct explore_search *search,
                       const struct fpost_robust_unit *unit) {
  const struct explore_image *image = &search->image;
  uint32_t low = 0;
  uint32_t high = 0;
  uint64_t pieces = 0;
  bool whole = false;
  explore_cut_split(
      unit->unit, image->steps,
      fpost_unit_first_cut(unit->unit, image->steps, &unit->known), &low,
      &pieces, &whole);
  bool part = pieces != 0;
  explore_cut_split(unit->unit, image->steps,
                    fpost_unit_last_cut(unit->unit, image->steps, &unit->known),
                    &high, &pieces, &whole);
  if (!part || whole || pieces == 0 || low != high) {
    return;
  }
  uint32_t step = unit->unit->steps_first + low;
  uint32_t index = (uint32_t)(unit->unit - image->units);
  const struct explore_step *info = &image->step_infos[step];
  if ((image->steps[step].written & unit->known.fixed &
       ~validated(search, index)) == 0) {
    return;
  }
  if ((info->flags & (FENCEPOST_STORE_ATOMIC | FENCEPOST_STORE_FOUND)) != 0 ||
      explore_info_library(search->info, info->stack) ||
      found_pair(search, FPOST_CLASS_PERSISTENCY_RACE, step, UINT32_MAX)) {
    return;
  }
  struct explore_found *found =
      explore_found_add(search, FPOST_CLASS_PERSISTENCY_RACE);
  found->first = step;
  found->second = UINT32_MAX;
  keep_choices(search, found, index, index);
}

static void judge_reads(struct explore_search *search) {
  const struct explore_image *image = &search->image;
  uint32_t reads[FPOST_ROBUST_UNITS_MAX];
  struct fpost_robust_unit units[FPOST_ROBUST_UNITS_MAX];
  uint32_t positions[FPOST_ROBUST_UNITS_MAX];
  uint32_t count = units_read(search, reads, FPOST_ROBUST_UNITS_MAX);
  bool all = count < FPOST_ROBUST_UNITS_MAX;
  count = explore_second_own(search, reads, count);
  for (uint32_t i = 0; i < count; i++) {
    units[i] = (struct fpost_robust_unit){.unit = &image->units[reads[i]],
                                          .steps = image->steps,
                                          .threads = image->step_threads};
    fpost_choice_known(search->choices, search->choice_count, reads[i],
                       &units[i].known);
    judge_race(search, &units[i]);
  }
  if (count < 2 || !all || image->threads_count == 0) {
    return;
  }
  struct fpost_robust_thread *threads =
      calloc(image->threads_count, sizeof *threads);
  struct fpost_robust_pair pair;
  FPOST_ASSERT(threads != NULL);
  if (fpost_robust_check(units, count, threads, image->threads_count, positions,
                         &pair) == FPOST_NOT_ROBUST) {
    judge_pair(search, units, count, &pair);
  }
  free(threads);
}

void explore_judge_run(struct explore_search *search) {
  if (search->target.foreign || search->config->strategy != EXPLORE_LAZY) {
    return; /* what it read is not known */
  }
  /* What is read at no place of the program is not what recovery reads: by
     --check-heap, or as the rest of a page of which code without hooks reads
     much. */
  struct fpost_choice *all = search->choices;
  uint32_t count = search->choice_count;
  search->choices = malloc((count + 1) * sizeof *search->choices);
  FPOST_ASSERT(search->choices != NULL);
  search->choice_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (all[i].pc != 0) {
      search->choices[search->choice_count++] = all[i];
    }
  }
  judge_reads(search);
  free(search->choices);
  search->choices = all;
  search->choice_count = count;
}

/* ---- into the database ---- */

int explore_judge_store(struct explore_search *search) {
  int err = FPOST_OK;
  for (uint32_t i = 0; i < search->found_count && err == FPOST_OK; i++) {
    const struct explore_found *found = &search->found[i];
    char key[EXPLORE_KEY_MAX];
    bool fresh = false;
    explore_found_key(search, found, key);
    err = explore_db_finding(&search->db, key, search->point.number,
                             found->count, &fresh);
    if (err == FPOST_OK && fresh) {
      char *json = explore_found_json(search, found);
      err = explore_db_describe(&search->db, key, search->point.number,
                                fpost_class_infos[found->class_].name, json);
      free(json);
    }
  }
  return err;
}
