/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Findings from a file of any kind, for commands that work on them. */
#ifndef FPOST_TOOLS_LOAD_H
#define FPOST_TOOLS_LOAD_H

#include "tools/finding.h"

/*
 * Add what a file holds to the report: a database of an exploration (and the
 * trace that it is of), a trace, or a report written by --json. Errors are
 * printed, in the name of command. Returns 0 or an error.
 */
FPOST_MUST_USE int fpost_report_load(const char *command,
                                     struct fpost_report *report,
                                     const char *path);

#endif /* FPOST_TOOLS_LOAD_H */
