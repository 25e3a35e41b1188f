/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Crash states as files, for programs that are not run by the fork server: a
 * recovery without hooks, a checker, a recovery that is recorded.
 *
 * Such a program opens the path of the pool itself. It finds the crash state
 * there because its process, and the worker that starts it, have a mount
 * namespace of their own, in which a file of a tmpfs is mounted over the
 * user's:
 *
 *     user's namespace      /data/q.pool    the user's file
 *     worker's namespace    /data/q.pool -> /tmp/fencepost-XXXXXX/0
 *
 * The user's file is not written, renamed or removed by anything in there.
 * What the program does to other files is its own affair. A pool that the crash
 * point comes too early for is an empty file; the path can be neither removed
 * nor renamed.
 */
#ifndef FPOST_TOOLS_EXPLORE_MATERIALISE_H
#define FPOST_TOOLS_EXPLORE_MATERIALISE_H

#include "tools/explore/image.h"

#include <sys/types.h>

struct explore_material {
  char directory[64]; /* a tmpfs; only this process and its children see it */
  uint32_t count;     /* pools */
  int files[FPOST_POOLS_MAX]; /* their files */
  int observed;  /* the file that is mounted over that of --observe; -1: none */
  pid_t janitor; /* a process that removes the directory, */
  int alive;     /* when this descriptor is closed */
  char error[512];
};

/*
 * Move the calling process, which has one thread, into a mount namespace of its
 * own where each pool of sizes is an empty file; it stays there. What is
 * written to the file `observe`, if it is not null, goes to material->observed
 * instead; it must be there. Without privileges a user namespace is made for
 * that. Once per process.
 *
 * Returns 0, FPOST_EIO (the system lets nobody have namespaces) or FPOST_ENOENT
 * (a pool's file is gone), with material->error set.
 */
FPOST_MUST_USE int explore_material_open(struct explore_material *material,
                                         const struct explore_sizes *sizes,
                                         const char *observe);
/* Remove the directory. Also after an error of open. */
void explore_material_close(struct explore_material *material);

/*
 * Put a crash state into the files: the guaranteed image, the units of the
 * `count` choices at the first cut that agrees with them, all others as
 * others_full says (everything persisted, or nothing but what is guaranteed);
 * with it, a unit that choices name is at the last cut that agrees. What
 * a program did to the files is undone.
 *
 * Returns 0, or FPOST_ENOSPC with material->error set.
 */
FPOST_MUST_USE int explore_material_put(struct explore_material *material,
                                        const struct explore_image *image,
                                        const struct fpost_choice *choices,
                                        uint32_t count, bool others_full);

/*
 * Write the guaranteed image of a pool into a file, which becomes as large and
 * as sparse. Returns false with errno set.
 */
bool explore_material_copy(const struct explore_image *image, uint32_t pool,
                           int fd);

/*
 * The other way round: the files, as they are, become the guaranteed image of
 * `image`, in which nothing is undecided; `like` says where the pools lie in
 * memory. Returns 0, FPOST_ENOSPC (a file is larger than its pool ever was),
 * FPOST_ENOMEM or FPOST_EIO.
 */
FPOST_MUST_USE int
explore_material_take(const struct explore_material *material,
                      struct explore_image *image,
                      const struct explore_image *like);

/* FENCEPOST_OPTIONS of a program that may have hooks, but is no run to be
   checked. */
#define EXPLORE_PLAIN_OPTIONS "no=all:exit_code=0"

/* How to run a program on the files. */
struct explore_material_run {
  char *const *words;  /* the command, ended by NULL; found in PATH */
  const char *options; /* FENCEPOST_OPTIONS; null: unset */
  int input;           /* descriptor of a file that it reads; 0: none */
  int output;          /* descriptor for stdout and stderr; emptied before */
  int observe;         /* descriptor for stdout, emptied before; 0: output */
  uint64_t output_max; /* bytes it may write to any one file */
  uint64_t data_max;   /* bytes of private memory it may have; 0: no limit */
  uint64_t timeout_ms; /* 0: none */
};

/*
 * Run it to its end, then kill what it left behind. The flags of *run say
 * whether that was anything, and whether it read a pool, and printed. A command
 * that cannot be started exits with 127.
 */
void explore_material_run(const struct explore_material *material,
                          const struct explore_material_run *how,
                          struct fpost_plan_run *run);

#endif /* FPOST_TOOLS_EXPLORE_MATERIALISE_H */
