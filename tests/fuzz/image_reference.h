/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A second opinion on what a crash in the middle of a trace may leave: the
 * history of every line, kept to the end, and the rules of docs/MODEL.md. It
 * shares the records of a trace with the explorer, and nothing else.
 */
#ifndef FPOST_TESTS_FUZZ_IMAGE_REFERENCE_H
#define FPOST_TESTS_FUZZ_IMAGE_REFERENCE_H

#include "rt/model/model.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

#define REFERENCE_POOLS 2u
#define REFERENCE_POOL_SIZE 8192u /* bytes, the most that a pool grows to */
#define REFERENCE_LINES (REFERENCE_POOLS * REFERENCE_POOL_SIZE / 64)
#define REFERENCE_PARTS_MAX 8192u
#define REFERENCE_CUTS_MAX 65536u

/* What one store wrote to one cell. */
struct reference_part {
  struct reference_part *next; /* in the same cell */
  uint64_t event;
  uint64_t run;     /* FOUND: event of the first of its comparison, plus 1 */
  uint64_t address; /* of what the store wrote to the line */
  uint32_t size;
  uint32_t thread;
  uint32_t flags;
  uint32_t stack;
  uint32_t number;  /* among the stores to its cell, from 1 */
  uint32_t awaited; /* bit per thread: its fence completes it */
  uint32_t drained; /* bit per thread: its clflush does, of any line */
  uint64_t written; /* bytes of the line */
  uint8_t content[64];
};

/* What persists in order: a line, or a word of one if lines are torn. */
struct reference_cell {
  struct reference_part *open; /* the first that is not guaranteed */
  struct reference_part *last;
  /* The first NT store of its thread, unless it is guaranteed; of the thread
     that came last. */
  struct reference_part *nt;
  uint32_t stores; /* number of the last */
  uint32_t sure;   /* number of the last that survives: it is open only while
                      a store is under way in eADR, or what was found waits */
};

struct reference {
  struct fpost_mode mode;
  uint64_t sizes[REFERENCE_POOLS];                      /* now */
  uint8_t memory[REFERENCE_POOLS][REFERENCE_POOL_SIZE]; /* guaranteed */
  struct reference_cell cells[REFERENCE_LINES][8]; /* only [0] if not torn */
  bool torn[REFERENCE_LINES]; /* for a while; image_torn.c says when */
  uint32_t whole_stores[REFERENCE_LINES]; /* stores before that */
  uint64_t guaranteed_count;              /* parts, ever */
  struct fpost_record early[2];           /* before the first POOL record */
  uint32_t early_count;
  uint32_t nt;          /* bit per thread: an NT store since it last drained */
  uint64_t found_event; /* 1 + that of the last FOUND store */
  uint64_t found_run;   /* the run it belongs to */
  bool found_waits; /* eADR: what comparisons have found is not guaranteed */
  bool found_shown; /* ... and was undecided at a crash point, all of it */
  uint32_t parts_count;
  struct reference_part parts[REFERENCE_PARTS_MAX];
};

/* Parts that take effect in no order: what a comparison has found. */
struct reference_step {
  struct reference_part all; /* together: hull, bytes and content */
  struct reference_part *next;
};

void reference_init(struct reference *reference, const struct fpost_mode *mode);

/* The record has happened; in eADR its store is under way. Aborts when the
   program exceeds the limits. */
void reference_apply(struct reference *reference,
                     const struct fpost_record *record, uint64_t event);
/* In eADR: what is under way is over, save for what comparisons have found. */
void reference_settle(struct reference *reference);

/* In eADR: has a crash before the record to show what comparisons have found?
 */
bool reference_found_shows(const struct reference *reference,
                           const struct fpost_record *record);

/* Has each word of the line a cell of its own? */
bool reference_torn(const struct reference *reference, uint32_t line);

/* The first undecided step of the cell, or the one after it; `from` null: there
   is none. */
struct reference_step reference_step_at(struct reference_part *from);

/* Has a line that the record touches something undecided? */
bool reference_undecided(const struct reference *reference,
                         const struct fpost_record *record);

/* Would a fence of the thread guarantee anything? */
bool reference_fence_due(const struct reference *reference, uint32_t thread);

/*
 * All contents of the cell that a crash may leave, in the order of
 * docs/MODEL.md (units, steps, pieces); bytes outside the cell are as they are
 * guaranteed. Returns their number; aborts if there are more than
 * REFERENCE_CUTS_MAX.
 */
uint32_t reference_contents(const struct reference *reference, uint32_t line,
                            uint32_t word,
                            uint8_t contents[REFERENCE_CUTS_MAX][64]);

#endif /* FPOST_TESTS_FUZZ_IMAGE_REFERENCE_H */
