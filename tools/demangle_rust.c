/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Names of Rust's v0 scheme (RFC 2603). A name is a tree written in prefix
 * form; "B" and a number refers back to a part of the name itself. Printed is
 * what a reader of a stack needs: the arguments of generic functions, hashes of
 * crates, lifetimes and the values of constants are left out.
 */
#include "tools/demangle.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Nested parts that are followed; references back can make endless ones. */
#define DEPTH_MAX 64u
#define OUTPUT_MAX 4096u

struct parser {
  const char *text; /* behind "_R" */
  size_t size;
  size_t at;
  size_t out_size;
  uint32_t depth;
  bool quiet; /* parse without printing */
  bool bad;
  char out[OUTPUT_MAX];
};

char *fpost_demangle_rust(const char *name);

static void type_parse(struct parser *parser);
static void path_parse(struct parser *parser, bool in_type);

static void put(struct parser *parser, const char *text, size_t size) {
  if (parser->quiet || parser->bad) {
    return;
  }
  if (size >= OUTPUT_MAX - parser->out_size) {
    parser->bad = true;
    return;
  }
  memcpy(parser->out + parser->out_size, text, size);
  parser->out_size += size;
}

static void put_text(struct parser *parser, const char *text) {
  put(parser, text, strlen(text));
}

static char peek(const struct parser *parser) {
  return parser->bad || parser->at == parser->size ? '\0'
                                                   : parser->text[parser->at];
}

static bool eat(struct parser *parser, char wanted) {
  if (wanted == '\0' || peek(parser) != wanted) {
    return false;
  }
  parser->at++;
  return true;
}

static char take(struct parser *parser) {
  char got = peek(parser);
  parser->bad |= got == '\0';
  parser->at += got != '\0';
  return got;
}

/* A number of base 62, modulo 2^64, that ends with '_': "_" is 0, "0_" is 1. */
static uint64_t base62_parse(struct parser *parser) {
  uint64_t value = 0;
  if (eat(parser, '_')) {
    return 0;
  }
  for (char got; (got = take(parser)) != '_' && !parser->bad;) {
    uint64_t digit = 0;
    if (got >= '0' && got <= '9') {
      digit = (uint64_t)(got - '0');
    } else if (got >= 'a' && got <= 'z') {
      digit = (uint64_t)(got - 'a') + 10;
    } else if (got >= 'A' && got <= 'Z') {
      digit = (uint64_t)(got - 'A') + 36;
    } else {
      parser->bad = true;
    }
    value = value * 62 + digit;
  }
  return value + 1;
}

static void disambiguator_skip(struct parser *parser) {
  if (eat(parser, 's')) {
    (void)base62_parse(parser);
  }
}

/* [u] LENGTH [_] BYTES; the bytes of a name with u are Punycode, left as is. */
static void identifier_parse(struct parser *parser, const char **text,
                             size_t *size) {
  *text = "";
  *size = 0;
  (void)eat(parser, 'u');
  if (peek(parser) < '0' || peek(parser) > '9') {
    parser->bad = true;
    return;
  }
  if (!eat(parser, '0')) {
    while (peek(parser) >= '0' && peek(parser) <= '9' && *size < OUTPUT_MAX) {
      *size = *size * 10 + (size_t)(take(parser) - '0');
    }
  }
  (void)eat(parser, '_');
  if (parser->bad || *size > parser->size - parser->at) {
    parser->bad = true;
    *size = 0;
    return;
  }
  *text = parser->text + parser->at;
  parser->at += *size;
}

/* What a reference back names, parsed once more. */
static void backref_parse(struct parser *parser, bool is_type, bool in_type) {
  size_t start = parser->at - 1;
  uint64_t to = base62_parse(parser);
  size_t after = parser->at;
  if (parser->bad || to >= start) {
    parser->bad = true;
    return;
  }
  parser->at = (size_t)to;
  if (is_type) {
    type_parse(parser);
  } else {
    path_parse(parser, in_type);
  }
  parser->at = after;
}

static void nested_parse(struct parser *parser, bool in_type) {
  char space = take(parser);
  const char *text = NULL;
  size_t size = 0;
  path_parse(parser, in_type);
  disambiguator_skip(parser);
  identifier_parse(parser, &text, &size);
  put_text(parser, "::");
  if (space >= 'a' && space <= 'z') {
    put(parser, text, size);
  } else {
    put_text(parser, space == 'C' ? "{closure}" : "{shim}");
  }
}

/* A type before "::": its own name if it is a path, else <...>. */
static void self_parse(struct parser *parser) {
  bool is_path = strchr("CNI", peek(parser)) != NULL;
  if (peek(parser) == 'B') {
    struct parser *ahead = malloc(sizeof *ahead);
    if (ahead != NULL) {
      *ahead = *parser;
      ahead->at++;
      uint64_t to = base62_parse(ahead);
      is_path = !ahead->bad && to < parser->size &&
                strchr("CNI", parser->text[to]) != NULL;
      free(ahead);
    }
  }
  put_text(parser, is_path ? "" : "<");
  type_parse(parser);
  put_text(parser, is_path ? "" : ">");
}

static void impl_path_skip(struct parser *parser) {
  bool quiet = parser->quiet;
  parser->quiet = true;
  disambiguator_skip(parser);
  path_parse(parser, false);
  parser->quiet = quiet;
}

/* A type or constant, quietly. */
static void const_skip(struct parser *parser) {
  bool quiet = parser->quiet;
  parser->quiet = true;
  if (eat(parser, 'B')) {
    (void)base62_parse(parser);
  } else if (!eat(parser, 'p')) {
    (void)take(parser); /* its type, a letter */
    (void)eat(parser, 'n');
    while (take(parser) != '_' && !parser->bad) {
    }
  }
  parser->quiet = quiet;
}

static void generics_parse(struct parser *parser, bool in_type) {
  bool quiet = parser->quiet;
  path_parse(parser, in_type);
  parser->quiet = quiet || !in_type;
  const char *before = "<";
  while (!eat(parser, 'E') && !parser->bad) {
    if (eat(parser, 'L')) {
      (void)base62_parse(parser);
      continue;
    }
    put_text(parser, before);
    before = ", ";
    if (eat(parser, 'K')) {
      const_skip(parser);
      put_text(parser, "_");
    } else {
      type_parse(parser);
    }
  }
  put_text(parser, *before == ',' ? ">" : "");
  parser->quiet = quiet;
}

static void path_parse(struct parser *parser, bool in_type) {
  const char *text = NULL;
  size_t size = 0;
  if (++parser->depth > DEPTH_MAX) {
    parser->bad = true;
  }
  char kind = take(parser);
  switch (kind) {
  case 'C':
    disambiguator_skip(parser);
    identifier_parse(parser, &text, &size);
    put(parser, text, size);
    break;
  case 'N':
    nested_parse(parser, in_type);
    break;
  case 'M':
    impl_path_skip(parser);
    self_parse(parser);
    break;
  case 'X':
  case 'Y':
    if (kind == 'X') {
      impl_path_skip(parser);
    }
    put_text(parser, "<");
    type_parse(parser);
    put_text(parser, " as ");
    path_parse(parser, true);
    put_text(parser, ">");
    break;
  case 'I':
    generics_parse(parser, in_type);
    break;
  case 'B':
    backref_parse(parser, false, in_type);
    break;
  default:
    parser->bad = true;
    break;
  }
  parser->depth--;
}

static void binder_skip(struct parser *parser) {
  if (eat(parser, 'G')) {
    (void)base62_parse(parser);
  }
}

/* Types up to 'E', separated by commas. Returns how many. */
static uint32_t types_parse(struct parser *parser) {
  uint32_t count = 0;
  while (!eat(parser, 'E') && !parser->bad) {
    put_text(parser, count++ == 0 ? "" : ", ");
    type_parse(parser);
  }
  return count;
}

static void function_type_parse(struct parser *parser) {
  const char *text = NULL;
  size_t size = 0;
  binder_skip(parser);
  put_text(parser, eat(parser, 'U') ? "unsafe fn(" : "fn(");
  if (eat(parser, 'K') && !eat(parser, 'C')) {
    identifier_parse(parser, &text, &size);
  }
  (void)types_parse(parser);
  put_text(parser, ")");
  if (!eat(parser, 'u')) {
    put_text(parser, " -> ");
    type_parse(parser);
  }
}

static void dyn_parse(struct parser *parser) {
  const char *text = NULL;
  size_t size = 0;
  uint32_t count = 0;
  put_text(parser, "dyn ");
  binder_skip(parser);
  while (!eat(parser, 'E') && !parser->bad) {
    put_text(parser, count++ == 0 ? "" : " + ");
    path_parse(parser, true);
    bool quiet = parser->quiet;
    parser->quiet = true; /* the types that belong to the trait */
    while (eat(parser, 'p')) {
      identifier_parse(parser, &text, &size);
      type_parse(parser);
    }
    parser->quiet = quiet;
  }
  if (eat(parser, 'L')) {
    (void)base62_parse(parser);
  }
}

static const char *basic_type(char letter) {
  static const char *const names[26] = {
      "i8",    "bool", "char", "f64", "str",  "f32",  NULL,  "u8", "isize",
      "usize", NULL,   "i32",  "u32", "i128", "u128", "_",   NULL, NULL,
      "i16",   "u16",  "()",   "...", NULL,   "i64",  "u64", "!"};
  return letter >= 'a' && letter <= 'z' ? names[letter - 'a'] : NULL;
}

static void pointer_parse(struct parser *parser, const char *what) {
  if (*what == '&' && eat(parser, 'L')) {
    (void)base62_parse(parser);
  }
  put_text(parser, what);
  type_parse(parser);
}

static void array_parse(struct parser *parser, bool sized) {
  put_text(parser, "[");
  type_parse(parser);
  if (sized) {
    const_skip(parser);
    put_text(parser, "; _");
  }
  put_text(parser, "]");
}

static void compound_parse(struct parser *parser, char kind) {
  switch (kind) {
  case 'A':
  case 'S':
    array_parse(parser, kind == 'A');
    break;
  case 'T':
    put_text(parser, "(");
    put_text(parser, types_parse(parser) == 1 ? ",)" : ")");
    break;
  case 'R':
    pointer_parse(parser, "&");
    break;
  case 'Q':
    pointer_parse(parser, "&mut ");
    break;
  case 'P':
    pointer_parse(parser, "*const ");
    break;
  case 'O':
    pointer_parse(parser, "*mut ");
    break;
  case 'F':
    function_type_parse(parser);
    break;
  case 'D':
    dyn_parse(parser);
    break;
  case 'B':
    backref_parse(parser, true, true);
    break;
  default:
    parser->at--;
    path_parse(parser, true);
    break;
  }
}

static void type_parse(struct parser *parser) {
  char kind = take(parser);
  const char *basic = basic_type(kind);
  if (++parser->depth > DEPTH_MAX) {
    parser->bad = true;
  }
  if (basic != NULL) {
    put_text(parser, basic);
  } else if (!parser->bad) {
    compound_parse(parser, kind);
  }
  parser->depth--;
}

char *fpost_demangle_rust(const char *name) {
  struct parser *parser = calloc(1, sizeof *parser);
  char *out = NULL;
  if (parser == NULL) {
    return NULL;
  }
  parser->text = name + 2;
  /* What follows a '.' was added by the compiler's back end. */
  parser->size = strcspn(parser->text, ".");
  path_parse(parser, false);
  if (!parser->bad && parser->out_size != 0) {
    out = strndup(parser->out, parser->out_size);
  }
  free(parser);
  return out;
}
