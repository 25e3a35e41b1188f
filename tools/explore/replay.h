/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One crash state by its name. */
#ifndef FPOST_TOOLS_EXPLORE_REPLAY_H
#define FPOST_TOOLS_EXPLORE_REPLAY_H

#include "tools/explore/image.h"
#include "tools/trace_reader.h"

/*
 * Bring image, made for the trace and empty, to the state: everything is
 * decided, no unit is left. Returns 0, or FPOST_EINVAL or FPOST_ENOMEM with a
 * sentence in error.
 */
FPOST_MUST_USE int explore_replay(struct explore_image *image,
                                  struct fpost_reader *reader,
                                  const char *state, char error[512]);

#endif /* FPOST_TOOLS_EXPLORE_REPLAY_H */
