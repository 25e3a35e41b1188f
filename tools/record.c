/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An absolute path, for a program that may change its directory. */
static bool path_absolute(const char *path, char out[PATH_MAX]) {
  char here[PATH_MAX];
  int size = 0;
  if (path[0] == '/') {
    size = snprintf(out, PATH_MAX, "%s.raw.%d", path, (int)getpid());
  } else if (getcwd(here, sizeof here) != NULL) {
    size = snprintf(out, PATH_MAX, "%s/%s.raw.%d", here, path, (int)getpid());
  } else {
    return false;
  }
  return size > 0 && size < PATH_MAX;
}

/* Can a file be made beside the trace? Better known before the program runs. */
static bool path_writable(const char *command, const char *raw,
                          const char *path) {
  int fd = open(raw, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    fpost_error("%s: cannot write the trace '%s': %s", command, path,
                strerror(errno));
    return false;
  }
  close(fd);
  unlink(raw);
  return true;
}

static void notes_print(const struct fpost_results *results) {
  uint32_t count = results->notes_count;
  for (uint32_t i = 0; i < count && i < FPOST_RESULTS_NOTES_MAX; i++) {
    if (results->notes[i].ready != 0) {
      fprintf(stderr, "note: %s\n", results->notes[i].text);
    }
  }
}

static int record_run(const char *command, char **program,
                      const struct fpost_run_options *options,
                      const struct fpost_texts *functions, const char *raw,
                      const struct fpost_results_file *file,
                      struct fpost_run_end *end) {
  struct fpost_flags *flags = malloc(sizeof *flags);
  if (flags == NULL) {
    fpost_error("%s: out of memory", command);
    return FPOST_ENOMEM;
  }
  fpost_flags_init(flags);
  fpost_flags_run(flags, options);
  fpost_flags_add(flags, "mode", "record");
  fpost_flags_add(flags, "trace", raw);
  fpost_flags_add(flags, "results", file->path);
  for (uint32_t i = 0; i < functions->count; i++) {
    fpost_flags_add(flags, "op", functions->items[i]);
  }
  int err = fpost_run(command, program, flags, end);
  free(flags);
  return err;
}

/* Is there a trace? If not, say why. */
static int record_check(const char *command, char **program, const char *raw,
                        const struct fpost_results *results) {
  struct stat status;
  if (stat(raw, &status) == 0) {
    if ((size_t)status.st_size >= sizeof(struct fpost_trace_header)) {
      return FPOST_OK;
    }
    fpost_error(
        "%s: the trace could not be written: is the disk full? Free some "
        "space, or record to another disk with %s",
        command, strcmp(command, "crash") == 0 ? "--trace" : "-o");
    return FPOST_ENOSPC;
  }
  if (results->started == 0) {
    fpost_error(
        "%s: no hooks in anything that '%s' ran: compile and link the "
        "program with fencepost-clang",
        command, program[0]);
  } else {
    fpost_error(
        "%s: '%s' mapped no persistent memory, there is nothing to "
        "record; if it should have, name the file with --pool",
        command, program[0]);
  }
  return FPOST_EINVAL;
}

/* Packs the trace while the program writes it. */
struct follower {
  const char *raw;
  const char *path;
  atomic_bool over; /* the program has ended */
  struct fpost_pack_counts counts;
  int err;
  char error[640];
  pthread_t thread;
  bool started;
};

static void *follower_run(void *data) {
  struct follower *follower = data;
  follower->err =
      fpost_trace_pack(follower->raw, follower->path, &follower->over,
                       &follower->counts, follower->error);
  return NULL;
}

/* Signals are the caller's business. Without a thread the trace is packed at
   the end. */
static void follower_start(struct follower *follower) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  follower->started =
      pthread_create(&follower->thread, NULL, follower_run, follower) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void follower_end(struct follower *follower) {
  atomic_store(&follower->over, true);
  if (follower->started) {
    pthread_join(follower->thread, NULL);
  }
}

int fpost_record(const char *command, char **program,
                 const struct fpost_run_options *options,
                 const struct fpost_texts *functions, const char *path,
                 struct fpost_run_end *end, struct fpost_pack_counts *counts) {
  char raw[PATH_MAX];
  struct follower follower = {.raw = raw, .path = path};
  struct fpost_results_file file = {.results = NULL};
  int err = fpost_run_check(command, program[0], options);
  if (err != FPOST_OK) {
    return err;
  }
  if (!fpost_trace_replaces(path, follower.error)) {
    fpost_error("%s: %s", command, follower.error);
    return FPOST_EINVAL;
  }
  if (!path_absolute(path, raw)) {
    fpost_error("%s: the path of the trace is too long: '%s'", command, path);
    return FPOST_EINVAL;
  }
  if (!path_writable(command, raw, path) ||
      fpost_results_make(command, &file) != 0) {
    return FPOST_EIO;
  }
  follower_start(&follower);
  err = record_run(command, program, options, functions, raw, &file, end);
  follower_end(&follower);
  if (err == FPOST_OK) {
    err = record_check(command, program, raw, file.results);
    if (counts != NULL || err != FPOST_OK || file.results->incomplete != 0 ||
        file.results->unmatched != 0) {
      notes_print(file.results);
    }
  }
  if (err == FPOST_OK && (!follower.started || follower.err != FPOST_OK)) {
    follower.err =
        fpost_trace_pack(raw, path, NULL, &follower.counts, follower.error);
  }
  if (err == FPOST_OK && follower.err != FPOST_OK) {
    fpost_error("%s: %s", command, follower.error);
    err = follower.err;
  }
  if (err == FPOST_OK && counts != NULL) {
    *counts = follower.counts;
  }
  if (err == FPOST_OK && file.results->unmatched != 0) {
    fpost_error(
        "%s: a pattern of --op matches no function that was marked, see the "
        "note above; docs/OPERATIONS.md says how names are compared",
        command);
    err = FPOST_EINVAL;
  }
  if (err == FPOST_OK && file.results->incomplete != 0) {
    fpost_error(
        "%s: '%s' does not hold the whole run, see the note above: "
        "what it holds can be used, but it proves nothing",
        command, path);
    err = FPOST_EIO;
  }
  unlink(raw);
  fpost_results_close(&file);
  return err;
}
