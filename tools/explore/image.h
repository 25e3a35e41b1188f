/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The state of a trace at a moment: the guaranteed image of each pool (a memfd)
 * and the undecided units (in the plan), both updated record by record. What a
 * record costs depends on the lines it touches, not on how many are undecided.
 */
#ifndef FPOST_TOOLS_EXPLORE_IMAGE_H
#define FPOST_TOOLS_EXPLORE_IMAGE_H

#include "rt/model/model.h"
#include "rt/os/plan.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* A sum of hashes of parts: a part is added and taken away again. */
struct explore_hash {
  uint64_t low, high;
};

/* What is known of a step beyond what the plan says; same index. */
struct explore_step {
  uint32_t number; /* among the stores to its line (word if torn), from 1 */
  uint32_t thread;
  uint32_t stack;
  uint32_t flags;   /* enum fencepost_store_flag */
  uint64_t address; /* pm address of the store's first byte in the line */
  uint32_t size;
  uint32_t spare;
};

struct explore_pool {
  int image;       /* memfd */
  uint8_t *memory; /* it, mapped; reserved up to the pool's largest size */
  uint64_t size;   /* now */
  uint64_t size_max;
  /* fpost_mode_cuts of them per line; unless lines are torn anyway, 8 more
     behind those of all lines for each line that is torn for a while. */
  struct fpost_line *lines;
  uint8_t *torn; /* per line: 1 if it is so now */
  bool early; /* there before its POOL record: that and its content are known */
};

/* A unit's bookkeeping; same index as in the plan. */
struct explore_unit {
  uint32_t room; /* steps it has room for, a power of two */
  uint32_t next_free;
  double cuts; /* number of cuts */
};

enum explore_at { EXPLORE_AT_FENCE, EXPLORE_AT_FLUSH, EXPLORE_AT_STORE };

struct explore_options {
  struct fpost_mode mode;
  enum explore_at at;
};

#define EXPLORE_ROOMS 24u

struct explore_image {
  struct explore_options options;
  struct fpost_plan *plan;
  int plan_fd;
  int output;  /* memfd: what recovery prints */
  int observe; /* memfd: what it says of the state that it recovered */
  struct explore_pool pools[FPOST_POOLS_MAX];
  struct fpost_unit *units; /* in the plan, as are links, steps and choices */
  uint32_t *links;
  struct fpost_step *steps;
  struct fpost_choice *choices;
  struct explore_unit *unit_infos;
  struct explore_step *step_infos;
  uint32_t *step_threads; /* the threads of step_infos, for rt/model/robust.h */
  uint32_t unit_free;     /* 1 + index of the first free unit, 0: none */
  uint32_t units_live;
  uint32_t steps_used;
  uint32_t rooms[EXPLORE_ROOMS]; /* free lists of step arrays by log2 of room */
  uint32_t threads_count;
  struct fpost_thread *threads;
  double images_log2;          /* of the images that a crash may leave now */
  struct explore_hash content; /* of the guaranteed image */
  struct explore_hash space;   /* of the undecided units */
  /* The latest run of consecutive FENCEPOST_STORE_FOUND events: what one
     comparison has found. */
  uint64_t found_first;
  uint64_t found_last;
  /* Records to be applied before the first pool's, of struct explore_sizes. */
  const struct fpost_record *early;
  uint32_t early_count;
  bool pending_store; /* eADR: the last store is still undecided */
  bool pending_found; /* eADR: what comparisons have found is */
  bool found_shown;   /* ... and a crash point has shown all of it */
};

/*
 * What a first pass over the trace finds of pools: the largest size of each,
 * and those that were there before the run, but were mapped after another: the
 * POOL and IMAGE records of these, which hold from the first pool on.
 */
struct explore_sizes {
  uint32_t count;
  uint64_t sizes[FPOST_POOLS_MAX];
  const char *paths[FPOST_POOLS_MAX]; /* of their files; may be null */
  struct fpost_record *early;         /* with data of their own, without text */
  uint32_t early_count;
};

/*
 * Make plan and images, empty. Returns 0 or FPOST_ENOMEM (memory, descriptors
 * or address space); nothing is to be freed then but the process.
 */
FPOST_MUST_USE int explore_image_init(struct explore_image *image,
                                      const struct explore_options *options,
                                      const struct explore_sizes *sizes);
void explore_image_free(struct explore_image *image);

/*
 * In eADR, a store is a crash point in itself, while it takes effect:
 * explore_image_apply comes first. Not so what a comparison has found: in which
 * order it was stored is not known, nor is the order of what is found at one
 * flush and at the next. So all of it stays undecided until something else
 * happens, and the crash point is before the record that follows the last of
 * it. A store of another thread may be that record: its own crash point then
 * has both.
 */
bool explore_image_during(const struct explore_image *image,
                          const struct fpost_record *record);

/* In eADR: does what comparisons have found become guaranteed before this
   record? */
bool explore_image_found_ends(const struct explore_image *image,
                              const struct fpost_record *record);

/* Is there a crash point before this record for their sake? */
bool explore_found_shows(const struct explore_image *image,
                         const struct fpost_record *record);

/*
 * Would a crash just before (or during) this record leave states that no later
 * crash point leaves?
 */
bool explore_image_crash_point(const struct explore_image *image,
                               const struct fpost_record *record);

/*
 * The record, number `event` of the trace, has happened. Returns 0 or
 * FPOST_ENOMEM (more undecided units or steps than the plan holds).
 */
FPOST_MUST_USE int explore_image_apply(struct explore_image *image,
                                       const struct fpost_record *record,
                                       uint64_t event);
/* In eADR: what explore_image_apply left undecided becomes guaranteed, save for
   what comparisons have found: see explore_image_found_ends. */
void explore_image_settle(struct explore_image *image);

/* What the model says of a word of the line at a pm address. */
const struct fpost_line *explore_image_cut(const struct explore_image *image,
                                           uint64_t address, uint32_t word);

/*
 * The unit of the line at address with these bytes, made if it is not there;
 * and one more step for it, which is info->number-th of its line, UINT32_MAX if
 * nothing guarantees it ever. Returns 0 or FPOST_ENOMEM.
 */
FPOST_MUST_USE int explore_unit_get(struct explore_image *image,
                                    uint64_t address, fpost_bytes all,
                                    uint32_t *index);
FPOST_MUST_USE int explore_unit_add(struct explore_image *image, uint32_t index,
                                    const struct fpost_step *step,
                                    const struct explore_step *info);
/* The first `count` steps of the unit are its no longer; without steps, it is
   none. */
void explore_unit_shift(struct explore_image *image, uint32_t index,
                        uint32_t count);

/*
 * The line at a pm address: how it is modelled now, its cuts in the order of
 * words (one if it is whole), and the way back from a cut to the address.
 */
struct fpost_mode explore_line_mode(const struct explore_image *image,
                                    uint64_t address);
struct fpost_line *explore_line_get(const struct explore_image *image,
                                    uint64_t address);
uint64_t explore_line_address(const struct explore_image *image,
                              const struct fpost_line *line);

/*
 * Give each word of a line with undecided stores, which is whole, a cut of its
 * own (image_torn.c says when); and take them away when nothing of the line is
 * undecided. Returns 0 or FPOST_ENOMEM.
 */
FPOST_MUST_USE int explore_line_tear(struct explore_image *image,
                                     uint64_t address);
void explore_line_mend(struct explore_image *image, uint64_t address);

/* Make room for count more in the thread's pending list. Returns 0 or
   FPOST_ENOMEM. */
FPOST_MUST_USE int explore_thread_room(struct fpost_thread *thread,
                                       uint32_t count);

/*
 * The live units in order of address (and word), which is how states number
 * them, save for those that nothing guarantees: at most `max`. Returns their
 * number.
 */
uint32_t explore_image_order(const struct explore_image *image, uint32_t *units,
                             uint32_t max);

#endif /* FPOST_TOOLS_EXPLORE_IMAGE_H */
