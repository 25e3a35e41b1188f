/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Findings of one run recognised in another. A finding's fingerprint is made of
 * what a reader would call the same fault: its class, and for each place the
 * function, the name of the file and the text of the line, not their numbers;
 * so it stays when lines are added above, when the tree lies elsewhere, and
 * when another path leads there. Findings that are alike in all of it are
 * numbered in the order of the source.
 *
 * A baseline is the JSON report of an earlier run: what it has is left out.
 */
#ifndef FPOST_TOOLS_BASELINE_H
#define FPOST_TOOLS_BASELINE_H

#include "tools/finding.h"

/*
 * Give each finding of the report that has no fingerprint its own:
 * "0123456789abcdef/2" is the second of those that are alike. The report must
 * be sorted.
 */
void fpost_fingerprints(struct fpost_report *report);

/*
 * Read a baseline, to be applied later. Errors are printed.
 * Returns 0, FPOST_ENOENT or FPOST_EINVAL.
 */
FPOST_MUST_USE int fpost_baseline_read(struct fpost_report *report,
                                       const char *path);

/*
 * Leave out what the report's baseline knows, and note what of the baseline is
 * gone, once; nothing if there is no baseline. Fingerprints must be there.
 */
void fpost_baseline_apply(struct fpost_report *report);

#endif /* FPOST_TOOLS_BASELINE_H */
