/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost report: the findings of an exploration, a trace or a run. */
#include "tools/explore/groups.h"
#include "tools/load.h"
#include "tools/online.h"
#include "tools/run.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct fpost_report_options report;
  const char *results;
  const char *output;
  const char *source_root;
  int format;
};

static const struct fpost_option table[] = {
    {"format", 0, FPOST_OPTION_CHOICE, "text|json|sarif|junit|html",
     offsetof(struct options, format), "how to write it (default text)"},
    {"output", 'o', FPOST_OPTION_TEXT, "FILE", offsetof(struct options, output),
     "where to write it (default stdout)"},
    {"source-root", 0, FPOST_OPTION_TEXT, "DIR",
     offsetof(struct options, source_root),
     "the root of the source: SARIF names files relative to it (default: the "
     "current directory)"},
    {"results", 0, FPOST_OPTION_TEXT, "FILE", offsetof(struct options, results),
     "report a results file, which an instrumented program that is run by "
     "itself makes"},
    FPOST_REPORT_OPTIONS(struct options, report),
    FPOST_OPTION_END};

static int results_load(struct fpost_report *report, const char *path) {
  struct fpost_results_file file = {.results = NULL};
  int err = fpost_results_open("report", path, &file);
  if (err == 0) {
    fpost_online_results(report, file.results);
    fpost_results_close(&file);
  }
  return err;
}

/* In the order of --format. */
static fpost_report_writer *const writers[] = {
    fpost_report_print, fpost_report_dump_json, fpost_report_dump_sarif,
    fpost_report_dump_junit, fpost_report_dump_html};

/* The root of the source as an absolute path. */
static bool root_set(struct fpost_report *report, const char *root) {
  char path[PATH_MAX];
  if (realpath(root != NULL ? root : ".", path) == NULL) {
    fpost_error("report: --source-root '%s': %s", root != NULL ? root : ".",
                strerror(errno));
    return false;
  }
  report->source_root = fpost_report_text(report, path);
  return true;
}

/* Write the settled report, and JSON beside it if asked. */
static int report_write(struct fpost_report *report,
                        const struct options *options,
                        fpost_report_writer *writer) {
  const char *json = options->report.json;
  /* --json - stands for the text. */
  bool instead =
      json != NULL && strcmp(json, "-") == 0 && options->output == NULL;
  if ((!instead &&
       !fpost_report_write(report, options->output, "the report", writer)) ||
      (json != NULL && !fpost_report_write(report, json, "the JSON report",
                                           fpost_report_dump_json))) {
    return FPOST_EXIT_USAGE;
  }
  return fpost_report_exit(report);
}

static int report_run(const struct fpost_command *command, int argc,
                      char **argv) {
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
  fpost_report_writer *writer = writers[options.format];
  if (fpost_report_init(&report, &options.report) != 0) {
    return FPOST_EXIT_USAGE;
  }
  exit_code = FPOST_EXIT_USAGE;
  if (root_set(&report, options.source_root) &&
      (options.results != NULL
           ? results_load(&report, options.results)
           : fpost_report_load("report", &report, operands.items[0])) == 0) {
    fpost_report_settle(&report);
    if (writer != fpost_report_dump_junit || report.db == NULL ||
        report.trace == NULL ||
        explore_groups("report", report.db, report.trace, &report) ==
            FPOST_OK) {
      exit_code = report_write(&report, &options, writer);
    }
  }
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_report = {
    .name = "report",
    .usage = "[OPTIONS] DB|TRACE|JSON | --results FILE",
    .summary = "print the findings of an exploration, a trace or a run",
    .description =
        "Prints what was found: by an exploration, from its database DB, and "
        "in "
        "the run that it explored; in a recorded run, from its TRACE; by a "
        "program that was run by itself, from its results file; or in an "
        "earlier report, from what --json wrote.\n"
        "The filters apply to what is printed and to the exit code; the "
        "database keeps everything.",
    .options = table,
    .example = "fencepost report --format json -o queue.json queue.fpdb",
    .run = report_run};
