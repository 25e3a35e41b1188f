/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/foreign.h"

#include "rt/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the command starts may have hooks: it is no run to be checked. */
#define OPTIONS "no=all:exit_code=0"

int explore_foreign_start(struct explore_target *target) {
  const struct fpost_plan *plan = target->image->plan;
  struct explore_sizes sizes = {.count = plan->pool_count};
  if (target->material.count != 0) {
    return FPOST_OK;
  }
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    const char *path = plan->pools[i].path;
    sizes.paths[i] = *path == '\0' ? NULL : path;
  }
  int err = explore_material_open(&target->material, &sizes);
  if (err != FPOST_OK) {
    snprintf(target->error, sizeof target->error, "%s", target->material.error);
    explore_material_close(&target->material);
  }
  return err;
}

void explore_foreign_stop(struct explore_target *target) {
  if (target->material.count != 0) {
    explore_material_close(&target->material);
  }
}

/* Decide every unit that the choices leave open. */
static bool decide_all(struct explore_target *target,
                       struct fpost_choice_list *list) {
  const struct explore_image *image = target->image;
  for (uint32_t i = 0; i < image->plan->units_used; i++) {
    const struct fpost_unit *unit = &image->units[i];
    struct fpost_lazy lazy = {0};
    fpost_bytes fresh = 0;
    if (unit->touched == 0) {
      continue;
    }
    fpost_choice_known(list->choices, list->count, i, &lazy.known);
    if (fpost_choice_read(unit, image->steps, i, &lazy, unit->touched,
                          image->plan->rule, 0, list, target->values,
                          &fresh) != FPOST_OK) {
      return false;
    }
  }
  return true;
}

static void run_state(struct explore_target *target,
                      struct fpost_plan_run *run) {
  const struct explore_image *image = target->image;
  struct fpost_plan *plan = image->plan;
  const struct explore_material_run how = {.words = target->words,
                                           .options = OPTIONS,
                                           .output = image->output,
                                           .output_max = plan->output_max,
                                           .timeout_ms = target->timeout_ms};
  if (explore_material_put(&target->material, image, image->choices,
                           plan->choices_count,
                           plan->rule == FPOST_CHOICE_LAST) != FPOST_OK) {
    plan->run_over = 1;
    *run = (struct fpost_plan_run){.outcome = FPOST_OUTCOME_OVERFLOW};
    return;
  }
  plan->runs++;
  explore_material_run(&target->material, &how, run);
}

/* rt/hooks/recover.c logs in the same way. */
static void log_run(const struct explore_image *image,
                    struct fpost_plan_run run, uint32_t kept) {
  struct fpost_plan *plan = image->plan;
  run.kept = kept;
  run.added = plan->choices_count - kept;
  uint8_t *log = fpost_plan_table(plan, plan->log_at);
  memcpy(log + plan->log_used, &run, sizeof run);
  plan->log_used += sizeof run;
  size_t size = run.added * sizeof(struct fpost_choice);
  memcpy(log + plan->log_used, image->choices + kept, size);
  plan->log_used += size;
  plan->log_runs++;
}

void explore_foreign_ask(struct explore_target *target) {
  const struct explore_image *image = target->image;
  struct fpost_plan *plan = image->plan;
  const uint64_t room =
      sizeof(struct fpost_plan_run) +
      FPOST_PLAN_CHOICES_MAX * (uint64_t)sizeof(struct fpost_choice);
  struct fpost_choice_list list = {.choices = image->choices,
                                   .count = plan->choices_count,
                                   .max = FPOST_PLAN_CHOICES_MAX};
  uint32_t kept = 0;
  bool more = true;
  plan->log_used = 0;
  plan->log_runs = 0;
  plan->run_over = 0;
  plan->fault.count = 0;
  while (more && plan->log_runs < plan->runs_max &&
         plan->log_used + room <= FPOST_PLAN_LOG_MAX) {
    struct fpost_plan_run run = {.outcome = FPOST_OUTCOME_OVERFLOW};
    plan->run_over =
        plan->rule != FPOST_CHOICE_LAST && !decide_all(target, &list);
    plan->choices_count = list.count;
    if (plan->run_over == 0) {
      run_state(target, &run);
    }
    log_run(image, run, kept);
    more = plan->run_over == 0 && plan->request == FPOST_PLAN_WALK &&
           fpost_choice_next(&list, plan->fixed, image->units, image->steps,
                             target->values);
    kept = more ? list.count - 1 : 0;
    plan->choices_count = list.count;
  }
  plan->complete = !more && plan->run_over == 0;
}

void explore_foreign_become(struct explore_target *target,
                            char *const *before) {
  char *const *words = before == NULL ? target->words : before;
  if (explore_foreign_start(target) == FPOST_OK &&
      explore_material_put(&target->material, target->image, NULL, 0, false) ==
          FPOST_OK) {
    (void)setenv("FENCEPOST_OPTIONS", OPTIONS, 1);
    (void)setenv("PMEM_IS_PMEM_FORCE", "1", 1);
    execvp(words[0], words);
    snprintf(target->error, sizeof target->error, "%.200s: %s", words[0],
             strerror(errno));
  } else if (target->error[0] == '\0') {
    snprintf(target->error, sizeof target->error, "%s", target->material.error);
  }
}
