/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/demangle.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *fpost_demangle_cxx(const char *name); /* tools/demangle.cc */

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

/*
 * The identifiers of a v0 name, joined by "::". An identifier is its length in
 * decimal, an optional '_', and its bytes; "s" and a base-62 number ended by
 * '_' before it tell equal names apart.
 */
static char *rust_v0(const char *name) {
  size_t size = strlen(name);
  char *out = malloc(2 * size + 1);
  char *at = out;
  if (out == NULL) {
    return NULL;
  }
  for (size_t i = 2; i < size;) {
    if (name[i] == 's' || name[i] == 'B') {
      i += strcspn(name + i, "_") + 1;
      continue;
    }
    if (!isdigit((unsigned char)name[i])) {
      i++;
      continue;
    }
    char *end = NULL;
    unsigned long length = strtoul(name + i, &end, 10);
    i = (size_t)(end - name);
    i += name[i] == '_';
    if (length > size - i) {
      break;
    }
    if (length != 0) {
      if (at != out) {
        at = stpcpy(at, "::");
      }
      memcpy(at, name + i, length);
      at += length;
    }
    i += length;
  }
  *at = '\0';
  return out;
}

char *fpost_demangle(const char *name) {
  char *out = NULL;
  if (strncmp(name, "_R", 2) == 0) {
    out = rust_v0(name);
    if (out != NULL && *out == '\0') {
      free(out);
      out = NULL;
    }
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
