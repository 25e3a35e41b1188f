/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Which crash states are run, and by whom. A worker (one process each) feeds
 * the whole trace to its own image; crash points are claimed in a table that
 * the workers share. Whether a crash point equals an earlier one is found out
 * by each worker for itself, so that the result does not depend on their
 * number.
 */
#ifndef FPOST_TOOLS_EXPLORE_SEARCH_H
#define FPOST_TOOLS_EXPLORE_SEARCH_H

#include "tools/explore/db.h"
#include "tools/explore/info.h"
#include "tools/explore/target.h"

enum explore_strategy { EXPLORE_LAZY, EXPLORE_ALL, EXPLORE_SAMPLE };

struct explore_config {
  const char *trace;
  const char *db;
  const char *recover;
  const char *checker; /* looks at what recovery leaves; null: none */
  bool foreign;        /* recovery has no hooks */
  struct explore_options options;
  enum explore_strategy strategy;
  uint64_t states;     /* at most so many runs in all; 0: no bound */
  uint64_t time_ms;    /* for all; 0: no bound */
  uint64_t timeout_ms; /* for one run */
  bool fork_runs;      /* each run is a process of its own */
  uint32_t depth;      /* crashes in a row, 1 or 2 */
  uint32_t jobs;       /* at least 1 */
  struct fpost_shard shard;
  bool resume;
  bool replace; /* a database of another exploration is overwritten */
  uint64_t seed;
  uint32_t heap;       /* enum fpost_plan_heap_mode */
  const char *observe; /* "stdout", a file, or null: fencepost_observe alone */
  const char *apply;   /* the command that applies operations, or null */
};

/* Shared by the workers. */
struct explore_shared {
  uint64_t runs;
  uint64_t points;     /* crash points that are done */
  uint64_t points_all; /* those of the trace; 0: nobody has got to its end */
  uint64_t records;    /* furthest record reached by a worker */
  uint32_t stop;       /* out of time or states, or a worker failed */
  uint32_t failed;     /* a worker failed: its message has been printed */
  uint32_t touched;    /* some run has opened a pool */
  uint32_t checks;     /* the checker may have run, */
  uint32_t checked;    /* and has opened a pool, or said no */
  uint64_t reference_runs;
  uint32_t unfinished; /* a bound ended the exploration */
  uint8_t claimed[];   /* per crash point: 1 if claimed or done before */
};

/* Crash points that can be claimed. */
#define EXPLORE_POINTS_MAX (UINT64_C(1) << 30)

struct explore_found;   /* judge.h */
struct explore_overlap; /* overlap.c */
struct unknown;         /* second.c */
struct seen;            /* search.c */

/* Crash points seen before. */
struct explore_seen {
  struct seen *entries; /* open addressing, at most half full */
  uint64_t size;
  uint64_t used;
};

/* A run that is to be gone back to: its recovery is to be crashed (second.h),
   or what it left is to be checked (checked.h). */
struct explore_again {
  struct fpost_choice *choices;
  uint32_t count;
  uint32_t flags; /* of the run */
};

/* What that has found. */
struct explore_second_found {
  char key[256];
  uint64_t count;
  const char *class_name;
  char *json;
};

/* What a run has said of the heap, and whether it is to be reported. */
struct explore_heap_judged {
  struct fpost_plan_heap heap;
  bool wrong;
};

struct explore_search {
  const struct explore_config *config;
  const struct explore_info *info;
  struct explore_shared *shared;
  struct explore_image image;
  struct explore_target target;
  struct explore_db db;
  struct fpost_report report; /* the worker's, for symbols and JSON */
  uint64_t deadline_ms;       /* 0: none */
  uint64_t open_since_ms;     /* of the transaction, if one is open */
  uint32_t boundaries;        /* passed */
  bool stores;                /* since the last one */
  bool confirmed;             /* an illegal observation has been seen again */
  uint64_t random;            /* state of the generator, for samples */
  const char *trace;          /* that is explored */

  struct explore_heap_judged *heap_judged;
  uint32_t heap_judged_count;

  /* The place of crash states for those two; count 0: it is not needed. */
  struct explore_material material;

  /* The checker after recovery, checked.h. */
  struct explore_checker checker;
  struct explore_target other_target; /* recovery without hooks, and checker;
                                         with hooks, while checking */
  bool checking;
  struct explore_again *kept;
  uint32_t kept_count;

  /* Crashes in recovery, with --depth 2. */
  struct explore_again *again;
  struct explore_second_found *second_found;
  uint32_t again_count;
  uint32_t second_count;
  struct explore_seen second_seen;

  /* In the search after a crash in recovery: the one after the first crash,
     what its run's choices say, and which units that leaves unknown. */
  struct explore_search *outer;
  const struct fpost_choice *first;
  struct unknown *unknown;
  uint32_t first_count;
  uint32_t unknown_count;

  /* The crash point under way. */
  struct explore_point point;
  struct explore_moment moment;    /* among the operations */
  struct explore_overlap *overlap; /* their orders; null: not asked for yet */
  struct fpost_choice *choices;    /* of the run that is judged */
  uint32_t choice_count;
  uint32_t crash_stack; /* of the record that did not happen */
  uint32_t *marks;      /* by unit; zero between uses */
  uint8_t (*values)[64];
  struct explore_found *found;
  uint32_t found_count;
  uint32_t found_max;
  bool open; /* a transaction is */
};

/*
 * Explore as config says; results go into the database. Returns 0 or FPOST_EIO
 * with the errors printed.
 */
FPOST_MUST_USE int explore_search(const struct explore_config *config,
                                  const struct explore_info *info,
                                  struct explore_shared *shared);

/* Milliseconds of a clock that only goes forward. */
uint64_t explore_now_ms(void);

/* Image, reader, database and target of a worker. Errors are printed, and stop
   the others. */
FPOST_MUST_USE int explore_worker_begin(struct explore_search *search,
                                        struct fpost_reader *reader);

/* How many runs may still be started; 0: the bounds are reached. */
uint64_t explore_budget(struct explore_search *search);
/*
 * Ask for that many runs from where the walk is, which leaves `fixed` choices
 * alone, and judge them. Returns whether more are left.
 */
bool explore_request(struct explore_search *search, uint64_t runs,
                     struct fpost_choice_list *walk, uint32_t fixed,
                     enum fpost_choice_rule rule);
/* A number that depends on seed and crash point only. */
uint64_t explore_random(struct explore_search *search);

/* All runs of the crash point under way, as the strategy says. */
void explore_walk(struct explore_search *search);

/*
 * The number of an equal crash point before this one, or -1: then this one is
 * remembered under `number`.
 */
int64_t explore_seen(struct explore_seen *set,
                     const struct explore_search *search, uint64_t number);
void explore_seen_clear(struct explore_seen *set);

/*
 * One run on the state where `count` units are at the given cuts and all others
 * are persisted (others_full) or at their guaranteed content. The walk under
 * way must not be needed any more.
 */
struct explore_lost {
  uint32_t unit;
  uint64_t cut;
};
void explore_run_state(struct explore_search *search,
                       const struct explore_lost *lost, uint32_t count,
                       bool others_full, struct fpost_plan_run *run);
/* The same with everything persisted, as runs of a walk are: faster, but its
   output is not kept, nor where it has ended. */
void explore_run_full(struct explore_search *search,
                      struct fpost_plan_run *run);
/* One run with a prefix of choices, with stacks of the choices it adds. */
void explore_run_prefix(struct explore_search *search,
                        const struct fpost_choice *choices, uint32_t count,
                        struct fpost_plan_run *run);

#endif /* FPOST_TOOLS_EXPLORE_SEARCH_H */
