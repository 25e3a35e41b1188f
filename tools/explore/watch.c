/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/watch.h"

#include "rt/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define LINE ((uint64_t)FENCEPOST_LINE_SIZE)
#define BUCKETS_FIRST 256u

static void *grow(void *at, size_t count, size_t size) {
  void *grown = realloc(at, count * size);
  FPOST_ASSERT(grown != NULL);
  return grown;
}

/* ---- the lines ---- */

/* The bucket of a line: its own, or the empty one where it belongs. */
static uint32_t *bucket_of(const struct watch *watch, uint64_t address) {
  uint64_t hash = (address / LINE) * UINT64_C(0x9e3779b97f4a7c15);
  uint32_t mask = watch->buckets_count - 1;
  for (uint32_t i = (uint32_t)(hash >> 32) & mask;; i = (i + 1) & mask) {
    uint32_t found = watch->buckets[i];
    if (found == 0 || watch->lines[found - 1].address == address) {
      return &watch->buckets[i];
    }
  }
}

static void buckets_grow(struct watch *watch) {
  watch->buckets_count =
      watch->buckets_count == 0 ? BUCKETS_FIRST : 2 * watch->buckets_count;
  free(watch->buckets);
  watch->buckets = calloc(watch->buckets_count, sizeof *watch->buckets);
  FPOST_ASSERT(watch->buckets != NULL);
  for (uint32_t i = 0; i < watch->count; i++) {
    *bucket_of(watch, watch->lines[i].address) = i + 1;
  }
}

uint32_t watch_add(struct watch *watch, uint64_t address) {
  if (2 * watch->count >= watch->buckets_count) {
    buckets_grow(watch);
  }
  uint32_t *bucket = bucket_of(watch, address);
  if (*bucket != 0) {
    return *bucket - 1;
  }
  if (watch->count == watch->max) {
    watch->max = watch->max == 0 ? 64 : 2 * watch->max;
    watch->lines = grow(watch->lines, watch->max, sizeof *watch->lines);
    watch->now = grow(watch->now, watch->max, sizeof *watch->now);
  }
  watch->lines[watch->count] = (struct watch_line){.address = address};
  *bucket = ++watch->count;
  return watch->count - 1;
}

void watch_free(struct watch *watch) {
  for (uint32_t i = 0; i < watch->count; i++) {
    free(watch->lines[i].events);
  }
  for (uint32_t i = 0; i < watch->threads_count; i++) {
    free(watch->threads[i].lines);
  }
  free(watch->lines);
  free(watch->buckets);
  free(watch->threads);
  free(watch->now);
  *watch = (struct watch){0};
}

/* ---- what a record concerns ---- */

bool watch_touches(const struct fpost_record *record, uint64_t line) {
  uint64_t end = record->address + (record->size == 0 ? 1 : record->size);
  return (record->kind == FPOST_RECORD_STORE ||
          record->kind == FPOST_RECORD_FLUSH ||
          record->kind == FPOST_RECORD_DURABLE) &&
         record->address < line + LINE && end > line;
}

/* Of all words of the line together. */
static uint32_t guaranteed_of(const struct explore_image *image,
                              uint64_t address) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < FPOST_LINE_WORDS; i++) {
    sum += explore_image_cut(image, address, i)->guaranteed;
  }
  return sum;
}

static struct watch_thread *thread_get(struct watch *watch, uint32_t thread) {
  if (thread >= watch->threads_count) {
    watch->threads = grow(watch->threads, thread + 1, sizeof *watch->threads);
    memset(watch->threads + watch->threads_count, 0,
           (thread + 1 - watch->threads_count) * sizeof *watch->threads);
    watch->threads_count = thread + 1;
  }
  return &watch->threads[thread];
}

static void concern(struct watch *watch, const struct explore_image *image,
                    uint32_t index, bool touched) {
  struct watch_line *line = &watch->lines[index];
  if (line->stamp == watch->stamp) {
    return;
  }
  line->stamp = watch->stamp;
  line->guaranteed = guaranteed_of(image, line->address);
  line->touched = touched;
  watch->now[watch->now_count++] = index;
}

static void concern_touched(struct watch *watch,
                            const struct explore_image *image,
                            const struct fpost_record *record) {
  uint64_t first = record->address & ~(LINE - 1);
  uint64_t end = record->address + (record->size == 0 ? 1 : record->size);
  if ((end - first) / LINE > watch->count) {
    for (uint32_t i = 0; i < watch->count; i++) {
      if (watch_touches(record, watch->lines[i].address)) {
        concern(watch, image, i, true);
      }
    }
    return;
  }
  for (uint64_t at = first; at < end; at += LINE) {
    uint32_t found = *bucket_of(watch, at);
    if (found != 0) {
      concern(watch, image, found - 1, true);
    }
  }
}

void watch_before(struct watch *watch, const struct explore_image *image,
                  const struct fpost_record *record) {
  watch->now_count = 0;
  watch->stamp++;
  bool touches = record->kind == FPOST_RECORD_STORE ||
                 record->kind == FPOST_RECORD_FLUSH ||
                 record->kind == FPOST_RECORD_DURABLE;
  if (watch->count == 0) {
    return;
  }
  if (touches) {
    concern_touched(watch, image, record);
  }
  /* A fence concerns what its thread has touched; a clflush or a store may
     complete NT stores to it. */
  bool drains = touches && record->thread < image->threads_count &&
                image->threads[record->thread].nt_count != 0;
  if ((drains || record->kind == FPOST_RECORD_FENCE) &&
      record->thread < watch->threads_count) {
    const struct watch_thread *thread = &watch->threads[record->thread];
    for (uint32_t i = 0; i < thread->count; i++) {
      concern(watch, image, thread->lines[i], false);
    }
  }
}

/* ---- what it did ---- */

struct watch_event watch_event_of(const struct explore_image *image,
                                  const struct fpost_record *record,
                                  uint64_t index, uint64_t address) {
  struct watch_event event = {.index = index,
                              .kind = record->kind,
                              .flags = record->flags,
                              .thread = record->thread,
                              .stack = record->stack};
  if (record->kind != FPOST_RECORD_STORE) {
    return event;
  }
  uint64_t from = record->address > address ? record->address : address;
  uint64_t end = record->address + record->size;
  end = end < address + LINE ? end : address + LINE;
  event.offset = (uint8_t)(from - address);
  event.size = (uint8_t)(end - from);
  memcpy(event.value, record->data + (from - record->address),
         event.size < TIMELINE_VALUE ? event.size : TIMELINE_VALUE);
  for (uint32_t i = 0; i < FPOST_LINE_WORDS; i++) {
    event.numbers[i] = explore_image_cut(image, address, i)->stores;
  }
  return event;
}

static void push(struct watch_line *line, const struct watch_event *event) {
  if (line->events == NULL) {
    line->events = grow(NULL, TIMELINE_RING, sizeof *line->events);
  }
  line->events[line->count++ % TIMELINE_RING] = *event;
}

/* The thread's next fence concerns the line. */
static void arm(struct watch *watch, uint32_t index, uint32_t id) {
  struct watch_line *line = &watch->lines[index];
  for (uint32_t i = 0; i < line->threads_count; i++) {
    if (line->threads[i] == id) {
      return;
    }
  }
  if (line->threads_count == WATCH_THREADS) {
    return;
  }
  struct watch_thread *thread = thread_get(watch, id);
  if (thread->count == thread->max) {
    thread->max = thread->max == 0 ? 16 : 2 * thread->max;
    thread->lines = grow(thread->lines, thread->max, sizeof *thread->lines);
  }
  line->threads[line->threads_count++] = id;
  thread->lines[thread->count++] = index;
}

static void disarm(struct watch *watch, uint32_t id) {
  struct watch_thread *thread = &watch->threads[id];
  for (uint32_t i = 0; i < thread->count; i++) {
    struct watch_line *line = &watch->lines[thread->lines[i]];
    for (uint32_t j = 0; j < line->threads_count; j++) {
      if (line->threads[j] == id) {
        line->threads[j] = line->threads[--line->threads_count];
        break;
      }
    }
  }
  thread->count = 0;
}

void watch_after(struct watch *watch, const struct explore_image *image,
                 const struct fpost_record *record, uint64_t index) {
  bool fence = record->kind == FPOST_RECORD_FENCE;
  for (uint32_t i = 0; i < watch->now_count; i++) {
    struct watch_line *line = &watch->lines[watch->now[i]];
    bool raises = guaranteed_of(image, line->address) > line->guaranteed;
    if (line->touched || fence || raises) {
      struct watch_event event =
          line->touched ? watch_event_of(image, record, index, line->address)
                        : (struct watch_event){.index = index,
                                               .kind = record->kind,
                                               .flags = record->flags,
                                               .thread = record->thread,
                                               .stack = record->stack};
      event.raises = raises;
      push(line, &event);
    }
    if (line->touched && record->kind != FPOST_RECORD_DURABLE) {
      arm(watch, watch->now[i], record->thread);
    }
  }
  if (fence && watch->now_count != 0) {
    disarm(watch, record->thread);
  }
}
