/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/explore.h"

#include "rt/base/assert.h"
#include "tools/explore/apply.h"
#include "tools/explore/build.h"
#include "tools/explore/describe.h"
#include "tools/explore/orders.h"
#include "tools/explore/overlap.h"
#include "tools/explore/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOBS_MAX 1024u

bool explore_cli_check(const char *command, struct explore_cli *cli) {
  if (cli->recover == NULL && cli->checker != NULL) {
    cli->recover = cli->checker;
    cli->checker = NULL;
  }
  if (cli->recover == NULL) {
    fpost_error("%s: which program recovers? give --recover 'COMMAND'",
                command);
    return false;
  }
  if (cli->depth == 0 || cli->depth > 2) {
    fpost_error("%s: --depth %u: expected 1, or 2 to crash recovery as well",
                command, cli->depth);
    return false;
  }
  if (cli->jobs == 0 || cli->jobs > JOBS_MAX) {
    fpost_error("%s: -j %u: the number of processes is from 1 to %u", command,
                cli->jobs, JOBS_MAX);
    return false;
  }
  return true;
}

static bool checker_startable(const char *command, const char *checker) {
  struct explore_checker probe;
  char error[512];
  int err = explore_checker_init(&probe, checker, error);
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, error);
    return false;
  }
  explore_checker_free(&probe);
  return true;
}

bool explore_cli_startable(const char *command, const struct explore_cli *cli,
                           bool *foreign) {
  struct explore_target target;
  if (cli->checker != NULL && !checker_startable(command, cli->checker)) {
    return false;
  }
  int err = explore_target_init(&target, cli->recover);
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, target.error);
    return false;
  }
  bool good = !target.foreign || cli->depth == 1;
  if (!good) {
    fpost_error(
        "%s: --depth 2: '%s' has no hooks, so that what it stores is not seen: "
        "build it with fencepost-clang, or leave --depth out",
        command, target.program);
  }
  *foreign = target.foreign;
  explore_target_free(&target);
  return good &&
         (cli->apply == NULL || explore_apply_startable(command, cli->apply));
}

char *explore_db_path(const char *trace) {
  size_t size = strlen(trace);
  if (size > 4 && strcmp(trace + size - 4, ".fpt") == 0) {
    size -= 4;
  }
  char *path = malloc(size + 6);
  FPOST_ASSERT(path != NULL);
  memcpy(path, trace, size);
  memcpy(path + size, ".fpdb", 6);
  return path;
}

bool explore_input_check(const char *command, const char *path) {
  struct stat file;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool there = fd >= 0 && fstat(fd, &file) == 0;
  const char *what = !there                  ? strerror(errno)
                     : S_ISDIR(file.st_mode) ? "it is a directory"
                     : S_ISREG(file.st_mode) && file.st_size == 0
                         ? "it is empty"
                         : NULL;
  if (fd >= 0) {
    (void)close(fd);
  }
  if (what != NULL) {
    fpost_error(
        "%s: '%s' cannot be read: %s; expected a trace, or the database "
        "of an exploration",
        command, path, what);
  }
  return what == NULL;
}

bool explore_db_is(const char *path) {
  char head[16] = "";
  FILE *file = fopen(path, "re");
  size_t got = file == NULL ? 0 : fread(head, 1, sizeof head, file);
  if (file != NULL) {
    (void)fclose(file);
  }
  return got == sizeof head &&
         memcmp(head, "SQLite format 3", sizeof head) == 0;
}

/* ---- the report ---- */

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

/* ---- exploring ---- */

static struct explore_shared *share(void) {
  uint64_t size = sizeof(struct explore_shared) + EXPLORE_POINTS_MAX;
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* What is known of the stores of code without hooks. */
static int set_stores(struct explore_db *db, const struct explore_info *info) {
  char text[24];
  int err = FPOST_OK;
  if (info->stores_found != 0) {
    snprintf(text, sizeof text, "%" PRIu64, info->stores_found);
    err = explore_db_set(db, "stores_found", text);
  }
  if (err == FPOST_OK && info->unseen != 0) {
    snprintf(text, sizeof text, "%" PRIu64, info->unseen);
    err = explore_db_set(db, "unseen", text);
  }
  if (err == FPOST_OK && info->compared) {
    err = explore_db_set(db, "compared", "1");
  }
  return err;
}

/* After the workers: why it is not complete, and whether a pool was touched.
   What recording noted is always something that the trace lacks. */
static int conclude(const char *command, const struct explore_config *config,
                    const struct explore_info *info,
                    const struct explore_shared *shared) {
  struct explore_db db;
  char text[512] = "";
  int err = explore_db_open(&db, config->db, false);
  if (err != FPOST_OK) {
    fpost_error("%s: %s", command, db.error);
    return err;
  }
  if (shared->unfinished != 0) {
    snprintf(text, sizeof text, "ended by --states or --time");
  } else if (config->strategy == EXPLORE_SAMPLE) {
    snprintf(text, sizeof text, "a random sample");
  } else if (config->shard.count > 1) {
    snprintf(text, sizeof text, "only part %u of %u", config->shard.index,
             config->shard.count);
  } else if (info->note_count != 0) {
    snprintf(text, sizeof text, "%s", info->notes[0]);
  } else if (info->stores == 0) {
    snprintf(text, sizeof text,
             "no store to PM was seen: code that stores there without a known "
             "flush must be built with fencepost-clang");
  }
  err = explore_db_set(&db, "left_out", text);
  if (err == FPOST_OK && shared->points_all != 0) {
    char all[24];
    snprintf(all, sizeof all, "%" PRIu64, shared->points_all);
    err = explore_db_set(&db, "crash_points", all);
  }
  if (err == FPOST_OK && shared->touched != 0) {
    err = explore_db_set(&db, "touched", "1");
  }
  if (err == FPOST_OK && info->operations.count != 0 &&
      info->operations.references == NULL) {
    snprintf(text, sizeof text, "%u", info->operations.count);
    err = explore_db_set(&db, "unobserved", text);
  }
  if (err == FPOST_OK && info->uncalled != NULL) {
    err = explore_db_set(&db, "uncalled", info->uncalled);
  }
  const char *created = explore_info_created(info);
  if (err == FPOST_OK && created != NULL) {
    err = explore_db_set(&db, "created", created);
  }
  if (err == FPOST_OK) {
    err = set_stores(&db, info);
  }
  if (err == FPOST_OK && shared->checked != 0) {
    err = explore_db_set(&db, "checked", "1");
  }
  char *touched = explore_db_get(&db, "touched");
  char *checked = explore_db_get(&db, "checked");
  if (err == FPOST_OK && touched == NULL && shared->runs != 0) {
    fpost_error("%s: nothing was verified: '%s' ran %" PRIu64
                " times and never read a pool of the trace; it must open the "
                "same path as the program did",
                command, config->recover, shared->runs);
    err = FPOST_EINVAL;
  } else if (err == FPOST_OK && config->checker != NULL && checked == NULL &&
             shared->checks != 0) {
    fpost_error(
        "%s: nothing was checked: the checker '%s' never read a pool "
        "of the trace; it must open the same path as the program did",
        command, config->checker);
    err = FPOST_EINVAL;
  }
  free(checked);
  free(touched);
  explore_db_close(&db);
  return err;
}

/* What to look for in heaps. A run with no object leaves nothing to find. */
static uint32_t heap_mode(const struct explore_cli *cli,
                          const struct explore_info *info, uint32_t enabled) {
  uint32_t classes = UINT32_C(1) << FPOST_CLASS_LEAK |
                     UINT32_C(1) << FPOST_CLASS_DANGLING_POINTER;
  if ((enabled & classes) == 0 || info->heap.count == 0) {
    return FPOST_PLAN_HEAP_OFF;
  }
  return cli->check_heap ? FPOST_PLAN_HEAP_READ : FPOST_PLAN_HEAP_BASE;
}

static struct explore_config config_of(const char *trace, const char *db,
                                       const struct explore_cli *cli,
                                       const struct explore_info *info,
                                       const char *observe, uint32_t enabled) {
  return (struct explore_config){
      .trace = trace,
      .db = db,
      .recover = cli->recover,
      .checker = cli->checker,
      .options = {.mode = {.domain = info->domain, .torn = cli->lines == 1},
                  .at = (enum explore_at)cli->at},
      .strategy = (enum explore_strategy)cli->strategy,
      .states = cli->states,
      .time_ms = cli->time_ms,
      .timeout_ms = cli->timeout_ms,
      .fork_runs = cli->fork_runs,
      .depth = cli->depth,
      .jobs = cli->jobs,
      .shard = cli->shard,
      .resume = cli->resume,
      .replace = cli->replace,
      .seed = cli->seed,
      .heap = heap_mode(cli, info, enabled),
      .observe = observe,
      .apply = cli->apply};
}

static int explore_info_of(const char *command, const char *trace,
                           struct explore_info *info) {
  struct fpost_reader reader;
  int err = fpost_reader_open(&reader, trace);
  if (err == FPOST_OK) {
    err = explore_info_read(info, &reader);
    if (err != FPOST_OK) {
      fpost_error("%s: %s", command, reader.error);
    } else if (info->sizes.count == 0) {
      fpost_error(
          "%s: '%s' has no pool: the program mapped no PM, so there is "
          "nothing to explore; --pool says which mapped files are PM",
          command, trace);
      explore_info_free(info);
      err = FPOST_EINVAL;
    }
    fpost_reader_close(&reader);
  } else {
    fpost_error("%s: %s", command, reader.error);
  }
  return err;
}

/* ---- the user's files ---- */

/* Zero: there is no such file. */
static struct stat file_state(const char *path) {
  struct stat state;
  if (path == NULL || stat(path, &state) != 0) {
    state = (struct stat){.st_ino = 0};
  }
  return state;
}

static void files_take(const struct explore_info *info, struct stat *states) {
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    states[i] = file_state(info->pool_paths[i]);
  }
}

/* What recovery does to the pools is kept from them, save for system calls that
   it makes past the C library. Says which file has changed, if one has. */
static int files_check(const char *command, const struct explore_config *config,
                       const struct explore_info *info,
                       const struct stat *states) {
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    struct stat now = file_state(info->pool_paths[i]);
    if (now.st_dev != states[i].st_dev || now.st_ino != states[i].st_ino ||
        now.st_size != states[i].st_size ||
        now.st_mtim.tv_sec != states[i].st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != states[i].st_mtim.tv_nsec) {
      fpost_error(
          "%s: '%s' was changed during the exploration: by another "
          "program, or by '%s', past the C library; look after the "
          "file, and let recovery open the pool by open or fopen",
          command, info->pool_paths[i], config->recover);
      return FPOST_EINVAL;
    }
  }
  return FPOST_OK;
}

/* What is to be judged, and by what: the observer as the workers need it. */
static bool operations_begin(const char *command, const struct explore_cli *cli,
                             struct explore_info *info,
                             char observe[PATH_MAX]) {
  for (uint32_t i = 0; i < cli->buffered.count; i++) {
    explore_operations_buffered(&info->operations, cli->buffered.items[i]);
  }
  if (cli->observe == NULL) {
    return true;
  }
  if (info->operations.count == 0) {
    fpost_error(
        "%s: --observe %s: the trace has no operations that could be judged: "
        "mark them by fencepost_op_begin and fencepost_op_end, or record with "
        "--op GLOB",
        command, cli->observe);
    return false;
  }
  char here[PATH_MAX] = "";
  bool plain = strcmp(cli->observe, "stdout") == 0 || cli->observe[0] == '/';
  int size = plain || getcwd(here, sizeof here) == NULL
                 ? snprintf(observe, PATH_MAX, "%s", cli->observe)
                 : snprintf(observe, PATH_MAX, "%s/%s", here, cli->observe);
  if (size <= 0 || size >= PATH_MAX) {
    fpost_error("%s: --observe: the path is too long", command);
    return false;
  }
  return true;
}

/*
 * Where crash states are files, what recovery says goes to a file mounted over
 * that of --observe, so one must be there. Returns whether it was made.
 */
static bool observe_make(const struct explore_config *config) {
  bool is_file =
      config->observe != NULL && strcmp(config->observe, "stdout") != 0;
  bool files = config->foreign || config->checker != NULL || config->depth > 1;
  int fd =
      is_file && files
          ? open(config->observe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
          : -1;
  if (fd >= 0) {
    (void)close(fd);
  }
  return fd >= 0;
}

/* Operations that overlap are judged by their orders from here on. */
static int orders_begin(const char *command,
                        const struct explore_config *config,
                        struct explore_info *info,
                        struct explore_shared *shared) {
  if (info->operations.references == NULL) {
    fpost_error(
        "%s: --apply: there is no state that the orders of operations "
        "could explain: mark operations, and let recovery say what it "
        "recovered (--observe, fencepost_observe)",
        command);
    return FPOST_EINVAL;
  }
  info->operations.replayed = true;
  return explore_overlap_validate(config, info, shared);
}

int explore_trace(const char *command, const char *trace,
                  const struct explore_cli *cli, struct fpost_report *report) {
  struct explore_info info;
  bool foreign = false;
  explore_target_environment();
  if (!explore_cli_startable(command, cli, &foreign) ||
      explore_info_of(command, trace, &info) != FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  int err = FPOST_OK;
  const char *changed = explore_build_changed(&info);
  char *db = cli->db != NULL ? strdup(cli->db) : explore_db_path(trace);
  char observe[PATH_MAX] = "";
  if (changed != NULL) {
    fpost_error(
        "%s: '%s' has been built anew since '%s' was recorded, which shows "
        "what the program did before: record again",
        command, changed, trace);
    err = FPOST_EINVAL;
  } else if (!operations_begin(command, cli, &info, observe)) {
    err = FPOST_EINVAL;
  }
  struct explore_config config =
      config_of(trace, db, cli, &info, cli->observe == NULL ? NULL : observe,
                report->enabled);
  config.foreign = foreign;
  bool made = observe_make(&config);
  struct explore_shared *shared = share();
  struct stat states[FPOST_POOLS_MAX];
  files_take(&info, states);
  if (err == FPOST_OK && shared == NULL) {
    fpost_error("%s: no address space", command);
    err = FPOST_ENOMEM;
  }
  if (err == FPOST_OK) {
    err = explore_prepare(command, &config, &info);
  }
  if (err == FPOST_OK && info.operations.count != 0) {
    err = explore_references(&config, &info, shared);
  }
  if (err == FPOST_OK && cli->apply != NULL) {
    err = orders_begin(command, &config, &info, shared);
  }
  if (err == FPOST_OK) {
    err = explore_search(&config, &info, shared);
  }
  if (err == FPOST_OK) {
    err = files_check(command, &config, &info, states);
  }
  if (err == FPOST_OK) {
    err = conclude(command, &config, &info, shared);
  }
  if (err == FPOST_OK) {
    if (report->pools_count == 0) {
      report->pools_count = info.sizes.count;
    }
    report->domain = info.domain;
    err = explore_report(command, db, report);
  }
  if (made) {
    (void)unlink(config.observe);
  }
  if (shared != NULL) {
    (void)munmap(shared, sizeof *shared + EXPLORE_POINTS_MAX);
  }
  explore_info_free(&info);
  free(db);
  return err == FPOST_OK ? FPOST_EXIT_CLEAN : FPOST_EXIT_USAGE;
}
