/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Cuts are counted in half stores, so that "in part" has a place of its own:
 * with s the number of a store, the cut is at most 2s if the store is lost, 2s
 * + 1 if it has persisted in part, at least 2s + 2 if it has persisted.
 *
 * The search is an odometer over the positions of the units; after each step
 * the intervals of all threads are intersected anew up to the current unit.
 */
#include "rt/model/robust.h"

#include "rt/base/assert.h"

#include <stddef.h>
#include <string.h>

#define NO_POSITION UINT32_MAX

/* Do the fixed bytes in `bytes` have the values in content? */
static bool known_agrees(const struct fpost_known *known, fpost_bytes bytes,
                         const uint8_t content[64]) {
  fpost_bytes check = known->fixed & bytes;
  for (uint32_t i = 0; check != 0; i++, check >>= 1) {
    if ((check & 1) != 0 && known->content[i] != content[i]) {
      return false;
    }
  }
  return true;
}

static void step_apply(const struct fpost_step *step, uint8_t content[64]) {
  for (uint32_t i = 0; i < 64; i++) {
    if ((step->written >> i & 1) != 0) {
      content[i] = step->content[i];
    }
  }
}

static fpost_bytes word_bytes(uint32_t word) {
  return UINT64_C(0xff) << (word * 8);
}

/* May the step have persisted in part, on top of `before`? */
static bool step_partly(const struct fpost_step *step,
                        const struct fpost_known *known,
                        const uint8_t before[64]) {
  uint32_t pieces = 0;
  if (step->whole != 0 || !known_agrees(known, ~step->written, before)) {
    return false;
  }
  for (uint32_t w = 0; w < 8; w++) {
    fpost_bytes bytes = step->written & word_bytes(w);
    if (bytes == 0) {
      continue;
    }
    pieces++;
    if (!known_agrees(known, bytes, before) &&
        !known_agrees(known, bytes, step->content)) {
      return false;
    }
  }
  return pieces > 1;
}

/* The first possible position of the unit at or after `from`. */
static uint32_t unit_position(const struct fpost_robust_unit *robust,
                              uint32_t from) {
  const struct fpost_unit *unit = robust->unit;
  uint8_t content[64];
  memcpy(content, unit->base, sizeof(content));
  for (uint32_t i = 0; i <= unit->steps_count; i++) {
    if (2 * i >= from && known_agrees(&robust->known, unit->all, content)) {
      return 2 * i;
    }
    if (i == unit->steps_count) {
      break;
    }
    const struct fpost_step *step = &robust->steps[unit->steps_first + i];
    if (2 * i + 1 >= from && step_partly(step, &robust->known, content)) {
      return 2 * i + 1;
    }
    step_apply(step, content);
  }
  return NO_POSITION;
}

static void threads_reset(struct fpost_robust_thread *threads,
                          uint32_t threads_count) {
  for (uint32_t t = 0; t < threads_count; t++) {
    threads[t].low = 2 * threads[t].seen;
    threads[t].low_store = threads[t].seen - (threads[t].seen != 0);
    threads[t].high = UINT64_MAX;
    threads[t].high_store = 0;
  }
}

/* The cut of a thread lies in [low, high] because of this store. */
static bool thread_narrow(struct fpost_robust_thread *thread, uint64_t store,
                          uint64_t low, uint64_t high) {
  if (low > thread->low) {
    thread->low = low;
    thread->low_store = store;
  }
  if (high < thread->high) {
    thread->high = high;
    thread->high_store = store;
  }
  return thread->low <= thread->high;
}

/*
 * What the unit's position asks of the cuts. Returns false, and the pair, if
 * they cannot be met.
 */
static bool unit_narrow(const struct fpost_robust_unit *robust,
                        uint32_t position, struct fpost_robust_thread *threads,
                        struct fpost_robust_pair *pair) {
  const struct fpost_unit *unit = robust->unit;
  for (uint32_t i = 0; i < unit->steps_count; i++) {
    uint64_t store = robust->steps[unit->steps_first + i].store;
    uint32_t thread = robust->threads[unit->steps_first + i];
    uint64_t low = 0;
    uint64_t high = UINT64_MAX;
    if (2 * i + 1 < position) {
      low = 2 * store + 2;
    } else if (2 * i + 1 == position) {
      low = 2 * store + 1;
      high = 2 * store + 1;
    } else {
      high = 2 * store;
    }
    if (!thread_narrow(&threads[thread], store, low, high)) {
      *pair = (struct fpost_robust_pair){.thread = thread,
                                         .first = threads[thread].high_store,
                                         .second = threads[thread].low_store};
      return false;
    }
  }
  return true;
}

/* Narrow all threads by the first count positions. */
static bool units_narrow(const struct fpost_robust_unit *units, uint32_t count,
                         struct fpost_robust_thread *threads,
                         uint32_t threads_count, const uint32_t *positions,
                         struct fpost_robust_pair *pair) {
  threads_reset(threads, threads_count);
  for (uint32_t i = 0; i < count; i++) {
    if (!unit_narrow(&units[i], positions[i], threads, pair)) {
      return false;
    }
  }
  return true;
}

static enum fpost_robust_result
units_search(const struct fpost_robust_unit *units, uint32_t count,
             struct fpost_robust_thread *threads, uint32_t threads_count,
             uint32_t *positions, struct fpost_robust_pair *pair) {
  uint32_t depth = 0;
  uint32_t from = 0;
  for (uint32_t looked = 0; looked < FPOST_ROBUST_BOUND; looked++) {
    if (depth == count) {
      return FPOST_ROBUST;
    }
    positions[depth] = unit_position(&units[depth], from);
    if (positions[depth] == NO_POSITION) {
      if (depth == 0) {
        return FPOST_NOT_ROBUST;
      }
      depth--;
      from = positions[depth] + 1;
    } else if (units_narrow(units, depth + 1, threads, threads_count, positions,
                            pair)) {
      depth++;
      from = 0;
    } else {
      from = positions[depth] + 1;
    }
  }
  return FPOST_ROBUST_OPEN;
}

enum fpost_robust_result
fpost_robust_check(const struct fpost_robust_unit *units, uint32_t count,
                   struct fpost_robust_thread *threads, uint32_t threads_count,
                   uint32_t *positions, struct fpost_robust_pair *pair) {
  if (count > FPOST_ROBUST_UNITS_MAX) {
    return FPOST_ROBUST_OPEN;
  }
  for (uint32_t i = 0; i < count; i++) {
    FPOST_ASSERT(unit_position(&units[i], 0) != NO_POSITION);
  }
  struct fpost_robust_pair why = {.thread = 0};
  enum fpost_robust_result result =
      units_search(units, count, threads, threads_count, positions, &why);
  if (result != FPOST_NOT_ROBUST) {
    return result;
  }
  /* Two units, or one against what is seen for certain, say it best. */
  struct fpost_robust_unit two[2];
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t j = i; j < count; j++) {
      two[0] = units[i];
      two[1] = units[j];
      if (units_search(two, i == j ? 1 : 2, threads, threads_count, positions,
                       pair) == FPOST_NOT_ROBUST) {
        return result;
      }
    }
  }
  *pair = why;
  return result;
}
