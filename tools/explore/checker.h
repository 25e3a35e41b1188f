/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The external checker of --checker: a command that looks at the pool files as
 * recovery has left them, and says no by its exit code. It works on the files
 * of materialise.h; what it does to them is undone. Files that it has found
 * good are not shown to it again.
 */
#ifndef FPOST_TOOLS_EXPLORE_CHECKER_H
#define FPOST_TOOLS_EXPLORE_CHECKER_H

#include "tools/explore/materialise.h"

#include <wordexp.h>

struct explore_good; /* checker.c */

struct explore_checker {
  wordexp_t words;           /* the command */
  struct explore_good *good; /* hashes of the contents that were found good */
  uint64_t good_size;
  uint64_t good_used;
};

/* Returns 0, or an error of explore_command_split with a sentence in error. */
FPOST_MUST_USE int explore_checker_init(struct explore_checker *checker,
                                        const char *command, char error[512]);
void explore_checker_free(struct explore_checker *checker);

/*
 * Let it look at the files; how is that of the recovery before it, as far as it
 * is the same. *run, of a recovery that ended well, becomes that of the checker
 * if it says no, and has FPOST_RUN_CHECKER then. Returns 0, or FPOST_ENOENT:
 * the command cannot be run, with a sentence in error.
 */
FPOST_MUST_USE int explore_checker_run(struct explore_checker *checker,
                                       const struct explore_material *material,
                                       struct explore_material_run how,
                                       struct fpost_plan_run *run,
                                       char error[512]);

#endif /* FPOST_TOOLS_EXPLORE_CHECKER_H */
