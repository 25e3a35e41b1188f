/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/ranges.h"

#include "rt/base/assert.h"

#include <stddef.h>
#include <string.h>

/* The index of the first range that ends after address. */
static uint32_t ranges_after(struct fpost_ranges *ranges, uint64_t address) {
  const struct fpost_range *items = ranges->items;
  /* At or right behind the last one found: runs of neighbours. */
  for (uint32_t i = ranges->last; i <= ranges->count && i <= ranges->last + 1;
       i++) {
    if ((i == ranges->count || items[i].end > address) &&
        (i == 0 || items[i - 1].end <= address)) {
      ranges->last = i;
      return i;
    }
  }
  uint32_t low = 0;
  uint32_t high = ranges->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (items[middle].end > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  ranges->last = low;
  return low;
}

const struct fpost_range *fpost_ranges_find(struct fpost_ranges *ranges,
                                            uint64_t address) {
  uint32_t at = ranges_after(ranges, address);
  return at < ranges->count && ranges->items[at].start <= address
             ? &ranges->items[at]
             : NULL;
}

bool fpost_ranges_gap(struct fpost_ranges *ranges, uint64_t start, uint64_t end,
                      uint64_t *gap, uint64_t *gap_end) {
  uint32_t at = ranges_after(ranges, start);
  for (; start < end; at++) {
    if (at == ranges->count || ranges->items[at].start >= end) {
      *gap = start;
      *gap_end = end;
      return true;
    }
    if (ranges->items[at].start > start) {
      *gap = start;
      *gap_end = ranges->items[at].start;
      return true;
    }
    start = ranges->items[at].end;
  }
  return false;
}

/* Put a range in at an index; there is room. */
static void ranges_insert(struct fpost_ranges *ranges, uint32_t at,
                          struct fpost_range range) {
  FPOST_ASSERT(ranges->count < ranges->max);
  FPOST_ASSERT(ranges->items != NULL);
  FPOST_ASSERT(at <= ranges->count);
  memmove(&ranges->items[at + 1], &ranges->items[at],
          (ranges->count - at) * sizeof(range));
  ranges->items[at] = range;
  ranges->count++;
}

int fpost_ranges_add(struct fpost_ranges *ranges, struct fpost_range range) {
  FPOST_ASSERT(range.start <= range.end);
  struct fpost_range part = range;
  while (
      fpost_ranges_gap(ranges, part.start, range.end, &part.start, &part.end)) {
    uint32_t at = ranges_after(ranges, part.start);
    struct fpost_range *before = at > 0 ? &ranges->items[at - 1] : NULL;
    if (before != NULL && before->end == part.start &&
        before->stack == range.stack && before->kind == range.kind) {
      before->end = part.end;
    } else if (ranges->count == ranges->max) {
      return FPOST_ENOMEM;
    } else {
      ranges_insert(ranges, at, part);
    }
    part.start = part.end;
  }
  return FPOST_OK;
}

int fpost_ranges_remove(struct fpost_ranges *ranges, uint64_t start,
                        uint64_t end) {
  FPOST_ASSERT(start <= end);
  if (start == end) {
    return FPOST_OK;
  }
  uint32_t first = ranges_after(ranges, start);
  if (first == ranges->count) {
    return FPOST_OK;
  }
  struct fpost_range *range = &ranges->items[first];
  if (range->start < start) {
    if (range->end > end) {
      if (ranges->count == ranges->max) {
        return FPOST_ENOMEM;
      }
      struct fpost_range rest = *range;
      rest.start = end;
      range->end = start;
      ranges_insert(ranges, first + 1, rest);
      return FPOST_OK;
    }
    range->end = start;
    first++;
  }
  uint32_t next = first;
  while (next < ranges->count && ranges->items[next].end <= end) {
    next++;
  }
  memmove(&ranges->items[first], &ranges->items[next],
          (ranges->count - next) * sizeof(*range));
  ranges->count -= next - first;
  if (first < ranges->count && ranges->items[first].start < end) {
    ranges->items[first].start = end;
  }
  ranges->last = 0;
  return FPOST_OK;
}
