/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/db.h"

#include "tools/explore/describe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Another worker may hold the database for this long, milliseconds. */
#define BUSY_MS 60000

/*
 * What a crash point contributes to a finding is a row of its own, and is
 * replaced when the point is explored again: after a kill, the dying worker and
 * the one that resumes may both store the same point.
 */
static const char schema[] =
    "PRAGMA journal_mode=WAL;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT);"
    "CREATE TABLE IF NOT EXISTS points(number INTEGER PRIMARY KEY,"
    " event INTEGER, twin INTEGER, runs INTEGER, images_log2 REAL,"
    " complete INTEGER, flags INTEGER, second INTEGER);"
    "CREATE TABLE IF NOT EXISTS findings(key TEXT PRIMARY KEY, point INTEGER,"
    " class TEXT, json TEXT);"
    "CREATE TABLE IF NOT EXISTS counts(key TEXT, point INTEGER,"
    " count INTEGER, PRIMARY KEY(key, point)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS orders(stretch INTEGER, id INTEGER,"
    " known INTEGER, observed INTEGER, low INTEGER, high INTEGER,"
    " bytes BLOB, PRIMARY KEY(stretch, id));"
    "INSERT OR IGNORE INTO meta VALUES('format','" EXPLORE_DB_FORMAT
    "');"
    "COMMIT;";

static const char *advice(int code) {
  switch (code) {
  case SQLITE_FULL:
    return "; free some space, then go on with --resume";
  case SQLITE_NOTADB:
    return ": it is no database of an exploration; name another file";
  case SQLITE_CORRUPT:
    return ": it is damaged; remove it and explore again, or name another file";
  case SQLITE_READONLY:
    return "; copy it to where it may be written";
  case SQLITE_CANTOPEN:
    return "; expected a file in a directory that may be written";
  default:
    return "";
  }
}

static int fail(struct explore_db *db) {
  int code = db->handle == NULL ? SQLITE_NOMEM : sqlite3_errcode(db->handle);
  int error = code == SQLITE_CANTOPEN ? sqlite3_system_errno(db->handle) : 0;
  snprintf(db->error, sizeof db->error, "the database '%.250s': %s%s", db->path,
           error != 0           ? strerror(error)
           : db->handle == NULL ? "no memory"
                                : sqlite3_errmsg(db->handle),
           advice(code));
  return code == SQLITE_FULL ? FPOST_ENOSPC : FPOST_EIO;
}

static int execute(struct explore_db *db, const char *sql) {
  return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK
             ? FPOST_OK
             : fail(db);
}

/* Prepare sql and bind values: i for int64_t, d for double, s for text. */
static sqlite3_stmt *prepare(struct explore_db *db, const char *sql,
                             const char *types, va_list values) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK) {
    (void)fail(db);
    return NULL;
  }
  for (int i = 1; *types != '\0'; types++, i++) {
    if (*types == 'i') {
      (void)sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
    } else if (*types == 'd') {
      (void)sqlite3_bind_double(statement, i, va_arg(values, double));
    } else {
      (void)sqlite3_bind_text(statement, i, va_arg(values, const char *), -1,
                              SQLITE_TRANSIENT);
    }
  }
  return statement;
}

/* Run a statement without results. */
static int run(struct explore_db *db, const char *sql, const char *types, ...) {
  va_list values;
  va_start(values, types);
  sqlite3_stmt *statement = prepare(db, sql, types, values);
  va_end(values);
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = sqlite3_step(statement);
  int err = code == SQLITE_DONE || code == SQLITE_ROW ? FPOST_OK : fail(db);
  (void)sqlite3_finalize(statement);
  return err;
}

static sqlite3_stmt *query(struct explore_db *db, const char *sql,
                           const char *types, ...) {
  va_list values;
  va_start(values, types);
  sqlite3_stmt *statement = prepare(db, sql, types, values);
  va_end(values);
  return statement;
}

/* The end of a query: what stopped it. */
static int finish(struct explore_db *db, sqlite3_stmt *statement, int code) {
  int err = code == SQLITE_DONE ? FPOST_OK : fail(db);
  (void)sqlite3_finalize(statement);
  return err;
}

/*
 * What the file is, before anything is written to it: an exploration, nothing
 * yet (only if it may be `fresh`), or somebody else's.
 */
static int check_kind(struct explore_db *db, bool *fresh) {
  sqlite3_stmt *statement =
      query(db,
            "SELECT count(*), count(CASE name WHEN 'meta' THEN 1 END)"
            " FROM sqlite_master",
            "");
  int code = statement == NULL ? SQLITE_ERROR : sqlite3_step(statement);
  int64_t all = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  int64_t meta = code == SQLITE_ROW ? sqlite3_column_int64(statement, 1) : 0;
  int err = code == SQLITE_ROW ? FPOST_OK : fail(db);
  (void)sqlite3_finalize(statement);
  if (err != FPOST_OK || (all == 0 && *fresh)) {
    return err;
  }
  *fresh = false;
  char *format = meta == 0 ? NULL : explore_db_get(db, "format");
  if (format == NULL) {
    snprintf(db->error, sizeof db->error,
             "'%.250s' is no database of an exploration: it %s; name another "
             "file",
             db->path, all == 0 ? "is empty" : "has other tables");
    err = FPOST_EINVAL;
  } else if (strcmp(format, EXPLORE_DB_FORMAT) != 0) {
    snprintf(db->error, sizeof db->error,
             "'%.250s' was written in format %.20s, this is format "
             "%s: explore again into a new file",
             db->path, format, EXPLORE_DB_FORMAT);
    err = FPOST_EVERSION;
  }
  free(format);
  return err;
}

int explore_db_open(struct explore_db *db, const char *path, bool create) {
  *db = (struct explore_db){.path = path};
  if (!create && access(path, F_OK) != 0) {
    snprintf(db->error, sizeof db->error, "'%.400s' is not there", path);
    return FPOST_ENOENT;
  }
  bool fresh = create;
  int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  int err = FPOST_OK;
  if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
    err = fail(db);
  }
  if (err == FPOST_OK) {
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    err = check_kind(db, &fresh);
  }
  if (err == FPOST_OK && fresh) {
    err = execute(db, schema);
  }
  if (err == FPOST_OK) {
    err = execute(db, "PRAGMA synchronous=NORMAL");
  }
  if (err != FPOST_OK) {
    (void)sqlite3_close(db->handle);
    db->handle = NULL;
  }
  return err;
}

void explore_db_close(struct explore_db *db) {
  (void)sqlite3_close(db->handle);
  db->handle = NULL;
}

char *explore_db_get(struct explore_db *db, const char *name) {
  sqlite3_stmt *statement =
      query(db, "SELECT value FROM meta WHERE name=?", "s", name);
  char *value = NULL;
  if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW &&
      sqlite3_column_text(statement, 0) != NULL) {
    value = strdup((const char *)sqlite3_column_text(statement, 0));
  }
  (void)sqlite3_finalize(statement);
  return value;
}

int explore_db_set(struct explore_db *db, const char *name, const char *value) {
  return run(db, "INSERT OR REPLACE INTO meta VALUES(?,?)", "ss", name, value);
}

int explore_db_begin(struct explore_db *db) {
  return execute(db, "BEGIN IMMEDIATE");
}

int explore_db_commit(struct explore_db *db) {
  return execute(db, "COMMIT");
}

int explore_db_point(struct explore_db *db, const struct explore_point *point) {
  return run(db, "INSERT OR REPLACE INTO points VALUES(?,?,?,?,?,?,?,?)",
             "iiiidiii", (int64_t)point->number, (int64_t)point->event,
             point->twin, (int64_t)point->runs, point->images_log2,
             (int64_t)point->complete, (int64_t)point->flags,
             (int64_t)point->second);
}

int explore_db_points(struct explore_db *db, bool unfinished,
                      void (*seen)(void *context, uint64_t number),
                      void *context) {
  sqlite3_stmt *statement =
      query(db, "SELECT number FROM points WHERE complete<>0 OR ?", "i",
            (int64_t)unfinished);
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    seen(context, (uint64_t)sqlite3_column_int64(statement, 0));
  }
  return finish(db, statement, code);
}

int explore_db_finding(struct explore_db *db, const char *key, uint64_t point,
                       uint64_t count, bool *fresh) {
  sqlite3_stmt *statement =
      query(db, "SELECT point FROM findings WHERE key=?", "s", key);
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = sqlite3_step(statement);
  bool there = code == SQLITE_ROW;
  *fresh = !there || (uint64_t)sqlite3_column_int64(statement, 0) > point;
  int err = finish(db, statement, there ? SQLITE_DONE : code);
  if (err != FPOST_OK) {
    return err;
  }
  if (!there) {
    err = run(db, "INSERT INTO findings VALUES(?,?,'','')", "si", key,
              (int64_t)point);
  }
  return err != FPOST_OK
             ? err
             : run(db, "INSERT OR REPLACE INTO counts VALUES(?,?,?)", "sii",
                   key, (int64_t)point, (int64_t)count);
}

int explore_db_describe(struct explore_db *db, const char *key, uint64_t point,
                        const char *class_, const char *json) {
  return run(db, "UPDATE findings SET point=?, class=?, json=? WHERE key=?",
             "isss", (int64_t)point, class_, json, key);
}

int explore_db_findings(struct explore_db *db,
                        void (*found)(void *context, const char *json,
                                      uint64_t count),
                        void *context) {
  sqlite3_stmt *statement =
      query(db,
            "SELECT json, (SELECT sum(count) FROM counts"
            " WHERE counts.key=findings.key) FROM findings ORDER BY point, key",
            "");
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    found(context, (const char *)sqlite3_column_text(statement, 0),
          (uint64_t)sqlite3_column_int64(statement, 1));
  }
  return finish(db, statement, code);
}

static double log2_add(double a, double b) {
  double high = a > b ? a : b;
  double low = a > b ? b : a;
  return high + log2(1 + exp2(low - high));
}

/* A point that equals an earlier one has what was found there. */
static int totals_overlap(struct explore_db *db,
                          struct explore_totals *totals) {
  sqlite3_stmt *statement = query(
      db,
      "SELECT sum((a.flags & ?1)<>0), sum((ifnull(b.flags, a.flags) & ?2)<>0),"
      " (SELECT count(*) FROM orders WHERE id<>0)"
      " FROM points a LEFT JOIN points b ON b.number=a.twin",
      "ii", (int64_t)EXPLORE_FLAG_OVERLAP, (int64_t)EXPLORE_FLAG_UNDECIDED);
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    totals->overlap = (uint64_t)sqlite3_column_int64(statement, 0);
    totals->undecided = (uint64_t)sqlite3_column_int64(statement, 1);
    totals->orders = (uint64_t)sqlite3_column_int64(statement, 2);
    code = SQLITE_DONE;
  }
  return finish(db, statement, code);
}

int explore_db_totals(struct explore_db *db, struct explore_totals *totals) {
  *totals = (struct explore_totals){0};
  sqlite3_stmt *statement =
      query(db,
            "SELECT twin, runs, images_log2, complete, flags, second "
            "FROM points",
            "");
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    totals->points++;
    if (sqlite3_column_int64(statement, 0) >= 0) {
      continue;
    }
    double images = sqlite3_column_double(statement, 2);
    totals->images_log2 =
        totals->explored == 0 ? images : log2_add(totals->images_log2, images);
    totals->explored++;
    totals->runs += (uint64_t)sqlite3_column_int64(statement, 1);
    totals->incomplete += sqlite3_column_int64(statement, 3) == 0;
    totals->flags |= (uint32_t)sqlite3_column_int64(statement, 4);
    totals->second += (uint64_t)sqlite3_column_int64(statement, 5);
  }
  int err = finish(db, statement, code);
  return err == FPOST_OK ? totals_overlap(db, totals) : err;
}

int explore_db_axis(struct explore_db *db,
                    void (*seen)(void *context,
                                 const struct explore_point *point,
                                 uint64_t found),
                    void *context) {
  sqlite3_stmt *statement =
      query(db,
            "SELECT number, event, twin, runs, images_log2, complete, flags,"
            " total FROM points LEFT JOIN (SELECT point, sum(count) AS total"
            " FROM counts GROUP BY point) ON point=number"
            " ORDER BY event, number",
            "");
  if (statement == NULL) {
    return FPOST_EIO;
  }
  int code = 0;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    struct explore_point point = {
        .number = (uint64_t)sqlite3_column_int64(statement, 0),
        .event = (uint64_t)sqlite3_column_int64(statement, 1),
        .twin = sqlite3_column_int64(statement, 2),
        .runs = (uint64_t)sqlite3_column_int64(statement, 3),
        .images_log2 = sqlite3_column_double(statement, 4),
        .complete = sqlite3_column_int64(statement, 5) != 0,
        .flags = (uint32_t)sqlite3_column_int64(statement, 6)};
    seen(context, &point, (uint64_t)sqlite3_column_int64(statement, 7));
  }
  return finish(db, statement, code);
}

/* Of two explorations; what one does not say agrees with anything. */
static bool same_meta(struct explore_db *one, struct explore_db *other,
                      const char *name) {
  char *mine = explore_db_get(one, name);
  char *theirs = explore_db_get(other, name);
  bool same = mine == NULL || theirs == NULL || strcmp(mine, theirs) == 0;
  free(mine);
  free(theirs);
  return same;
}

int explore_db_merge(struct explore_db *db, const char *other) {
  struct explore_db source;
  int err = explore_db_open(&source, other, false);
  if (err != FPOST_OK) {
    memcpy(db->error, source.error, sizeof db->error);
    return err;
  }
  bool same = same_meta(db, &source, "exploration");
  bool build = same_meta(db, &source, "recovery_build");
  explore_db_close(&source);
  if (!same || !build) {
    snprintf(db->error, sizeof db->error,
             "'%.250s' is of %s than '%.150s': only parts of one exploration "
             "can be put together",
             other,
             same ? "another build of the recovery program"
                  : "another trace, recovery command or mode",
             db->path);
    return FPOST_EINVAL;
  }
  err = run(db, "ATTACH ? AS other", "s", other);
  if (err != FPOST_OK) {
    return err;
  }
  err = execute(
      db,
      "BEGIN IMMEDIATE;"
      "INSERT OR IGNORE INTO meta SELECT * FROM other.meta;"
      "INSERT INTO points SELECT * FROM other.points WHERE true"
      " ON CONFLICT(number) DO UPDATE SET runs=excluded.runs,"
      " complete=excluded.complete, flags=excluded.flags,"
      " second=excluded.second, images_log2=excluded.images_log2"
      " WHERE excluded.complete > complete;"
      "INSERT INTO findings SELECT * FROM other.findings WHERE true"
      " ON CONFLICT(key) DO UPDATE SET"
      " json=CASE WHEN excluded.point<point THEN excluded.json ELSE json END,"
      " point=min(point,excluded.point);"
      "INSERT OR REPLACE INTO counts SELECT * FROM other.counts;"
      "INSERT OR REPLACE INTO orders SELECT * FROM other.orders;"
      "COMMIT");
  if (err != FPOST_OK) {
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
  }
  (void)sqlite3_exec(db->handle, "DETACH other", NULL, NULL, NULL);
  return err;
}
