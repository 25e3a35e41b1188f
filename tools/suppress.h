/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files of suppressions: findings not to report. A line is
 *
 *   CLASS:PATTERN   # why
 *
 * CLASS may be `*`; PATTERN is a glob that a function, a file or a module of
 * one of the finding's stacks must match. The reason is required: at the end of
 * the line, or in the comment lines just above; suppressions that follow each
 * other share those.
 */
#ifndef FPOST_TOOLS_SUPPRESS_H
#define FPOST_TOOLS_SUPPRESS_H

#include "tools/finding.h"

/*
 * Add those of a file to the report's. Errors are printed, with file and line.
 * Returns 0, FPOST_ENOENT or FPOST_EINVAL.
 */
FPOST_MUST_USE int fpost_suppressions_read(struct fpost_report *report,
                                           const char *path);

/* The first that matches the finding, or null. */
struct fpost_suppression *
fpost_suppressions_match(struct fpost_report *report,
                         const struct fpost_report_finding *finding);

/* A note for each that could have matched and did not. */
void fpost_suppressions_note_unused(struct fpost_report *report);

#endif /* FPOST_TOOLS_SUPPRESS_H */
