/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Dependence on stores that are not guaranteed: docs/RACES.md.
 *
 *   other thread   w = 1 ............................ flush w, fence
 *   this thread           reads w, y = 1, flush y, fence
 *                                                  ^ y survives, w need not
 *
 * One struct fpost_depend per thread, zeroed at the start; its events are told
 * in their order. Only the lines stored to while there is a dependence are
 * remembered. Pure: the cells are those of the rules.
 */
#ifndef FPOST_MODEL_DEPEND_H
#define FPOST_MODEL_DEPEND_H

#include "rt/model/rules.h"

#define FPOST_DEPEND_WORDS 32u /* the oldest go when there are more */
#define FPOST_DEPEND_LINES 64u

struct fpost_depend {
  uint64_t now; /* counts reads and stores */
  struct fpost_depend_word {
    const struct fpost_cell *cell;
    uint64_t address; /* pm address of the word */
    uint64_t read_at;
    uint32_t word; /* in its line */
    uint32_t store_stack;
    uint32_t read_stack;
    uint32_t store_site;
    uint32_t read_site;
    uint32_t writer; /* id of its thread */
  } words[FPOST_DEPEND_WORDS];
  uint32_t words_count;
  struct fpost_depend_line {
    const struct fpost_cell *cell;
    uint64_t stored_at;
    uint64_t flushed_at; /* what was stored until then is flushed; 0: nothing */
  } lines[FPOST_DEPEND_LINES];
  uint32_t lines_count;
};

/* A read of the word of PM at pm address address, a multiple of 8. */
struct fpost_depend_access {
  const struct fpost_cell *cell;
  uint64_t address;
  uint32_t writer; /* id of the thread, another one, that stored to it last */
  uint32_t store_site; /* of that store, and of the read: for findings */
  uint32_t read_site;
  uint32_t stack; /* of the read */
};

/* The thread reads. Does nothing if the store is guaranteed. */
void fpost_depend_read(struct fpost_depend *depend,
                       const struct fpost_depend_access *read);

/* The thread stored to the line; flags are enum fencepost_store_flag. */
void fpost_depend_store(struct fpost_depend *depend,
                        const struct fpost_cell *cell, uint32_t flags);

/* The thread flushed the line. */
void fpost_depend_flush(struct fpost_depend *depend,
                        const struct fpost_cell *cell);

/* The thread's flushes so far are complete, and the cells say so. */
void fpost_depend_fence(struct fpost_depend *depend,
                        const struct fpost_rules *rules);

#endif /* FPOST_MODEL_DEPEND_H */
