/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost record: one run into a trace. */
#include "tools/record.h"

#include <inttypes.h>
#include <sys/wait.h>

struct options {
  struct fpost_run_options run;
  struct fpost_texts op;
  const char *output;
};

static const struct fpost_option table[] = {
    {"output", 'o', FPOST_OPTION_TEXT, "TRACE",
     offsetof(struct options, output), "the file to write; required"},
    {"op", 0, FPOST_OPTION_TEXTS, "GLOB", offsetof(struct options, op),
     "functions of this name are operations that must be failure-atomic; "
     "repeatable"},
    FPOST_RUN_OPTIONS(struct options, run),
    FPOST_HEAP_OPTION(struct options, run),
    FPOST_OPTION_END};

static double per_store(uint64_t bytes, uint64_t stores) {
  return stores == 0 ? 0.0 : (double)bytes / (double)stores;
}

static int record_run(const struct fpost_command *command, int argc,
                      char **argv) {
  struct options options = {.output = NULL};
  struct fpost_operands operands;
  struct fpost_run_end end;
  struct fpost_pack_counts counts;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  char **program = fpost_options_program(command, &operands);
  if (program == NULL) {
    return FPOST_EXIT_USAGE;
  }
  if (options.output == NULL) {
    fpost_error("record: where shall the trace go? usage: fencepost record %s",
                command->usage);
    return FPOST_EXIT_USAGE;
  }
  if (fpost_record("record", program, &options.run, &options.op, options.output,
                   &end, &counts) != 0) {
    return FPOST_EXIT_USAGE;
  }
  printf("%s: %" PRIu64 " stores, %" PRIu64 " flushes, %" PRIu64
         " fences; %" PRIu64 " bytes (%.1f per store, %.1f before packing)\n",
         options.output, counts.stores, counts.flushes, counts.fences,
         counts.packed_bytes, per_store(counts.packed_bytes, counts.stores),
         per_store(counts.raw_bytes, counts.stores));
  if (WIFEXITED(end.status) && counts.end_status == UINT64_MAX) {
    fpost_error(
        "record: the trace ends before the program did (was the disk "
        "full?); it holds what came before");
    return FPOST_EXIT_USAGE;
  }
  return fpost_run_expected("record", &options.run, &end) ? FPOST_EXIT_CLEAN
                                                          : FPOST_EXIT_USAGE;
}

const struct fpost_command fpost_command_record = {
    .name = "record",
    .usage = "-o TRACE [OPTIONS] -- PROGRAM ARGS...",
    .summary = "run a program once and write down what it does to its pools",
    .description =
        "Runs PROGRAM, which was compiled with fencepost-clang, and writes its "
        "stores, flushes and fences, with the pools as they were before, to "
        "TRACE. The trace is all that explore, show and report need.\n"
        "TRACE is replaced if it exists, but only when the new one is "
        "complete.",
    .options = table,
    .example = "fencepost record -o queue.fpt -- ./queue queue.pool",
    .run = record_run};
