/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The online findings of a recorded run: the trace is fed through the same
 * rules that `check` runs in the process.
 */
#ifndef FPOST_TOOLS_ANALYSE_H
#define FPOST_TOOLS_ANALYSE_H

#include "tools/finding.h"
#include "tools/trace_reader.h"

/*
 * Read the trace from its start and add the findings of the classes that the
 * report has enabled; sets the report's command, domain and pools, and how the
 * program ended, as well.
 *
 * Returns 0, FPOST_ENOMEM, or the reader's error, which is in reader->error.
 */
FPOST_MUST_USE int fpost_analyse(struct fpost_report *report,
                                 struct fpost_reader *reader);

/* What is known of a record beside its fields. */
struct fpost_event_view {
  uint64_t index;           /* its number in the trace */
  bool crash_point;         /* it makes something guaranteed that was not: the
                               power is cut before it (docs/MODEL.md) */
  const char *pool;         /* path of the pool of its address, or null */
  struct fpost_place place; /* of its stack; count 0: none */
};

/*
 * The same, and call visit before each record takes effect; return false from
 * it to stop. The view's strings and frames live as long as the report.
 */
FPOST_MUST_USE int fpost_analyse_each(
    struct fpost_report *report, struct fpost_reader *reader,
    bool (*visit)(void *context, const struct fpost_record *record,
                  const struct fpost_event_view *view),
    void *context);

#endif /* FPOST_TOOLS_ANALYSE_H */
