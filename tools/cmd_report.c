/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost report: the findings of an exploration, a trace or a run. */
#include "tools/analyse.h"
#include "tools/online.h"
#include "tools/run.h"

#include <errno.h>
#include <string.h>

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
  struct fpost_report_options how = options->report;
  if (options->format == FORMAT_JSON) {
    how.json = options->output != NULL ? options->output : "-";
    if (options->output != NULL) {
      fflush(stdout);
      json_t *json = fpost_report_json(report);
      bool written = json != NULL &&
                     json_dump_file(json, options->output, JSON_INDENT(2)) == 0;
      json_decref(json);
      if (!written) {
        fpost_error("report: cannot write '%s': %s", options->output,
                    strerror(errno));
        return FPOST_EXIT_USAGE;
      }
      return fpost_report_exit(report);
    }
    return fpost_report_finish(report, &how);
  }
  if (options->output != NULL &&
      freopen(options->output, "we", stdout) == NULL) {
    fpost_error("report: cannot write '%s': %s", options->output,
                strerror(errno));
    return FPOST_EXIT_USAGE;
  }
  return fpost_report_finish(report, &how);
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
                                    : trace_load(&report, operands.items[0]);
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
        "Prints what was found: by an exploration, from its database DB; by "
        "the online rules, from a TRACE; or by a program that was run by "
        "itself, from its results file.\n"
        "The filters apply to what is printed and to the exit code; the "
        "database keeps everything.",
    .options = table,
    .example = "fencepost report --format json -o queue.json queue.fpdb",
    .run = report_run};
