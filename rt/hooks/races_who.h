/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Who the threads and locks of races are, for the reader of a report: numbers,
 * names, and where they come from; and the way of a finding to the results file
 * or the trace with them. Inside the context only.
 */
#ifndef FPOST_HOOKS_RACES_WHO_H
#define FPOST_HOOKS_RACES_WHO_H

#include "rt/model/race.h"

#include <stdbool.h>
#include <stdint.h>

/* Returns false if there is no address space. */
FPOST_MUST_USE bool fpost_who_start(void);

/* A thread, made by creator (0: not known) at stack (0: not known). Returns its
   number for fpost_race_thread.person, 0 if there have been too many. */
uint32_t fpost_who_new(uint32_t creator, uint32_t stack);
/* It runs; number is what events of a trace call it. */
void fpost_who_runs(uint32_t person, uint32_t number);
/* It is given a name. */
void fpost_who_named(uint32_t person, const char *name);

/* Report a finding, with who did what. */
void fpost_who_found(const struct fpost_sites *sites,
                     const struct fpost_finding *finding);

#endif /* FPOST_HOOKS_RACES_WHO_H */
