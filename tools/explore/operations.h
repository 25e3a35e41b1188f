/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Operations of a trace, and which states a crash may leave of them
 * (docs/OPERATIONS.md). A boundary is the begin or the end of an operation, or
 * the end of the run; boundaries are numbered in the order of the trace. What
 * is legal at a crash is always the states of a range of boundaries.
 */
#ifndef FPOST_TOOLS_EXPLORE_OPERATIONS_H
#define FPOST_TOOLS_EXPLORE_OPERATIONS_H

#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

#define EXPLORE_NO_BOUNDARY UINT32_MAX

struct explore_operation {
  char *name; /* with its arguments */
  uint32_t thread;
  uint32_t stack; /* of its begin */
  uint32_t begin; /* boundaries */
  uint32_t end;   /* that of the end of the run if it never ended */
  bool buffered;
};

struct explore_boundary {
  uint64_t event;     /* record */
  uint32_t operation; /* UINT32_MAX: the end of the run */
  bool ends;          /* the operation, or what is under way at the end */
  bool
      stores_before; /* there are stores outside of operations since the last */
  /* The stretch of boundaries in which operations overlap; first == last: this
     one is in none. */
  uint32_t first, last;
  bool unmarked; /* in its stretch, a thread stored outside of operations */
};

/* What recovery observed of the image of everything stored before a boundary.
 */
struct explore_reference {
  uint64_t observed; /* hash; 0: nothing */
  uint32_t same;     /* the first boundary with the same image */
  bool known;        /* recovery ended well there */
};

struct explore_operations {
  struct explore_operation *operations;
  uint32_t count;
  struct explore_boundary *boundaries;
  uint32_t boundaries_count;
  struct explore_reference *references; /* by boundary; null: none are known */
  bool replayed; /* the orders of those that overlap can be (apply.h) */
  /* While the trace is read: */
  uint32_t *open; /* by thread: 1 + operation, 0: none */
  uint32_t threads;
  uint32_t open_count;
  uint32_t group;      /* boundary at which the open ones began */
  bool group_overlap;  /* more than one was open */
  bool group_unmarked; /* and others stored meanwhile */
  bool stores;         /* outside of operations, since the last boundary */
};

/* The record, number event, is part of the trace. */
void explore_operations_note(struct explore_operations *operations,
                             const struct fpost_record *record, uint64_t event);
/* Operations whose name matches the glob are of buffered durability. */
void explore_operations_buffered(struct explore_operations *operations,
                                 const char *pattern);
void explore_operations_free(struct explore_operations *operations);

/* Where a crash is, among the operations. */
struct explore_moment {
  bool judged;        /* false: nothing is said of a crash here */
  bool overlap;       /* a state that is not legal may have an explanation */
  uint32_t low, high; /* boundaries whose states are legal */
  uint32_t operation; /* under way, or the last that ended */
  /* The stretch of overlap that may explain it, or that it has just followed,
     by its first boundary (EXPLORE_NO_BOUNDARY: none), and the last boundary of
     it that had been passed. */
  uint32_t stretch;
  uint32_t passed;
  bool crossed; /* operations of earlier stretches may be lost as well */
};

/*
 * The moment of a crash before record event, of the given kind. *cursor is the
 * number of boundaries passed; 0 at first, kept by the caller from one call to
 * the next, whose events do not decrease. stores: there were stores since the
 * last boundary.
 */
struct explore_moment
explore_operations_moment(const struct explore_operations *operations,
                          uint32_t *cursor, uint64_t event,
                          enum fpost_record_kind kind, bool stores);

/* A hash of what is legal: equal only if it is the same. */
uint64_t explore_moment_key(const struct explore_operations *operations,
                            const struct explore_moment *moment);

enum explore_verdict {
  EXPLORE_LEGAL,
  EXPLORE_UNDECIDED, /* operations overlap */
  EXPLORE_LOST,      /* the state of an older boundary */
  EXPLORE_TORN       /* of none */
};

/* What is to be said of a run that observed this. *boundary, if it is
   EXPLORE_LOST: the latest older one with that state. */
enum explore_verdict
explore_operations_verdict(const struct explore_operations *operations,
                           const struct explore_moment *moment,
                           uint64_t observed, uint32_t *boundary);

#endif /* FPOST_TOOLS_EXPLORE_OPERATIONS_H */
