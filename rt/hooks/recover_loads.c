/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which loads code with hooks reports in a run: the inlined checks of the pass
 * leave out what lies outside of one range of addresses (fencepost/module.h).
 *
 *     pages   closed   closed, open for now    decided    closed
 *     lines            old  [?]  old  [?]
 *     range  [-------------------------------------------------]
 *
 * A load in a closed page has to open it; in a page that is open, only bytes
 * that are undecided matter. Whoever closes a page makes the range all
 * addresses first, and the next load finds out what is left. A load that is
 * missed all the same finds its page closed, and is served as that of code
 * without hooks.
 */
#include "rt/hooks/hooks.h"
#include "rt/hooks/recover_run.h"

#include <stdatomic.h>
#include <sys/single_threaded.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_RUN_PAGE

/* Read one by one, by a handler of a signal too: never too small in between. */
static void publish(uint64_t base, uint64_t size) {
  __fencepost_state.loads_size = UINT64_MAX;
  atomic_signal_fence(memory_order_seq_cst);
  __fencepost_state.loads_base = base;
  atomic_signal_fence(memory_order_seq_cst);
  __fencepost_state.loads_size = size;
}

void fpost_loads_all(void) {
  if (fpost_run.closed_low < fpost_run.closed_high) {
    publish(0, UINT64_MAX);
    fpost_run.loads_stale = true;
  }
}

/* The part of a mapping that may have closed pages: addresses. */
struct span {
  uintptr_t low;
  uintptr_t high;
};

static struct span span_of(const struct fpost_mapping *mapping) {
  const struct fpost_plan_pool *pool = mapping->view->pool;
  uint64_t first = pool->closed_first * PAGE;
  uint64_t end = pool->closed_end * PAGE;
  uint64_t offset = mapping->offset;
  first = first > offset ? first - offset : 0;
  end = end > offset ? end - offset : 0;
  end = end < mapping->size ? end : mapping->size;
  return (struct span){mapping->address + first, mapping->address + end};
}

void fpost_loads_mapped(void) {
  fpost_run.closed_low = UINTPTR_MAX;
  fpost_run.closed_high = 0;
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    struct span span = span_of(&fpost_run.mappings[i]);
    if (span.low < span.high) {
      fpost_run.closed_low =
          span.low < fpost_run.closed_low ? span.low : fpost_run.closed_low;
      fpost_run.closed_high =
          span.high > fpost_run.closed_high ? span.high : fpost_run.closed_high;
    }
  }
  if (fpost_run.closed_high == 0) {
    publish(0, 0);
  } else {
    fpost_loads_all();
  }
}

static bool is_closed(const struct fpost_mapping *mapping, uintptr_t page) {
  return fpost_view_closed(mapping->view,
                           (page - mapping->address + mapping->offset) / PAGE);
}

/* The first page of [low, high) that is closed, or high. */
static uintptr_t first_closed(uintptr_t low, uintptr_t high) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    struct span span = span_of(&fpost_run.mappings[i]);
    span.high = span.high < high ? span.high : high;
    for (uintptr_t at = span.low > low ? span.low : low; at < span.high;
         at += PAGE) {
      if (is_closed(&fpost_run.mappings[i], at)) {
        high = at;
        break;
      }
    }
  }
  return high;
}

/* The end of the last page of [low, high) that is closed, or low. */
static uintptr_t last_closed(uintptr_t low, uintptr_t high) {
  for (uint32_t i = 0; i < fpost_run.mapping_count; i++) {
    struct span span = span_of(&fpost_run.mappings[i]);
    span.low = span.low > low ? span.low : low;
    for (uintptr_t at = span.high < high ? span.high : high; at > span.low;
         at -= PAGE) {
      if (is_closed(&fpost_run.mappings[i], at - PAGE)) {
        low = at;
        break;
      }
    }
  }
  return low;
}

/* The undecided lines of a page that is open for now, else all of it. */
static struct span lines_of(uintptr_t page) {
  struct span span = {page, page + PAGE};
  uint32_t i = 0;
  while (i < fpost_run.open_count && fpost_run.open[i] != page) {
    i++;
  }
  if (i == fpost_run.open_count) {
    return span;
  }
  const struct fpost_mapping *mapping = fpost_run_find(page);
  const uint32_t *lines =
      mapping->view->lines + (page - mapping->address + mapping->offset) / LINE;
  span.low = span.high;
  span.high = page;
  for (uintptr_t at = page; at < page + PAGE; at += LINE) {
    bool open = false;
    for (uint32_t unit = lines[(at - page) / LINE]; unit != 0 && !open;
         unit = fpost_run.links[unit - 1]) {
      open = fpost_choice_open(&fpost_run.units[unit - 1],
                               &fpost_run.lazies[unit - 1]) != 0;
    }
    if (open) {
      span.low = at < span.low ? at : span.low;
      span.high = at + LINE;
    }
  }
  return span;
}

void fpost_loads_narrow(void) {
  if (!__libc_single_threaded) {
    return;
  }
  fpost_run.loads_stale = false;
  uintptr_t low = first_closed(fpost_run.closed_low, fpost_run.closed_high);
  uintptr_t high = last_closed(low, fpost_run.closed_high);
  fpost_run.closed_low = low;
  fpost_run.closed_high = high;
  if (low < high) {
    low = lines_of(low).low;
    high = lines_of(high - PAGE).high;
    publish(low - (FENCEPOST_LOADS_SPAN - 1),
            high - low + FENCEPOST_LOADS_SPAN - 1);
  } else {
    publish(0, 0);
  }
}
