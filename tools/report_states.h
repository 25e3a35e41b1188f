/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The states that an operation is judged by, as text. */
#ifndef FPOST_TOOLS_REPORT_STATES_H
#define FPOST_TOOLS_REPORT_STATES_H

#include "tools/finding.h"

/* Print how the state that was found differs from the legal ones; nothing if
   the finding has none. */
void fpost_report_states(FILE *out, const struct fpost_report_finding *finding);

#endif /* FPOST_TOOLS_REPORT_STATES_H */
