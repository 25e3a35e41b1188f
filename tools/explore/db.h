/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Results of an exploration, in SQLite: crash points that are done, and
 * findings. A crash point and its findings are one transaction, so that an
 * exploration that is killed goes on where it was.
 *
 *   meta      name, value           format, trace, what was explored and how
 *   points    number, event, twin,  one row per crash point; twin: the equal
 *             runs, images_log2,    earlier one that was explored in its place
 *             complete, flags,
 *             second                second: crash points in recovery
 *   findings  key, point, class,    point: the first crash point that shows it
 *             json
 *   counts    key, point, count     how often each crash point has shown it
 *   refs      boundary, same,       what recovery observes at a boundary of
 *             known, observed,      operations (references.c); same: the first
 *             bytes                 one with that image
 *   orders    stretch, id, known,   one row per replayed order of operations
 *             observed, low, high,  that overlap (overlap.h); low, high: hash
 *             bytes                 of the pools; bytes: null if another has
 *                                   them
 */
#ifndef FPOST_TOOLS_EXPLORE_DB_H
#define FPOST_TOOLS_EXPLORE_DB_H

#include "rt/base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPLORE_DB_FORMAT "4"

struct explore_db {
  sqlite3 *handle;
  const char *path; /* the caller's */
  char error[512];
};

struct explore_point {
  uint64_t number; /* from 0 */
  uint64_t event;
  uint64_t runs;
  double images_log2;
  int64_t twin;    /* -1: none */
  bool complete;   /* every image is covered */
  uint32_t flags;  /* enum fpost_run_flag of all runs */
  uint64_t second; /* crash points in recovery, of --depth 2 */
};

/* Sum of the points. */
struct explore_totals {
  uint64_t points;   /* done */
  uint64_t second;   /* crash points in recovery */
  uint64_t explored; /* of them, those that equal no earlier one */
  uint64_t runs;
  double images_log2; /* of the sum of images */
  uint64_t incomplete;
  uint32_t flags;
  uint64_t overlap;   /* points at which operations overlap */
  uint64_t undecided; /* of them, those with states that are not judged */
  uint64_t orders;    /* that were replayed */
};

/*
 * Open or create; errors are sentences in db->error. A file that is something
 * else, or of another version, is not written to; `path` must stay.
 */
FPOST_MUST_USE int explore_db_open(struct explore_db *db, const char *path,
                                   bool create);
void explore_db_close(struct explore_db *db);

/* Meta values; get returns null if there is none; free it. */
char *explore_db_get(struct explore_db *db, const char *name);
FPOST_MUST_USE int explore_db_set(struct explore_db *db, const char *name,
                                  const char *value);

FPOST_MUST_USE int explore_db_begin(struct explore_db *db);
FPOST_MUST_USE int explore_db_commit(struct explore_db *db);
FPOST_MUST_USE int explore_db_point(struct explore_db *db,
                                    const struct explore_point *point);
/* Call seen for each point that is done; unfinished: and for those cut short.
 */
FPOST_MUST_USE int
explore_db_points(struct explore_db *db, bool unfinished,
                  void (*seen)(void *context, uint64_t number), void *context);
/*
 * Count a finding. *fresh: there is none with this key from this or an earlier
 * point, so explore_db_describe is to follow.
 */
FPOST_MUST_USE int explore_db_finding(struct explore_db *db, const char *key,
                                      uint64_t point, uint64_t count,
                                      bool *fresh);
FPOST_MUST_USE int explore_db_describe(struct explore_db *db, const char *key,
                                       uint64_t point, const char *class_,
                                       const char *json);
/* All findings in the order of points and keys. */
FPOST_MUST_USE int explore_db_findings(struct explore_db *db,
                                       void (*found)(void *context,
                                                     const char *json,
                                                     uint64_t count),
                                       void *context);
FPOST_MUST_USE int explore_db_totals(struct explore_db *db,
                                     struct explore_totals *totals);

/* Call seen for each crash point in the order of the run, with how many times
   something was found there. */
FPOST_MUST_USE int
explore_db_axis(struct explore_db *db,
                void (*seen)(void *context, const struct explore_point *point,
                             uint64_t found),
                void *context);

/*
 * Add the rows of another database of the same exploration. Returns 0,
 * FPOST_EINVAL (another exploration) or FPOST_EIO.
 */
FPOST_MUST_USE int explore_db_merge(struct explore_db *db, const char *other);

#endif /* FPOST_TOOLS_EXPLORE_DB_H */
