/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The wording of findings about operations. */
#include "tools/explore/describe.h"
#include "tools/explore/overlap.h"
#include "tools/explore/references.h"

#include <stdlib.h>

/* The report's copy of a text that was made for it; takes the text over. */
static const char *keep(struct explore_search *search, char *text) {
  const char *kept = fpost_report_text(&search->report, text);
  free(text);
  return kept;
}

/* The lost store says whose operation it was, where several were under way. */
static uint32_t operation_of(const struct explore_search *search,
                             const struct explore_found *found) {
  const struct explore_moment *moment = &search->moment;
  if (found->first == UINT32_MAX || search->outer != NULL ||
      moment->operation >= search->info->operations.count) {
    return moment->operation; /* threads of recovery are others */
  }
  return explore_state_operation(
      search, search->image.step_infos[found->first].thread, moment->operation);
}

/* The legal states that differ. */
static uint64_t distinct(const struct explore_operations *all,
                         const struct explore_moment *moment) {
  uint64_t count = 0;
  for (uint32_t i = moment->low; i <= moment->high; i++) {
    bool fresh = true;
    for (uint32_t j = moment->low; j < i && fresh; j++) {
      fresh = all->references[j].observed != all->references[i].observed;
    }
    count += fresh;
  }
  return count;
}

static void describe_states(struct explore_search *search,
                            const struct explore_operation *operation,
                            struct fpost_report_finding *finding) {
  struct explore_nearest nearest;
  const struct explore_operations *all = &search->info->operations;
  const struct explore_boundary *begin = &all->boundaries[operation->begin];
  if (!search->moment.overlap && begin->first != begin->last) {
    /* Its own boundaries show others half done. */
    finding->state_nearest =
        keep(search, explore_reference_text(search, search->moment.low));
    finding->state_order = "that the program had left";
    finding->states_legal = distinct(all, &search->moment);
    return;
  }
  if (!search->moment.overlap) {
    finding->state_before =
        keep(search, explore_reference_text(search, operation->begin));
    finding->state_after =
        keep(search, explore_reference_text(search, operation->end));
    return;
  }
  explore_state_nearest(search, finding->state_found, &nearest);
  finding->state_nearest = keep(search, nearest.text);
  finding->state_order = keep(search, nearest.order);
  finding->states_legal = nearest.count;
}

void explore_describe_operation(struct explore_search *search,
                                const struct explore_found *found,
                                const struct fpost_plan_run *run,
                                struct fpost_report_finding *finding) {
  const struct explore_operations *all = &search->info->operations;
  struct fpost_report *report = &search->report;
  uint32_t index = 0;
  /* Before another run replaces it. */
  finding->state_found = keep(search, explore_observed_text(search));
  enum explore_verdict verdict =
      explore_state_verdict(search, run->observed, &index);
  if (verdict != EXPLORE_LOST) {
    index = operation_of(search, found);
  }
  if (index >= all->count) {
    finding->message = "the state after a crash is that of no boundary";
    return;
  }
  const struct explore_operation *operation = &all->operations[index];
  finding->operation = fpost_report_text(report, operation->name);
  describe_states(search, operation, finding);
  const char *why = found->first == UINT32_MAX
                        ? " although every store before the crash has persisted"
                        : " when a store is lost";
  const char *among =
      search->moment.overlap
          ? ", in whatever order it and those that overlap it are taken,"
          : "";
  finding->message =
      verdict == EXPLORE_LOST
          ? fpost_report_format(report, "%s had returned and is gone%s",
                                operation->name, why)
          : fpost_report_format(report, "%s is neither undone nor complete%s%s",
                                operation->name, among, why);
  finding->crash.outcome =
      verdict == EXPLORE_LOST
          ? "recovery found a state from before the operation"
      : search->moment.overlap
          ? "recovery found a state that no order of the operations explains"
          : "recovery found a state that is neither";
}
