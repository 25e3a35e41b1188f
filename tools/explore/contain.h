/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Run a program that may do anything: hang, fork without end, kill who started
 * it. Between it and the caller stands a process that is its parent and
 * inherits what it leaves behind; whatever that does not kill falls to the
 * caller, and is killed there.
 */
#ifndef FPOST_TOOLS_EXPLORE_CONTAIN_H
#define FPOST_TOOLS_EXPLORE_CONTAIN_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How it ended. */
struct explore_contained {
  int status;   /* as of waitpid, unless late or escaped */
  bool late;    /* it was killed after the time given */
  bool escaped; /* it killed the process that had started it */
  bool orphans; /* it left processes behind, which were killed */
};

/*
 * Run start(argument), which does not return, in a new process and process
 * group, for timeout_ms at most (0: without end). The caller becomes a
 * subreaper, and must not start other processes meanwhile. Returns 0, or
 * FPOST_ENOMEM if no process could be had.
 */
FPOST_MUST_USE int explore_contain(void (*start)(const void *argument),
                                   const void *argument, uint64_t timeout_ms,
                                   struct explore_contained *end);

#endif /* FPOST_TOOLS_EXPLORE_CONTAIN_H */
