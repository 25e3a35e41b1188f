/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * References: what recovery observes at the boundaries of operations, on the
 * image of everything stored before. They are kept in the database.
 */
#ifndef FPOST_TOOLS_EXPLORE_REFERENCES_H
#define FPOST_TOOLS_EXPLORE_REFERENCES_H

#include "tools/explore/search.h"

/*
 * Observe every boundary that the database does not have yet, with config->jobs
 * processes, and load all references into info->operations. Returns 0,
 * FPOST_EINVAL (recovery says nothing, or something else each time), or
 * FPOST_EIO; errors are printed.
 */
FPOST_MUST_USE int explore_references(const struct explore_config *config,
                                      struct explore_info *info,
                                      struct explore_shared *shared);

/*
 * How many references of a database are not known, because recovery did not end
 * well, and how it ended at the first.
 */
uint32_t explore_references_unknown(struct explore_db *db, char why[128]);

/* What was observed at the boundary, as text; the caller frees it. */
char *explore_reference_text(struct explore_search *search, uint32_t boundary);
/* What the last run observed, as text; the caller frees it. */
char *explore_observed_text(struct explore_search *search);

/*
 * Is the observation of this run what another process makes of the same state,
 * a second later? If not, says which bytes differ and stops the exploration.
 * Starts runs; the state is given as to explore_run_state.
 */
bool explore_references_confirm(struct explore_search *search,
                                const struct explore_lost *lost, uint32_t count,
                                bool others_full);

#endif /* FPOST_TOOLS_EXPLORE_REFERENCES_H */
