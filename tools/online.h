/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Findings of the online rules, from either source: the results file of a
 * checked run, or the replay of a recorded one (tools/analyse.h). Both end
 * here, so that they read the same.
 */
#ifndef FPOST_TOOLS_ONLINE_H
#define FPOST_TOOLS_ONLINE_H

#include "rt/os/results.h"
#include "tools/finding.h"

/* A finding as the rules made it, with its stacks. */
struct fpost_online_finding {
  enum fpost_class class_;
  enum fpost_detail detail;
  uint32_t process; /* pid, 0: not known */
  uint64_t count;
  uint64_t event;           /* record of the trace, 0: there is no trace */
  uint64_t offset;          /* bytes, in the pool */
  uint32_t size;            /* bytes */
  const char *pool;         /* path of the pool, not copied */
  struct fpost_place store; /* count 0: does not apply */
  struct fpost_place other;
  const struct fpost_party *store_by; /* the report's; null: not known */
  const struct fpost_party *other_by;
};

/* Add what the runtime has found, in the words of its class and detail. One
   that says of a log that it is needed hides those which call it needless. */
void fpost_online_add(struct fpost_report *report,
                      const struct fpost_online_finding *finding);

/* Everything that a results file says, findings and notes. */
void fpost_online_results(struct fpost_report *report,
                          const struct fpost_results *results);

#endif /* FPOST_TOOLS_ONLINE_H */
