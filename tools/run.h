/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running the program under test, with FENCEPOST_OPTIONS set. */
#ifndef FPOST_TOOLS_RUN_H
#define FPOST_TOOLS_RUN_H

#include "rt/base/err.h"
#include "rt/os/results.h"
#include "tools/common_options.h"

#include <stdbool.h>
#include <sys/types.h>

/* The value of FENCEPOST_OPTIONS, in the making. */
struct fpost_flags {
  char text[65536];
  size_t size;
  bool full;          /* it did not fit: fpost_run says so */
  char preload[4096]; /* library to load before all others; "": none */
};

/* Begin with what the user has set in the environment. */
void fpost_flags_init(struct fpost_flags *flags);
/* Add name=value, quoted if need be; later ones win. */
void fpost_flags_add(struct fpost_flags *flags, const char *name,
                     const char *value);
/* Add what the options of a run say: pool, heap_pm, domain, frames. */
void fpost_flags_run(struct fpost_flags *flags,
                     const struct fpost_run_options *options);
/* Add only=..., the classes of a set with a bit per enum fpost_class. */
void fpost_flags_classes(struct fpost_flags *flags, uint32_t enabled);

/*
 * Can this program be run with these options, and was it instrumented? A script
 * cannot be judged before it runs. Errors are printed, naming the command.
 * Returns 0, FPOST_ENOENT (cannot be run) or FPOST_EINVAL (has no hooks, or an
 * option is out of its range).
 */
FPOST_MUST_USE int fpost_run_check(const char *command, const char *program,
                                   const struct fpost_run_options *options);

/* The end of a run. */
struct fpost_run_end {
  pid_t process;
  int status;       /* as of waitpid */
  bool interrupted; /* by a signal to `fencepost`, which passed it on */
};

/*
 * Run the program and wait for it. SIGINT, SIGTERM and SIGHUP are passed on.
 * Errors are printed. Returns 0, FPOST_ENOENT (cannot be run) or FPOST_EIO.
 */
FPOST_MUST_USE int fpost_run(const char *command, char **program,
                             const struct fpost_flags *flags,
                             struct fpost_run_end *end);

/*
 * Was the end as expected: exit code 0 or that of --expect-exit? Prints what
 * else happened.
 */
bool fpost_run_expected(const char *command,
                        const struct fpost_run_options *options,
                        const struct fpost_run_end *end);

/* A results file for one run, removed when it is closed. */
struct fpost_results_file {
  char path[4096];
  struct fpost_results *results; /* mapped */
};
/* Errors are printed. Returns 0 or FPOST_EIO. */
FPOST_MUST_USE int fpost_results_make(const char *command,
                                      struct fpost_results_file *file);
/*
 * Map a file that a runtime made, for reading; it is not removed. Errors are
 * printed. Returns 0, FPOST_ENOENT, FPOST_EINVAL or FPOST_EVERSION.
 */
FPOST_MUST_USE int fpost_results_open(const char *command, const char *path,
                                      struct fpost_results_file *file);
void fpost_results_close(struct fpost_results_file *file);

#endif /* FPOST_TOOLS_RUN_H */
