/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * --depth 2: the power is cut again, while recovery is at work.
 *
 * For each run of recovery that stored to a pool and ended well: its crash
 * state is put in place as files (materialise.h), the command is run on them in
 * record mode, and its trace is explored at its own crash points by the same
 * command.
 *
 *     first crash    guaranteed image, choices of the run, unread units
 *         recovery, recorded: reads what the choices say, stores
 *     second crash   = base image             (what the choices say)
 *                    + unknown units          (what the first crash left
 *                                              undecided and nobody has read)
 *                    + units of the trace     (what recovery stored)
 *         recovery again, lazily
 *
 * An unknown unit holds one of the contents that it may have after the first
 * crash; a flush in between does not change which. Its bytes and those that
 * recovery stored do not meet: what recovery overwrites unread is decided
 * before, one exploration for each content.
 */
#ifndef FPOST_TOOLS_EXPLORE_SECOND_H
#define FPOST_TOOLS_EXPLORE_SECOND_H

#include "tools/explore/search.h"

/* Remember the run under judgement for a second crash. */
void explore_second_keep(struct explore_search *search,
                         const struct fpost_plan_run *run);

/* Crash the remembered runs; adds to the crash point under way. */
void explore_second_walk(struct explore_search *search);

/* The findings of these, into the database. Returns 0 or its error. */
FPOST_MUST_USE int explore_second_store(struct explore_search *search);

/*
 * Leave out of `units` those that the first crash left open: what recovery
 * itself stored is in order, these are not. Returns how many are left.
 */
uint32_t explore_second_own(const struct explore_search *search,
                            uint32_t *units, uint32_t count);

/*
 * "EVENT/CUTS:" and then `name`, which is freed: the first crash of a state in
 * which the units of the second one are as explore_state_name takes them. The
 * caller frees it.
 */
char *explore_second_name(const struct explore_search *search,
                          const struct explore_lost *units, uint32_t count,
                          bool others_full, char *name);

/*
 * Bring image, which is made here, to the state after the second crash, named
 * by `state`; first is at the state after the first. The process is moved into
 * a mount namespace for good. Returns 0 or an error with a sentence in error.
 */
FPOST_MUST_USE int explore_second_replay(struct explore_image *image,
                                         const struct explore_image *first,
                                         const char *recover, const char *state,
                                         char error[512]);

#endif /* FPOST_TOOLS_EXPLORE_SECOND_H */
