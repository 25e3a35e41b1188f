/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost report: the findings of an exploration, a trace or a run. */
#include "tools/analyse.h"
#include "tools/explore/db.h"
#include "tools/explore/explore.h"
#include "tools/online.h"
#include "tools/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
  struct fpost_report_options report;
  const char *results;
  const char *output;
  int format;
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_LATER };

static const struct fpost_option table[] = {
    {"format", 0, FPOST_OPTION_CHOICE, "text|json|sarif|junit|html",
     offsetof(struct options, format), "how to write it (default text)"},
    {"output", 'o', FPOST_OPTION_TEXT, "FILE", offsetof(struct options, output),
     "where to write it (default stdout)"},
    {"results", 0, FPOST_OPTION_TEXT, "FILE", offsetof(struct options, results),
     "report a results file, which an instrumented program that is run by "
     "itself makes"},
    FPOST_REPORT_OPTIONS(struct options, report),
    FPOST_OPTION_END};

static int trace_load(struct fpost_report *report, const char *path) {
  struct fpost_reader reader;
  int err = fpost_reader_open(&reader, path);
  if (err == 0) {
    err = fpost_analyse(report, &reader);
    if (err != 0) {
      fpost_error("report: %s", reader.error);
    }
    fpost_reader_close(&reader);
  } else {
    fpost_error("report: %s", reader.error);
  }
  return err;
}

/* Does the file begin as a database does? */
static bool database_is(const char *path) {
  char magic[16] = "";
  FILE *file = fopen(path, "rbe");
  if (file != NULL) {
    size_t size = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return size == sizeof magic && memcmp(magic, "SQLite format 3", 16) == 0;
  }
  return false;
}

/*
 * The findings of an exploration, and those of the online rules from the trace
 * that was explored, as `crash` reports them.
 */
static int database_load(struct fpost_report *report, const char *path) {
  struct explore_db db;
  int err = explore_report("report", path, report);
  if (err != 0) {
    return err;
  }
  err = explore_db_open(&db, path, false);
  if (err != 0) {
    fpost_error("report: %s", db.error);
    return err;
  }
  char *trace = explore_db_get(&db, "trace");
  explore_db_close(&db);
  if (trace != NULL && access(trace, R_OK) == 0) {
    err = trace_load(report, trace);
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

static int file_load(struct fpost_report *report, const char *path) {
  return database_is(path) ? database_load(report, path)
                           : trace_load(report, path);
}

static int results_load(struct fpost_report *report, const char *path) {
  struct fpost_results_file file = {.results = NULL};
  int err = fpost_results_open("report", path, &file);
  if (err == 0) {
    fpost_online_results(report, file.results);
    fpost_results_close(&file);
  }
  return err;
}

static int report_write(struct fpost_report *report,
                        const struct options *options) {
  const char *output = options->output != NULL ? options->output : "-";
  if (options->format == FORMAT_JSON) {
    return fpost_report_write_json(report, output) ? fpost_report_exit(report)
                                                   : FPOST_EXIT_USAGE;
  }
  if (options->output != NULL && freopen(output, "we", stdout) == NULL) {
    fpost_error("report: cannot write '%s': %s", output, strerror(errno));
    return FPOST_EXIT_USAGE;
  }
  return fpost_report_finish(report, &options->report);
}

static int report_run(const struct fpost_command *command, int argc,
                      char **argv) {
  static const char *const formats[] = {"text", "json", "sarif", "junit",
                                        "html"};
  struct options options = {.report.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_operands operands;
  struct fpost_report report;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands,
                              options.results != NULL ? 0 : 1)) {
    return FPOST_EXIT_USAGE;
  }
  if (options.format >= FORMAT_LATER) {
    fpost_error(
        "report: the format '%s' is not available in this version; "
        "there are text and json",
        formats[options.format]);
    return FPOST_EXIT_USAGE;
  }
  if (fpost_report_init(&report, &options.report) != 0) {
    return FPOST_EXIT_USAGE;
  }
  int err = options.results != NULL ? results_load(&report, options.results)
                                    : file_load(&report, operands.items[0]);
  if (err == 0) {
    fpost_report_sort(&report);
    exit_code = report_write(&report, &options);
  } else {
    exit_code = FPOST_EXIT_USAGE;
  }
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_report = {
    .name = "report",
    .usage = "[OPTIONS] DB|TRACE | --results FILE",
    .summary = "print the findings of an exploration, a trace or a run",
    .description =
        "Prints what was found: by an exploration, from its database DB, and "
        "in "
        "the run that it explored; in a recorded run, from its TRACE; or by a "
        "program that was run by itself, from its results file.\n"
        "The filters apply to what is printed and to the exit code; the "
        "database keeps everything.",
    .options = table,
    .example = "fencepost report --format json -o queue.json queue.fpdb",
    .run = report_run};
