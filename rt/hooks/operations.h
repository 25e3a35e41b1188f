/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Operations (docs/OPERATIONS.md): marked in the source, or functions by their
 * names. They are records of the trace; of marked ones, in check mode as well,
 * the balance is looked after.
 */
#ifndef FPOST_HOOKS_OPERATIONS_H
#define FPOST_HOOKS_OPERATIONS_H

#include "rt/hooks/context.h"

/* A module with marked functions has been loaded: choose those that op= names.
 */
void fpost_operations_module(const struct fencepost_module *module);

/* A thread, or the run, ends with its operation open. Inside only. */
void fpost_operations_thread(struct fpost_thread_state *self);
/* The end of the run: what is still open, and patterns without a function.
   Inside only. */
void fpost_operations_end(void);

#endif /* FPOST_HOOKS_OPERATIONS_H */
