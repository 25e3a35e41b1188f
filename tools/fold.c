/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * One cause, one finding. What recovery read out of order, or half, is a
 * warning as long as it did no harm; where the same store is also what an error
 * lost, or what an earlier warning of the class names, it is that one's cause,
 * with that one's fix. It is counted there (fpost_report_finding.also).
 *
 * Two errors of a class with which recovery ends alike are one if the same
 * place stores too early, and one has lost no store that the other has not lost
 * too: what helps it helps both. The one that has lost less is kept, else the
 * first. Places are those in the user's code that store: who called them does
 * not matter. So are two that found the same state in the same operation with
 * nothing out of order: the power was cut twice between the same stores; two
 * for which an operation was cut at the same place, with other arguments; two
 * races between the same lines, whichever of them stores, or stores first; and
 * two failures alike without a lost store within the same line, or anywhere if
 * one is at the end of the run: there recovery fails without any crash.
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

/* ---- errors ---- */

/* Is it the same place of the user's code, or the same function called there?
   Not if either is not known by its line. */
static bool place_same(const struct fpost_place *a,
                       const struct fpost_place *b) {
  const struct fpost_frame *x = fpost_place_frame(a);
  const struct fpost_frame *y = fpost_place_frame(b);
  if (x == NULL || y == NULL || x->file == NULL || y->file == NULL ||
      x->line == 0 || x->line != y->line || x->column != y->column ||
      strcmp(x->file, y->file) != 0) {
    return false;
  }
  const char *called_x = x == a->frames ? NULL : x[-1].function;
  const char *called_y = y == b->frames ? NULL : y[-1].function;
  return called_x == NULL || called_y == NULL ? called_x == called_y
                                              : strcmp(called_x, called_y) == 0;
}

static bool access_same(const struct fpost_access *a,
                        const struct fpost_access *b) {
  return a->present && b->present ? place_same(&a->place, &b->place)
                                  : a->present == b->present;
}

/* Has the finding lost a store of this place? */
static bool loses(const struct fpost_report_finding *finding,
                  const struct fpost_access *access) {
  bool found = access_same(&finding->store, access);
  for (uint32_t i = 0; i < finding->crash.lost_count && !found; i++) {
    found = access_same(&finding->crash.lost[i], access);
  }
  return found;
}

/* Has `more` lost all places that `less` has lost? */
static bool loses_all(const struct fpost_report_finding *more,
                      const struct fpost_report_finding *less) {
  bool all = loses(more, &less->store);
  for (uint32_t i = 0; i < less->crash.lost_count && all; i++) {
    all = loses(more, &less->crash.lost[i]);
  }
  return all;
}

static bool is_error(const struct fpost_report_finding *finding) {
  return finding->store.present &&
         (finding->class_ == FPOST_CLASS_RECOVERY_FAILURE ||
          finding->class_ == FPOST_CLASS_NOT_FAILURE_ATOMIC ||
          finding->class_ == FPOST_CLASS_LOST_OPERATION);
}

static bool text_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Is it about a state in which nothing is out of order? */
static bool in_order(const struct fpost_report_finding *finding) {
  return finding->state_found != NULL && finding->missing_what == NULL;
}

/* Both of a state in order, which is the same in the same operation. */
static bool state_same(const struct fpost_report_finding *a,
                       const struct fpost_report_finding *b) {
  return a->class_ == b->class_ && in_order(a) && in_order(b) &&
         text_same(a->operation, b->operation) &&
         strcmp(a->state_found, b->state_found) == 0;
}

/* The size of an operation's name, without its arguments. */
static size_t name_size(const char *operation) {
  const char *end =
      strrchr(operation, ')') != NULL ? strchr(operation, '(') : NULL;
  if (end != NULL && strncmp(end, "()(", 3) == 0) {
    end += 2; /* operator()(...) */
  }
  return end != NULL ? (size_t)(end - operation) : strcspn(operation, " ");
}

static bool function_is(const struct fpost_frame *frame, const char *operation,
                        size_t size) {
  return frame->function != NULL &&
         strncmp(frame->function, operation, size) == 0 &&
         (frame->function[size] == '\0' || frame->function[size] == '(');
}

/* One frame, with a line or, in a library that has none, without. */
static bool frame_same(const struct fpost_frame *a,
                       const struct fpost_frame *b) {
  return a->line == b->line && a->column == b->column &&
         text_same(a->file, b->file) &&
         (a->line != 0 ||
          (a->offset == b->offset && text_same(a->module, b->module)));
}

/* Is the power cut at the same place of the same operation, whatever its
   arguments? Of the stack counts what lies within the operation; all of it, if
   no function is named like that. */
static bool cut_in_operation_same(const struct fpost_report_finding *a,
                                  const struct fpost_report_finding *b) {
  const struct fpost_place *x = &a->missing.place;
  const struct fpost_place *y = &b->missing.place;
  size_t size = name_size(a->operation);
  if (name_size(b->operation) != size ||
      strncmp(a->operation, b->operation, size) != 0) {
    return false;
  }
  for (uint32_t i = 0; i < x->count && i < y->count; i++) {
    if (!frame_same(&x->frames[i], &y->frames[i])) {
      return false;
    }
    if (function_is(&x->frames[i], a->operation, size)) {
      return true;
    }
  }
  return x->count != 0 && x->count == y->count;
}

/* Is either a state that an operation shows in order, with nothing lost? */
static bool torn_same(const struct fpost_report_finding *a,
                      const struct fpost_report_finding *b) {
  return a->class_ == FPOST_CLASS_NOT_FAILURE_ATOMIC &&
         b->class_ == a->class_ && a->operation != NULL &&
         b->operation != NULL && !a->store.present && !b->store.present &&
         cut_in_operation_same(a, b);
}

static bool line_same(const struct fpost_access *a,
                      const struct fpost_access *b) {
  const struct fpost_frame *x = fpost_place_frame(&a->place);
  const struct fpost_frame *y = fpost_place_frame(&b->place);
  return x != NULL && y != NULL && x->line != 0 && x->line == y->line &&
         text_same(x->file, y->file) && text_same(x->function, y->function);
}

/* The access that a store races with, another store or a read. */
static const struct fpost_access *
race_other(const struct fpost_report_finding *finding) {
  return finding->read.present ? &finding->read : &finding->missing;
}

/* Races between the same two lines? One that counts (x++) both reads and
   stores, and either may be seen first. */
static bool race_same(const struct fpost_report_finding *a,
                      const struct fpost_report_finding *b) {
  if (a->class_ != FPOST_CLASS_PM_DATA_RACE || b->class_ != a->class_ ||
      a->predicted != b->predicted) {
    return false;
  }
  return (line_same(&a->store, &b->store) &&
          line_same(race_other(a), race_other(b))) ||
         (line_same(&a->store, race_other(b)) &&
          line_same(race_other(a), &b->store));
}

/* Does recovery fail alike, with nothing lost? */
static bool failure_same(const struct fpost_report_finding *a,
                         const struct fpost_report_finding *b) {
  return a->class_ == FPOST_CLASS_RECOVERY_FAILURE && b->class_ == a->class_ &&
         !a->store.present && !b->store.present &&
         text_same(a->crash.outcome, b->crash.outcome) &&
         text_same(a->crash.output, b->crash.output);
}

/* ... the power being cut twice within the same line? */
static bool cut_same(const struct fpost_report_finding *a,
                     const struct fpost_report_finding *b) {
  return failure_same(a, b) && place_same(&a->missing.place, &b->missing.place);
}

/* The error that an error is to be counted with; itself if with none. */
static uint32_t error_into(const struct fpost_report *report, uint32_t index) {
  const struct fpost_report_finding *one = &report->findings[index];
  for (uint32_t i = 0; i < index; i++) {
    const struct fpost_report_finding *other = &report->findings[i];
    if (state_same(one, other) || torn_same(one, other) ||
        cut_same(one, other) || race_same(one, other)) {
      return i;
    }
  }
  for (uint32_t i = 0; one->missing.present && i < report->findings_count;
       i++) {
    const struct fpost_report_finding *other = &report->findings[i];
    if (!other->missing.present && failure_same(one, other)) {
      return i;
    }
  }
  for (uint32_t i = 0; is_error(one) && i < report->findings_count; i++) {
    const struct fpost_report_finding *other = &report->findings[i];
    if (i != index && other->class_ == one->class_ && is_error(other) &&
        text_same(one->crash.outcome, other->crash.outcome) &&
        text_same(one->missing_what, other->missing_what) &&
        access_same(&one->missing, &other->missing) && loses_all(one, other) &&
        (i < index || !loses_all(other, one))) {
      return i;
    }
  }
  return index;
}

/* ---- both ---- */

/* Count what is folded away. */
static void fold_count(struct fpost_report_finding *into,
                       const struct fpost_report_finding *finding) {
  if (folds(finding)) {
    into->also[finding->class_] += finding->count;
  } else {
    into->count += finding->count;
  }
  for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
    into->also[i] += finding->also[i];
  }
}

void fpost_report_fold(struct fpost_report *report) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    most += 1 + report->findings[i].crash.lost_count;
  }
  struct cause *causes = fpost_report_memory(report, most * sizeof *causes);
  uint32_t count = causes_collect(report, causes);
  uint32_t kept = 0;
  uint32_t *into =
      fpost_report_memory(report, report->findings_count * sizeof *into);
  for (uint32_t i = 0; i < report->findings_count; i++) {
    into[i] = folds(&report->findings[i]) ? fold_into(report, causes, count, i)
                                          : error_into(report, i);
  }
  /* A warning may go to an error that goes to another; there is no circle, as
     an error goes to one that has lost less, or is earlier. */
  for (uint32_t i = 0; i < report->findings_count; i++) {
    uint32_t last = into[i];
    while (into[last] != last) {
      last = into[last];
    }
    if (last != i) {
      fold_count(&report->findings[last], &report->findings[i]);
    }
  }
  for (uint32_t i = 0; i < report->findings_count; i++) {
    if (into[i] == i) {
      report->findings[kept++] = report->findings[i];
    }
  }
  report->findings_count = kept;
}
