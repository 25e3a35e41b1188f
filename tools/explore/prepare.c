/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/prepare.h"

#include "rt/base/assert.h"
#include "tools/explore/build.h"
#include "tools/options.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What makes two explorations one: what is explored, and in which model. */
static char *identity(const struct explore_config *config,
                      const struct explore_info *info) {
  char *text = NULL;
  int size = asprintf(
      &text, "%016" PRIx64 " %u %u %u %u %u %u %" PRIu64 " %s %s%s%s%s%s",
      info->trace_id, config->options.mode.domain, config->options.mode.torn,
      config->options.at, config->strategy, config->depth, config->heap,
      config->seed, config->observe == NULL ? "-" : config->observe,
      config->recover, config->checker == NULL ? "" : "\n",
      config->checker == NULL ? "" : config->checker,
      config->apply == NULL ? "" : "\napply ",
      config->apply == NULL ? "" : config->apply);
  FPOST_ASSERT(size > 0);
  return text;
}

static int set_meta(struct explore_db *db, const struct explore_config *config,
                    const struct explore_info *info, const char *exploration) {
  char domain[8];
  char torn[8];
  char at[8];
  char status[24];
  char seed[24];
  char strategy[8];
  char trace[PATH_MAX];
  const char *checker = config->checker == NULL ? "" : config->checker;
  snprintf(domain, sizeof domain, "%d", (int)config->options.mode.domain);
  snprintf(torn, sizeof torn, "%d", (int)config->options.mode.torn);
  snprintf(at, sizeof at, "%d", (int)config->options.at);
  snprintf(seed, sizeof seed, "%" PRIu64, config->seed);
  snprintf(strategy, sizeof strategy, "%d", (int)config->strategy);
  snprintf(status, sizeof status, "%" PRIu64, info->end_status);
  if (realpath(config->trace, trace) == NULL) {
    snprintf(trace, sizeof trace, "%s", config->trace);
  }
  const char *const rows[][2] = {{"exploration", exploration},
                                 {"trace", trace},
                                 {"recover", config->recover},
                                 {"checker", checker},
                                 {"apply", config->apply},
                                 {"domain", domain},
                                 {"torn", torn},
                                 {"at", at},
                                 {"seed", seed},
                                 {"strategy", strategy},
                                 {"version", FENCEPOST_VERSION},
                                 {"status", status}};
  int err = FPOST_OK;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0] && err == FPOST_OK; i++) {
    if (rows[i][1] != NULL) {
      err = explore_db_set(db, rows[i][0], rows[i][1]);
    }
  }
  return err;
}

static void recovery_build(const struct explore_config *config,
                           char build[EXPLORE_BUILD_MAX]) {
  wordexp_t words;
  char path[PATH_MAX];
  char error[512];
  build[0] = '\0';
  if (explore_command_split("recovery", config->recover, &words, path, error) ==
      FPOST_OK) {
    explore_build_of(path, build);
    wordfree(&words);
  }
}

/* To go on with what another build of the recovery program has begun would mix
   the findings of both. */
static bool same_build(const char *command, const struct explore_config *config,
                       struct explore_db *db, const char *build) {
  char *theirs = explore_db_get(db, "recovery_build");
  bool same = theirs == NULL || *theirs == '\0' || *build == '\0' ||
              strcmp(theirs, build) == 0;
  if (!same) {
    fpost_error(
        "%s: the recovery program has been built anew since '%s' was begun: "
        "explore again without --resume",
        command, config->db);
  }
  free(theirs);
  return same;
}

int explore_prepare(const char *command, const struct explore_config *config,
                    const struct explore_info *info) {
  struct explore_db db;
  char *mine = identity(config, info);
  int err = explore_db_open(&db, config->db, true);
  if (err == FPOST_EVERSION && config->replace && !config->resume &&
      unlink(config->db) == 0) {
    err = explore_db_open(&db, config->db, true);
  }
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, db.error);
    free(mine);
    return err;
  }
  char *theirs = explore_db_get(&db, "exploration");
  bool replace = config->replace && !config->resume;
  if (theirs != NULL && !replace && strcmp(theirs, mine) != 0) {
    fpost_error(
        "%s: '%s' holds another exploration (another trace, recovery "
        "command or mode): remove it or give another --db",
        command, config->db);
    err = FPOST_EINVAL;
  } else if (theirs != NULL && !config->resume) {
    err =
        sqlite3_exec(
            db.handle,
            "DELETE FROM points; DELETE FROM findings;"
            "DELETE FROM counts; DELETE FROM orders; DROP TABLE IF EXISTS refs;"
            "DELETE FROM meta WHERE name IN"
            " ('apply','touched','checked','unobserved','left_out',"
            "'crash_points','stores_found','compared','unseen','uncalled','"
            "created')",
            NULL, NULL, NULL) == SQLITE_OK
            ? FPOST_OK
            : FPOST_EIO;
  }
  char build[EXPLORE_BUILD_MAX];
  recovery_build(config, build);
  if (err == FPOST_OK && theirs != NULL && config->resume &&
      !same_build(command, config, &db, build)) {
    err = FPOST_EINVAL;
  }
  if (err == FPOST_OK) {
    err = explore_db_set(&db, "recovery_build", build);
  }
  if (err == FPOST_OK) {
    err = set_meta(&db, config, info, mine);
    if (err != FPOST_OK) {
      fpost_error("%s: %s", command, db.error);
    }
  }
  free(theirs);
  free(mine);
  explore_db_close(&db);
  return err;
}
