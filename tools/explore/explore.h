/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `crash`, `explore` and `replay` share: options, database, report. */
#ifndef FPOST_TOOLS_EXPLORE_EXPLORE_H
#define FPOST_TOOLS_EXPLORE_EXPLORE_H

#include "tools/explore/search.h"

struct explore_cli {
  const char *recover;
  const char *checker; /* NULL: not given */
  const char *db;
  int lines;    /* 0 prefix, 1 torn */
  int at;       /* enum explore_at */
  int strategy; /* enum explore_strategy */
  uint64_t states;
  uint64_t time_ms;
  uint64_t timeout_ms;
  bool fork_runs;
  uint32_t depth;
  const char *observe; /* NULL: not given */
  const char *apply;   /* the same */
  struct fpost_texts buffered;
  uint32_t jobs;
  struct fpost_shard shard;
  bool resume;
  bool check_heap;
  uint64_t seed;
  bool replace; /* a database of another exploration is overwritten */
};

#define EXPLORE_CLI_DEFAULTS                                                   \
  { .timeout_ms = 10000, .depth = 1, .jobs = 1, .seed = 1 }

/* clang-format off */
#define EXPLORE_OPTIONS(type, member)                                          \
  {"recover", 0, FPOST_OPTION_TEXT, "COMMAND",                                 \
   offsetof(type, member.recover),                                             \
   "the recovery program and its arguments; it opens the same pool path and "  \
   "finds a crash state there"},                                               \
  {"checker", 0, FPOST_OPTION_TEXT, "COMMAND",                                 \
   offsetof(type, member.checker),                                             \
   "run COMMAND on the pools as recovery leaves them: it opens the same path " \
   "and says by its exit code whether they are good; without --recover it "    \
   "looks at the crash states themselves"},                                    \
  {"db", 0, FPOST_OPTION_TEXT, "FILE", offsetof(type, member.db),              \
   "where the results go (default: beside the trace, ending in .fpdb)"},       \
  {"check-heap", 0, FPOST_OPTION_FLAG, NULL,                                   \
   offsetof(type, member.check_heap),                                          \
   "look for leaks and dangling pointers, which recovery leaves in pools of "  \
   "libpmemobj, in every state that their root can tell apart, and in array "  \
   "elements out of use too"},                                                 \
  {"lines", 0, FPOST_OPTION_CHOICE, "prefix|torn",                             \
   offsetof(type, member.lines),                                               \
   "stores to a line persist in order (default), or each word on its own"},    \
  {"at", 0, FPOST_OPTION_CHOICE, "fence|flush|store",                          \
   offsetof(type, member.at),                                                  \
   "crash points: before what makes something durable (default, sufficient), " \
   "before flushes too, before stores too"},                                   \
  {"explore", 0, FPOST_OPTION_CHOICE, "lazy|all|sample",                       \
   offsetof(type, member.strategy),                                            \
   "every state that recovery can tell apart (default), every image one by "   \
   "one, or a random sample"},                                                 \
  {"states", 0, FPOST_OPTION_COUNT, "N", offsetof(type, member.states),          \
   "end after N runs"},                                                        \
  {"time", 0, FPOST_OPTION_SECONDS, "S", offsetof(type, member.time_ms),       \
   "end after S seconds"},                                                     \
  {"timeout", 0, FPOST_OPTION_SECONDS, "S",                                    \
   offsetof(type, member.timeout_ms),                                          \
   "a recovery or checker that takes longer than S seconds hangs (default "    \
   "10)"},                                                                     \
  {"fork-runs", 0, FPOST_OPTION_FLAG, NULL, offsetof(type, member.fork_runs),  \
   "run each recovery in a process of its own, rather than several in one "    \
   "that takes back what each has done; slower, with the same results"},       \
  {"depth", 0, FPOST_OPTION_U32, "N", offsetof(type, member.depth),            \
   "crashes in a row: 2 also crashes recovery (default 1)"},                \
  {"observe", 0, FPOST_OPTION_TEXT, "stdout|FILE",                             \
   offsetof(type, member.observe),                                             \
   "where recovery says what it recovered, by which operations are judged, "   \
   "beside what it hands to fencepost_observe"},                               \
  {"apply", 0, FPOST_OPTION_TEXT, "COMMAND", offsetof(type, member.apply),     \
   "a program that reads operations from its standard input, one a line, and " \
   "applies them to the pools: operations that overlap are judged by all "     \
   "their orders"},                                                            \
  {"buffered", 0, FPOST_OPTION_TEXTS, "GLOB",                                  \
   offsetof(type, member.buffered),                                            \
   "operations of this name may be lost after they have returned, with all "   \
   "that followed them; repeatable"},                                          \
  {"jobs", 'j', FPOST_OPTION_U32, "N", offsetof(type, member.jobs),            \
   "explore with N processes (default 1)"},                                    \
  {"shard", 0, FPOST_OPTION_SHARD, "K/N", offsetof(type, member.shard),        \
   "explore part K of N; `merge` puts the databases together"},                \
  {"resume", 0, FPOST_OPTION_FLAG, NULL, offsetof(type, member.resume),        \
   "go on with an exploration that was interrupted; begin one if there is "    \
   "none"},                                                                    \
  {"seed", 0, FPOST_OPTION_U64, "N", offsetof(type, member.seed),              \
   "for samples (default 1)"}
/* clang-format on */

/* Are the options usable? Prints what is wrong. A checker without recovery
   takes its place. */
bool explore_cli_check(const char *command, struct explore_cli *cli);

/* Can recovery and the checker be started? Prints what is wrong. *foreign:
   recovery has no hooks. */
bool explore_cli_startable(const char *command, const struct explore_cli *cli,
                           bool *foreign);

/*
 * Explore the trace and add findings and coverage to the report. Errors are
 * printed. Returns FPOST_EXIT_CLEAN or FPOST_EXIT_USAGE.
 */
int explore_trace(const char *command, const char *trace,
                  const struct explore_cli *cli, struct fpost_report *report);

/* Can the file be read, and is it more than nothing? If not, says so, and what
   was expected: whether it is a trace or a database is not known then. */
bool explore_input_check(const char *command, const char *path,
                         const char *expected);

/* Does the file look like a database? */
bool explore_db_is(const char *path);

/* "name.fpt" -> "name.fpdb"; the caller frees it. */
char *explore_db_path(const char *trace);

#endif /* FPOST_TOOLS_EXPLORE_EXPLORE_H */
