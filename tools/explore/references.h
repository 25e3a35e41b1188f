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

/* An observation, or as much of it as is kept. */
struct explore_bytes {
  uint8_t *bytes; /* owned */
  size_t size;
};

/* What the last run observed; the caller frees its bytes. */
struct explore_bytes explore_observed(const struct explore_search *search);
/* Of a run that did not end well: how it ended. The caller frees the bytes. */
struct explore_bytes explore_outcome_bytes(struct explore_search *search,
                                           const struct fpost_plan_run *run);
/* As text, which the caller frees: what is none as a dump, 16 bytes a line. */
char *explore_bytes_text(const uint8_t *bytes, size_t size);

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
