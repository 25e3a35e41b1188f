/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One cause, one finding. What recovery read out of order, or half, is a
 * warning as long as it did no harm; where the same store is also what an error
 * lost, or what an earlier warning of the class names, it is that one's cause,
 * with that one's fix. It is counted there (fpost_report_finding.also).
 */
#include "tools/finding.h"

#include <stdlib.h>
#include <string.h>

/* A place in the source at which an error lost a store, or a warning has one.
 */
struct cause {
  const char *file;
  uint32_t line;
  uint32_t class_;  /* of the warning; FPOST_CLASS_COUNT for an error */
  uint32_t finding; /* index in the report */
};

static int cause_compare(const struct cause *a, const struct cause *b) {
  int order = strcmp(a->file, b->file);
  if (order == 0) {
    order = (a->line > b->line) - (a->line < b->line);
  }
  return order != 0 ? order : (a->class_ > b->class_) - (a->class_ < b->class_);
}

static int cause_sort(const void *one, const void *two) {
  const struct cause *a = one;
  const struct cause *b = two;
  int order = cause_compare(a, b);
  return order != 0 ? order
                    : (a->finding > b->finding) - (a->finding < b->finding);
}

static bool folds(const struct fpost_report_finding *finding) {
  return finding->class_ == FPOST_CLASS_NOT_ROBUST ||
         finding->class_ == FPOST_CLASS_PERSISTENCY_RACE;
}

static bool takes(const struct fpost_report_finding *finding) {
  return finding->class_ == FPOST_CLASS_RECOVERY_FAILURE ||
         finding->class_ == FPOST_CLASS_NOT_FAILURE_ATOMIC ||
         finding->class_ == FPOST_CLASS_LOST_OPERATION ||
         (finding->crash.state != NULL &&
          (finding->class_ == FPOST_CLASS_LEAK ||
           finding->class_ == FPOST_CLASS_DANGLING_POINTER));
}

/* Note where an access is in the source; not if that is not known. */
static uint32_t cause_add(struct cause *causes, uint32_t count,
                          const struct fpost_access *access, uint32_t class_,
                          uint32_t finding) {
  const struct fpost_frame *frame = fpost_place_frame(&access->place);
  if (frame == NULL || frame->file == NULL || frame->line == 0) {
    return count;
  }
  causes[count] = (struct cause){frame->file, frame->line, class_, finding};
  return count + 1;
}

static uint32_t causes_collect(const struct fpost_report *report,
                               struct cause *causes) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    const struct fpost_report_finding *finding = &report->findings[i];
    if (folds(finding)) {
      count = cause_add(causes, count, &finding->store, finding->class_, i);
    } else if (takes(finding)) {
      count = cause_add(causes, count, &finding->store, FPOST_CLASS_COUNT, i);
      for (uint32_t k = 0; k < finding->crash.lost_count; k++) {
        count = cause_add(causes, count, &finding->crash.lost[k],
                          FPOST_CLASS_COUNT, i);
      }
    }
  }
  qsort(causes, count, sizeof *causes, cause_sort);
  return count;
}

/* The first cause at this place of this class; null if there is none. */
static const struct cause *cause_find(const struct cause *causes,
                                      uint32_t count,
                                      const struct cause *wanted) {
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (cause_compare(&causes[middle], wanted) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && cause_compare(&causes[low], wanted) == 0 ? &causes[low]
                                                                 : NULL;
}

/* The finding that a warning is to be counted with; itself if with none. */
static uint32_t fold_into(const struct fpost_report *report,
                          const struct cause *causes, uint32_t count,
                          uint32_t index) {
  struct cause wanted;
  if (!folds(&report->findings[index]) ||
      cause_add(&wanted, 0, &report->findings[index].store, FPOST_CLASS_COUNT,
                index) == 0) {
    return index;
  }
  const struct cause *found = cause_find(causes, count, &wanted);
  if (found == NULL) {
    wanted.class_ = report->findings[index].class_;
    found = cause_find(causes, count, &wanted);
  }
  return found != NULL ? found->finding : index;
}

void fpost_report_fold(struct fpost_report *report) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    most += 1 + report->findings[i].crash.lost_count;
  }
  struct cause *causes = fpost_report_memory(report, most * sizeof *causes);
  uint32_t count = causes_collect(report, causes);
  uint32_t kept = 0;
  uint32_t *moved =
      fpost_report_memory(report, report->findings_count * sizeof *moved);
  for (uint32_t i = 0; i < report->findings_count; i++) {
    uint32_t into = fold_into(report, causes, count, i);
    if (into != i) {
      const struct fpost_report_finding *finding = &report->findings[i];
      report->findings[moved[into]].also[finding->class_] += finding->count;
    } else {
      moved[i] = kept;
      report->findings[kept++] = report->findings[i];
    }
  }
  report->findings_count = kept;
}
