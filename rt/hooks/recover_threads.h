/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which threads a recovery has. */
#ifndef FPOST_HOOKS_RECOVER_THREADS_H
#define FPOST_HOOKS_RECOVER_THREADS_H

#include "rt/hooks/races.h"

#include <stdbool.h>

/* Is this process a run of recovery? The others are for that alone. */
bool fpost_recover_threads_counted(void);

/*
 * A thread is about to be created, to run start. Returns what it is to be given
 * as its argument, with fpost_recover_thread_run in its function; or null: it
 * cannot be counted, and is created as it is.
 */
void *fpost_recover_thread_create(struct fpost_races_start start);
/* It was not created after all. */
void fpost_recover_thread_not_created(void *ticket);
/* The thread begins: returns its start, and counts it until all its destructors
   have run. */
struct fpost_races_start fpost_recover_thread_run(void *ticket);

/* May threads besides the caller be there? */
bool fpost_recover_threads_alive(void);

#endif /* FPOST_HOOKS_RECOVER_THREADS_H */
