/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The database of an exploration, before it begins. */
#ifndef FPOST_TOOLS_EXPLORE_PREPARE_H
#define FPOST_TOOLS_EXPLORE_PREPARE_H

#include "tools/explore/search.h"

/*
 * Open the database of this exploration, new or to be gone on with, and note
 * what is explored. Errors are printed: another exploration, another build of
 * the recovery program, no database at all. Returns 0 or a negative error.
 */
FPOST_MUST_USE int explore_prepare(const char *command,
                                   const struct explore_config *config,
                                   const struct explore_info *info);

#endif /* FPOST_TOOLS_EXPLORE_PREPARE_H */
