/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Litmus programs: small multi-threaded programs, and the set of all contents
 * that a crash at any moment of any of their executions may leave.
 * docs/MODEL.md has the format of a file of them.
 */
#ifndef FPOST_TOOLS_LITMUS_LITMUS_H
#define FPOST_TOOLS_LITMUS_LITMUS_H

#include "rt/model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any test has needed; the schedules grow exponentially with them. */
#define FPOST_LITMUS_THREADS_MAX 4u
#define FPOST_LITMUS_INSTRUCTIONS_MAX 32u /* of one thread */
#define FPOST_LITMUS_REGISTERS_MAX 16u    /* of one thread */
#define FPOST_LITMUS_LOCATIONS_MAX 16u
#define FPOST_LITMUS_NAME_MAX 16u /* bytes with the terminator */

enum fpost_litmus_op {
  FPOST_LITMUS_STORE, /* location = value */
  FPOST_LITMUS_NT,    /* the same, non-temporal */
  FPOST_LITMUS_FLUSH, /* of location's line; value: enum fencepost_flush_kind */
  FPOST_LITMUS_SFENCE, /* */
  FPOST_LITMUS_MFENCE, /* */
  FPOST_LITMUS_LFENCE, /* orders loads, which are in order anyway (F7) */
  FPOST_LITMUS_LOAD,   /* register := location */
  FPOST_LITMUS_XCHG,   /* register := location, location = value */
  FPOST_LITMUS_CAS,    /* the same, if location held `expected` */
  FPOST_LITMUS_IF      /* skip instructions unless register == expected */
};

struct fpost_litmus_instruction {
  uint32_t op; /* enum fpost_litmus_op */
  uint32_t location;
  uint32_t register_;
  uint32_t value;
  uint32_t expected;
  uint32_t skip; /* how many instructions depend on the condition */
};

struct fpost_litmus_thread {
  uint32_t instructions_count;
  uint32_t registers_count;
  struct fpost_litmus_instruction instructions[FPOST_LITMUS_INSTRUCTIONS_MAX];
};

/* Locations are words; each is on the line and at the word that is given here.
 */
struct fpost_litmus_program {
  uint32_t threads_count;
  uint32_t locations_count;
  uint32_t lines_count;
  uint8_t line[FPOST_LITMUS_LOCATIONS_MAX];
  uint8_t word[FPOST_LITMUS_LOCATIONS_MAX];
  char names[FPOST_LITMUS_LOCATIONS_MAX][FPOST_LITMUS_NAME_MAX];
  struct fpost_litmus_thread threads[FPOST_LITMUS_THREADS_MAX];
};

/* A set of contents: the value of each location, sorted, no two equal. */
struct fpost_litmus_states {
  uint32_t (*values)[FPOST_LITMUS_LOCATIONS_MAX]; /* malloc'ed */
  size_t count;
  size_t max;
};

/* Where a file is wrong, and why. Line and column count from 1, bytes. */
struct fpost_litmus_error {
  uint32_t line;
  uint32_t column;
  char message[192];
};

/* Who wants to know how far a long run is: tell is called every few thousand
   states of the machine, with how many are done and how many are known of that
   are not. */
struct fpost_litmus_watch {
  void (*tell)(void *context, size_t done, size_t waiting);
  void *context;
};

/*
 * All contents that a crash of program may leave, into *states, whose memory
 * the caller frees with fpost_litmus_states_free. watch may be null.
 *
 * Returns 0, or FPOST_ENOMEM if memory runs out; *states is then empty.
 */
FPOST_MUST_USE int fpost_litmus_run(const struct fpost_litmus_program *program,
                                    const struct fpost_mode *mode,
                                    const struct fpost_litmus_watch *watch,
                                    struct fpost_litmus_states *states);

void fpost_litmus_states_free(struct fpost_litmus_states *states);

/* Add a content to an unsorted set. Returns 0 or FPOST_ENOMEM. */
FPOST_MUST_USE int
fpost_litmus_states_add(struct fpost_litmus_states *states,
                        const uint32_t values[FPOST_LITMUS_LOCATIONS_MAX]);

/* Less than, equal to or greater than 0, as memcmp; the order of a sorted set.
 */
int fpost_litmus_values_compare(const uint32_t *left, const uint32_t *right);

/* Sort, and drop duplicates. Values past the locations in use must be 0. */
void fpost_litmus_states_sort(struct fpost_litmus_states *states);

/* What a file says of one program. */
struct fpost_litmus_case {
  char *id; /* malloc'ed */
  struct fpost_litmus_program program;
  /* The expectations, sorted; only those the file has. */
  bool has_line, has_word, has_eadr;
  struct fpost_litmus_states line, word, eadr;
};

struct fpost_litmus_file {
  struct fpost_litmus_case *cases; /* malloc'ed */
  size_t count;
};

/*
 * Parse size bytes of text, which is terminated. The caller frees *file with
 * fpost_litmus_file_free.
 *
 * Returns 0, FPOST_EINVAL with *error filled in, or FPOST_ENOMEM.
 */
FPOST_MUST_USE int fpost_litmus_parse(const char *text, size_t size,
                                      struct fpost_litmus_file *file,
                                      struct fpost_litmus_error *error);

void fpost_litmus_file_free(struct fpost_litmus_file *file);

#endif /* FPOST_TOOLS_LITMUS_LITMUS_H */
