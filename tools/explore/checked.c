/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/checked.h"

#include "rt/base/assert.h"
#include "tools/explore/describe.h"
#include "tools/explore/foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Samples per crash point, shared by its runs; each gets two at least. */
#define SAMPLES 64u
#define SAMPLES_MIN 2u

int explore_checked_begin(struct explore_search *search) {
  const struct explore_config *config = search->config;
  struct explore_target *target =
      search->target.foreign ? &search->target : &search->other_target;
  char error[512];
  if (config->checker == NULL) {
    return FPOST_OK;
  }
  int err = explore_checker_init(&search->checker, config->checker, error);
  if (err == FPOST_OK && !search->target.foreign) {
    err = explore_target_init(target, config->recover);
    snprintf(error, sizeof error, "%s", target->error);
    target->foreign = true;
    target->material = search->material;
    target->image = &search->image;
    target->timeout_ms = config->timeout_ms;
  }
  if (err != FPOST_OK) {
    fpost_error("explore: %s", error);
    search->shared->failed = 1;
    search->shared->stop = 1;
  }
  target->checker = &search->checker;
  return err;
}

void explore_checked_select(struct explore_search *search, bool checked) {
  if (search->config->checker != NULL && search->checking != checked &&
      (search->checking || !search->target.foreign)) {
    struct explore_target other = search->other_target;
    search->other_target = search->target;
    search->target = other;
    search->checking = checked;
    /* The server takes it for empty if its last run said nothing. */
    (void)ftruncate(search->image.observe, 0);
  }
}

void explore_checked_keep(struct explore_search *search,
                          const struct fpost_plan_run *run) {
  if (search->config->checker == NULL || search->target.foreign) {
    return;
  }
  search->kept =
      realloc(search->kept, (search->kept_count + 1) * sizeof *search->kept);
  FPOST_ASSERT(search->kept != NULL);
  struct explore_again *kept = &search->kept[search->kept_count++];
  *kept = (struct explore_again){.flags = run->flags};
  kept->count = search->choice_count;
  kept->choices = malloc((kept->count + 1) * sizeof *kept->choices);
  FPOST_ASSERT(kept->choices != NULL);
  memcpy(kept->choices, search->choices, kept->count * sizeof *kept->choices);
}

/* ---- the states of a run ---- */

/* The values of a unit that the run leaves open, and bytes of *rest. */
static uint32_t values_of(struct explore_search *search, uint32_t unit,
                          const struct fpost_choice_list *list,
                          fpost_bytes *rest) {
  const struct explore_image *image = &search->image;
  struct fpost_known known;
  uint32_t count = 0;
  fpost_choice_known(list->choices, list->count, unit, &known);
  *rest =
      image->units[unit].touched & ~known.fixed & ~search->target.ignored[unit];
  if (*rest == 0) {
    return 1;
  }
  /* Of more values than there is room for, the first ones. */
  (void)!fpost_unit_values(&image->units[unit], image->steps, &known, *rest,
                           search->values, FPOST_CHOICE_VALUES_MAX, &count);
  return count;
}

/* log2 of the images that recovery may leave after this run. */
static double images_log2(struct explore_search *search,
                          const struct fpost_choice_list *list) {
  double sum = 0;
  fpost_bytes rest = 0;
  for (uint32_t i = 0; i < search->image.plan->units_used; i++) {
    sum += log2(values_of(search, i, list, &rest));
  }
  return sum;
}

static void walk_all(struct explore_search *search,
                     struct fpost_choice_list *list) {
  uint32_t fixed = list->count;
  bool more = true;
  while (more) {
    uint64_t runs = explore_budget(search);
    if (runs == 0) {
      search->point.complete = false;
      return;
    }
    more = explore_request(search, runs, list, fixed, FPOST_CHOICE_FIRST);
  }
}

/* Nothing more persisted, everything, and then at random. */
static void walk_samples(struct explore_search *search,
                         struct fpost_choice_list *list, uint32_t samples) {
  uint32_t fixed = list->count;
  for (uint32_t i = 0; i < samples && explore_budget(search) != 0; i++) {
    list->count = fixed;
    for (uint32_t unit = 0; i > 1 && unit < search->image.plan->units_used &&
                            list->count < list->max;
         unit++) {
      fpost_bytes rest = 0;
      uint32_t count = values_of(search, unit, list, &rest);
      if (count > 1) {
        struct fpost_choice *choice = &list->choices[list->count++];
        *choice = (struct fpost_choice){.unit = unit, .count = 1, .read = rest};
        memcpy(choice->value, search->values[explore_random(search) % count],
               sizeof choice->value);
      }
    }
    (void)explore_request(search, 1, list, list->count,
                          i == 1 ? FPOST_CHOICE_LAST : FPOST_CHOICE_FIRST);
  }
  list->count = fixed;
  search->point.flags |= EXPLORE_FLAG_CHECK_SAMPLED;
}

/* All states of the list, if they are few. */
static void walk(struct explore_search *search,
                 struct fpost_choice_list *list) {
  if (images_log2(search, list) <= EXPLORE_FOREIGN_LOG2_MAX) {
    walk_all(search, list);
  } else {
    uint32_t share = SAMPLES / search->kept_count;
    walk_samples(search, list, share < SAMPLES_MIN ? SAMPLES_MIN : share);
  }
}

/* The choice of a joint test that has failed (rt/model/choice.h)? It says less
   than all states that the run stands for have in common. */
static bool is_failed_test(const struct fpost_choice *choice) {
  return choice->joint != 0 && choice->alternative == 0;
}

/* The choices of the run, with those of failed tests or without. Returns
   whether there are any of these. */
static bool take_choices(const struct explore_again *kept, bool tests,
                         struct fpost_choice_list *list) {
  bool any = false;
  list->count = 0;
  for (uint32_t i = 0; i < kept->count; i++) {
    bool failed = is_failed_test(&kept->choices[i]);
    any = any || failed;
    if (tests || !failed) {
      list->choices[list->count++] = kept->choices[i];
    }
  }
  return any;
}

/* Does recovery leave words of the failed tests as they are? */
static bool tests_left(const struct explore_search *search,
                       const struct explore_again *kept) {
  const struct fpost_joints joints = fpost_plan_joints(search->image.plan);
  const fpost_bytes *ignored = search->target.ignored;
  bool left = false;
  for (uint32_t i = 0; i < kept->count && !left; i++) {
    const struct fpost_choice *choice = &kept->choices[i];
    if (!is_failed_test(choice)) {
      continue;
    }
    const struct fpost_joint *test = &joints.tests[choice->joint - 1];
    left = (choice->read & ~ignored[choice->unit]) != 0;
    for (uint32_t j = 0; j < test->count && !left; j++) {
      const struct fpost_choice *fact = &joints.facts[test->first + j];
      left = (fact->read & ~ignored[fact->unit]) != 0;
    }
  }
  return left;
}

/*
 * The states that a run stands for. If a joint test has failed in it and all of
 * its words are overwritten, it is enough that the first one makes it fail.
 * Else nothing is ignored, or what is left could make it pass in all states:
 * those in which it passes are run too then, once more.
 */
static void check_run(struct explore_search *search,
                      const struct explore_again *kept,
                      struct fpost_choice_list *list, fpost_bytes *ignored) {
  uint32_t units = search->image.plan->units_used;
  memset(ignored, 0, units * sizeof *ignored);
  search->target.ignored = ignored;
  bool tests = take_choices(kept, false, list);
  bool sees_all = (kept->flags & (FPOST_RUN_THREADS | FPOST_RUN_FORKED)) == 0;
  if (sees_all && images_log2(search, list) > 0) {
    explore_foreign_overwritten(&search->target, list->choices, list->count,
                                ignored);
  }
  if (tests && tests_left(search, kept)) {
    memset(ignored, 0, units * sizeof *ignored);
  } else {
    (void)take_choices(kept, true, list);
  }
  walk(search, list);
  search->target.ignored = NULL;
}

void explore_checked_walk(struct explore_search *search) {
  if (search->kept_count == 0) {
    return;
  }
  struct fpost_choice_list list = {
      .choices = malloc(FPOST_PLAN_CHOICES_MAX * sizeof *list.choices),
      .max = FPOST_PLAN_CHOICES_MAX};
  fpost_bytes *ignored =
      malloc((search->image.plan->units_used + 1) * sizeof *ignored);
  FPOST_ASSERT(list.choices != NULL);
  FPOST_ASSERT(ignored != NULL);
  search->random = search->config->seed ^ search->point.number << 32;
  explore_checked_select(search, true);
  for (uint32_t i = 0; i < search->kept_count; i++) {
    if (search->shared->stop == 0) {
      check_run(search, &search->kept[i], &list, ignored);
    }
    free(search->kept[i].choices);
  }
  explore_checked_select(search, false);
  if (search->shared->stop != 0) {
    search->point.complete = false;
  }
  search->kept_count = 0;
  free(ignored);
  free(list.choices);
}
