/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The patterns of op=: which functions they choose, and what to say of those
   that choose none. */
#ifndef FPOST_HOOKS_PATTERNS_H
#define FPOST_HOOKS_PATTERNS_H

#include "fencepost/module.h"

/* A function that was chosen is called. Inside only. */
void fpost_patterns_called(const struct fencepost_function *function);

/* The end of the run: say which patterns name no function, or none that was
   called. Inside only. */
void fpost_patterns_end(void);

#endif /* FPOST_HOOKS_PATTERNS_H */
