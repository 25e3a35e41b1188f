/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/demangle.h"

#include <stdlib.h>
#include <string.h>

char *fpost_demangle_cxx(const char *name);  /* tools/demangle.cc */
char *fpost_demangle_rust(const char *name); /* tools/demangle_rust.c */

/* "::h" and 16 hex digits end a name of Rust's legacy scheme. */
#define RUST_HASH_SIZE 19u

static void rust_hash_cut(char *name) {
  size_t size = strlen(name);
  if (size <= RUST_HASH_SIZE) {
    return;
  }
  char *hash = name + size - RUST_HASH_SIZE;
  if (strncmp(hash, "::h", 3) == 0 &&
      strspn(hash + 3, "0123456789abcdef") == RUST_HASH_SIZE - 3) {
    *hash = '\0';
  }
}

/* Rust's legacy scheme writes characters as $LT$, .. and the like. */
static void rust_escapes_undo(char *name) {
  static const struct {
    const char *from;
    char to;
  } escapes[] = {{"$LT$", '<'},  {"$GT$", '>'},  {"$RF$", '&'},  {"$BP$", '*'},
                 {"$LP$", '('},  {"$RP$", ')'},  {"$C$", ','},   {"$u20$", ' '},
                 {"$u7b$", '{'}, {"$u7d$", '}'}, {"$u5b$", '['}, {"$u5d$", ']'},
                 {"$u27$", '\''}};
  char *out = name;
  while (*name != '\0') {
    size_t i = 0;
    size_t count = sizeof escapes / sizeof escapes[0];
    while (i < count &&
           strncmp(name, escapes[i].from, strlen(escapes[i].from)) != 0) {
      i++;
    }
    if (i < count) {
      name += strlen(escapes[i].from);
      *out++ = escapes[i].to;
    } else if (name[0] == '.' && name[1] == '.') {
      name += 2;
      *out++ = ':';
      *out++ = ':';
    } else {
      *out++ = *name++;
    }
  }
  *out = '\0';
}

char *fpost_demangle(const char *name) {
  char *out = NULL;
  if (strncmp(name, "_R", 2) == 0) {
    out = fpost_demangle_rust(name);
  } else if (strncmp(name, "_Z", 2) == 0) {
    out = fpost_demangle_cxx(name);
    if (out != NULL) {
      rust_hash_cut(out);
      if (strchr(out, '$') != NULL) {
        rust_escapes_undo(out);
      }
    }
  }
  return out != NULL ? out : strdup(name);
}
