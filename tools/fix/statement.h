/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Statements of C and C++ as far as `fencepost fix` has to know them: where the
 * one that a line belongs to begins and ends, and what it stores to. Text is
 * not parsed but scanned; what is not plain is refused with a reason.
 */
#ifndef FPOST_FIX_STATEMENT_H
#define FPOST_FIX_STATEMENT_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file, and copies of the same length in which some of it is blank. */
struct fix_text {
  char *text;
  char *bare; /* without comments and directives */
  char *code; /* without strings either */
  size_t size;
};

struct fix_statement {
  size_t begin; /* offset of its first character */
  size_t end;   /* offset of its semicolon */
  uint32_t first_line;
  uint32_t last_line;
  bool unbraced; /* the body of an if, a loop, ... without braces */
};

/* What a statement stores to, as expressions; fixed buffers, "" if unknown. */
#define FIX_EXPRESSION_MAX 512u
struct fix_target {
  char address[FIX_EXPRESSION_MAX];
  char size[FIX_EXPRESSION_MAX];
};

/* Read a file. Returns 0, FPOST_ENOENT or FPOST_ENOMEM. */
FPOST_MUST_USE int fix_text_read(struct fix_text *text, const char *path);
void fix_text_free(struct fix_text *text);

/* Offset of the first character of a line (from 1); size if there is none. */
size_t fix_line_offset(const struct fix_text *text, uint32_t line);
uint32_t fix_line_of(const struct fix_text *text, size_t offset);

/*
 * The statement at a line and column (from 1; 0: not known). Returns null, or
 * why it cannot be told.
 */
const char *fix_statement_find(const struct fix_text *text, uint32_t line,
                               uint32_t column,
                               struct fix_statement *statement);

/* What the statement stores to. Returns null, or why it cannot be told. */
const char *fix_statement_target(const struct fix_text *text,
                                 const struct fix_statement *statement,
                                 struct fix_target *target);

#endif /* FPOST_FIX_STATEMENT_H */
