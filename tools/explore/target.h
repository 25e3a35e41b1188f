/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The recovery program, as the explorer sees it: started once in recover mode,
 * asked for runs (rt/os/plan.h), watched.
 */
#ifndef FPOST_TOOLS_EXPLORE_TARGET_H
#define FPOST_TOOLS_EXPLORE_TARGET_H

#include "tools/explore/checker.h"

#include <limits.h>
#include <sys/types.h>
#include <wordexp.h>

/* An executable mapping of the target. */
struct explore_module {
  uint64_t start, end, bias;
  char *path;
};

struct explore_target {
  struct explore_image *image;
  char **words; /* the command, ended by NULL */
  wordexp_t expanded;
  char *program; /* its path */
  bool foreign;  /* it has no hooks, or they are not used: foreign.h */
  bool limited;  /* in memory: neither hooks nor a sanitizer reserve more */
  /* Of a foreign one: */
  struct explore_material material; /* once started */
  struct explore_checker *checker;  /* looks at what a run left; null: none */
  const fpost_bytes *ignored; /* by unit: what it does not read and overwrites,
                                 which is not varied; null: not known */
  uint8_t (*values)[64];      /* scratch of FPOST_CHOICE_VALUES_MAX entries */
  uint64_t timeout_ms;        /* of one run; 0: none */
  pid_t pid;                  /* 0: not started */
  struct explore_module *modules;
  uint32_t module_count;
  char error[512];
};

enum explore_answer {
  EXPLORE_ANSWERED, /* the log has the runs */
  EXPLORE_ESCAPED   /* the server is gone: the log has the runs before the last,
                       the plan's choices are those of the last one */
};

/*
 * Split a command into words and find its program; which is its name in errors:
 * "recovery". Returns 0, FPOST_EINVAL or FPOST_ENOENT with error set. Free the
 * words by wordfree.
 */
FPOST_MUST_USE int explore_command_split(const char *which, const char *command,
                                         wordexp_t *words, char path[PATH_MAX],
                                         char error[512]);

/*
 * Split the command into words, find its program, and see whether that has
 * hooks. Returns 0, FPOST_EINVAL or FPOST_ENOENT with target->error set.
 */
FPOST_MUST_USE int explore_target_init(struct explore_target *target,
                                       const char *command);
void explore_target_free(struct explore_target *target);

/*
 * Set the environment of what is run on crash states: UBSan, which by itself
 * prints an error and goes on to exit with 0, ends the program with another
 * exit code, unless the user's UBSAN_OPTIONS say otherwise.
 */
void explore_target_environment(void);

/* Start it, unless it is. Returns 0 or FPOST_EIO with target->error set. */
FPOST_MUST_USE int explore_target_start(struct explore_target *target,
                                        struct explore_image *image);
void explore_target_stop(struct explore_target *target);

/* Let the server do what the plan's request says, and wait for it. */
enum explore_answer explore_target_ask(struct explore_target *target);

/* What the last run printed, at most max bytes; the number read. */
size_t explore_target_output(const struct explore_target *target, char *text,
                             size_t max);

/*
 * Go on to the program's main in the caller's place: never returns unless it
 * fails. With a debugger, before is the words to put in front of the command.
 */
void explore_target_become(struct explore_target *target,
                           struct explore_image *image, char *const *before);

#endif /* FPOST_TOOLS_EXPLORE_TARGET_H */
