/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost check: one run under the online rules. */
#include "tools/finding.h"
#include "tools/online.h"
#include "tools/run.h"

struct options {
  struct fpost_run_options run;
  struct fpost_report_options report;
};

static const struct fpost_option table[] = {
    FPOST_RUN_OPTIONS(struct options, run),
    FPOST_HEAP_OPTION(struct options, run),
    FPOST_REPORT_OPTIONS(struct options, report), FPOST_OPTION_END};

static void report_command(struct fpost_report *report, char **program) {
  uint32_t count = 0;
  while (program[count] != NULL) {
    count++;
  }
  report->command = fpost_report_memory(report, count * sizeof(char *));
  for (uint32_t i = 0; i < count; i++) {
    report->command[i] = program[i];
  }
  report->command_count = count;
}

/* Run the program and report; the file of results is made. */
static int check_program(const struct options *options, char **program,
                         struct fpost_report *report,
                         const struct fpost_results_file *file) {
  struct fpost_flags *flags = fpost_report_memory(report, sizeof *flags);
  struct fpost_run_end end;
  fpost_flags_init(flags);
  fpost_flags_run(flags, &options->run);
  fpost_flags_classes(flags, report->enabled);
  fpost_flags_add(flags, "mode", "check");
  fpost_flags_add(flags, "results", file->path);
  if (fpost_run("check", program, flags, &end) != 0) {
    return FPOST_EXIT_USAGE;
  }
  if (file->results->started == 0) {
    fpost_error(
        "check: no hooks in anything that '%s' ran: compile and link "
        "the program with fencepost-clang",
        program[0]);
    return FPOST_EXIT_USAGE;
  }
  report->exited = true;
  report->status = end.status;
  report_command(report, program);
  report->domain = (enum fpost_domain)options->run.domain;
  fpost_online_results(report, file->results);
  int exit_code = fpost_report_finish(report, &options->report);
  if (!fpost_run_expected("check", &options->run, &end)) {
    exit_code = FPOST_EXIT_USAGE;
  }
  return exit_code;
}

static int check_run(const struct fpost_command *command, int argc,
                     char **argv) {
  struct options options = {.report.fail_on = FPOST_FAIL_ON_DEFAULT};
  struct fpost_operands operands;
  struct fpost_report report;
  struct fpost_results_file file = {.results = NULL};
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  char **program = fpost_options_program(command, &operands);
  if (program == NULL ||
      fpost_run_check("check", program[0], &options.run) != 0 ||
      fpost_report_init(&report, &options.report) != 0) {
    return FPOST_EXIT_USAGE;
  }
  options.run.races |= fpost_report_wants_races(&report, &options.report);
  if (fpost_results_make("check", &file) == 0) {
    exit_code = check_program(&options, program, &report, &file);
    fpost_results_close(&file);
  }
  fpost_report_free(&report);
  return exit_code;
}

const struct fpost_command fpost_command_check = {
    .name = "check",
    .usage = "[OPTIONS] -- PROGRAM ARGS...",
    .summary = "run a program once and report missing and needless flushes",
    .description =
        "Runs PROGRAM, which was compiled with fencepost-clang, and reports "
        "stores to persistent memory that are not flushed, flushes that no "
        "fence completes, and flushes and fences that do nothing.\n"
        "The program's own output is not touched. If it does not exit with 0, "
        "the exit code is 2, unless --expect-exit says otherwise; what was "
        "found is reported all the same.\n"
        "FENCEPOST_OPTIONS in the environment is passed on; options given here "
        "win.",
    .options = table,
    .example = "fencepost check --pool '*.pool' -- ./queue queue.pool",
    .run = check_run};
