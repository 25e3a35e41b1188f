/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which cuts a line has: one, or one per word.
 *
 * A trace has an NT store where it was issued; when it leaves the
 * write-combining buffer of its thread nobody has seen. To its own thread that
 * makes no difference. If another thread stores to the line meanwhile, it may
 * be before or after that (N1), and the stores to the line have no known order
 * any more:
 *
 *      thread 1: nt x=1                        sfence
 *      thread 2:          w=1; clwb w; sfence         leaves w=1 without x=1
 *
 * From there on the line is torn: each word has a cut, as in torn-line mode, of
 * which the flush of thread 2 raises that of w alone. When all of them are
 * guaranteed, the line is whole again. Numbers of stores only ever grow, so
 * that entries of pending lists that are left behind raise nothing.
 */
#include "rt/base/assert.h"
#include "tools/explore/image.h"

#include <stdlib.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_PLAN_PAGE
/* Flushes that a thread may have outstanding before the list grows. */
#define PENDING_FIRST 64u

static uint64_t line_index(uint64_t address) {
  return fpost_pm_offset(address) / LINE;
}

/* The lines that the pool may ever have. */
static uint64_t lines_count(const struct explore_image *image, uint32_t pool) {
  return image->plan->pools[pool].pages_count * (PAGE / LINE);
}

/* The eight cuts of a line that is torn for a while. */
static struct fpost_line *words_get(const struct explore_image *image,
                                    uint64_t address) {
  uint32_t pool = fpost_pm_pool(address);
  return image->pools[pool].lines + lines_count(image, pool) +
         line_index(address) * FPOST_LINE_WORDS;
}

static bool torn_now(const struct explore_image *image, uint64_t address) {
  return image->pools[fpost_pm_pool(address)].torn[line_index(address)] != 0;
}

struct fpost_mode explore_line_mode(const struct explore_image *image,
                                    uint64_t address) {
  struct fpost_mode mode = image->options.mode;
  mode.torn = mode.torn || torn_now(image, address);
  return mode;
}

struct fpost_line *explore_line_get(const struct explore_image *image,
                                    uint64_t address) {
  if (torn_now(image, address)) {
    return words_get(image, address);
  }
  return &image->pools[fpost_pm_pool(address)]
              .lines[line_index(address) *
                     fpost_mode_cuts(&image->options.mode)];
}

const struct fpost_line *explore_image_cut(const struct explore_image *image,
                                           uint64_t address, uint32_t word) {
  const struct fpost_mode mode = explore_line_mode(image, address);
  return explore_line_get(image, address) + (mode.torn ? word : 0);
}

uint64_t explore_line_address(const struct explore_image *image,
                              const struct fpost_line *line) {
  for (uint32_t i = 0; i < image->plan->pool_count; i++) {
    const struct explore_pool *pool = &image->pools[i];
    uint64_t whole = image->options.mode.torn ? 0 : lines_count(image, i);
    uint64_t cuts = lines_count(image, i) * FPOST_LINE_WORDS + whole;
    uint64_t index = (uint64_t)(line - pool->lines);
    if (pool->lines != NULL && line >= pool->lines && index < cuts) {
      index = index < whole ? index : (index - whole) / FPOST_LINE_WORDS;
      return fpost_pm_address(i, index * LINE);
    }
  }
  FPOST_ASSERT(line == NULL); /* it is of no pool */
  return 0;
}

int explore_thread_room(struct fpost_thread *thread, uint32_t count) {
  if (thread->pending_max - thread->pending_count >= count) {
    return FPOST_OK;
  }
  uint32_t max =
      thread->pending_max == 0 ? PENDING_FIRST : 2 * thread->pending_max;
  struct fpost_pending *pending =
      realloc(thread->pending, max * sizeof *pending);
  if (pending == NULL) {
    return FPOST_ENOMEM;
  }
  thread->pending = pending;
  thread->pending_max = max;
  return FPOST_OK;
}

/* What the thread's fence raises in the line, it raises in each word. */
static int thread_tear(struct fpost_thread *thread,
                       const struct fpost_line *line,
                       struct fpost_line *words) {
  uint32_t count = thread->pending_count;
  for (uint32_t i = 0; i < count; i++) {
    if (thread->pending[i].line != line) {
      continue;
    }
    int err = explore_thread_room(thread, FPOST_LINE_WORDS);
    if (err != FPOST_OK) {
      return err;
    }
    struct fpost_pending pending = thread->pending[i];
    for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
      struct fpost_pending one = pending;
      one.line = &words[w];
      one.stores = one.stores < words[w].stores ? one.stores : words[w].stores;
      if (one.stores > words[w].guaranteed) {
        thread->pending[thread->pending_count++] = one;
        thread->nt_count += one.nt;
      }
    }
  }
  return FPOST_OK;
}

/* The step becomes one of each word that it stores to. */
static int step_tear(struct explore_image *image, uint64_t address,
                     const struct fpost_step *step,
                     const struct explore_step *info,
                     struct fpost_line *words) {
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    fpost_bytes all = UINT64_C(0xff) << (8 * w);
    struct fpost_step part = {.written = step->written & all,
                              .store = step->store};
    if (part.written == 0) {
      continue;
    }
    __builtin_memcpy(part.content + 8 * w, step->content + 8 * w, 8);
    uint32_t index = 0;
    int err = explore_unit_get(image, address, all, &index);
    err = err == FPOST_OK ? explore_unit_add(image, index, &part, info) : err;
    if (err != FPOST_OK) {
      return err;
    }
    words[w].stores = info->number;
    bool nt = (info->flags & (FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE)) != 0;
    if (nt && words[w].nt == 0) {
      words[w].flushed = info->number;
      words[w].flusher = (info->thread + 1) & INT32_MAX;
      words[w].nt = 1;
    }
  }
  return FPOST_OK;
}

int explore_line_tear(struct explore_image *image, uint64_t address) {
  struct fpost_line *line = explore_line_get(image, address);
  struct fpost_line *words = words_get(image, address);
  uint32_t index = 0;
  int err = explore_unit_get(image, address, ~UINT64_C(0), &index);
  if (err != FPOST_OK) {
    return err;
  }
  uint32_t first = image->units[index].steps_first;
  uint32_t count = image->units[index].steps_count;
  struct fpost_step *steps = malloc(count * sizeof *steps);
  struct explore_step *infos = malloc(count * sizeof *infos);
  err = steps == NULL || infos == NULL ? FPOST_ENOMEM : FPOST_OK;
  for (uint32_t i = 0; i < count && err == FPOST_OK; i++) {
    steps[i] = image->steps[first + i];
    infos[i] = image->step_infos[first + i];
  }
  if (err == FPOST_OK) {
    explore_unit_shift(image, index, count);
  }
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    words[w] = (struct fpost_line){.stores = line->guaranteed,
                                   .guaranteed = line->guaranteed};
  }
  for (uint32_t i = 0; i < count && err == FPOST_OK; i++) {
    err = step_tear(image, address, &steps[i], &infos[i], words);
  }
  for (uint32_t i = 0; i < image->threads_count && err == FPOST_OK; i++) {
    err = thread_tear(&image->threads[i], line, words);
  }
  free(steps);
  free(infos);
  line->guaranteed = line->stores; /* it is for the words to say */
  image->pools[fpost_pm_pool(address)].torn[line_index(address)] = 1;
  return err;
}

void explore_line_mend(struct explore_image *image, uint64_t address) {
  if (!torn_now(image, address)) {
    return;
  }
  const struct fpost_line *words = words_get(image, address);
  image->pools[fpost_pm_pool(address)].torn[line_index(address)] = 0;
  struct fpost_line *line = explore_line_get(image, address);
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    if (line->stores < words[w].stores) {
      line->stores = words[w].stores;
    }
  }
  *line =
      (struct fpost_line){.stores = line->stores, .guaranteed = line->stores};
}
