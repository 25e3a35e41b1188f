/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Some lines of PM, and what lately happened to each while a trace is read into
 * an image (tools/explore/timeline.h draws it).
 */
#ifndef FPOST_EXPLORE_WATCH_H
#define FPOST_EXPLORE_WATCH_H

#include "tools/explore/timeline.h"

/* Threads whose next fence is of interest to a line. */
#define WATCH_THREADS 4u

/* A record, as far as it concerns the line. */
struct watch_event {
  uint64_t index;
  enum fpost_record_kind kind;
  uint32_t flags;
  uint32_t thread;
  uint32_t stack;
  bool raises; /* more of the line is guaranteed after it */
  uint8_t offset;
  uint8_t size;
  uint8_t value[TIMELINE_VALUE];
  /* Of a store: its number in each word; all equal if the line is whole. */
  uint32_t numbers[FPOST_LINE_WORDS];
};

struct watch_line {
  uint64_t address;           /* pm address */
  struct watch_event *events; /* ring of TIMELINE_RING, null before the first */
  uint64_t count;             /* events so far */
  uint32_t threads[WATCH_THREADS];
  uint32_t threads_count;
  uint32_t guaranteed; /* before the record that is applied */
  bool touched;        /* by that record */
  uint64_t stamp;      /* of the last record that concerned it */
};

/* The lines that a thread has touched since its last fence. */
struct watch_thread {
  uint32_t *lines;
  uint32_t count;
  uint32_t max;
};

struct watch {
  struct watch_line *lines;
  uint32_t count;
  uint32_t max;
  uint32_t *buckets; /* index into lines + 1; a power of two of them */
  uint32_t buckets_count;
  struct watch_thread *threads; /* by thread */
  uint32_t threads_count;
  uint32_t *now; /* lines that the record may concern */
  uint32_t now_count;
  uint64_t stamp;
};

/* The index of the line at a pm address, which is added if it is new. */
uint32_t watch_add(struct watch *watch, uint64_t address);

/* Around explore_image_apply (and settle) of each record. */
void watch_before(struct watch *watch, const struct explore_image *image,
                  const struct fpost_record *record);
void watch_after(struct watch *watch, const struct explore_image *image,
                 const struct fpost_record *record, uint64_t index);

/* What the record does to the line at a pm address, which it touches. */
struct watch_event watch_event_of(const struct explore_image *image,
                                  const struct fpost_record *record,
                                  uint64_t index, uint64_t address);

/* Does the record store to, flush or make durable a byte of the line? */
bool watch_touches(const struct fpost_record *record, uint64_t line);

void watch_free(struct watch *watch);

#endif /* FPOST_EXPLORE_WATCH_H */
