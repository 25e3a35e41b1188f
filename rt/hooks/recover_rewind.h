/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Taking a run back instead of forking the next one: rt/hooks/recover_rewind.c.
 */
#ifndef FPOST_HOOKS_RECOVER_REWIND_H
#define FPOST_HOOKS_RECOVER_REWIND_H

#include <stdbool.h>

/*
 * Remember this process as it is: in the child of a fork, before its run. May
 * return several times: false at first; true each time when a run has been
 * taken back, which then ended with exit code 0. False once and for all where
 * it cannot be done.
 */
bool fpost_rewind_mark(void);
/* The run begins: from here on each system call is looked at. */
void fpost_rewind_watch(void);
/* The run has ended with exit code 0. Returns only if it cannot be taken back:
   this process has to end. */
void fpost_rewind_back(void);

#endif /* FPOST_HOOKS_RECOVER_REWIND_H */
