/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The program that applies operations to a pool (--apply, docs/OPERATIONS.md),
 * and recovery after it. A process of its own does that, with a place for
 * copies of the pools (materialise.h) and a recovery process of its own; it
 * goes through the trace once, so the boundaries asked for must not decrease.
 */
#ifndef FPOST_TOOLS_EXPLORE_APPLY_H
#define FPOST_TOOLS_EXPLORE_APPLY_H

#include "tools/explore/references.h"

/* The process; all zero: not started. */
struct explore_apply {
  pid_t pid;
  int channel;
};

/* What it finds. */
struct explore_applied {
  struct explore_hash content; /* of the pools */
  uint64_t observed;           /* hash */
  bool known;                  /* recovery ended well */
  struct explore_bytes of;     /* what it observed; the caller frees it */
};

/* Can the command be started? Prints what is wrong. */
bool explore_apply_startable(const char *command, const char *apply);

/*
 * Apply `count` operations in turn to everything stored before the boundary,
 * then let recovery look. Starts the process if there is none. Returns 0, or
 * FPOST_EINVAL or FPOST_EIO: the error has been printed, and stops the
 * exploration.
 */
FPOST_MUST_USE int explore_apply_ask(struct explore_apply *apply,
                                     const struct explore_search *search,
                                     uint32_t boundary,
                                     const uint32_t *operations, uint32_t count,
                                     struct explore_applied *applied);
void explore_apply_stop(struct explore_apply *apply);

#endif /* FPOST_TOOLS_EXPLORE_APPLY_H */
