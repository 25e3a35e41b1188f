/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the database of an exploration says: findings, and coverage in words. */
#ifndef FPOST_EXPLORE_REPORT_H
#define FPOST_EXPLORE_REPORT_H

#include "tools/finding.h"

/*
 * Add the findings of the database db to the report, with how far the
 * exploration got, why it is not complete, and what it did not consider.
 * Errors are printed, in the name of command. Returns 0 or an error.
 */
FPOST_MUST_USE int explore_report(const char *command, const char *db,
                                  struct fpost_report *report);

#endif /* FPOST_EXPLORE_REPORT_H */
