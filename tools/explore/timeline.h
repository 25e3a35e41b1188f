/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What happened to the cache lines of a finding, from the trace: the picture
 * that a report draws.
 *
 *   line 0   store s1 . flush . fence(0) . store s2 .       .        | here
 *   line 1     .        .        .         .      store t1 . flush   |
 *                                                                    |
 *            fate of s1: guaranteed, of s2: lost, of t1: persisted   |
 *
 * A timeline ends before the record that the power cut left out, or, where
 * there was no crash, at the record at which the finding was made. Fates are
 * those in the crash state of the finding, by the same model and the same
 * image that the exploration used.
 *
 * One pass over the trace serves all findings of a report. What is kept is
 * bounded: per line its last TIMELINE_RING marks, per timeline its last
 * TIMELINE_MARKS, and the store at fault however long ago it was, as long as it
 * is kept for its line.
 */
#ifndef FPOST_EXPLORE_TIMELINE_H
#define FPOST_EXPLORE_TIMELINE_H

#include "tools/explore/image.h"
#include "tools/finding.h"

/* Lines of a timeline; those of the store at fault and of the one that must
   come after it are first. */
#define TIMELINE_LINES 6u
/* Marks of a timeline. */
#define TIMELINE_MARKS 28u
/* Marks that are kept of a line while the trace is read. */
#define TIMELINE_RING 64u
/* Bytes of a store that a mark shows. */
#define TIMELINE_VALUE 8u
/* The line of a mark that is of a thread, not of a line: a fence. */
#define TIMELINE_NO_LINE UINT8_MAX

enum timeline_fate {
  TIMELINE_NO_FATE,    /* not a store */
  TIMELINE_GUARANTEED, /* survives every crash here */
  TIMELINE_PERSISTED,  /* undecided, and there in this crash state */
  TIMELINE_LOST,       /* undecided, and gone in this crash state */
  TIMELINE_PART,       /* some of its words are there */
  TIMELINE_OPEN        /* undecided; there is no crash state */
};

enum timeline_role {
  TIMELINE_NO_ROLE,
  TIMELINE_FAULT, /* the store of the finding */
  TIMELINE_LATER, /* what must come after it; the needless flush or fence */
  TIMELINE_HERE   /* the record that the timeline ends at */
};

/* A record as far as it concerns one line, or a fence. */
struct timeline_mark {
  uint64_t index; /* of the record in the trace */
  enum fpost_record_kind kind;
  enum timeline_fate fate;
  enum timeline_role role;
  uint32_t flags; /* as of the record */
  uint32_t thread;
  uint8_t line;      /* index of the timeline, or TIMELINE_NO_LINE */
  uint8_t offset;    /* of a store: first byte, in the line */
  uint8_t size;      /* of a store: bytes in the line, 1 to 64 */
  uint32_t left_out; /* marks that were left out before this one */
  uint8_t completes; /* bit per line: more of it is guaranteed after this */
  uint8_t value[TIMELINE_VALUE]; /* the first bytes that it stored */
  struct fpost_place place;
};

struct timeline_line {
  const char *pool;
  uint64_t offset;    /* in the pool, a multiple of 64 */
  bool undecided;     /* a crash here may leave more than one content */
  uint8_t crash[64];  /* its content in the crash state; without one: what is
                         guaranteed */
  uint8_t stored[64]; /* its content if all stores persist */
};

struct timeline {
  struct timeline_line lines[TIMELINE_LINES];
  uint32_t lines_count;
  struct timeline_mark marks[TIMELINE_MARKS]; /* by index, then line; the last
                                                 one is TIMELINE_HERE */
  uint32_t marks_count;
  bool crashed; /* the last mark did not happen: the power was cut */
};

/*
 * Fill timelines[i] for finding i of the report, null where there is none: the
 * finding names no place in PM, or no record of this trace. They live as long
 * as the report.
 *
 * Returns 0, or an error with a sentence in error; timelines are null then.
 */
FPOST_MUST_USE int explore_timelines(struct fpost_report *report,
                                     const char *trace,
                                     struct timeline **timelines,
                                     char error[512]);

#endif /* FPOST_EXPLORE_TIMELINE_H */
