/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Inside recover mode: the state of a run, shared by recover.c (server, run),
 * recover_view.c (views, pages, reads), recover_map.c (mappings),
 * recover_files.c (descriptors), recover_names.c (paths) and recover_fault.c
 * (code without hooks).
 *
 * A view in its two forms:
 *
 *   private   every page of the file is in exactly one place: in one of the
 *             program's mappings, or in `home`, a mapping of ours. All are
 *             MAP_PRIVATE of the guaranteed image.
 *   copied    the file is a memfd of this run; `home` and all of the program's
 *             mappings are MAP_SHARED of it. Made when something is mapped
 *             twice or the file changes its size.
 *
 * A page with units that are not settled is closed in the program's mappings;
 * `home` is never closed.
 */
#ifndef FPOST_HOOKS_RECOVER_RUN_H
#define FPOST_HOOKS_RECOVER_RUN_H

#include "rt/hooks/recover.h"
#include "rt/os/plan.h"

#include <signal.h>
#include <ucontext.h>

#define FPOST_RUN_MAPPINGS_MAX 256u /* mappings of pools at a time */
#define FPOST_RUN_FDS_MAX 4096      /* descriptors that may be a pool's */
#define FPOST_RUN_OPEN_MAX 32u      /* closed pages open at a time */
#define FPOST_RUN_PAGE 4096u
/* Views: of the pools of the plan, and of files that a run makes pools. */
#define FPOST_RUN_VIEWS_MORE 64u
#define FPOST_RUN_VIEWS_MAX (FPOST_POOLS_MAX + FPOST_RUN_VIEWS_MORE)

struct fpost_view {
  struct fpost_plan_pool *pool;
  uint32_t *lines;   /* in the plan */
  uint16_t *pages;   /* in the plan */
  uint16_t *settled; /* per page: units with nothing left to decide */
  uint8_t *home;     /* null: not mapped */
  uint64_t home_size;
  uint64_t size; /* of the file as the run sees it */
  int copy;      /* memfd in copied form, else -1 */
  bool begun;    /* the fields above are set for this run */
  bool adopted;  /* a file that the run made; others may change its size */
};

/* A path, and the view that it names: null if there is no such file. */
struct fpost_name {
  const char *path;
  struct fpost_view *view;
  bool begun; /* view is right; before, it is that of the recorded pool */
};

struct fpost_mapping {
  uintptr_t address;
  uint64_t size; /* bytes, whole pages */
  uint64_t offset;
  struct fpost_view *view;
  int prot;
  bool own; /* MAP_PRIVATE: what is stored there is no pool's */
};

/* The fields that a run writes come first: they share a page. */
struct fpost_run {
  struct fpost_plan *plan;
  struct fpost_choice_list list;
  const struct fpost_unit *units;
  const uint32_t *links;
  const struct fpost_step *steps;
  struct fpost_lazy *lazies;
  uint32_t mapping_count;
  uint32_t open_count;
  uint32_t lock;
  enum fpost_choice_rule rule; /* for undecided reads: the plan's */
  bool stacks;                 /* choices are to be logged with stacks */
  bool audit; /* checksums are followed though all of their words are known */
  /* Code with hooks runs: set by any of them, cleared by fpost_recover_leave.
     What faults now is a store, whose hook comes after it. */
  bool hooked;
  bool loads_stale; /* the range of loads is larger than need be */
  bool quick;       /* exit may leave out the destructors of libraries */
  bool forked;      /* a process that the run made */
  /* Closed pages of mappings lie here, if there are any. */
  uintptr_t closed_low;
  uintptr_t closed_high;
  uintptr_t open[FPOST_RUN_OPEN_MAX]; /* addresses of pages open for now */
  struct fpost_view views[FPOST_RUN_VIEWS_MAX];
  struct fpost_mapping mappings[FPOST_RUN_MAPPINGS_MAX];
};

extern struct fpost_run fpost_run;

/* ---- recover.c ---- */

/* The run cannot go on: more choices than the plan holds. */
_Noreturn void fpost_run_overflow(void);
void fpost_run_flag(uint32_t flag);
/* Several threads may be about. */
bool fpost_run_threads(void);
void fpost_run_lock(void);
void fpost_run_unlock(void);
/* The stack from site outwards. */
void fpost_run_stack(struct fpost_plan_stack *stack, struct fpost_site site);
/* One line to the explorer's captured output. */
void fpost_run_say(const char *text);

/* ---- recover_view.c ---- */

/* The mapping that holds address, or null. */
struct fpost_mapping *fpost_run_find(uintptr_t address);
/* Set the view up for this run, if it is not. */
void fpost_view_begin(struct fpost_view *view);
/* Give the view its memory; false: out of memory. */
bool fpost_view_home(struct fpost_view *view);
/* Where the byte at offset is; *length: how many bytes from there on are. */
uint8_t *fpost_view_at(struct fpost_view *view, uint64_t offset,
                       uint64_t *length);
/* Decide the bytes for a read at site; they are then in memory. */
void fpost_view_read(struct fpost_view *view, uint64_t offset, uint64_t size,
                     struct fpost_site site);
/*
 * Bytes of one page are about to be read or overwritten where fpost_view_at
 * says: decide them if read, open the page until fpost_recover_leave.
 */
void fpost_view_touch(struct fpost_view *view, uint64_t offset, uint64_t size,
                      bool reads, struct fpost_site site);
/*
 * What is read from begin to end is taken at its guaranteed content, and is
 * undecided again afterwards. False: no room, nothing has begun. In a process
 * with one thread.
 */
bool fpost_view_aside_begin(void);
void fpost_view_aside_end(void);
/*
 * How many results a read of the bytes may have, as if each unit's bytes were
 * read at once; more than max: only that it is more.
 */
uint64_t fpost_view_alternatives(const struct fpost_view *view, uint64_t offset,
                                 uint64_t size, uint32_t max);
void fpost_view_store(struct fpost_view *view, uint64_t offset, uint64_t size);
/* Bytes of the unit's line that were stored to in private mappings. */
fpost_bytes fpost_view_own_stored(uint32_t unit);
/* Are there units in the page that are not settled, or to be followed? */
static inline bool fpost_view_closed(const struct fpost_view *view,
                                     uint64_t page) {
  return page < view->pool->pages_count && view->pages[page] != 0 &&
         (view->settled[page] < view->pages[page] || fpost_run.audit);
}
/* Make the page at address accessible (closed: not) to the program. */
void fpost_page_open(const struct fpost_mapping *mapping, uintptr_t address);
void fpost_page_close(uintptr_t address);
/* Open a page that is still closed until fpost_recover_leave. */
void fpost_page_open_for_now(const struct fpost_mapping *mapping,
                             uint64_t page);
/* Close the pages of a mapping that have undecided bytes. */
void fpost_map_close(const struct fpost_mapping *mapping);

/* ---- recover_map.c ---- */

/* Give the view's file another size, which makes its form `copied`. False: out
   of memory or of descriptors. */
bool fpost_view_resize(struct fpost_view *view, uint64_t size);

/* ---- recover_loads.c: which loads code with hooks reports ---- */

/*
 * While code with hooks runs, loads of undecided bytes in the pages that it has
 * opened, and of anything in those that are closed. While it does not, and when
 * there are threads: all loads, so that the next one tells that it runs again.
 */

/* The mappings have changed, or how they are protected. */
void fpost_loads_mapped(void);
/* Pages were closed. */
void fpost_loads_all(void);
/* After a load of code with hooks: leave out what is decided. */
void fpost_loads_narrow(void);

/* ---- recover_files.c ---- */

/* The view of an open descriptor, or null. */
struct fpost_view *fpost_run_fd(int fd);
/* Let all descriptors of the view refer to its copy. */
void fpost_run_fds_move(const struct fpost_view *view);
/* A path under which the kernel finds the view's file. */
void fpost_view_path(const struct fpost_view *view, char path[64]);

/* ---- recover_names.c ---- */

/* Before the first run. */
void fpost_names_prepare(void);
/*
 * The name of a pool that path is; null: it is none. A symbolic link at its end
 * is followed or, if not, is no pool. Leaves errno alone.
 */
struct fpost_name *fpost_run_name(int dirfd, const char *path, bool follow);
/* The view of a name as it is now; null: there is no such file. */
struct fpost_view *fpost_name_view(struct fpost_name *name);
/* One more name for a view; null, with errno set: it cannot be had. */
struct fpost_name *fpost_name_add(int dirfd, const char *path,
                                  struct fpost_view *view);
/* Give a name that has no file an empty one. */
bool fpost_name_create(struct fpost_name *name);
/*
 * unlink, rename (flags of renameat2) and link (flags of linkat): what they
 * return, with errno set, or 1 if no pool is concerned.
 */
int fpost_name_remove(int dirfd, const char *path);
int fpost_name_rename(int from_fd, const char *from, int to_fd, const char *to,
                      unsigned flags);
int fpost_name_link(int from_fd, const char *from, int to_fd, const char *to,
                    int flags);
/* Does path, whose file may be gone, spell the absolute path `other`? */
bool fpost_run_same_path(int dirfd, const char *path, const char *other);

/* ---- recover_fork.c ---- */

/* Is this the name of a library that came with the system? */
bool fpost_is_system_library(const char *name);
/* Make forks of this process cheaper; before the first run. */
void fpost_fork_prepare(void);

/* ---- recover_observe.c ---- */

/* Before the first run, and before each. */
void fpost_observe_prepare(void);
void fpost_observe_begin(void);
/* The hash of what the run has said; 0: nothing. */
uint64_t fpost_observe_hash(void);

/* ---- recover_joint.c ---- */

/* Words whose comparison is that of a checksum, at the least. */
#define FPOST_SUM_WORDS_MIN 3u

/* A word of a joint test (rt/model/choice.h): undecided, in a unit of one
   step, so that it is old or new whatever the other words are. */
struct fpost_joint_word {
  uint32_t unit;
  fpost_bytes bytes;          /* those of the word that are undecided */
  const uint8_t *contents[2]; /* of the line: old, new */
};

/* A choice of the prefix belongs to a joint test: the test has failed in this
   run. */
void fpost_joint_begin(const struct fpost_choice *choice);
/* Bytes of a unit are read that belong to a joint test which has failed. */
void fpost_joint_opened(uint32_t unit, fpost_bytes bytes);
/* Has the test failed in this run? */
bool fpost_joint_failed(const uint64_t hash[2]);
/*
 * Let the test fail, which passes only if the words of `subset` (a bit each)
 * are new and the others old. Returns false, with nothing done, if there is no
 * room.
 */
bool fpost_joint_fail(const struct fpost_joint_word *words, uint32_t count,
                      const uint64_t *subset, const uint64_t hash[2],
                      uint64_t pc);
/* As fpost_sum_solve; what has been solved in an earlier run is remembered. */
enum fpost_sum_result fpost_joint_solve(const uint64_t *terms, uint32_t count,
                                        uint64_t target, uint64_t *subset);
/* Add a number to a hash whose order matters. */
void fpost_joint_hash(uint64_t hash[2], uint64_t number);

/* ---- recover_fault.c ---- */

/* Load the decoder; before the first run. */
void fpost_fault_prepare(void);

/* ---- recover_libc.c ---- */

/* Look up the functions behind the interposed ones; before the first run. */
void fpost_recover_libc_prepare(void);

/* ---- recover_fault.c, continued ---- */

/* Catch SIGSEGV and SIGTRAP in this process. */
void fpost_fault_install(void);
/* With stacks: also note where a deadly signal is raised. */
void fpost_fault_watch_deaths(void);

#endif /* FPOST_HOOKS_RECOVER_RUN_H */
