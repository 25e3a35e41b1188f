/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Words are compared up to this length. */
#define WORD_MAX 64u

static void *option_place(const struct fpost_option *option, void *values) {
  return (char *)values + option->offset;
}

void fpost_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fflush(stdout);
  fputs("fencepost: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

/* Edit distance of two words, with a swap of neighbours as one edit. */
static size_t word_distance(const char *a, const char *b) {
  size_t rows[3][WORD_MAX + 1];
  size_t a_size = strnlen(a, WORD_MAX);
  size_t b_size = strnlen(b, WORD_MAX);
  for (size_t j = 0; j <= b_size; j++) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a_size; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3];
    const size_t *above2 = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
      best = above[j] + 1 < best ? above[j] + 1 : best;
      best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          above2[j - 2] + 1 < best) {
        best = above2[j - 2] + 1;
      }
      row[j] = best;
    }
  }
  return rows[a_size % 3][b_size];
}

int fpost_nearest(const char *word, const char *const *words, size_t count) {
  size_t limit = strlen(word) / 3 + 1;
  int best = -1;
  for (size_t i = 0; i < count; i++) {
    size_t distance = word_distance(word, words[i]);
    if (distance == 0 || distance < limit || (distance == limit && best < 0)) {
      limit = distance;
      best = (int)i;
    }
  }
  return best;
}

static const struct fpost_option *
option_by_name(const struct fpost_option *options, const char *name,
               size_t size) {
  for (; options->name != NULL; options++) {
    if (strlen(options->name) == size &&
        strncmp(options->name, name, size) == 0) {
      return options;
    }
  }
  return NULL;
}

static const struct fpost_option *
option_by_letter(const struct fpost_option *options, char letter) {
  for (; options->name != NULL; options++) {
    if (options->letter != 0 && options->letter == letter) {
      return options;
    }
  }
  return NULL;
}

static void option_unknown(const struct fpost_command *command,
                           const char *argument) {
  const char *words[FPOST_TEXTS_MAX];
  size_t count = 0;
  const char *name = argument + strspn(argument, "-");
  char wanted[WORD_MAX + 1];
  snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(name, "="), name);
  for (const struct fpost_option *option = command->options;
       option->name != NULL && count < FPOST_TEXTS_MAX - 1; option++) {
    words[count++] = option->name;
  }
  words[count++] = "help";
  int near = fpost_nearest(wanted, words, count);
  if (near >= 0) {
    fpost_error("%s: unknown option '%s'; did you mean '--%s'?", command->name,
                argument, words[near]);
  } else {
    fpost_error(
        "%s: unknown option '%s'; 'fencepost %s --help' lists them, and "
        "options of the program to run come after '--'",
        command->name, argument, command->name);
  }
}

static bool parse_u64(const char *text, uint64_t max, uint64_t *value) {
  char *end = NULL;
  if (!isdigit((unsigned char)text[0])) {
    return false;
  }
  bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  errno = 0;
  unsigned long long number = strtoull(text, &end, hex ? 16 : 10);
  if (errno != 0 || *end != '\0' || number > max) {
    return false;
  }
  *value = number;
  return true;
}

static bool parse_seconds(const char *text, uint64_t *milliseconds) {
  char *end = NULL;
  if (!isdigit((unsigned char)text[0]) && text[0] != '.') {
    return false;
  }
  errno = 0;
  double seconds = strtod(text, &end);
  if (errno != 0 || *end != '\0' || !(seconds >= 0 && seconds < 1e9)) {
    return false;
  }
  *milliseconds = (uint64_t)(seconds * 1000.0 + 0.5);
  return true;
}

/* The index of text among the words of "a|b|c", or -1. */
static int parse_choice(const char *text, const char *words) {
  size_t size = strlen(text);
  for (int i = 0;; i++) {
    size_t word = strcspn(words, "|");
    if (word == size && strncmp(words, text, size) == 0) {
      return i;
    }
    if (words[word] == '\0') {
      return -1;
    }
    words += word + 1;
  }
}

static bool parse_shard(const char *text, struct fpost_shard *shard) {
  char index[16];
  const char *slash = strchr(text, '/');
  uint64_t k = 0;
  uint64_t n = 0;
  if (slash == NULL || (size_t)(slash - text) >= sizeof index) {
    return false;
  }
  snprintf(index, sizeof index, "%.*s", (int)(slash - text), text);
  if (!parse_u64(index, UINT32_MAX, &k) ||
      !parse_u64(slash + 1, UINT32_MAX, &n) || k < 1 || k > n) {
    return false;
  }
  *shard = (struct fpost_shard){.index = (uint32_t)k, .count = (uint32_t)n};
  return true;
}

static bool texts_add(struct fpost_texts *texts, const char *text) {
  if (texts->count == FPOST_TEXTS_MAX) {
    return false;
  }
  texts->items[texts->count++] = text;
  return true;
}

/* Store the value; says what was expected if it is not one. */
static const char *option_set(const struct fpost_option *option,
                              const char *value, void *values) {
  void *place = option_place(option, values);
  uint64_t number = 0;
  int choice = 0;
  switch (option->kind) {
  case FPOST_OPTION_FLAG:
    *(bool *)place = true;
    return NULL;
  case FPOST_OPTION_TEXT:
    *(const char **)place = value;
    return *value != '\0' ? NULL : option->argument;
  case FPOST_OPTION_TEXTS:
    return *value == '\0'            ? option->argument
           : texts_add(place, value) ? NULL
                                     : "at most 256 of them";
  case FPOST_OPTION_U32:
    if (!parse_u64(value, UINT32_MAX, &number)) {
      return "a number from 0 to 4294967295";
    }
    *(uint32_t *)place = (uint32_t)number;
    return NULL;
  case FPOST_OPTION_U64:
    return parse_u64(value, UINT64_MAX, place) ? NULL
                                               : "a number from 0 to 2^64 - 1";
  case FPOST_OPTION_COUNT:
    if (!parse_u64(value, UINT64_MAX, &number) || number == 0) {
      return "a number from 1 to 2^64 - 1 (without the option, there is no "
             "bound)";
    }
    *(uint64_t *)place = number;
    return NULL;
  case FPOST_OPTION_SECONDS:
    if (!parse_seconds(value, &number) || number == 0) {
      return "a number of seconds, 0.001 or more";
    }
    *(uint64_t *)place = number;
    return NULL;
  case FPOST_OPTION_CHOICE:
    choice = parse_choice(value, option->argument);
    if (choice < 0) {
      return option->argument;
    }
    *(int *)place = choice;
    return NULL;
  case FPOST_OPTION_SHARD:
    return parse_shard(value, place) ? NULL : "K/N with 1 <= K <= N";
  }
  return "another option";
}

/* How far the parser has come. */
struct parser {
  const struct fpost_command *command;
  char **argv;
  int argc;
  int index; /* of the argument being parsed */
  void *values;
};

static bool parser_value(struct parser *parser,
                         const struct fpost_option *option,
                         const char *attached) {
  const char *value = attached;
  const char *command = parser->command->name;
  if (option->kind == FPOST_OPTION_FLAG && attached != NULL) {
    fpost_error("%s: option '--%s' takes no value, but got '%s'", command,
                option->name, attached);
    return false;
  }
  if (option->kind != FPOST_OPTION_FLAG && attached == NULL) {
    if (parser->index + 1 >= parser->argc ||
        strcmp(parser->argv[parser->index + 1], "--") == 0) {
      fpost_error("%s: option '--%s' needs a value: --%s %s", command,
                  option->name, option->name, option->argument);
      return false;
    }
    value = parser->argv[++parser->index];
  }
  const char *expected = option_set(option, value, parser->values);
  if (expected != NULL) {
    fpost_error("%s: '%s' is no value of option '--%s': expected %s", command,
                value, option->name, expected);
    return false;
  }
  return true;
}

/* One argument that begins with a dash. */
static bool parser_option(struct parser *parser) {
  const char *argument = parser->argv[parser->index];
  const struct fpost_option *option = NULL;
  const char *attached = NULL;
  if (argument[1] == '-') {
    const char *name = argument + 2;
    size_t size = strcspn(name, "=");
    option = option_by_name(parser->command->options, name, size);
    attached = name[size] == '=' ? name + size + 1 : NULL;
  } else {
    option = option_by_letter(parser->command->options, argument[1]);
    attached = argument[2] != '\0' ? argument + 2 : NULL;
  }
  if (option == NULL) {
    option_unknown(parser->command, argument);
    return false;
  }
  return parser_value(parser, option, attached);
}

bool fpost_options_parse(const struct fpost_command *command, int argc,
                         char **argv, void *values,
                         struct fpost_operands *operands, int *exit_code) {
  struct parser parser = {command, argv, argc, 1, values};
  *operands = (struct fpost_operands){.items = argv + 1};
  for (; parser.index < argc; parser.index++) {
    char *argument = argv[parser.index];
    if (strcmp(argument, "--") == 0) {
      operands->program = argv + parser.index + 1;
      operands->program_count = argc - parser.index - 1;
      return true;
    }
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
      fpost_command_help(command, stdout);
      *exit_code = FPOST_EXIT_CLEAN;
      return false;
    }
    if (argument[0] != '-' || argument[1] == '\0') {
      operands->items[operands->count++] = argument;
    } else if (!parser_option(&parser)) {
      *exit_code = FPOST_EXIT_USAGE;
      return false;
    }
  }
  /* Without `--` the operands may be the program, which ends with NULL. */
  operands->items[operands->count] = NULL;
  return true;
}

char **fpost_options_program(const struct fpost_command *command,
                             const struct fpost_operands *operands) {
  if (operands->program != NULL && operands->count != 0) {
    fpost_error(
        "%s: '%s' stands before '--', where only options may; usage: "
        "fencepost %s %s",
        command->name, operands->items[0], command->name, command->usage);
    return NULL;
  }
  if (operands->program_count == 0 && operands->count == 0) {
    fpost_error("%s: no program to run; usage: fencepost %s %s", command->name,
                command->name, command->usage);
    return NULL;
  }
  return operands->program != NULL ? operands->program : operands->items;
}

bool fpost_options_operands(const struct fpost_command *command,
                            const struct fpost_operands *operands, int count) {
  if (operands->count == count && operands->program == NULL) {
    return true;
  }
  fpost_error("%s: expected %d argument%s, got %d; usage: fencepost %s %s",
              command->name, count, count == 1 ? "" : "s",
              operands->count + operands->program_count, command->name,
              command->usage);
  return false;
}
