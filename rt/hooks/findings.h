/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The runtime's side of the results file (rt/os/results.h): findings without
 * duplicates, and the modules, stacks, pools and notes that they refer to.
 */
#ifndef FPOST_HOOKS_FINDINGS_H
#define FPOST_HOOKS_FINDINGS_H

#include "rt/base/err.h"
#include "rt/hooks/modules.h"
#include "rt/hooks/regions.h"
#include "rt/hooks/stacks.h"
#include "rt/model/rules.h"
#include "rt/os/results.h"

#include <stdint.h>

#define FPOST_FINDINGS_BUCKETS 16384u /* a power of two > FINDINGS_MAX */

struct fpost_findings {
  struct fpost_results *results;
  uint32_t process;
  uint32_t *buckets; /* 1 + index of a finding of this process; 0: free */
  struct fpost_stacks *stacks;
  struct fpost_regions *regions;
};

/* Make the table of findings. results is mapped and outlives it. Returns 0 or
   FPOST_ENOMEM. */
FPOST_MUST_USE int fpost_findings_init(struct fpost_findings *findings,
                                       struct fpost_results *results,
                                       struct fpost_stacks *stacks,
                                       struct fpost_regions *regions);

/* Report one occurrence. Returns its entry if it is a new one, else null.
   hook-safe */
struct fpost_results_finding *
fpost_findings_add(struct fpost_findings *findings,
                   const struct fpost_finding *finding);

/* In the child of a fork: what it finds is its own. */
void fpost_findings_forked(struct fpost_findings *findings);

/* 1 + the index of stack (a number of stacks.h) in the results; 0 for none. */
uint32_t fpost_findings_stack(struct fpost_findings *findings, uint32_t stack);

/* A new entry for a thread or a lock, null if there is no room; the caller
   publishes it. *shared becomes 1 + its index. */
struct fpost_results_thread *
fpost_findings_thread(struct fpost_findings *findings, uint32_t *shared);
struct fpost_results_lock *fpost_findings_lock(struct fpost_findings *findings,
                                               uint32_t *shared);

/* Tell of a pool; path "" if it has no file. Its size may be told again. */
void fpost_findings_pool(struct fpost_findings *findings,
                         struct fpost_pool *pool, const char *path,
                         uint64_t address, enum fpost_pool_why why);

/* Say something; the same text twice is counted. */
void fpost_findings_note(struct fpost_findings *findings, const char *text);

#endif /* FPOST_HOOKS_FINDINGS_H */
