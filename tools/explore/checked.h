/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The checker of --checker after a recovery with hooks (docs/EXPLORE.md). Such
 * a run leaves its pools in its own memory; the checker needs files. So the
 * runs that ended well are remembered, and "recovery, then the checker" is run
 * as one command without hooks (foreign.h) on the states that each stands for.
 *
 * A recovery without hooks has files: there the checker follows each run.
 */
#ifndef FPOST_TOOLS_EXPLORE_CHECKED_H
#define FPOST_TOOLS_EXPLORE_CHECKED_H

#include "tools/explore/search.h"

/*
 * The checker, if there is one, for search->target, which is initialised; with
 * hooks, search->material is the place for it. Returns 0, or an error that has
 * been printed and stops the others.
 */
FPOST_MUST_USE int explore_checked_begin(struct explore_search *search);

/* Remember the run under judgement for the checker. */
void explore_checked_keep(struct explore_search *search,
                          const struct fpost_plan_run *run);

/* Let the checker look at what the remembered runs leave. */
void explore_checked_walk(struct explore_search *search);

/*
 * From now on states are run by recovery and the checker (checked), or by
 * recovery alone. Nothing changes if both are the same.
 */
void explore_checked_select(struct explore_search *search, bool checked);

#endif /* FPOST_TOOLS_EXPLORE_CHECKED_H */
