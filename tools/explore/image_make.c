/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An image and its plan, made and freed. */
#include "tools/explore/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_PLAN_PAGE
/* Bytes of model per line, in any mode: as a whole, and torn. */
#define LINE_INFO ((1 + FPOST_LINE_WORDS) * sizeof(struct fpost_line))

static void *reserve(uint64_t size) {
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static uint64_t take(uint64_t *at, uint64_t size) {
  uint64_t start = *at;
  *at = (start + size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
  return start;
}

static int plan_make(struct explore_image *image,
                     const struct explore_sizes *sizes) {
  struct fpost_plan head = {.magic = FPOST_PLAN_MAGIC,
                            .version = FPOST_PLAN_VERSION,
                            .header_size = sizeof head,
                            .explorer = (int32_t)getpid(),
                            .pool_count = sizes->count};
  uint64_t at = 0;
  (void)take(&at, sizeof head);
  head.choices_at =
      take(&at, FPOST_PLAN_CHOICES_MAX * sizeof(struct fpost_choice));
  head.stacks_at =
      take(&at, FPOST_PLAN_CHOICES_MAX * sizeof(struct fpost_plan_stack));
  head.log_at = take(&at, FPOST_PLAN_LOG_MAX);
  head.units_at = take(&at, FPOST_PLAN_UNITS_MAX * sizeof(struct fpost_unit));
  head.links_at = take(&at, FPOST_PLAN_UNITS_MAX * sizeof(uint32_t));
  head.steps_at = take(&at, FPOST_PLAN_STEPS_MAX * sizeof(struct fpost_step));
  head.joints_at =
      take(&at, FPOST_PLAN_JOINTS_MAX * sizeof(struct fpost_joint));
  head.facts_at = take(&at, FPOST_PLAN_FACTS_MAX * sizeof(struct fpost_choice));
  head.sums_at = take(&at, FPOST_PLAN_SUMS_MAX * sizeof(struct fpost_plan_sum));
  for (uint32_t i = 0; i < sizes->count; i++) {
    struct fpost_plan_pool *pool = &head.pools[i];
    pool->pages_count = (sizes->sizes[i] + PAGE - 1) / PAGE;
    pool->lines = take(&at, pool->pages_count * (PAGE / LINE) * 4);
    pool->pages = take(&at, pool->pages_count * 2);
    pool->image = -1;
  }
  head.size = at;
  image->plan_fd = memfd_create("fencepost-plan", MFD_CLOEXEC);
  if (image->plan_fd < 0 || ftruncate(image->plan_fd, (off_t)at) != 0) {
    return FPOST_ENOMEM;
  }
  image->plan = mmap(NULL, at, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_NORESERVE, image->plan_fd, 0);
  if (image->plan == MAP_FAILED) {
    return FPOST_ENOMEM;
  }
  *image->plan = head;
  return FPOST_OK;
}

static int pool_make(struct explore_image *image, uint32_t index,
                     uint64_t size) {
  struct explore_pool *pool = &image->pools[index];
  uint64_t rounded = image->plan->pools[index].pages_count * PAGE;
  pool->size_max = size;
  pool->image = memfd_create("fencepost-pool", MFD_CLOEXEC);
  if (pool->image < 0 || rounded == 0) {
    return pool->image < 0 ? FPOST_ENOMEM : FPOST_OK;
  }
  pool->memory = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE, pool->image, 0);
  pool->lines = reserve(rounded / LINE * LINE_INFO);
  pool->torn = reserve(rounded / LINE);
  if (pool->memory == MAP_FAILED || pool->lines == NULL || pool->torn == NULL) {
    return FPOST_ENOMEM;
  }
  image->plan->pools[index].image = pool->image;
  return FPOST_OK;
}

/*
 * The pool's file is known to recovery from the start: before the program has
 * mapped it, it is not there, rather than the user's own.
 */
static void pool_name(struct fpost_plan_pool *shown, const char *path) {
  struct stat file;
  if (path == NULL || strlen(path) >= FPOST_PLAN_PATH_MAX) {
    return;
  }
  memcpy(shown->path, path, strlen(path) + 1);
  if (stat(path, &file) == 0) {
    shown->device = file.st_dev;
    shown->inode = file.st_ino;
  }
}

int explore_image_init(struct explore_image *image,
                       const struct explore_options *options,
                       const struct explore_sizes *sizes) {
  *image = (struct explore_image){.options = *options,
                                  .plan_fd = -1,
                                  .early = sizes->early,
                                  .early_count = sizes->early_count};
  int err = plan_make(image, sizes);
  if (err != FPOST_OK) {
    return err;
  }
  struct fpost_plan *plan = image->plan;
  image->units = fpost_plan_table(plan, plan->units_at);
  image->links = fpost_plan_table(plan, plan->links_at);
  image->steps = fpost_plan_table(plan, plan->steps_at);
  image->choices = fpost_plan_table(plan, plan->choices_at);
  image->unit_infos =
      reserve(FPOST_PLAN_UNITS_MAX * sizeof(struct explore_unit));
  image->step_infos =
      reserve(FPOST_PLAN_STEPS_MAX * sizeof(struct explore_step));
  image->step_threads = reserve(FPOST_PLAN_STEPS_MAX * sizeof(uint32_t));
  image->output = memfd_create("fencepost-output", MFD_CLOEXEC);
  plan->output = image->output;
  image->observe = memfd_create("fencepost-observe", MFD_CLOEXEC);
  plan->observe = -1;
  (void)fcntl(image->observe, F_SETFL, O_APPEND);
  if (image->unit_infos == NULL || image->step_infos == NULL ||
      image->step_threads == NULL || image->output < 0 || image->observe < 0) {
    return FPOST_ENOMEM;
  }
  for (uint32_t i = 0; i < sizes->count; i++) {
    err = pool_make(image, i, sizes->sizes[i]);
    if (err != FPOST_OK) {
      return err;
    }
    pool_name(&plan->pools[i], sizes->paths[i]);
  }
  return FPOST_OK;
}

void explore_image_free(struct explore_image *image) {
  for (uint32_t i = 0; i < image->plan->pool_count; i++) {
    struct explore_pool *pool = &image->pools[i];
    uint64_t rounded = image->plan->pools[i].pages_count * PAGE;
    if (pool->memory != NULL) {
      (void)munmap(pool->memory, rounded);
      (void)munmap(pool->lines, rounded / LINE * LINE_INFO);
      (void)munmap(pool->torn, rounded / LINE);
    }
    (void)close(pool->image);
  }
  for (uint32_t i = 0; i < image->threads_count; i++) {
    free(image->threads[i].pending);
  }
  free(image->threads);
  (void)munmap(image->unit_infos,
               FPOST_PLAN_UNITS_MAX * sizeof(struct explore_unit));
  (void)munmap(image->step_infos,
               FPOST_PLAN_STEPS_MAX * sizeof(struct explore_step));
  (void)munmap(image->step_threads, FPOST_PLAN_STEPS_MAX * sizeof(uint32_t));
  (void)munmap(image->plan, image->plan->size);
  (void)close(image->plan_fd);
  (void)close(image->output);
  (void)close(image->observe);
}
