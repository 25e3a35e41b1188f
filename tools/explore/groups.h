/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Crash points of an exploration by the operation that they fall into. */
#ifndef FPOST_EXPLORE_GROUPS_H
#define FPOST_EXPLORE_GROUPS_H

#include "tools/finding.h"

/*
 * Set the groups of the report (struct fpost_group) from a database and the
 * trace that it is of: one for each operation, and up to
 * EXPLORE_GROUPS_OUTSIDE for the points outside of operations, in order.
 * Errors are printed, in the name of command. Returns 0 or an error.
 */
#define EXPLORE_GROUPS_OUTSIDE 16u
FPOST_MUST_USE int explore_groups(const char *command, const char *db,
                                  const char *trace,
                                  struct fpost_report *report);

#endif /* FPOST_EXPLORE_GROUPS_H */
