/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost litmus: what a crash of small programs may leave, by the model. */
#include "tools/litmus/litmus.h"
#include "tools/options.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A litmus file is written by hand; more is a mistake. */
#define FILE_SIZE_MAX ((size_t)64 << 20)

enum litmus_mode { MODE_LINE, MODE_WORD, MODE_EADR };

struct options {
  int mode; /* enum litmus_mode */
};

static const struct fpost_option table[] = {
    {"mode", 0, FPOST_OPTION_CHOICE, "line|word|eadr",
     offsetof(struct options, mode),
     "a crash leaves a prefix of the stores to a line (default); or each word "
     "of it has its own; or the caches survive too"},
    FPOST_OPTION_END};

/* Read all of path into *text, malloc'ed and terminated. Prints errors. */
static bool file_read(const char *path, char **text, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fpost_error("litmus: '%s' could not be opened: %s", path, strerror(errno));
    return false;
  }
  size_t max = 1 << 16;
  *text = malloc(max + 1);
  *size = 0;
  errno = 0;
  while (*text != NULL) {
    *size += fread(*text + *size, 1, max - *size, file);
    if (*size < max || max >= FILE_SIZE_MAX) {
      break;
    }
    max *= 2;
    char *grown = realloc(*text, max + 1);
    if (grown == NULL) {
      free(*text);
    }
    *text = grown;
  }
  bool good = *text != NULL && ferror(file) == 0 && feof(file) != 0;
  if (!good) {
    fpost_error("litmus: '%s' could not be read: %s", path,
                *text == NULL ? "out of memory"
                : errno != 0  ? strerror(errno)
                              : "it is larger than 64 MiB");
    free(*text);
  } else {
    (*text)[*size] = '\0';
  }
  (void)fclose(file);
  return good;
}

static void values_print(FILE *out, const uint32_t *values, uint32_t count) {
  fputc('[', out);
  for (uint32_t i = 0; i < count; i++) {
    fprintf(out, "%s%u", i == 0 ? "" : ", ", values[i]);
  }
  fputc(']', out);
}

static void case_print(const struct fpost_litmus_case *case_,
                       const struct fpost_litmus_states *states) {
  const struct fpost_litmus_program *program = &case_->program;
  json_t *id = json_string(case_->id);
  fputs("{\"id\": ", stdout);
  (void)json_dumpf(id, stdout, JSON_ENCODE_ANY);
  json_decref(id);
  fputs(", \"locations\": [", stdout);
  for (uint32_t i = 0; i < program->locations_count; i++) {
    printf("%s\"%s\"", i == 0 ? "" : ", ", program->names[i]);
  }
  fputs("], \"states\": [", stdout);
  for (size_t i = 0; i < states->count; i++) {
    fputs(i == 0 ? "" : ", ", stdout);
    values_print(stdout, states->values[i], program->locations_count);
  }
  fputs("]}\n", stdout);
}

/* Print the states of one set that the other has not. Returns: are there any?
 */
static bool difference_print(const struct fpost_litmus_case *case_,
                             const struct fpost_litmus_states *one,
                             const struct fpost_litmus_states *other,
                             const char *what) {
  bool any = false;
  size_t at = 0;
  for (size_t i = 0; i < one->count; i++) {
    int order = 1;
    while (at < other->count) {
      order = fpost_litmus_values_compare(other->values[at], one->values[i]);
      if (order >= 0) {
        break;
      }
      at++;
    }
    if (at < other->count && order == 0) {
      continue;
    }
    if (!any) {
      (void)fflush(stdout); /* the two may be one terminal */
      fprintf(stderr, "fencepost: litmus: %s: %s:", case_->id, what);
    }
    any = true;
    fputc(' ', stderr);
    values_print(stderr, one->values[i], case_->program.locations_count);
  }
  if (any) {
    fputc('\n', stderr);
  }
  return any;
}

/*
 * The expected states in a mode. *has: the file says. Returns 0 or
 * FPOST_ENOMEM.
 */
static int expected_make(const struct fpost_litmus_case *case_, int mode,
                         struct fpost_litmus_states *expected, bool *has) {
  const struct fpost_litmus_states *parts[2] = {&case_->line, NULL};
  *has = case_->has_line;
  if (mode == MODE_WORD) {
    *has = case_->has_line && case_->has_word;
    parts[1] = &case_->word;
  } else if (mode == MODE_EADR) {
    *has = case_->has_eadr;
    parts[0] = &case_->eadr;
  }
  for (size_t p = 0; p < 2 && parts[p] != NULL; p++) {
    for (size_t i = 0; i < parts[p]->count; i++) {
      int err = fpost_litmus_states_add(expected, parts[p]->values[i]);
      if (err != FPOST_OK) {
        return err;
      }
    }
  }
  fpost_litmus_states_sort(expected);
  return FPOST_OK;
}

/* The program that runs, for who looks at a terminal. */
struct progress {
  const char *id;
  time_t told; /* when it was last told of, in seconds */
};

static void progress_tell(void *context, size_t done, size_t waiting) {
  struct progress *progress = context;
  time_t now = time(NULL);
  if (now != progress->told) {
    progress->told = now;
    fprintf(stderr, "\r\033[K%s: %zu states of the machine, %zu to go on from",
            progress->id, done, waiting);
    (void)fflush(stderr);
  }
}

/* Run one program. Returns 0, or FPOST_ENOMEM; counts those compared and right.
 */
static int case_run(const struct fpost_litmus_case *case_, int mode,
                    size_t *compared, size_t *right) {
  const struct fpost_mode hardware = {
      .domain = mode == MODE_EADR ? FPOST_DOMAIN_EADR : FPOST_DOMAIN_ADR,
      .torn = mode == MODE_WORD};
  struct fpost_litmus_states states;
  struct fpost_litmus_states expected = {.values = NULL};
  bool has = false;
  bool terminal = isatty(STDERR_FILENO) != 0;
  struct progress progress = {.id = case_->id, .told = time(NULL)};
  const struct fpost_litmus_watch watch = {.tell = progress_tell,
                                           .context = &progress};
  int err = fpost_litmus_run(&case_->program, &hardware,
                             terminal ? &watch : NULL, &states);
  if (terminal) {
    fputs("\r\033[K", stderr);
  }
  if (err == FPOST_OK) {
    case_print(case_, &states);
    err = expected_make(case_, mode, &expected, &has);
  }
  if (err == FPOST_OK && has) {
    bool missing =
        difference_print(case_, &expected, &states, "states missing");
    bool extra = difference_print(case_, &states, &expected, "states too many");
    *compared += 1;
    *right += !missing && !extra;
  }
  fpost_litmus_states_free(&expected);
  fpost_litmus_states_free(&states);
  return err;
}

static int file_run(const struct fpost_litmus_file *file, int mode) {
  size_t compared = 0;
  size_t right = 0;
  for (size_t i = 0; i < file->count; i++) {
    if (case_run(&file->cases[i], mode, &compared, &right) != FPOST_OK) {
      fpost_error(
          "litmus: out of memory for the states of program %s: "
          "make the program smaller",
          file->cases[i].id);
      return FPOST_EXIT_USAGE;
    }
  }
  (void)fflush(stdout);
  fprintf(stderr,
          "fencepost: litmus: %zu programs, %zu with expectations, %zu of "
          "these right\n",
          file->count, compared, right);
  return right == compared ? FPOST_EXIT_CLEAN : FPOST_EXIT_FOUND;
}

static int litmus_run(const struct fpost_command *command, int argc,
                      char **argv) {
  struct options options = {.mode = MODE_LINE};
  struct fpost_operands operands;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (!fpost_options_operands(command, &operands, 1)) {
    return FPOST_EXIT_USAGE;
  }
  const char *path = operands.items[0];
  char *text = NULL;
  size_t size = 0;
  if (!file_read(path, &text, &size)) {
    return FPOST_EXIT_USAGE;
  }
  struct fpost_litmus_file file;
  struct fpost_litmus_error error;
  int err = fpost_litmus_parse(text, size, &file, &error);
  free(text);
  if (err == FPOST_EINVAL) {
    fpost_error("litmus: %s:%u:%u: %s", path, error.line, error.column,
                error.message);
    return FPOST_EXIT_USAGE;
  }
  if (err != FPOST_OK) {
    fpost_error("litmus: out of memory for '%s'", path);
    return FPOST_EXIT_USAGE;
  }
  exit_code = file_run(&file, options.mode);
  fpost_litmus_file_free(&file);
  return exit_code;
}

const struct fpost_command fpost_command_litmus = {
    .name = "litmus",
    .usage = "[OPTIONS] FILE.json",
    .summary = "list what a crash of small programs may leave",
    .description =
        "Runs each program of the file through all its schedules, with store "
        "buffers, and prints one JSON object per program: all contents of its "
        "locations that a crash at any moment may leave.\n"
        "Where the file has expectations (\"line\", \"word\", \"eadr\"), says "
        "which states are missing or too many; the exit code is then 1. The "
        "format of the file is in docs/MODEL.md.",
    .options = table,
    .example = "fencepost litmus --mode eadr tests/litmus/px86.json",
    .run = litmus_run};
