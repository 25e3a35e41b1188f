/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/report.h"

#include "tools/explore/describe.h"
#include "tools/explore/orders.h"
#include "tools/explore/references.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct adding {
  struct fpost_report *report;
  char *db; /* its path, for a shell */
  int err;
};

/* The path as a word of a shell command; null without memory. */
static char *shell_word(const char *path) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./"
      "+-=:,@%";
  char *word = malloc(4 * strlen(path) + 3);
  if (word == NULL || path[strspn(path, plain)] == '\0') {
    return word == NULL ? NULL : memcpy(word, path, strlen(path) + 1);
  }
  char *at = word;
  *at++ = '\'';
  for (; *path != '\0'; path++) {
    if (*path == '\'') {
      memcpy(at, "'\\'", 3);
      at += 3;
    }
    *at++ = *path;
  }
  memcpy(at, "'", 2);
  return word;
}

static void add_finding(void *context, const char *text, uint64_t count) {
  struct adding *adding = context;
  json_t *json = json_loads(text, 0, NULL);
  struct fpost_report_finding finding = {0};
  int err = json == NULL ? FPOST_EINVAL
                         : fpost_finding_parse(adding->report, json, &finding);
  if (err == FPOST_OK) {
    finding.count = count;
    /* Of the database at hand: it may be one that others were merged into. */
    if (finding.crash.state != NULL) {
      finding.crash.replay =
          fpost_report_format(adding->report, "fencepost replay %s %s",
                              adding->db, finding.crash.state);
    }
    fpost_report_add(adding->report, &finding);
  } else {
    adding->err = err;
  }
  json_decref(json);
}

/* Are all crash points of the trace there? Parts may not have been merged, and
   an exploration that was killed does not know how many there are. */
static bool all_there(struct explore_db *db,
                      const struct explore_totals *totals) {
  char *all = explore_db_get(db, "crash_points");
  bool there = all != NULL && totals->points >= strtoull(all, NULL, 10);
  free(all);
  return there;
}

static const char *left_out(struct explore_db *db,
                            const struct explore_totals *totals) {
  static const struct {
    uint32_t flag;
    const char *text;
  } reasons[] = {
      {FPOST_RUN_EXEC,
       "recovery was refused to run another program, which would have seen the "
       "pools themselves"},
      {FPOST_RUN_FORKED, "processes that recovery makes decide one state only"},
      {FPOST_RUN_CHECKSUM,
       "a checksum covers too many undecided words: states in which it "
       "matches by chance were not looked for"},
      {FPOST_RUN_THREADS,
       "recovery has threads; what one without hooks reads while another has "
       "the page open was not considered"},
      {EXPLORE_FLAG_SAMPLED,
       "recovery has no hooks, so that what it reads is not seen: where there "
       "were more than 256 images, a random sample was run"},
      {EXPLORE_FLAG_CHECK_SAMPLED,
       "what the checker reads is not seen: where recovery may leave more than "
       "256 images, it looked at a random sample of them"},
      {EXPLORE_FLAG_ONCE,
       "recovery could not always be recorded and crashed again: it ended "
       "otherwise when recorded, opened other pools, or overwrote too much "
       "that was undecided"},
      {EXPLORE_FLAG_STOPPED,
       "at a crash point 256 runs failed alike, or 4 did not end: what else "
       "recovery may have read there was left out"},
      {EXPLORE_FLAG_STOPPED_GOOD,
       "at a crash point 16384 runs ended well alike, as after a checksum that "
       "does not match: what else recovery may have read there was left out, "
       "save for everything persisted"},
      {EXPLORE_FLAG_UNREPEATED,
       "recovery failed in a way that the same state did not show again"}};
  char *why = explore_db_get(db, "left_out");
  if (why != NULL && *why != '\0') {
    return why; /* lives as long as the process: a report has one */
  }
  free(why);
  if (!all_there(db, totals)) {
    return "crash points are missing: a part was not merged, or the "
           "exploration was ended (--resume goes on)";
  }
  for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
    if ((totals->flags & reasons[i].flag) != 0) {
      return reasons[i].text;
    }
  }
  if (totals->incomplete != 0) {
    return "some crash points were not finished";
  }
  return NULL;
}

/* What the images do not include, however complete the exploration is. */
static void note_found(struct explore_db *db, struct fpost_report *report) {
  char *found = explore_db_get(db, "stores_found");
  char *compared = explore_db_get(db, "compared");
  char *unseen = explore_db_get(db, "unseen");
  if (found != NULL) {
    fpost_report_note(
        report, fpost_report_format(
                    report,
                    "%s stores of code without hooks were found when they were "
                    "flushed%s: images in which they had persisted earlier, by "
                    "themselves, are not among those covered",
                    found, compared == NULL ? "" : ", or at the next fence"));
  }
  if (found != NULL && compared == NULL) {
    fpost_report_note(report,
                      "what such code stores and never flushes was not "
                      "considered: --full-compare finds it");
  } else if (unseen != NULL) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "%s words of PM held what nothing stored that was seen: what code "
            "without hooks stores and never flushes was not considered: "
            "--full-compare finds it",
            unseen));
  }
  free(unseen);
  free(compared);
  free(found);
}

static void note_undecided(const struct explore_totals *totals,
                           struct fpost_report *report) {
  if (totals->undecided != 0) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "at %" PRIu64
            " crash points states of overlapping operations were not judged: "
            "more orders than %u of one stretch would explain them, or "
            "recovery failed on one, or meanwhile the pool was stored to "
            "outside of operations, or it was not there before them",
            totals->undecided, EXPLORE_ORDERS_MAX));
  }
}

/* What was not said of operations, and why. */
static void note_operations(struct explore_db *db,
                            const struct explore_totals *totals,
                            struct fpost_report *report) {
  char *uncalled = explore_db_get(db, "uncalled");
  for (char *at = uncalled; at != NULL && *at != '\0';) {
    size_t size = strcspn(at, "\n");
    fpost_report_note(report,
                      fpost_report_format(report, "%.*s", (int)size, at));
    at += size + (at[size] != '\0');
  }
  free(uncalled);
  char *unobserved = explore_db_get(db, "unobserved");
  if (unobserved != NULL) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "%s operations were not judged: recovery does not say what it "
            "recovered; let it print that and give --observe stdout, or call "
            "fencepost_observe",
            unobserved));
  }
  bool observed = unobserved == NULL;
  free(unobserved);
  char why[128];
  uint32_t unknown = explore_references_unknown(db, why);
  if (unknown != 0 && observed) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "what recovery makes of %u of the states between operations, in "
            "which nothing is lost, is not known: at the first of them, %s; "
            "crashes whose state may be one of these were not judged",
            unknown, why));
  }
  char *apply = explore_db_get(db, "apply");
  if (apply != NULL && totals->overlap != 0) {
    fpost_report_note(
        report,
        fpost_report_format(report,
                            "operations overlapped at %" PRIu64
                            " crash points: reference states of overlapping "
                            "operations: %" PRIu64 " orders replayed%s",
                            totals->overlap, totals->orders,
                            totals->orders + totals->undecided == 0
                                ? ", the boundaries explain all"
                                : ""));
    note_undecided(totals, report);
  } else if (totals->overlap != 0) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "operations overlapped: %" PRIu64
            " crash points judged by observed boundaries only, and at %" PRIu64
            " of them states that no boundary shows were not judged (give "
            "--apply: some order of the operations may explain them)",
            totals->overlap, totals->undecided));
  }
  free(apply);
}

static void note_orphans(uint32_t flags, struct fpost_report *report) {
  if ((flags & FPOST_RUN_ORPHANS) != 0) {
    fpost_report_note(report,
                      "recovery left processes behind, which were killed");
  }
}

/* What recovery left in heaps, where it was not looked at. */
static void note_heap(uint32_t flags, struct fpost_report *report) {
  if ((flags & FPOST_RUN_HEAP_THREADS) != 0) {
    fpost_report_note(report,
                      "where recovery ended with threads under way, leaks and "
                      "dangling pointers were not looked for: join them first, "
                      "or try --check-heap");
  }
  if ((flags & FPOST_RUN_HEAP_SIZE) != 0) {
    fpost_report_note(report,
                      "leaks and dangling pointers after recovery were not all "
                      "looked for: there was no memory for the objects of a "
                      "pool, or too many are known to be left without a crash");
  }
}

/* A failure that may be that of a pool half made. */
static void note_created(struct explore_db *db, struct fpost_report *report) {
  char *created = explore_db_get(db, "created");
  bool fails = false;
  for (uint32_t i = 0; i < report->findings_count; i++) {
    fails = fails || report->findings[i].class_ == FPOST_CLASS_RECOVERY_FAILURE;
  }
  if (created != NULL && fails) {
    fpost_report_note(
        report,
        fpost_report_format(
            report,
            "the run has made %s, and pmemobj_create is not failure-atomic: a "
            "pool that it has left half made cannot be opened; make the pool "
            "before the run, unless that is what is tested",
            created));
  }
  free(created);
}

static void note_second(const struct explore_totals *totals,
                        struct fpost_report *report) {
  if (totals->second != 0) {
    fpost_report_note(report, fpost_report_format(report,
                                                  "%" PRIu64
                                                  " of the crash points are in "
                                                  "recovery (--depth 2); what "
                                                  "its code without hooks "
                                                  "stores is seen when it is "
                                                  "flushed, and not before",
                                                  totals->second));
  }
}

int explore_report(const char *command, const char *path,
                   struct fpost_report *report) {
  struct explore_db db;
  struct explore_totals totals;
  struct adding adding = {.report = report, .db = shell_word(path)};
  int err =
      adding.db == NULL ? FPOST_ENOMEM : explore_db_open(&db, path, false);
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, adding.db == NULL ? "no memory" : db.error);
    free(adding.db);
    return err;
  }
  err = explore_db_findings(&db, add_finding, &adding);
  if (err == FPOST_OK) {
    err = explore_db_totals(&db, &totals);
  }
  if (err != FPOST_OK || adding.err != FPOST_OK) {
    fpost_error("%s: '%s': %s", command, path,
                err != FPOST_OK ? db.error : "a finding cannot be read");
    err = FPOST_EIO;
  } else {
    const char *why = left_out(&db, &totals);
    report->coverage =
        (struct fpost_coverage){.present = true,
                                .crash_points = totals.points + totals.second,
                                .runs = totals.runs,
                                .images_log2 = totals.images_log2,
                                .complete = why == NULL,
                                .left_out = fpost_report_text(report, why)};
    note_found(&db, report);
    note_operations(&db, &totals, report);
    note_created(&db, report);
    note_second(&totals, report);
    note_orphans(totals.flags, report);
    note_heap(totals.flags, report);
    char *seed = explore_db_get(&db, "seed");
    char *strategy = explore_db_get(&db, "strategy");
    report->seeded =
        (totals.flags & (EXPLORE_FLAG_SAMPLED | EXPLORE_FLAG_CHECK_SAMPLED)) !=
            0 ||
        (strategy != NULL && strcmp(strategy, "2") == 0);
    report->seed = seed == NULL ? 0 : strtoull(seed, NULL, 10);
    free(strategy);
    free(seed);
    char *torn = explore_db_get(&db, "torn");
    report->torn = torn != NULL && strcmp(torn, "1") == 0;
    free(torn);
  }
  free(adding.db);
  explore_db_close(&db);
  return err;
}
