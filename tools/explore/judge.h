/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the runs of a crash point say about the program: failures of recovery,
 * cut down to the fewest lost stores; choices that no strictly ordered machine
 * leaves; half-persisted stores that were read.
 */
#ifndef FPOST_TOOLS_EXPLORE_JUDGE_H
#define FPOST_TOOLS_EXPLORE_JUDGE_H

#include "tools/explore/search.h"

/* A crash point begins: forget what was found at the one before. */
void explore_judge_begin(struct explore_search *search);

/* Is this a run that recovery should not have ended like that, or whose state
   is none that the operations allow? */
bool explore_judge_failed(struct explore_search *search,
                          const struct fpost_plan_run *run);
/* Is the failure of the run under judgement explained by one found already?
   Then it is counted. */
bool explore_judge_known(struct explore_search *search,
                         const struct fpost_plan_run *run);
/*
 * explore_run_prefix with an eye on checksums: did one match by chance?
 * *collision says so if the run ended like `run`.
 */
void explore_audit_prefix(struct explore_search *search,
                          const struct fpost_choice *choices, uint32_t count,
                          const struct fpost_plan_run *run,
                          struct fpost_plan_collision *collision);
/* Minimise a failure and note it. Starts runs. */
void explore_judge_failure(struct explore_search *search,
                           const struct fpost_plan_run *run);
/* What the run says of heaps. Starts runs. */
void explore_judge_heap(struct explore_search *search,
                        const struct fpost_plan_run *run);
/* A finding of the crash point under way, to be filled in. */
struct explore_found *explore_found_add(struct explore_search *search,
                                        enum fpost_class class_);
/* Put the unit with the earliest lost store first, and return the step of that
   store. count is not 0. */
uint32_t explore_lost_first(const struct explore_image *image,
                            struct explore_lost *lost, uint32_t count);
/* The choices of any run: robustness, races. */
void explore_judge_run(struct explore_search *search);

/*
 * Put what was found at this crash point into the database. Starts runs.
 * Returns 0 or an error of the database.
 */
FPOST_MUST_USE int explore_judge_store(struct explore_search *search);

/* Split a cut of a unit into the step that is cut (index in the unit) and the
   set of its pieces that persisted; *step == steps_count for the last cut. */
void explore_cut_split(const struct fpost_unit *unit,
                       const struct fpost_step *steps, uint64_t cut,
                       uint32_t *step, uint64_t *pieces, bool *whole);

#endif /* FPOST_TOOLS_EXPLORE_JUDGE_H */
