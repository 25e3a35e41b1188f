/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The online findings of a recorded run: the trace is fed through the same
 * rules that `check` runs in the process.
 */
#ifndef FPOST_TOOLS_ANALYSE_H
#define FPOST_TOOLS_ANALYSE_H

#include "tools/finding.h"
#include "tools/trace_reader.h"

/*
 * Read the trace from its start and add the findings of the classes that the
 * report has enabled; sets the report's command, domain and pools, and how the
 * program ended, as well.
 *
 * Returns 0, FPOST_ENOMEM, or the reader's error, which is in reader->error.
 */
FPOST_MUST_USE int fpost_analyse(struct fpost_report *report,
                                 struct fpost_reader *reader);

/* The command and the domain of the trace's header, into the report. */
void fpost_analyse_header(struct fpost_report *report,
                          const struct fpost_reader *reader);

#endif /* FPOST_TOOLS_ANALYSE_H */
