/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost explore: all crash states of a trace. */
#include "tools/explore/explore.h"

struct options {
  struct explore_cli cli;
  struct fpost_report_options report;
};

static const struct fpost_option table[] = {
    EXPLORE_OPTIONS(struct options, cli),
    FPOST_REPORT_OPTIONS(struct options, report), FPOST_OPTION_END};

static int explore_run(const struct fpost_command *command, int argc,
                       char **argv) {
  struct options options = {.cli = EXPLORE_CLI_DEFAULTS,
                            .report.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_operands operands;
  struct fpost_report report;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 1) ||
      !explore_cli_check("explore", &options.cli) ||
      fpost_report_init(&report, &options.report) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  exit_code =
      explore_trace("explore", operands.items[0], &options.cli, &report);
  if (exit_code == FPOST_EXIT_CLEAN) {
    exit_code = fpost_report_finish(&report, &options.report);
  }
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_explore = {
    .name = "explore",
    .usage = "TRACE --recover 'COMMAND' [OPTIONS]",
    .summary = "run recovery on every crash state of a recorded run",
    .description =
        "Cuts the power at every crash point of TRACE and runs COMMAND on "
        "every state that a crash may leave there and that COMMAND can tell "
        "apart. COMMAND opens the same pool path as the program did and finds "
        "the crash state there; the user's file is not touched. It should be "
        "built with fencepost-clang; if it is a script or has no hooks, what "
        "it reads is not seen, so that every image is run, or a sample. It is "
        "split into words as by a shell, and run without one; it says by its "
        "exit code, or by dying, that a state is bad.\n"
        "Results go into a database as they come; an exploration that was "
        "killed goes on with --resume.",
    .options = table,
    .example = "fencepost explore queue.fpt --recover './recover queue.pool'",
    .run = explore_run};
