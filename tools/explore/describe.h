/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What was found at a crash point, and its wording. */
#ifndef FPOST_TOOLS_EXPLORE_DESCRIBE_H
#define FPOST_TOOLS_EXPLORE_DESCRIBE_H

#include "tools/explore/search.h"

#define EXPLORE_KEY_MAX 256u
/* Flags of a crash point beside enum fpost_run_flag; bit 16 had a meaning once.
   Runs that failed alike were too many: rt/model/alike.h. */
#define EXPLORE_FLAG_STOPPED (1u << 23)
/* ... and runs that ended well alike. */
#define EXPLORE_FLAG_STOPPED_GOOD (1u << 24)
/* ... and failures that a second run on the same state did not show. */
#define EXPLORE_FLAG_UNREPEATED (1u << 17)
/* ... and a recovery without hooks, of which a sample of the images was run. */
#define EXPLORE_FLAG_SAMPLED (1u << 18)
/* ... and what recovery left, of which the checker has seen a sample. */
#define EXPLORE_FLAG_CHECK_SAMPLED (1u << 22)
/* ... and recoveries that could not be crashed again. */
#define EXPLORE_FLAG_ONCE (1u << 21)

/* ... and states of overlapping operations that are those of no boundary. */
#define EXPLORE_FLAG_UNDECIDED (1u << 19)
/* ... and operations that overlap there. */
#define EXPLORE_FLAG_OVERLAP (1u << 20)

struct explore_found {
  enum fpost_class class_;
  uint64_t count;
  uint32_t outcome; /* of the run, if explore_found_by_state */
  uint32_t value;
  bool checker; /* the outcome is the checker's */
  bool checked; /* ... or of a recovery that it followed: checked.h */
  struct fpost_plan_heap heap; /* of a leak or a dangling pointer */
  uint32_t first; /* step (in the image) of the lost or half-persisted store */
  uint32_t
      second; /* step of the later store that persisted; UINT32_MAX: none */
  struct explore_lost *lost; /* recovery-failure: the state, owned */
  uint32_t lost_count;
  /* checksum-collision: of the run on that state, pcs by explore_target_pc */
  struct fpost_plan_collision collision;
  bool others_full; /* in that state: other units are persisted, not lost */
  struct fpost_choice *choices; /* not-robust, race: those of the run, owned */
  uint32_t choice_count;
  uint32_t choice; /* the one that completed the contradiction */
};

/* How a run ended, of which found has outcome, value and checker: lives as long
   as the worker's report. */
const char *explore_outcome_text(struct explore_search *search,
                                 const struct explore_found *found);

/* A pc of recovery as the report takes it, which stays the same when recovery
   is started again: module << 48 | offset. One that is so already stays. */
uint64_t explore_target_pc(struct explore_search *search, uint64_t pc);

/* Is it what a state led to, not what was read? Then lost is the state. */
bool explore_found_by_state(const struct explore_found *found);

/* Equal for findings of the same cause, in any crash point, worker or shard. */
void explore_found_key(struct explore_search *search,
                       const struct explore_found *found,
                       char key[EXPLORE_KEY_MAX]);

/*
 * The finding as JSON, with all places. Starts a run for stacks and output. The
 * caller frees it.
 */
char *explore_found_json(struct explore_search *search,
                         const struct explore_found *found);

/* What the finding says of operations; run is the one that shows it, and the
   last. */
void explore_describe_operation(struct explore_search *search,
                                const struct explore_found *found,
                                const struct fpost_plan_run *run,
                                struct fpost_report_finding *finding);

/*
 * The name of a state, EVENT/CUTS. The units not in `units` are at
 * `others_full`: everything persisted, or else at their guaranteed content. The
 * caller frees it.
 */
char *explore_state_name(const struct explore_image *image, uint64_t event,
                         const struct explore_lost *units, uint32_t count,
                         bool others_full);

#endif /* FPOST_TOOLS_EXPLORE_DESCRIBE_H */
