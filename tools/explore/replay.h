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

/* The event of a state's name. Returns 0, or FPOST_EINVAL: it is no name. */
FPOST_MUST_USE int explore_state_event(const char *state, uint64_t *event);

/*
 * The cuts that a state's name gives to the units of an image that is at its
 * event: order[count] as explore_image_order returns them, cuts[i] for
 * order[i]. Returns 0, or FPOST_EINVAL if it names no state of this image;
 * cuts[count] is overwritten then, too.
 */
FPOST_MUST_USE int explore_state_cuts(const struct explore_image *image,
                                      const char *state, const uint32_t *order,
                                      uint32_t count, uint64_t *cuts);

/* Decide the units of image, which is at the state's event, likewise. */
FPOST_MUST_USE int explore_replay_cuts(struct explore_image *image,
                                       const char *state, char error[512]);

#endif /* FPOST_TOOLS_EXPLORE_REPLAY_H */
