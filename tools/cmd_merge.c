/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost merge: the databases of shards into one. */
#include "tools/explore/db.h"
#include "tools/options.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
  const char *output;
};

static const struct fpost_option table[] = {
    {"output", 'o', FPOST_OPTION_TEXT, "DB", offsetof(struct options, output),
     "the database to write or add to; required"},
    FPOST_OPTION_END};

/* Are they databases, before the output is made or changed? */
static int inputs_check(char **inputs, int count) {
  int err = FPOST_OK;
  for (int i = 0; i < count && err == FPOST_OK; i++) {
    struct explore_db db;
    err = explore_db_open(&db, inputs[i], false);
    if (err != FPOST_OK) {
      fpost_error("merge: %s", db.error);
    } else {
      explore_db_close(&db);
    }
  }
  return err;
}

static bool same_file(const char *one, const char *other) {
  struct stat a;
  struct stat b;
  return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

static int merge_all(const char *output, char **inputs, int count) {
  struct explore_db db;
  bool there = access(output, F_OK) == 0;
  int err = explore_db_open(&db, output, true);
  for (int i = 0; i < count && err == FPOST_OK; i++) {
    if (!same_file(output, inputs[i])) {
      err = explore_db_merge(&db, inputs[i]);
    }
  }
  /* What a shard left out is there now, or missing: the report counts. */
  if (err == FPOST_OK) {
    err = explore_db_set(&db, "left_out", "");
  }
  if (err != FPOST_OK) {
    fpost_error("merge: %s", db.error);
  }
  if (db.handle != NULL) {
    explore_db_close(&db);
  }
  if (err != FPOST_OK && !there) {
    (void)unlink(output); /* half of the parts are worth nothing */
  }
  return err;
}

static int merge_run(const struct fpost_command *command, int argc,
                     char **argv) {
  struct options options = {.output = NULL};
  struct fpost_operands operands;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (operands.count == 0 || operands.program != NULL ||
      options.output == NULL) {
    fpost_error("merge: usage: fencepost merge %s", command->usage);
    return FPOST_EXIT_USAGE;
  }
  for (int i = 0; i < operands.count; i++) {
    if (access(operands.items[i], R_OK) != 0) {
      fpost_error("merge: '%s' is not there or cannot be read",
                  operands.items[i]);
      return FPOST_EXIT_USAGE;
    }
  }
  if (inputs_check(operands.items, operands.count) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  return merge_all(options.output, operands.items, operands.count) == FPOST_OK
             ? FPOST_EXIT_CLEAN
             : FPOST_EXIT_USAGE;
}

const struct fpost_command fpost_command_merge = {
    .name = "merge",
    .usage = "DB... -o DB",
    .summary = "put the results of parts of an exploration together",
    .description =
        "Adds the crash points and findings of each DB, which are parts "
        "(--shard) of one exploration, to the one after -o. `report` prints "
        "it.",
    .options = table,
    .example = "fencepost merge part1.fpdb part2.fpdb -o queue.fpdb",
    .run = merge_run};
