/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/apply.h"

#include "rt/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a command that fails has said is quoted so far. */
#define SAID_MAX 200u

bool explore_apply_startable(const char *command, const char *apply) {
  wordexp_t words;
  char path[PATH_MAX];
  char error[512];
  if (explore_command_split("--apply", apply, &words, path, error) !=
      FPOST_OK) {
    fpost_error("%s: %s", command, error);
    return false;
  }
  wordfree(&words);
  return true;
}

/* ---- the channel ---- */

struct request {
  uint32_t boundary;
  uint32_t count; /* operations, which follow */
};

struct reply {
  int32_t err;
  uint32_t known;
  uint64_t observed;
  struct explore_hash content;
  uint64_t size; /* bytes of the observation, which follow */
};

static bool put(int fd, const void *bytes, size_t size) {
  const uint8_t *at = bytes;
  while (size != 0) {
    ssize_t done = send(fd, at, size, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    at += done;
    size -= (size_t)done;
  }
  return true;
}

static bool get(int fd, void *bytes, size_t size) {
  uint8_t *at = bytes;
  while (size != 0) {
    ssize_t done = recv(fd, at, size, 0);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    at += done;
    size -= (size_t)done;
  }
  return true;
}

/* ---- the process ---- */

struct server {
  struct explore_search *search; /* recovery, and the image that it sees */
  struct explore_image image;    /* the run up to a boundary */
  struct fpost_reader reader;
  uint64_t records; /* that the image has */
  struct explore_material own;
  struct explore_material *material; /* where the command finds the pools */
  wordexp_t words;
  int input;
  int output;
};

/* Say it, unless another process has said what is wrong already. */
static int complain(struct server *server, const char *text) {
  struct explore_shared *shared = server->search->shared;
  if (__atomic_exchange_n(&shared->failed, 1, __ATOMIC_RELAXED) == 0) {
    fpost_error("explore: %s", text);
  }
  shared->stop = 1;
  return FPOST_EINVAL;
}

/* What the command has said, as the end of a sentence. */
static void said(const struct server *server, char text[SAID_MAX + 32]) {
  char output[SAID_MAX + 1];
  ssize_t got = pread(server->output, output, SAID_MAX, 0);
  output[got < 0 ? 0 : got] = '\0';
  output[strcspn(output, "\n")] = '\0';
  snprintf(text, SAID_MAX + 32, "%s%s",
           *output == '\0' ? "" : "; it said: ", output);
}

static const char *name_of(const struct server *server, uint32_t operation) {
  return server->search->info->operations.operations[operation].name;
}

static int command_failed(struct server *server, const uint32_t *operations,
                          uint32_t count, const struct fpost_plan_run *run) {
  const struct explore_config *config = server->search->config;
  char how[64];
  char output[SAID_MAX + 32];
  char after[256] = "";
  char text[2048];
  if (run->outcome == FPOST_OUTCOME_TIMEOUT) {
    snprintf(how, sizeof how, "it did not end within %g seconds",
             (double)config->timeout_ms / 1000);
  } else if (run->outcome == FPOST_OUTCOME_SIGNAL) {
    snprintf(how, sizeof how, "it died of signal %u", run->value);
  } else if (run->value != 0) {
    snprintf(how, sizeof how, "it exited with %u", run->value);
  } else {
    snprintf(how, sizeof how, "it opened no pool of the run");
  }
  if (count > 1) {
    snprintf(after, sizeof after, " after %.200s",
             name_of(server, operations[count - 2]));
  }
  said(server, output);
  snprintf(text, sizeof text,
           "--apply '%.300s' does not apply '%.300s'%s: %s%s; it must open the "
           "path of the pool, read operations from its standard input, one a "
           "line, apply them in turn, and exit with 0",
           config->apply, name_of(server, operations[count - 1]), after, how,
           output);
  return complain(server, text);
}

/* The names of the operations, a line each, are what the command reads. */
static bool write_input(const struct server *server, const uint32_t *operations,
                        uint32_t count) {
  int fd = fcntl(server->input, F_DUPFD_CLOEXEC, 0);
  FILE *file = fd < 0 || ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0
                   ? NULL
                   : fdopen(fd, "w");
  if (file == NULL) {
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    for (const char *at = name_of(server, operations[i]); *at != '\0'; at++) {
      if (*at == '\n') {
        (void)fputs("\\n", file);
      } else {
        (void)putc(*at, file);
      }
    }
    (void)putc('\n', file);
  }
  bool good = ferror(file) == 0;
  return fclose(file) == 0 && good;
}

static int run_command(struct server *server, const uint32_t *operations,
                       uint32_t count) {
  const struct explore_config *config = server->search->config;
  const struct explore_material_run how = {
      .words = server->words.we_wordv,
      .options = EXPLORE_PLAIN_OPTIONS,
      .input = server->input,
      .output = server->output,
      .output_max = server->search->image.plan->output_max,
      .timeout_ms = config->timeout_ms};
  struct fpost_plan_run run;
  if (!write_input(server, operations, count)) {
    return complain(server, "no memory for the operations to apply");
  }
  explore_material_run(server->material, &how, &run);
  bool good = run.outcome == FPOST_OUTCOME_EXIT && run.value == 0 &&
              (run.flags & FPOST_RUN_OPENED) != 0;
  return good ? FPOST_OK : command_failed(server, operations, count, &run);
}

/* Let the image be that of everything stored before the boundary. */
static int walk_to(struct server *server, uint32_t boundary) {
  const struct explore_operations *all = &server->search->info->operations;
  uint64_t event = all->boundaries[boundary].event;
  struct fpost_record record;
  int err = FPOST_OK;
  FPOST_ASSERT(server->records <= event + 1);
  /* The mark itself changes nothing. */
  while (server->records <= event && err == FPOST_OK) {
    err = fpost_reader_next(&server->reader, &record);
    if (err == FPOST_OK) {
      err = explore_image_apply(&server->image, &record, server->reader.index);
      explore_image_settle(&server->image);
      server->records = server->reader.index + 1;
    }
  }
  return err == FPOST_OK ? err : complain(server, server->reader.error);
}

static int serve_one(struct server *server, uint32_t boundary,
                     const uint32_t *operations, uint32_t count,
                     struct explore_applied *applied) {
  struct explore_search *search = server->search;
  const struct explore_boundary *at =
      &search->info->operations.boundaries[boundary];
  struct fpost_plan_run run;
  int err = walk_to(server, boundary);
  if (err != FPOST_OK) {
    return err;
  }
  if (explore_material_put(server->material, &server->image, NULL, 0, true) !=
      FPOST_OK) {
    return complain(server, server->material->error);
  }
  if (count != 0) {
    err = run_command(server, operations, count);
  }
  if (err != FPOST_OK) {
    return err;
  }
  err = explore_material_take(server->material, &search->image, &server->image);
  if (err != FPOST_OK) {
    return complain(server, err == FPOST_ENOSPC
                                ? "--apply made a pool larger than it ever was "
                                  "in the run, which recovery cannot be shown"
                                : "no memory for what --apply has left");
  }
  applied->content = search->image.content;
  explore_run_state(search, NULL, 0, true, &run);
  applied->observed = run.observed;
  applied->known = run.outcome == FPOST_OUTCOME_EXIT && run.value == 0;
  applied->of = applied->known ? explore_observed(search)
                               : explore_outcome_bytes(search, &run);
  /* What was stored before, outside of operations, a crash may still take. */
  if (count == 0 && at->stores_before && server->image.units_live != 0) {
    applied->known = false;
  }
  return search->shared->failed == 0 ? FPOST_OK : FPOST_EIO;
}

static bool server_begin(struct server *server) {
  struct explore_search *search = server->search;
  const struct explore_config *config = search->config;
  struct explore_target probe;
  char path[PATH_MAX];
  char error[512] = "no memory for --apply";
  server->input = memfd_create("fencepost-apply", MFD_CLOEXEC);
  server->output = memfd_create("fencepost-applied", MFD_CLOEXEC);
  server->material = &server->own;
  int err = explore_command_split("--apply", config->apply, &server->words,
                                  path, error);
  if (err == FPOST_OK) {
    err = explore_target_init(&probe, config->recover);
    memcpy(error, probe.error, sizeof error);
  }
  /* A process can have one place for the pools: a recovery that needs one too
     shares it. */
  if (err == FPOST_OK && probe.foreign) {
    server->material = &search->target.material;
  } else if (err == FPOST_OK) {
    err = explore_material_open(&server->own, &search->info->sizes, NULL);
    memcpy(error, server->own.error, sizeof error);
  }
  if (err == FPOST_OK) {
    err = explore_worker_begin(search, &server->reader);
  }
  if (err == FPOST_OK) {
    err = explore_target_start(&search->target, &search->image);
    memcpy(error, search->target.error, sizeof error);
  }
  if (err == FPOST_OK) {
    err = explore_image_init(&server->image, &config->options,
                             &search->info->sizes);
  }
  if (err != FPOST_OK) {
    (void)complain(server, error);
  }
  return err == FPOST_OK;
}

static void server_end(struct server *server) {
  explore_target_stop(&server->search->target);
  if (server->material == &server->own) {
    explore_material_close(&server->own);
  }
}

static void serve(struct server *server, int channel) {
  struct request request;
  bool begun = false;
  while (get(channel, &request, sizeof request)) {
    struct explore_applied applied = {.known = false};
    uint32_t *operations = malloc((request.count + 1) * sizeof *operations);
    FPOST_ASSERT(operations != NULL);
    if (!get(channel, operations, request.count * sizeof *operations)) {
      free(operations);
      break;
    }
    begun = begun || server_begin(server);
    int err = begun ? serve_one(server, request.boundary, operations,
                                request.count, &applied)
                    : FPOST_EIO;
    struct reply reply = {.err = err,
                          .known = applied.known,
                          .observed = applied.observed,
                          .content = applied.content,
                          .size = applied.of.size};
    bool sent = put(channel, &reply, sizeof reply) &&
                put(channel, applied.of.bytes, applied.of.size);
    free(applied.of.bytes);
    free(operations);
    if (!sent || err != FPOST_OK) {
      break;
    }
  }
  server_end(server);
}

static int start(struct explore_apply *apply,
                 const struct explore_search *search) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    fpost_error("explore: no channel to --apply: %s", strerror(errno));
    return FPOST_EIO;
  }
  (void)fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    (void)close(ends[0]);
    struct explore_search *own = calloc(1, sizeof *own);
    struct server *server = calloc(1, sizeof *server);
    FPOST_ASSERT(own != NULL && server != NULL);
    own->config = search->config;
    own->info = search->info;
    own->shared = search->shared;
    server->search = own;
    serve(server, ends[1]);
    (void)fflush(NULL);
    _exit(0);
  }
  (void)close(ends[1]);
  if (pid < 0) {
    (void)close(ends[0]);
    fpost_error("explore: no process for --apply: %s", strerror(errno));
    return FPOST_EIO;
  }
  *apply = (struct explore_apply){.pid = pid, .channel = ends[0]};
  return FPOST_OK;
}

int explore_apply_ask(struct explore_apply *apply,
                      const struct explore_search *search, uint32_t boundary,
                      const uint32_t *operations, uint32_t count,
                      struct explore_applied *applied) {
  struct request request = {boundary, count};
  struct reply reply = {.err = FPOST_EIO};
  int err = apply->pid == 0 ? start(apply, search) : FPOST_OK;
  if (err == FPOST_OK) {
    bool good = put(apply->channel, &request, sizeof request) &&
                put(apply->channel, operations, count * sizeof *operations) &&
                get(apply->channel, &reply, sizeof reply);
    err = reply.err;
    *applied = (struct explore_applied){.content = reply.content,
                                        .observed = reply.observed,
                                        .known = reply.known != 0,
                                        .of = {.size = reply.size}};
    if (good && err == FPOST_OK) {
      applied->of.bytes = malloc(reply.size + 1);
      FPOST_ASSERT(applied->of.bytes != NULL);
      good = get(apply->channel, applied->of.bytes, reply.size);
      err = good ? FPOST_OK : FPOST_EIO;
    }
    if (!good && __atomic_exchange_n(&search->shared->failed, 1,
                                     __ATOMIC_RELAXED) == 0) {
      fpost_error("explore: the process that runs --apply has died");
    }
  }
  if (err != FPOST_OK) {
    search->shared->failed = 1;
    search->shared->stop = 1;
  }
  return err;
}

void explore_apply_stop(struct explore_apply *apply) {
  if (apply->pid != 0) {
    (void)close(apply->channel);
    while (waitpid(apply->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    *apply = (struct explore_apply){0};
  }
}
