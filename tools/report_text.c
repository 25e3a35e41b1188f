/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A report as text, in the shape that the contract fixes. */
#include "tools/finding.h"
#include "tools/party.h"
#include "tools/report_states.h"
#include "tools/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LABEL_SIZE 160
/* A fix names two places. */
#define FIX_SIZE 640
/* Callers shown beneath a place. */
#define CALLERS_MAX 4u
/* Stores of a crash state that are named. */
#define STORES_SHOWN 8u

static const char *last_component(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* "queue.c:31 in push", or what else is known. */
static void frame_print(FILE *out, const struct fpost_frame *frame) {
  if (frame->file != NULL && frame->line != 0) {
    fprintf(out, "%s:%" PRIu32, frame->shown, frame->line);
    if (frame->function != NULL) {
      fprintf(out, " in %s", frame->function);
    }
    return;
  }
  if (frame->function != NULL) {
    fprintf(out, "%s in ", frame->function);
  }
  fprintf(out, "%s+0x%" PRIx64,
          frame->module != NULL ? last_component(frame->module) : "unknown",
          frame->offset);
}

void fpost_place_print(FILE *out, const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  if (frame == NULL) {
    fputs("(place not known)", out);
  } else {
    frame_print(out, frame);
  }
}

/* The callers of a place that have a source line. */
static void callers_print(FILE *out, const struct fpost_place *place) {
  const struct fpost_frame *frame = fpost_place_frame(place);
  uint32_t shown = 0;
  if (frame == NULL) {
    return;
  }
  for (frame++; frame < place->frames + place->count && shown < CALLERS_MAX;
       frame++) {
    if (frame->file != NULL && frame->line != 0 && fpost_frame_own(frame)) {
      fputs(shown == 0 ? "    called from " : ", ", out);
      frame_print(out, frame);
      shown++;
    }
  }
  if (shown != 0) {
    fputc('\n', out);
  }
}

void fpost_address_format(const struct fpost_report *report, const char *pool,
                          uint64_t offset, char *text, size_t size) {
  const char *name =
      pool != NULL && report->pools_count > 1 ? last_component(pool) : "pool";
  snprintf(text, size, "%.100s+0x%" PRIx64, *name != '\0' ? name : "pool",
           offset);
}

/* "store of 8 bytes to pool+0x40" */
static void label_format(const struct fpost_report *report, const char *what,
                         const char *preposition,
                         const struct fpost_access *access,
                         char text[LABEL_SIZE]) {
  char address[128];
  if (access->pool == NULL) {
    snprintf(text, LABEL_SIZE, "%s", what);
    return;
  }
  fpost_address_format(report, access->pool, access->offset, address,
                       sizeof address);
  /* A flush instruction is given as one byte of its line. */
  if (access->size == 0 || (access->size == 1 && strcmp(what, "flush") == 0)) {
    snprintf(text, LABEL_SIZE, "%s %s %s", what, preposition, address);
    return;
  }
  snprintf(text, LABEL_SIZE, "%s of %" PRIu64 " byte%s %s %s", what,
           access->size, access->size == 1 ? "" : "s", preposition, address);
}

static void access_print(const struct fpost_report *report, FILE *out,
                         const char *label, int width,
                         const struct fpost_access *access) {
  fprintf(out, "  %-*s   ", width, label);
  fpost_place_print(out, &access->place);
  fputc('\n', out);
  callers_print(out, &access->place);
  if (access->by != NULL) {
    fpost_party_print(report, out, access->by, "    ");
  }
}

/* "flush queue.c:31" without a function, for the lines that say what to do. */
static void frame_format(const struct fpost_frame *frame, char *text,
                         size_t size) {
  if (frame == NULL) {
    snprintf(text, size, "it");
  } else if (frame->file != NULL && frame->line != 0) {
    snprintf(text, size, "%.200s:%" PRIu32, frame->shown, frame->line);
  } else if (frame->function != NULL) {
    snprintf(text, size, "%.200s", frame->function);
  } else {
    snprintf(text, size, "%.200s+0x%" PRIx64,
             frame->module != NULL ? last_component(frame->module) : "unknown",
             frame->offset);
  }
}

static bool frame_repeats(const struct fpost_frame *a,
                          const struct fpost_frame *b) {
  if (a->line != b->line) {
    return false;
  }
  return a->file == NULL || b->file == NULL || a->line == 0
             ? a->offset == b->offset && a->file == b->file
             : strcmp(a->file, b->file) == 0;
}

/* Where a place parts from another, seen from the outermost caller: null if
   it does not, or does so where it ends. */
static const struct fpost_frame *caller_apart(const struct fpost_place *place,
                                              const struct fpost_place *other) {
  uint32_t least = place->count < other->count ? place->count : other->count;
  for (uint32_t i = 1; i <= least; i++) {
    const struct fpost_frame *frame = &place->frames[place->count - i];
    if (!frame_repeats(frame, &other->frames[other->count - i])) {
      return frame != fpost_place_frame(place) ? frame : NULL;
    }
  }
  return NULL;
}

/* A place of a line that says what to do. If the other place of that line
   reads the same, by which call of it. */
static void where_format(const struct fpost_access *access,
                         const struct fpost_access *other, char *text,
                         size_t size) {
  const struct fpost_frame *frame = fpost_place_frame(&access->place);
  const struct fpost_frame *second = fpost_place_frame(&other->place);
  frame_format(frame, text, size);
  if (frame == NULL || second == NULL || !frame_repeats(frame, second)) {
    return;
  }
  frame = caller_apart(&access->place, &other->place);
  if (frame != NULL) {
    size_t at = strlen(text);
    snprintf(text + at, size - at, " (called from ");
    at += strlen(text + at);
    frame_format(frame, text + at, size - at);
    at += strlen(text + at);
    snprintf(text + at, size - at, ")");
  }
}

/* How a class reads: what its second place is, and what lies between the two.
 */
struct wording {
  const char *store;       /* label of `store`; null: "store" */
  const char *missing;     /* label of `missing`; null: not printed */
  const char *preposition; /* of its address */
  const char *between;     /* line between the two; null: none */
  const char *after;       /* line after both; null: none */
  /* %1 place of store, %2 place of missing, %3 see others_format; null: none */
  const char *fix;
  bool missing_first;
  bool reads; /* the second place is `read` */
};

/* Are they by the same lines, all the way up? Then nothing fits between. */
static bool place_repeats(const struct fpost_place *a,
                          const struct fpost_place *b) {
  bool same = a->count == b->count && a->count != 0;
  for (uint32_t i = 0; i < a->count && same; i++) {
    same = frame_repeats(&a->frames[i], &b->frames[i]);
  }
  return same;
}

/* What orders the two stores of a finding. */
static const char *fix_between(const struct fpost_report_finding *finding) {
  if (place_repeats(&finding->store.place, &finding->missing.place)) {
    return "persist all that %1 stores first, then, behind a fence, a commit "
           "word that recovery looks at; or store a checksum that recovery "
           "verifies (fencepost_validated)";
  }
  return finding->missing_what != NULL &&
                 strcmp(finding->missing_what, "fence") == 0
             ? "fence after the flush of %1, before %2"
             : "flush %1, then fence, before %2";
}

/* Without a lost store, recovery fails on what every crash there leaves. */
static struct wording
wording_of_failure(const struct fpost_report_finding *finding) {
  bool fence = finding->missing_what != NULL &&
               strcmp(finding->missing_what, "fence") == 0;
  if (!finding->store.present && !finding->missing.present) {
    return (struct wording){
        .after =
            "the run has ended and every store has persisted: recovery "
            "fails without a crash, too"};
  }
  if (!finding->store.present) {
    return (struct wording){
        .missing = "power cut",
        .preposition = "at",
        .after =
            "every store before it has persisted: no flush or fence helps"};
  }
  if (finding->missing_what == NULL) {
    return (struct wording){
        .after =
            "is lost, and so is all that was stored after it: no flush "
            "or fence helps"};
  }
  if (!finding->missing.present) {
    return (struct wording){.after = "is lost",
                            .fix = fence ? "fence after the flush of %1"
                                         : "flush %1, then fence"};
  }
  return (struct wording){
      .missing = "store",
      .preposition = "to",
      .between = place_repeats(&finding->store.place, &finding->missing.place)
                     ? "is lost, and this one, by the same line, has persisted"
                     : "is lost, and this one, which came later, has persisted",
      .fix = fix_between(finding)};
}

/* After a crash. */
static struct wording
wording_of_dangling(const struct fpost_report_finding *finding) {
  bool freed = finding->missing.present;
  return (struct wording){
      .store = "pointer",
      .missing = "free",
      .preposition = "of",
      .between = "is left by a crash, and what it goes to was freed by",
      .after = freed ? NULL
                     : "is left by a crash, and what it goes to is not "
                       "allocated",
      .fix = freed ? "make the pointer null, durably, before %2, or both in a "
                     "transaction"
                   : "store the pointer at %1 when the object is allocated "
                     "durably, or both in a transaction"};
}

/* Transactions, pointers and objects. */
static struct wording
wording_of_heap(const struct fpost_report_finding *finding) {
  switch (finding->class_) {
  case FPOST_CLASS_UNLOGGED_STORE:
    return (struct wording){.missing = "transaction begun",
                            .between = "is neither logged nor allocated in the",
                            .fix =
                                "add the range to the transaction before %1"};
  case FPOST_CLASS_DUPLICATE_LOG:
    return (struct wording){.store = "log",
                            .missing = "log",
                            .preposition = "of",
                            .between =
                                "is needless; the range is covered since",
                            .fix = "remove the one at %2%3",
                            .missing_first = true};
  case FPOST_CLASS_VOLATILE_POINTER:
    return (struct wording){
        .after = "holds an address that means nothing after a restart",
        .fix =
            "store an offset or an identifier at %1, or declare the field "
            "with fencepost_volatile_ok"};
  case FPOST_CLASS_FOREIGN_POINTER:
    return (struct wording){
        .after =
            "points into a pool that need not be there, or not at that "
            "address, when this one is opened"};
  case FPOST_CLASS_DANGLING_POINTER:
    if (finding->crash.state != NULL) {
      return wording_of_dangling(finding);
    }
    return (struct wording){.missing = "free",
                            .between = "concerns an object that was freed by"};
  default:
    if (finding->crash.state != NULL) {
      return (struct wording){
          .missing = "object",
          .preposition = "at",
          .after = "is allocated, and nothing points to it, if power is cut",
          .fix =
              "allocate at %2 into the field that is to point to the object, "
              "or in a transaction"};
    }
    return (struct wording){
        .missing = "object",
        .preposition = "at",
        .after = "is allocated there, and nothing in the pool points to it",
        .fix = "link the object, or free it"};
  }
}

static struct wording
wording_of_races(const struct fpost_report_finding *finding) {
  bool reads = finding->read.present;
  struct wording wording = {.missing = reads ? "read" : "store",
                            .preposition = reads ? "of" : "to",
                            .reads = reads};
  switch (finding->class_) {
  case FPOST_CLASS_ISOLATION:
    wording.between = "is not committed when another thread reads it";
    wording.fix = "keep %2 out by a lock until the transaction of %1 has ended";
    break;
  case FPOST_CLASS_UNPERSISTED_READ:
    wording.between =
        "is not guaranteed when another thread, which has read "
        "it, makes durable what it stored after that";
    wording.fix =
        "flush and fence %1 before others can read it, or at %2 "
        "before anything is stored that depends on it";
    break;
  default:
    wording.between = "races with, in another thread";
    wording.fix = "hold one lock at %1 and at %2, or make both atomic";
    break;
  }
  return wording;
}

static struct wording
wording_of_redundant(const struct fpost_report_finding *finding) {
  if (finding->class_ == FPOST_CLASS_REDUNDANT_FLUSH) {
    return (struct wording){.missing = "flush",
                            .preposition = "of",
                            .between =
                                "has nothing to flush; the line was last "
                                "stored to by",
                            .fix = "remove the flush at %2%3",
                            .missing_first = true};
  }
  return (struct wording){.missing = "fence",
                          .preposition = "at",
                          .after = "completes no flush of its thread",
                          .fix = "remove the fence at %2%3",
                          .missing_first = true};
}

static struct wording
wording_of_unbalanced(const struct fpost_report_finding *finding) {
  const char *not_begun = fpost_detail_infos[FPOST_DETAIL_OP_NOT_BEGUN].text;
  struct wording wording = {.store = "begin",
                            .missing = "the next begin",
                            .preposition = "at",
                            .fix = "end each operation that is begun, once"};
  if (finding->message != NULL && strcmp(finding->message, not_begun) == 0) {
    wording.store = "end";
    wording.missing = "the last end";
  }
  return wording;
}

static struct wording wording_of(const struct fpost_report_finding *finding) {
  if (finding->class_ >= FPOST_CLASS_UNLOGGED_STORE &&
      finding->class_ <= FPOST_CLASS_LEAK) {
    return wording_of_heap(finding);
  }
  switch (finding->class_) {
  case FPOST_CLASS_MISSING_FLUSH:
    return (struct wording){.after =
                                "is never flushed before the end of the run",
                            .fix = "flush %1 after the store, then fence"};
  case FPOST_CLASS_MISSING_FENCE:
    return (struct wording){.missing = "flushed",
                            .preposition = "at",
                            .after = "no fence of that thread completes it",
                            .fix = finding->missing.present ? "fence after %2"
                                                            : "fence after %1"};
  case FPOST_CLASS_OVERWRITTEN:
    return (struct wording){.missing = "store",
                            .preposition = "to",
                            .between =
                                "is overwritten before it was guaranteed, by",
                            .fix =
                                "flush %1 and fence before %2, or leave out "
                                "the first store"};
  case FPOST_CLASS_REDUNDANT_FLUSH:
  case FPOST_CLASS_REDUNDANT_FENCE:
    return wording_of_redundant(finding);
  case FPOST_CLASS_NOT_ROBUST:
    return (struct wording){.missing = "store",
                            .preposition = "to",
                            .between = "is not guaranteed before",
                            .fix = fix_between(finding)};
  case FPOST_CLASS_PERSISTENCY_RACE:
    return (struct wording){
        .after = "may be half-persisted: the store is not atomic",
        .fix =
            "store at %1 atomically, or declare the range with "
            "fencepost_validated"};
  case FPOST_CLASS_PM_DATA_RACE:
  case FPOST_CLASS_ISOLATION:
  case FPOST_CLASS_UNPERSISTED_READ:
    return wording_of_races(finding);
  case FPOST_CLASS_RECOVERY_FAILURE:
  case FPOST_CLASS_NOT_FAILURE_ATOMIC:
  case FPOST_CLASS_LOST_OPERATION:
    return wording_of_failure(finding);
  case FPOST_CLASS_CHECKSUM_COLLISION:
    return (struct wording){.missing = "power cut", .preposition = "at"};
  case FPOST_CLASS_UNBALANCED:
    return wording_of_unbalanced(finding);
  default:
    return (struct wording){.missing = "store", .preposition = "to"};
  }
}

static const struct fpost_access *
second_of(const struct fpost_report_finding *finding,
          const struct wording *wording) {
  return wording->reads ? &finding->read : &finding->missing;
}

/* What is needless on one path may be needed on another, where its function has
   been called from elsewhere. */
static void others_format(const struct fpost_access *access, char *text,
                          size_t size) {
  const struct fpost_place *place = &access->place;
  const struct fpost_frame *frame = fpost_place_frame(place);
  text[0] = '\0';
  if (frame != NULL && frame->function != NULL &&
      frame + 1 < place->frames + place->count &&
      strcmp(frame->function, "main") != 0) {
    snprintf(text, size, ", if no other call of %.200s needs it",
             frame->function);
  }
}

/* The fix with its places, cut off where text ends. */
static void fix_format(const struct fpost_report *report,
                       const struct wording *wording,
                       const struct fpost_report_finding *finding, char *text,
                       size_t size) {
  char *better = fpost_party_fix(report, finding);
  const char *fix = better != NULL ? better : wording->fix;
  size_t at = 0;
  for (; *fix != '\0' && at + 1 < size; fix++) {
    if (fix[0] == '%' && (fix[1] == '1' || fix[1] == '2')) {
      fix++;
      const struct fpost_access *second = second_of(finding, wording);
      bool first = *fix == '1';
      where_format(first ? &finding->store : second,
                   first ? second : &finding->store, text + at, size - at);
      at += strlen(text + at);
    } else if (fix[0] == '%' && fix[1] == '3') {
      fix++;
      others_format(second_of(finding, wording), text + at, size - at);
      at += strlen(text + at);
    } else {
      text[at++] = *fix;
    }
  }
  text[at] = '\0';
  free(better);
}

static void fix_print(const struct fpost_report *report, FILE *out,
                      const struct wording *wording,
                      const struct fpost_report_finding *finding) {
  char text[FIX_SIZE];
  fix_format(report, wording, finding, text, sizeof text);
  fprintf(out, "  fix: %s\n", text);
}

struct fpost_steps
fpost_finding_steps(struct fpost_report *report,
                    const struct fpost_report_finding *finding) {
  struct wording wording = wording_of(finding);
  char text[FIX_SIZE];
  struct fpost_steps steps = {.store = wording.store != NULL ? wording.store
                                                             : "store",
                              .missing = wording.missing,
                              .between = wording.between,
                              .after = wording.after,
                              .missing_first = wording.missing_first,
                              .reads = wording.reads};
  if (wording.fix != NULL) {
    fix_format(report, &wording, finding, text, sizeof text);
    steps.fix = fpost_report_text(report, text);
  }
  return steps;
}

static void accesses_print(const struct fpost_report *report, FILE *out,
                           const struct fpost_report_finding *finding,
                           const struct wording *wording) {
  char store[LABEL_SIZE] = "";
  char missing[LABEL_SIZE] = "";
  const struct fpost_access *second = second_of(finding, wording);
  bool has_store = finding->store.present;
  bool has_missing = wording->missing != NULL && second->present;
  if (has_store) {
    label_format(report, wording->store != NULL ? wording->store : "store",
                 "to", &finding->store, store);
  }
  if (has_missing) {
    label_format(report, wording->missing, wording->preposition, second,
                 missing);
  }
  size_t width = strlen(store);
  width = strlen(missing) > width ? strlen(missing) : width;
  if (has_missing && wording->missing_first) {
    access_print(report, out, missing, (int)width, second);
    if (!has_store && wording->between != NULL) {
      fputs("  has nothing to flush\n", out);
    }
  }
  if (has_store) {
    if (wording->missing_first && wording->between != NULL) {
      fprintf(out, "  %s\n", wording->between);
    }
    access_print(report, out, store, (int)width, &finding->store);
  }
  if (has_missing && !wording->missing_first) {
    if (wording->between != NULL) {
      fprintf(out, "  %s\n", wording->between);
    }
    access_print(report, out, missing, (int)width, second);
  }
}

static bool access_same(const struct fpost_access *a,
                        const struct fpost_access *b) {
  const struct fpost_frame *one = fpost_place_frame(&a->place);
  const struct fpost_frame *two = fpost_place_frame(&b->place);
  bool same_line = one == NULL || two == NULL || one->line == two->line;
  return a->present && b->present && a->offset == b->offset &&
         a->size == b->size && a->place.count == b->place.count && same_line &&
         a->pool != NULL && b->pool != NULL && strcmp(a->pool, b->pool) == 0;
}

/* Stores of a crash state, without the two that the finding names anyway. */
static void stores_print(const struct fpost_report *report, FILE *out,
                         const char *what,
                         const struct fpost_report_finding *finding,
                         const struct fpost_access *stores, uint32_t count) {
  char label[LABEL_SIZE];
  uint32_t shown = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (access_same(&stores[i], &finding->store) ||
        access_same(&stores[i], &finding->missing)) {
      continue;
    }
    if (shown == STORES_SHOWN) {
      fprintf(out, "  %s: %" PRIu32 " more\n", what, count - i);
      return;
    }
    label_format(report, "store", "to", &stores[i], label);
    fprintf(out, "  %s: %s   ", what, label);
    fpost_place_print(out, &stores[i].place);
    fputc('\n', out);
    shown++;
  }
}

static void crash_print(const struct fpost_report *report, FILE *out,
                        const struct fpost_report_finding *finding) {
  const struct fpost_crash_view *crash = &finding->crash;
  stores_print(report, out, "persisted", finding, crash->persisted,
               crash->persisted_count);
  stores_print(report, out, "lost", finding, crash->lost, crash->lost_count);
  if (crash->outcome != NULL) {
    fprintf(out, "  %s", crash->outcome);
    if (crash->stack.count != 0) {
      fputs("    ", out);
      fpost_place_print(out, &crash->stack);
    }
    fputc('\n', out);
    callers_print(out, &crash->stack);
  }
  for (const char *line = crash->output; line != NULL && *line != '\0';) {
    int size = (int)strcspn(line, "\n");
    fprintf(out, "    | %.*s\n", size, line);
    line += size;
    line += *line == '\n';
  }
}

static void also_print(FILE *out, const struct fpost_report_finding *finding) {
  const char *before = "  also: ";
  for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
    if (finding->also[i] != 0) {
      fprintf(out, "%s%s", before, fpost_class_infos[i].name);
      if (finding->also[i] > 1) {
        fprintf(out, " %" PRIu64 " times", finding->also[i]);
      }
      before = ", ";
    }
  }
  if (*before == ',') {
    fputc('\n', out);
  }
}

void fpost_finding_print(const struct fpost_report *report, FILE *out,
                         const struct fpost_report_finding *finding) {
  struct wording wording = wording_of(finding);
  bool collision = finding->class_ == FPOST_CLASS_CHECKSUM_COLLISION;
  if (finding->message != NULL && (finding->crash.state == NULL || collision) &&
      strcmp(finding->message, fpost_class_infos[finding->class_].text) != 0) {
    fputs("  ", out);
    fpost_text_put(out, finding->message, strlen(finding->message),
                   FPOST_TEXT_LINE);
    fputc('\n', out);
  }
  if (finding->operation != NULL) {
    fputs("  in operation ", out);
    fpost_text_put(out, finding->operation, strlen(finding->operation),
                   FPOST_TEXT_LINE);
    fputc('\n', out);
  }
  accesses_print(report, out, finding, &wording);
  if (wording.after != NULL) {
    fprintf(out, "  %s\n", wording.after);
  }
  if (finding->read.present && !wording.reads) {
    fputs(finding->class_ == FPOST_CLASS_NOT_ROBUST
              ? "  recovery read the second without the first    "
          : collision ? "  the checksum is compared    "
                      : "  recovery read it    ",
          out);
    fpost_place_print(out, &finding->read.place);
    fputc('\n', out);
    callers_print(out, &finding->read.place);
  }
  crash_print(report, out, finding);
  fpost_report_states(out, finding);
  if (finding->count > 1) {
    fprintf(out, "  found %" PRIu64 " times\n", finding->count);
  }
  also_print(out, finding);
  if (wording.fix != NULL) {
    fix_print(report, out, &wording, finding);
  }
  if (finding->crash.replay != NULL) {
    fprintf(out, "  see it: %s\n", finding->crash.replay);
  }
}

static void finding_print(const struct fpost_report *report, FILE *out,
                          const struct fpost_report_finding *finding) {
  static const char *const severities[] = {"NOTE", "PERFORMANCE", "WARNING",
                                           "ERROR"};
  fprintf(out, "==%" PRIu32 "==%s: fencepost: %s\n",
          finding->process != 0 ? finding->process : (uint32_t)getpid(),
          severities[finding->severity],
          fpost_class_infos[finding->class_].name);
  fpost_finding_print(report, out, finding);
}

static void coverage_print(const struct fpost_coverage *coverage, FILE *out) {
  fprintf(out, "; %" PRIu64 " crash point%s, %" PRIu64 " run%s",
          coverage->crash_points, coverage->crash_points == 1 ? "" : "s",
          coverage->runs, coverage->runs == 1 ? "" : "s");
  if (coverage->complete) {
    fprintf(out, " cover%s all of 2^%.0f images",
            coverage->runs == 1 ? "s" : "", coverage->images_log2);
  } else {
    fprintf(out, "; not all of 2^%.0f images: %s", coverage->images_log2,
            coverage->left_out != NULL ? coverage->left_out : "not finished");
  }
}

static void summary_print(const struct fpost_report *report, FILE *out) {
  uint32_t counts[FPOST_SEVERITY_COUNT] = {0};
  for (uint32_t i = 0; i < report->findings_count; i++) {
    counts[report->findings[i].severity]++;
  }
  fprintf(out, "SUMMARY: fencepost: %" PRIu32 " error%s, %" PRIu32 " warning%s",
          counts[FPOST_SEVERITY_ERROR],
          counts[FPOST_SEVERITY_ERROR] == 1 ? "" : "s",
          counts[FPOST_SEVERITY_WARNING],
          counts[FPOST_SEVERITY_WARNING] == 1 ? "" : "s");
  if (counts[FPOST_SEVERITY_PERFORMANCE] != 0) {
    fprintf(out, ", %" PRIu32 " performance",
            counts[FPOST_SEVERITY_PERFORMANCE]);
  }
  if (counts[FPOST_SEVERITY_NOTE] != 0) {
    fprintf(out, ", %" PRIu32 " note%s", counts[FPOST_SEVERITY_NOTE],
            counts[FPOST_SEVERITY_NOTE] == 1 ? "" : "s");
  }
  if (report->suppressed != 0) {
    fprintf(out, ", %" PRIu64 " suppressed", report->suppressed);
  }
  if (report->baseline.path != NULL) {
    fprintf(out, ", %" PRIu32 " known to the baseline", report->baseline.known);
  }
  if (report->coverage.present) {
    coverage_print(&report->coverage, out);
  }
  fputc('\n', out);
}

static void notes_print(struct fpost_report *report, FILE *out) {
  for (uint32_t i = 0; i < report->notes_count; i++) {
    fprintf(out, "note: %s\n", report->notes[i]);
  }
  const char *hint = NULL;
  for (uint32_t i = 0; (hint = fpost_symbols_hint(report->symbols, i)) != NULL;
       i++) {
    fprintf(out, "note: %s\n", hint);
  }
  if (report->seeded) {
    fprintf(out, "note: seed %" PRIu64 "\n", report->seed);
  }
}

static void status_print(const struct fpost_report *report, FILE *out) {
  if (!report->exited) {
    return;
  }
  if (WIFSIGNALED(report->status)) {
    fprintf(out, "note: the program was killed by signal %d (%s)\n",
            WTERMSIG(report->status), strsignal(WTERMSIG(report->status)));
  } else if (WEXITSTATUS(report->status) != 0) {
    fprintf(out, "note: the program exited with %d\n",
            WEXITSTATUS(report->status));
  }
}

bool fpost_report_print(struct fpost_report *report, FILE *out) {
  char *text = NULL;
  size_t size = 0;
  FILE *lines = open_memstream(&text, &size);
  if (lines == NULL) {
    fpost_memory_exhausted();
  }
  for (uint32_t i = 0; i < report->findings_count; i++) {
    finding_print(report, lines, &report->findings[i]);
  }
  notes_print(report, lines);
  status_print(report, lines);
  summary_print(report, lines);
  if (fclose(lines) != 0) {
    fpost_memory_exhausted();
  }
  /* Names and outputs are the program's: they may hold anything. */
  fpost_text_put(out, text, size, FPOST_TEXT_LINES);
  free(text);
  return true;
}
