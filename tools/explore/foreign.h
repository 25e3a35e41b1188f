/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A recovery command without hooks: a script, or a program that was built
 * without Fencepost. It finds each crash state as files (materialise.h). What
 * it reads is not seen, so a run decides every unit.
 */
#ifndef FPOST_TOOLS_EXPLORE_FOREIGN_H
#define FPOST_TOOLS_EXPLORE_FOREIGN_H

#include "tools/explore/target.h"

/* log2 of the images of a crash point up to which all of them are run. */
#define EXPLORE_FOREIGN_LOG2_MAX 8.0

/*
 * Get the place of the crash states ready. Returns 0, or an error with
 * target->error set.
 */
FPOST_MUST_USE int explore_foreign_start(struct explore_target *target);
void explore_foreign_stop(struct explore_target *target);

/*
 * Do what the plan's request says, as the fork server would: all runs go into
 * the log, followed by the checker's if there is one. A checker that cannot be
 * run ends it, with target->error set.
 */
void explore_foreign_ask(struct explore_target *target);

/*
 * Which bytes of each unit, by number, recovery overwrites without having read
 * them, on the states that the choices lead to: what they decide are all its
 * reads. Costs a run, in which such bytes have a content of no crash state. A
 * byte that is not known to be overwritten is not said to be.
 */
void explore_foreign_overwritten(struct explore_target *target,
                                 const struct fpost_choice *choices,
                                 uint32_t count, fpost_bytes *overwritten);

/*
 * Put the guaranteed image in place and become the command; before is as in
 * explore_target_become. Returns if it cannot, with target->error set.
 */
void explore_foreign_become(struct explore_target *target, char *const *before);

/* What the environment of a command without hooks says; of what it starts. */
void explore_foreign_environment(void);

#endif /* FPOST_TOOLS_EXPLORE_FOREIGN_H */
