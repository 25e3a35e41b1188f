/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost crash: record, explore and report in one. */
#include "tools/analyse.h"
#include "tools/explore/explore.h"
#include "tools/record.h"

#include <stdlib.h>
#include <string.h>

struct options {
  struct fpost_run_options run;
  struct explore_cli cli;
  struct fpost_report_options report;
  struct fpost_texts op;
  const char *trace;
};

static const struct fpost_option table[] = {
    EXPLORE_OPTIONS(struct options, cli),
    {"trace", 0, FPOST_OPTION_TEXT, "FILE", offsetof(struct options, trace),
     "where the trace goes (default: PROGRAM's name with .fpt, here)"},
    {"op", 0, FPOST_OPTION_TEXTS, "GLOB", offsetof(struct options, op),
     "functions of this name are operations that must be failure-atomic; "
     "repeatable"},
    FPOST_RUN_OPTIONS(struct options, run),
    FPOST_REPORT_OPTIONS(struct options, report),
    FPOST_OPTION_END};

/* What the online rules find in the trace. */
static int add_online(const char *trace, struct fpost_report *report) {
  struct fpost_reader reader;
  int err = fpost_reader_open(&reader, trace);
  if (err == FPOST_OK) {
    err = fpost_analyse(report, &reader);
    if (err != FPOST_OK) {
      fpost_error("crash: %s", reader.error);
    }
    fpost_reader_close(&reader);
  } else {
    fpost_error("crash: %s", reader.error);
  }
  return err;
}

static int record_and_explore(const struct options *options, char **program,
                              const char *trace, struct fpost_report *report) {
  struct fpost_run_end end;
  if (fpost_record("crash", program, &options->run, &options->op, trace, &end,
                   NULL) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  if (add_online(trace, report) != FPOST_OK ||
      explore_trace("crash", trace, &options->cli, report) !=
          FPOST_EXIT_CLEAN) {
    return FPOST_EXIT_USAGE;
  }
  int exit_code = fpost_report_finish(report, &options->report);
  return fpost_run_expected("crash", &options->run, &end) ? exit_code
                                                          : FPOST_EXIT_USAGE;
}

static char *default_trace(const char *program) {
  const char *slash = strrchr(program, '/');
  const char *name = slash == NULL ? program : slash + 1;
  char *path = malloc(strlen(name) + 5);
  if (path != NULL) {
    stpcpy(stpcpy(path, name), ".fpt");
  }
  return path;
}

static int crash_run(const struct fpost_command *command, int argc,
                     char **argv) {
  struct options options = {.cli = EXPLORE_CLI_DEFAULTS,
                            .report.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_operands operands;
  struct fpost_report report;
  int exit_code = FPOST_EXIT_USAGE;
  options.cli.replace = true;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  char **program = fpost_options_program(command, &operands);
  bool foreign = false;
  if (program == NULL || !explore_cli_check("crash", &options.cli) ||
      !explore_cli_startable("crash", &options.cli, &foreign)) {
    return FPOST_EXIT_USAGE;
  }
  if (fpost_report_init(&report, &options.report) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  options.run.races |= fpost_report_wants_races(&report, &options.report);
  options.run.check_heap = options.cli.check_heap;
  char *trace =
      options.trace != NULL ? strdup(options.trace) : default_trace(program[0]);
  exit_code = trace == NULL
                  ? FPOST_EXIT_USAGE
                  : record_and_explore(&options, program, trace, &report);
  free(trace);
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_crash = {
    .name = "crash",
    .usage = "--recover 'COMMAND' [OPTIONS] -- PROGRAM ARGS...",
    .summary = "run a program, then recovery on every crash state it may leave",
    .description =
        "Records a run of PROGRAM, cuts the power at every crash point of it, "
        "and runs COMMAND on every state that a crash may leave there and that "
        "COMMAND can tell apart: record, explore and report in one. "
        "PROGRAM must be built with fencepost-clang. COMMAND, which may be the "
        "same program, should be; if it is a script or has no hooks, what it "
        "reads is not seen, so that every image is run, or a sample.\n"
        "The run works on the user's pool as it is; the crash states never "
        "touch it. COMMAND is split into words as by a shell, and run without "
        "one; it says by its exit code, or by dying, that a state is bad.",
    .options = table,
    .example =
        "fencepost crash --recover './queue check q.pool' -- ./queue "
        "push q.pool",
    .run = crash_run};
