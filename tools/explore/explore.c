/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/explore.h"

#include "rt/base/assert.h"
#include "tools/explore/apply.h"
#include "tools/explore/build.h"
#include "tools/explore/describe.h"
#include "tools/explore/orders.h"
#include "tools/explore/overlap.h"
#include "tools/explore/prepare.h"
#include "tools/explore/report.h"

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

bool explore_input_check(const char *command, const char *path,
                         const char *expected) {
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
    fpost_error("%s: '%s' cannot be read: %s; expected %s", command, path, what,
                expected);
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
