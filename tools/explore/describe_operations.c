/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wording of findings about operations. */
#include "tools/explore/describe.h"
#include "tools/explore/references.h"

#include <stdlib.h>

/* The report's copy of a text that was made for it; takes the text over. */
static const char *keep(struct explore_search *search, char *text) {
  const char *kept = fpost_report_text(&search->report, text);
  free(text);
  return kept;
}

/* The operation that is gone if the state is that of an older boundary. */
static uint32_t lost_operation(const struct explore_operations *all,
                               uint32_t boundary) {
  const struct explore_boundary *at = &all->boundaries[boundary];
  if (at->ends && boundary + 1 < all->boundaries_count) {
    at = &all->boundaries[boundary + 1];
  }
  return at->operation;
}

void explore_describe_operation(struct explore_search *search,
                                const struct explore_found *found,
                                const struct fpost_plan_run *run,
                                struct fpost_report_finding *finding) {
  const struct explore_operations *all = &search->info->operations;
  struct fpost_report *report = &search->report;
  uint32_t boundary = 0;
  uint32_t index = search->moment.operation;
  enum explore_verdict verdict = explore_operations_verdict(
      all, &search->moment, run->observed, &boundary);
  if (verdict == EXPLORE_LOST) {
    index = lost_operation(all, boundary);
  }
  finding->state_found = keep(search, explore_observed_text(search));
  if (index >= all->count) {
    finding->message = "the state after a crash is that of no boundary";
    return;
  }
  const struct explore_operation *operation = &all->operations[index];
  finding->operation = fpost_report_text(report, operation->name);
  finding->state_before =
      keep(search, explore_reference_text(search, operation->begin));
  finding->state_after =
      keep(search, explore_reference_text(search, operation->end));
  const char *why = found->first == UINT32_MAX
                        ? " although every store before the crash has persisted"
                        : " when a store is lost";
  finding->message =
      verdict == EXPLORE_LOST
          ? fpost_report_format(report, "%s had returned and is gone%s",
                                operation->name, why)
          : fpost_report_format(report, "%s is neither undone nor complete%s",
                                operation->name, why);
  finding->crash.outcome =
      verdict == EXPLORE_LOST
          ? "recovery found a state from before the operation"
          : "recovery found a state that is neither";
}
