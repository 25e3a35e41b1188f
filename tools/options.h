/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Commands and their options: one table per command, from which come parsing,
 * --help and the man page.
 *
 * A command fills a struct of its own, zeroed or with defaults; each option
 * says where in it its value goes. Options that several commands share are a
 * struct and a macro that lists its rows (tools/common_options.h).
 */
#ifndef FPOST_TOOLS_OPTIONS_H
#define FPOST_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of every command. */
enum fpost_exit {
  FPOST_EXIT_CLEAN = 0, /* nothing found */
  FPOST_EXIT_FOUND = 1, /* something found */
  FPOST_EXIT_USAGE = 2  /* usage or environment */
};

/* The values of an option that may be given several times, in order. */
#define FPOST_TEXTS_MAX 256u
struct fpost_texts {
  const char *items[FPOST_TEXTS_MAX]; /* point into argv */
  uint32_t count;
};

enum fpost_option_kind {
  FPOST_OPTION_FLAG,    /* bool: set to true */
  FPOST_OPTION_TEXT,    /* const char *: the last one given, not copied */
  FPOST_OPTION_TEXTS,   /* struct fpost_texts: all of them */
  FPOST_OPTION_U32,     /* uint32_t, decimal or 0x */
  FPOST_OPTION_U64,     /* uint64_t, decimal or 0x */
  FPOST_OPTION_COUNT,   /* the same, at least 1 */
  FPOST_OPTION_SECONDS, /* uint64_t milliseconds, given in seconds ("1.5"),
                           at least 1 */
  FPOST_OPTION_CHOICE,  /* int: index of the word in argument, "adr|eadr" */
  FPOST_OPTION_SHARD    /* struct fpost_shard: K/N, 1 <= K <= N */
};

struct fpost_shard {
  uint32_t index; /* from 1; 0: not given */
  uint32_t count;
};

struct fpost_option {
  const char *name; /* without the dashes; NULL ends a table */
  char letter;      /* of the short form, or 0 */
  enum fpost_option_kind kind;
  const char *argument; /* name of the value in help; NULL for a flag */
  size_t offset;        /* of the value in the command's struct */
  const char *help;     /* one sentence, no full stop */
};

#define FPOST_OPTION_END                                                       \
  { NULL, 0, FPOST_OPTION_FLAG, NULL, 0, NULL }

struct fpost_command {
  const char *name;
  const char *usage;   /* what follows the name: "[OPTIONS] TRACE" */
  const char *summary; /* one line, no full stop */
  /* Paragraphs for --help and the man page; each is one line, separated by \n.
   */
  const char *description;
  const struct fpost_option *options; /* ends with FPOST_OPTION_END */
  /* A command line to try, or NULL. */
  const char *example;
  /* argv[0] is the command's name. Returns the exit code. */
  int (*run)(const struct fpost_command *command, int argc, char **argv);
};

/* What is left after the options. */
struct fpost_operands {
  char **items; /* those before `--`, in order; point into argv, which is
                   permuted */
  int count;
  char **program; /* those after `--`, ended by NULL; NULL without `--` */
  int program_count;
};

/*
 * Parse argv by the command's table into values (the command's struct).
 * --help prints the help to stdout. Errors are printed to stderr and name the
 * nearest option.
 *
 * Returns true to go on; false when the command must end with *exit_code.
 */
bool fpost_options_parse(const struct fpost_command *command, int argc,
                         char **argv, void *values,
                         struct fpost_operands *operands, int *exit_code);

/*
 * The program to run: what follows `--`, or, without `--`, all operands. Prints
 * an error and returns NULL if there is none. Ended by NULL.
 */
char **fpost_options_program(const struct fpost_command *command,
                             const struct fpost_operands *operands);

/*
 * Are there exactly `count` operands and no program? Prints an error that shows
 * the usage if not.
 */
bool fpost_options_operands(const struct fpost_command *command,
                            const struct fpost_operands *operands, int count);

/* The index of the nearest of `count` words to word, or -1 if none is near. */
int fpost_nearest(const char *word, const char *const *words, size_t count);

/* What --help prints: usage, description, options, example, exit codes. */
void fpost_command_help(const struct fpost_command *command, FILE *out);
/* The manual page of the command, in man(7) macros. */
void fpost_command_man(const struct fpost_command *command, FILE *out);

/*
 * Paragraphs, each one line of text, separated by \n, wrapped for a terminal;
 * between is written after each but the last.
 */
void fpost_help_paragraphs(FILE *out, const char *text, const char *between);

/* "fencepost: " and the message, as printf, with a newline, to stderr. */
void fpost_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* FPOST_TOOLS_OPTIONS_H */
