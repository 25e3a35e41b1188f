/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What becomes of the results of a program that is run by itself. */
#ifndef FPOST_HOOKS_REPORT_H
#define FPOST_HOOKS_REPORT_H

/*
 * After fpost_context_end: if the runtime made the results file itself, and
 * there is something in it, `fencepost report` prints it to stderr; if that
 * cannot be started, the findings are printed as modules and offsets. Returns
 * the exit code of the process in place of code.
 */
int fpost_report(int code);

#endif /* FPOST_HOOKS_REPORT_H */
