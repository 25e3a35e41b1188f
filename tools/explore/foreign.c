/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/foreign.h"

#include "rt/base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

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
  int err = explore_material_open(
      &target->material, &sizes,
      plan->observe_path[0] == '\0' ? NULL : plan->observe_path);
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
    fpost_bytes open = unit->touched;
    open &= target->ignored == NULL ? ~UINT64_C(0) : ~target->ignored[i];
    fpost_choice_known(list->choices, list->count, i, &lazy.known);
    if (fpost_choice_read(unit, image->steps, i, &lazy, open, image->plan->rule,
                          0, list, target->values, &fresh) != FPOST_OK) {
      return false;
    }
  }
  return true;
}

/* The hash of what the run has said, which is put where hooks put it. */
static uint64_t take_observed(const struct explore_target *target) {
  const struct explore_image *image = target->image;
  struct stat said = {.st_size = 0};
  if (target->material.observed >= 0) {
    uint8_t part[4096];
    ssize_t got = 0;
    (void)ftruncate(image->observe, 0);
    for (off_t at = 0;
         (got = pread(target->material.observed, part, sizeof part, at)) > 0;
         at += got) {
      ssize_t wrote = write(image->observe, part, (size_t)got);
      FPOST_ASSERT(wrote == got);
    }
  }
  (void)fstat(image->observe, &said);
  if (said.st_size == 0) {
    return 0;
  }
  void *bytes = mmap(NULL, (size_t)said.st_size, PROT_READ, MAP_SHARED,
                     image->observe, 0);
  FPOST_ASSERT(bytes != MAP_FAILED);
  uint64_t hash = XXH3_64bits(bytes, (size_t)said.st_size);
  (void)munmap(bytes, (size_t)said.st_size);
  return hash == 0 ? 1 : hash;
}

static struct explore_material_run
run_how(const struct explore_target *target) {
  const struct explore_image *image = target->image;
  const struct fpost_plan *plan = image->plan;
  if (target->material.observed >= 0) {
    (void)ftruncate(target->material.observed, 0);
  }
  return (struct explore_material_run){
      .words = target->words,
      .options = EXPLORE_PLAIN_OPTIONS,
      .output = image->output,
      .observe = plan->observe_stdout != 0 ? image->observe : 0,
      .data_max = target->limited ? FPOST_PLAN_DATA_MAX : 0,
      .output_max = plan->output_max,
      .timeout_ms = target->timeout_ms};
}

static void run_state(struct explore_target *target,
                      struct fpost_plan_run *run) {
  const struct explore_image *image = target->image;
  struct fpost_plan *plan = image->plan;
  const struct explore_material_run how = run_how(target);
  if (explore_material_put(&target->material, image, image->choices,
                           plan->choices_count,
                           plan->rule == FPOST_CHOICE_LAST) != FPOST_OK) {
    plan->run_over = 1;
    snprintf(target->error, sizeof target->error, "%s", target->material.error);
    *run = (struct fpost_plan_run){.outcome = FPOST_OUTCOME_OVERFLOW};
    return;
  }
  plan->runs++;
  explore_material_run(&target->material, &how, run);
  run->observed = take_observed(target);
  if (target->checker != NULL && run->outcome == FPOST_OUTCOME_EXIT &&
      run->value == 0 &&
      explore_checker_run(target->checker, &target->material, how, run,
                          target->error) != FPOST_OK) {
    plan->run_over = 1;
  }
}

/* Give bytes that nobody reads another content, each by a number of its own: of
   inverted words with an inverted sum, the sum may be right again. */
static bool spoil(const struct explore_target *target, uint32_t unit,
                  fpost_bytes bytes, uint8_t was[FENCEPOST_LINE_SIZE]) {
  uint64_t address = target->image->units[unit].address;
  int file = target->material.files[fpost_pm_pool(address)];
  off_t offset = (off_t)fpost_pm_offset(address);
  memset(was, 0, FENCEPOST_LINE_SIZE);
  ssize_t got = pread(file, was, FENCEPOST_LINE_SIZE, offset);
  for (uint32_t i = 0; i < FENCEPOST_LINE_SIZE; i++) {
    uint64_t mixed = (address + i) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    was[i] ^= (bytes >> i & 1) != 0 ? (uint8_t)(1 + mixed % 255) : 0;
  }
  return got <= 0 || pwrite(file, was, (size_t)got, offset) == got;
}

/* The bytes of a unit that are not what spoil has made of them. */
static fpost_bytes changed(const struct explore_target *target, uint32_t unit,
                           const uint8_t was[FENCEPOST_LINE_SIZE]) {
  uint64_t address = target->image->units[unit].address;
  uint8_t now[FENCEPOST_LINE_SIZE];
  fpost_bytes bytes = 0;
  ssize_t got = pread(target->material.files[fpost_pm_pool(address)], now,
                      sizeof now, (off_t)fpost_pm_offset(address));
  for (int i = 0; i < (int)got; i++) {
    bytes |= now[i] != was[i] ? UINT64_C(1) << i : 0;
  }
  return bytes;
}

void explore_foreign_overwritten(struct explore_target *target,
                                 const struct fpost_choice *choices,
                                 uint32_t count, fpost_bytes *overwritten) {
  const struct explore_image *image = target->image;
  const struct explore_material_run how = run_how(target);
  uint32_t units = image->plan->units_used;
  uint8_t(*was)[FENCEPOST_LINE_SIZE] = calloc(units + 1, sizeof *was);
  struct fpost_plan_run run = {.outcome = FPOST_OUTCOME_OVERFLOW};
  bool good = explore_material_put(&target->material, image, choices, count,
                                   false) == FPOST_OK;
  FPOST_ASSERT(was != NULL);
  for (uint32_t i = 0; i < units && good; i++) {
    struct fpost_known known;
    fpost_choice_known(choices, count, i, &known);
    overwritten[i] = image->units[i].touched & ~known.fixed;
    good = overwritten[i] == 0 || spoil(target, i, overwritten[i], was[i]);
  }
  if (good) {
    explore_material_run(&target->material, &how, &run);
  }
  good = run.outcome == FPOST_OUTCOME_EXIT && run.value == 0;
  for (uint32_t i = 0; i < units; i++) {
    overwritten[i] &=
        good && overwritten[i] != 0 ? changed(target, i, was[i]) : 0;
  }
  free(was);
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

void explore_foreign_environment(void) {
  (void)setenv("FENCEPOST_OPTIONS", EXPLORE_PLAIN_OPTIONS, 1);
  (void)setenv("PMEM_IS_PMEM_FORCE", "1", 1);
}

void explore_foreign_become(struct explore_target *target,
                            char *const *before) {
  char *const *words = before == NULL ? target->words : before;
  if (explore_foreign_start(target) == FPOST_OK &&
      explore_material_put(&target->material, target->image, NULL, 0, false) ==
          FPOST_OK) {
    explore_foreign_environment();
    execvp(words[0], words);
    snprintf(target->error, sizeof target->error, "%.200s: %s", words[0],
             strerror(errno));
  } else if (target->error[0] == '\0') {
    snprintf(target->error, sizeof target->error, "%s", target->material.error);
  }
}
