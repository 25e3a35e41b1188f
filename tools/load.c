/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/load.h"

#include "tools/analyse.h"
#include "tools/explore/db.h"
#include "tools/explore/explore.h"
#include "tools/explore/report.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

static int trace_load(const char *command, struct fpost_report *report,
                      const char *path) {
  struct fpost_reader reader;
  int err = fpost_reader_open(&reader, path);
  if (err == 0) {
    report->trace = fpost_report_text(report, path);
    err = fpost_analyse(report, &reader);
    if (err != 0) {
      fpost_error("%s: %s", command, reader.error);
    }
    fpost_reader_close(&reader);
  } else {
    fpost_error("%s: %s", command, reader.error);
  }
  return err;
}

/*
 * The findings of an exploration, and those of the online rules from the trace
 * that was explored, as `crash` reports them.
 */
static int database_load(const char *command, struct fpost_report *report,
                         const char *path) {
  struct explore_db db;
  int err = explore_report(command, path, report);
  if (err != 0) {
    return err;
  }
  err = explore_db_open(&db, path, false);
  if (err != 0) {
    fpost_error("%s: %s", command, db.error);
    return err;
  }
  char *trace = explore_db_get(&db, "trace");
  explore_db_close(&db);
  report->db = fpost_report_text(report, path);
  if (trace != NULL && access(trace, R_OK) == 0) {
    err = trace_load(command, report, trace);
  } else if (trace != NULL) {
    fpost_report_note(
        report, fpost_report_format(report,
                                    "the trace '%s' is not there any more: "
                                    "findings of the run itself are left out",
                                    trace));
  }
  free(trace);
  return err;
}

/* Does the file begin as a JSON object does? */
static bool json_is(const char *path) {
  FILE *file = fopen(path, "rbe");
  int c = EOF;
  if (file != NULL) {
    while ((c = fgetc(file)) != EOF && isspace(c)) {
    }
    fclose(file);
  }
  return c == '{';
}

/* A report of an earlier run, to be written in another form. */
static int json_load(const char *command, struct fpost_report *report,
                     const char *path) {
  json_error_t error;
  json_t *json = json_load_file(path, 0, &error);
  int err = FPOST_EINVAL;
  if (json == NULL) {
    fpost_error("%s: '%s', line %d: %s", command, path, error.line, error.text);
  } else if ((err = fpost_report_parse(report, json)) != FPOST_OK) {
    fpost_error(
        "%s: '%s' is no report of this version: expected a file "
        "written by --json",
        command, path);
  }
  json_decref(json);
  return err;
}

int fpost_report_load(const char *command, struct fpost_report *report,
                      const char *path) {
  if (!explore_input_check(command, path,
                           "a trace, the database of an exploration, or a "
                           "JSON report")) {
    return FPOST_EIO;
  }
  if (json_is(path)) {
    return json_load(command, report, path);
  }
  return explore_db_is(path) ? database_load(command, report, path)
                             : trace_load(command, report, path);
}
