/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is to be said of the state that a run observed: by the references of
 * boundaries, and, where operations overlap and --apply is given, by their
 * orders (orders.h), which are replayed (apply.h) when a state asks for them
 * and kept in the database.
 */
#ifndef FPOST_TOOLS_EXPLORE_OVERLAP_H
#define FPOST_TOOLS_EXPLORE_OVERLAP_H

#include "tools/explore/search.h"

/*
 * The verdict on an observation at the crash point under way. *operation, if it
 * is EXPLORE_LOST: the one that is gone; UINT32_MAX: none can be named. May
 * replay orders; an error stops the exploration, and the state passes.
 */
enum explore_verdict explore_state_verdict(struct explore_search *search,
                                           uint64_t observed,
                                           uint32_t *operation);

/* The legal state of overlapping operations that is nearest to one found. */
struct explore_nearest {
  char *text;     /* owned; null: none is known */
  char *order;    /* "after A, B"; owned */
  uint32_t count; /* legal states that differ */
};
void explore_state_nearest(struct explore_search *search, const char *found,
                           struct explore_nearest *nearest);

/* The operation of the thread at the crash point under way, of those that
   overlap there: under way, or the last that ended; or other. */
uint32_t explore_state_operation(const struct explore_search *search,
                                 uint32_t thread, uint32_t other);

/* Is --apply right? Tries it on operations of which the run shows the end. Call
   it when the references are known. Returns 0 or an error that was printed. */
FPOST_MUST_USE int explore_overlap_validate(const struct explore_config *config,
                                            const struct explore_info *info,
                                            struct explore_shared *shared);

/* What the worker knows of overlapping operations; nothing is fine. */
void explore_overlap_free(struct explore_search *search);

#endif /* FPOST_TOOLS_EXPLORE_OVERLAP_H */
