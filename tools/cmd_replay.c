/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost replay: recovery on one crash state. */
#include "tools/explore/explore.h"
#include "tools/explore/foreign.h"
#include "tools/explore/materialise.h"
#include "tools/explore/replay.h"
#include "tools/explore/second.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
  const char *recover;
  const char *checker;
  const char *image;
  bool gdb;
  int lines;
};

static const struct fpost_option table[] = {
    {"recover", 0, FPOST_OPTION_TEXT, "COMMAND",
     offsetof(struct options, recover),
     "the recovery program (default: that of the database)"},
    {"checker", 0, FPOST_OPTION_TEXT, "COMMAND",
     offsetof(struct options, checker),
     "what looks at the pools after recovery (default: that of the database)"},
    {"image", 0, FPOST_OPTION_TEXT, "FILE", offsetof(struct options, image),
     "write the pool as the crash left it to FILE (further pools to FILE.1, "
     "...), and run nothing"},
    {"gdb", 0, FPOST_OPTION_FLAG, NULL, offsetof(struct options, gdb),
     "run the recovery program under gdb"},
    {"lines", 0, FPOST_OPTION_CHOICE, "prefix|torn",
     offsetof(struct options, lines),
     "with a TRACE: the mode that the state belongs to (default prefix)"},
    FPOST_OPTION_END};

/* What is replayed: from a database, or from a trace and options. */
struct source {
  char *trace;
  char *recover;
  char *checker; /* null: none */
  struct explore_options options;
  bool heap; /* the state shows a leak or a dangling pointer */
};

static int number_of(struct explore_db *db, const char *name) {
  char *text = explore_db_get(db, name);
  int value = text == NULL ? 0 : text[0] - '0';
  free(text);
  return value;
}

struct looking {
  const char *state;
  bool heap;
};

/* Is it a finding of the heap, and of that state? */
static void look_for(void *context, const char *text, uint64_t count) {
  struct looking *looking = context;
  json_t *json = json_loads(text, 0, NULL);
  const char *class_ = json_string_value(json_object_get(json, "class"));
  const char *state = json_string_value(
      json_object_get(json_object_get(json, "crash"), "state"));
  (void)count;
  if (class_ != NULL && state != NULL && strcmp(state, looking->state) == 0) {
    looking->heap =
        looking->heap ||
        strcmp(class_, fpost_class_infos[FPOST_CLASS_LEAK].name) == 0 ||
        strcmp(class_, fpost_class_infos[FPOST_CLASS_DANGLING_POINTER].name) ==
            0;
  }
  json_decref(json);
}

static int find_source(const char *path, const char *state,
                       const struct options *options, struct source *source) {
  struct explore_db db;
  *source = (struct source){.options.mode.torn = options->lines == 1};
  if (!explore_input_check("replay", path,
                           "a trace, or the database of an exploration")) {
    return FPOST_EIO;
  }
  if (!explore_db_is(path)) {
    source->trace = strdup(path);
    source->recover = options->recover ? strdup(options->recover) : NULL;
    source->checker = options->checker ? strdup(options->checker) : NULL;
    return FPOST_OK;
  }
  int err = explore_db_open(&db, path, false);
  if (err != FPOST_OK) {
    fpost_error("replay: %s", db.error);
    return err;
  }
  source->trace = explore_db_get(&db, "trace");
  source->recover = options->recover != NULL ? strdup(options->recover)
                                             : explore_db_get(&db, "recover");
  source->checker = options->checker != NULL ? strdup(options->checker)
                                             : explore_db_get(&db, "checker");
  if (source->checker != NULL && *source->checker == '\0') {
    free(source->checker);
    source->checker = NULL;
  }
  source->options.mode.torn = number_of(&db, "torn") == 1;
  struct looking looking = {.state = state};
  err = explore_db_findings(&db, look_for, &looking);
  if (err != FPOST_OK) {
    fpost_error("replay: %s", db.error);
  }
  source->heap = looking.heap;
  explore_db_close(&db);
  if (source->trace == NULL) {
    fpost_error("replay: '%s' does not say which trace it is of", path);
    return FPOST_EINVAL;
  }
  return FPOST_OK;
}

static void image_path(const char *file, uint32_t pool, char path[PATH_MAX]) {
  if (pool == 0) {
    snprintf(path, PATH_MAX, "%s", file);
  } else {
    snprintf(path, PATH_MAX, "%s.%u", file, pool);
  }
}

static int write_pool(const struct explore_image *image, uint32_t pool,
                      const char *file) {
  char path[PATH_MAX];
  image_path(file, pool, path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool good = fd >= 0 && explore_material_copy(image, pool, fd);
  if (!good) {
    fpost_error("replay: cannot write '%s': %s", path, strerror(errno));
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return good ? FPOST_OK : FPOST_EIO;
}

/* Is FILE one of the user's pools? They are never overwritten. */
static bool is_pool(const struct explore_info *info, const char *file) {
  struct stat one;
  struct stat two;
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    if (info->pool_paths[i] != NULL && stat(file, &one) == 0 &&
        stat(info->pool_paths[i], &two) == 0 && one.st_dev == two.st_dev &&
        one.st_ino == two.st_ino) {
      return true;
    }
  }
  return false;
}

static int write_images(const struct explore_info *info,
                        const struct explore_image *image, const char *file) {
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    char path[PATH_MAX];
    image_path(file, i, path);
    if (is_pool(info, path)) {
      fpost_error(
          "replay: --image %s: this is the program's own pool, which is "
          "never overwritten; name another file",
          path);
      return FPOST_EXIT_USAGE;
    }
  }
  for (uint32_t i = 0; i < info->sizes.count; i++) {
    if (write_pool(image, i, file) != FPOST_OK) {
      return FPOST_EXIT_USAGE;
    }
  }
  return FPOST_EXIT_CLEAN;
}

/* How a command that was run has ended, as an exit code of ours. */
static int end_of(const char *who, int status) {
  if (WIFSIGNALED(status)) {
    fpost_error("replay: %s died: SIG%s", who, sigabbrev_np(WTERMSIG(status)));
    return FPOST_EXIT_FOUND;
  }
  if (WEXITSTATUS(status) == 127) {
    return FPOST_EXIT_USAGE;
  }
  if (WEXITSTATUS(status) != 0) {
    fpost_error("replay: %s exited with %d", who, WEXITSTATUS(status));
    return FPOST_EXIT_FOUND;
  }
  return FPOST_EXIT_CLEAN;
}

/* Let the checker look at the files that recovery has left. */
static int run_checker(const char *command) {
  struct explore_checker checker;
  char error[512];
  if (explore_checker_init(&checker, command, error) != FPOST_OK) {
    fpost_error("replay: %s", error);
    return FPOST_EXIT_USAGE;
  }
  (void)fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    explore_foreign_environment();
    char **words = checker.words.we_wordv;
    execvp(words[0], words);
    fpost_error("replay: %s: %s", words[0], strerror(errno));
    _exit(127);
  }
  int status = 0;
  (void)waitpid(pid, &status, 0);
  explore_checker_free(&checker);
  return end_of("the checker said no: it", status);
}

/* Run recovery as a child, so that its end can be told. With a checker, which
   needs files, as if it had no hooks. */
static int run_recovery(struct explore_image *image, const char *recover,
                        const char *checker, bool gdb) {
  struct explore_target target;
  explore_target_environment();
  if (explore_target_init(&target, recover) != FPOST_OK) {
    fpost_error("replay: %s", target.error);
    return FPOST_EXIT_USAGE;
  }
  target.foreign = target.foreign || checker != NULL;
  static char debugger[] = "gdb";
  static char quiet[] = "-q";
  static char arguments[] = "--args";
  char *words[64] = {debugger, quiet, arguments, target.program};
  for (int i = 1; i < 59 && target.words[i] != NULL; i++) {
    words[3 + i] = target.words[i];
  }
  /* The place of the crash state is made here, to be removed here. */
  if (target.foreign && explore_target_start(&target, image) != FPOST_OK) {
    fpost_error("replay: %s", target.error);
    return FPOST_EXIT_USAGE;
  }
  (void)fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    explore_target_become(&target, image, gdb ? words : NULL);
    if (target.error[0] != '\0') {
      fpost_error("replay: %s", target.error);
    }
    _exit(127);
  }
  int status = 0;
  (void)waitpid(pid, &status, 0);
  int exit_code = gdb && !WIFSIGNALED(status) ? FPOST_EXIT_CLEAN
                                              : end_of("recovery", status);
  if (checker != NULL && exit_code == FPOST_EXIT_CLEAN) {
    exit_code = run_checker(checker);
  }
  explore_target_stop(&target);
  explore_target_free(&target);
  return exit_code;
}

/* A crash in recovery: "EVENT/CUTS:EVENT/CUTS". */
static int replay_state(const struct source *source,
                        struct fpost_reader *reader,
                        struct explore_image *image, const char *state,
                        char error[512]) {
  const char *colon = strchr(state, ':');
  if (colon == NULL) {
    return explore_replay(image, reader, state, error);
  }
  char *first = strndup(state, (size_t)(colon - state));
  struct explore_image before;
  int err = explore_replay(image, reader, first, error);
  free(first);
  if (err == FPOST_OK && source->recover == NULL) {
    snprintf(error, 512,
             "this is a crash in recovery: which program recovers? give "
             "--recover 'COMMAND'");
    err = FPOST_EINVAL;
  }
  if (err == FPOST_OK) {
    before = *image;
    err = explore_second_replay(image, &before, source->recover, colon + 1,
                                error);
    explore_image_free(&before);
  }
  return err;
}

static int replay(const struct source *source, const char *state,
                  const struct options *options) {
  struct fpost_reader reader;
  struct explore_info info;
  struct explore_image image;
  char error[512] = "no memory";
  if (fpost_reader_open(&reader, source->trace) != FPOST_OK) {
    fpost_error("replay: %s", reader.error);
    return FPOST_EXIT_USAGE;
  }
  if (explore_info_read(&info, &reader) != FPOST_OK) {
    fpost_error("replay: %s", reader.error);
    fpost_reader_close(&reader);
    return FPOST_EXIT_USAGE;
  }
  struct explore_options how = source->options;
  how.mode.domain = info.domain;
  int exit_code = FPOST_EXIT_USAGE;
  if (explore_image_init(&image, &how, &info.sizes) != FPOST_OK ||
      replay_state(source, &reader, &image, state, error) != FPOST_OK) {
    fpost_error("replay: %s", error);
  } else if (options->image != NULL) {
    exit_code = write_images(&info, &image, options->image);
  } else if (source->recover == NULL) {
    fpost_error(
        "replay: which program recovers? give --recover 'COMMAND', or "
        "--image FILE to get the pool");
  } else {
    image.plan->heap_mode =
        source->heap ? FPOST_PLAN_HEAP_BASE : FPOST_PLAN_HEAP_OFF;
    exit_code =
        run_recovery(&image, source->recover, source->checker, options->gdb);
  }
  fpost_reader_close(&reader);
  explore_info_free(&info);
  return exit_code;
}

static int replay_run(const struct fpost_command *command, int argc,
                      char **argv) {
  struct options options = {.gdb = false};
  struct fpost_operands operands;
  struct source source;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 2) ||
      find_source(operands.items[0], operands.items[1], &options, &source) !=
          FPOST_OK) {
    return FPOST_EXIT_USAGE;
  }
  exit_code = replay(&source, operands.items[1], &options);
  free(source.trace);
  free(source.recover);
  free(source.checker);
  return exit_code;
}

const struct fpost_command fpost_command_replay = {
    .name = "replay",
    .usage = "DB|TRACE STATE [OPTIONS]",
    .summary = "run recovery on one crash state, or get its pool",
    .description =
        "Puts the pools of the crash state STATE, named as reports name it, in "
        "place of the files that the recovery program opens, and runs it; the "
        "files themselves are not touched. The exit code is 1 if recovery dies "
        "or exits with another code than 0.",
    .options = table,
    .example = "fencepost replay queue.fpdb 1742/all-3.0 --gdb",
    .run = replay_run};
