/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recording a run: what `record` and the first part of `crash` do. */
#ifndef FPOST_TOOLS_RECORD_H
#define FPOST_TOOLS_RECORD_H

#include "tools/run.h"
#include "tools/trace_reader.h"

/*
 * Check the program (fpost_run_check), run it in record mode, and pack its
 * trace into path, which is replaced if it is there. The raw trace lies beside
 * it while the program runs. `functions` are globs of functions that are
 * operations. Errors are printed, naming the command.
 *
 * counts may be null: the caller reports the trace, and with it the notes of
 * the run, which are printed otherwise.
 *
 * Returns 0 with *end and *counts set, or a negative error; then path is as it
 * was.
 */
FPOST_MUST_USE int fpost_record(const char *command, char **program,
                                const struct fpost_run_options *options,
                                const struct fpost_texts *functions,
                                const char *path, struct fpost_run_end *end,
                                struct fpost_pack_counts *counts);

#endif /* FPOST_TOOLS_RECORD_H */
