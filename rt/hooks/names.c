/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/names.h"

#include "rt/hooks/flags.h"
#include "rt/hooks/text.h"

#include <stddef.h>
#include <string.h>

/* A name, taken apart. */
struct forms {
  char plain[FPOST_NAME_MAX]; /* without template arguments */
  const char *last;           /* what follows the last "::" of the name */
  const char *plain_last;     /* the same of plain */
};

static bool is_identifier(char c) {
  return c == '_' || c == '$' || (c >= '0' && c <= '9') ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of the operator's name that begins at `at`, 0 if none does: its
   brackets are none. */
static size_t operator_size(const char *name, const char *at) {
  static const char word[] = "operator";
  size_t size = sizeof word - 1;
  if (strncmp(at, word, size) != 0 || (at != name && is_identifier(at[-1])) ||
      is_identifier(at[size])) {
    return 0;
  }
  if (strncmp(at + size, "()", 2) == 0 || strncmp(at + size, "[]", 2) == 0) {
    return size + 2;
  }
  return size + strspn(at + size, "<>=!-+*/%^&|~,");
}

/* What is at `at` of the name. Keeps count of brackets; returns its bytes. */
static size_t step(const char *name, const char *at, uint32_t *angles,
                   uint32_t *others) {
  size_t size = operator_size(name, at);
  if (size != 0) {
    return size;
  }
  if (*at == '<') {
    ++*angles;
  } else if (*at == '>' && *angles > 0 && at[-1] != '-') {
    --*angles;
  } else if (strchr("({[", *at) != NULL) {
    ++*others;
  } else if (strchr(")}]", *at) != NULL && *others > 0) {
    --*others;
  } else if (strncmp(at, "::", 2) == 0) {
    return 2;
  }
  return 1;
}

static void take_apart(const char *name, struct forms *forms) {
  struct fpost_text plain = fpost_text_in(forms->plain, sizeof forms->plain);
  uint32_t angles = 0;
  uint32_t others = 0;
  size_t size = 0;
  forms->last = name;
  forms->plain_last = forms->plain;
  for (const char *at = name; *at != '\0'; at += size) {
    bool inside = angles != 0;
    size = step(name, at, &angles, &others);
    if (!inside && angles == 0) {
      fpost_text_add_bytes(&plain, at, size);
      if (size == 2 && *at == ':' && others == 0) {
        forms->last = at + 2;
        forms->plain_last = plain.bytes + plain.used;
      }
    }
  }
}

static bool is_whole(const struct forms *pattern, const char *text) {
  return pattern->last != text;
}

bool fpost_name_matches(const char *pattern, const char *name,
                        const char *parameters) {
  struct forms wanted;
  struct forms forms;
  take_apart(pattern, &wanted);
  take_apart(name, &forms);
  bool whole = is_whole(&wanted, pattern);
  const char *candidates[] = {whole ? name : forms.last,
                              whole ? forms.plain : forms.plain_last};
  for (uint32_t i = 0; i < 2; i++) {
    char bytes[2 * FPOST_NAME_MAX];
    struct fpost_text full = fpost_text_in(bytes, sizeof bytes);
    fpost_text_add(&full, candidates[i]);
    fpost_text_add(&full, parameters);
    if (fpost_flags_glob(pattern, candidates[i]) ||
        fpost_flags_glob(pattern, bytes)) {
      return true;
    }
  }
  return false;
}

uint32_t fpost_name_distance(const char *pattern, const char *name) {
  struct forms wanted;
  struct forms forms;
  take_apart(pattern, &wanted);
  take_apart(name, &forms);
  const char *other =
      is_whole(&wanted, pattern) ? forms.plain : forms.plain_last;
  uint32_t row[FPOST_NAME_NEAR_MAX + 1];
  uint32_t count = (uint32_t)strnlen(other, FPOST_NAME_NEAR_MAX);
  for (uint32_t j = 0; j <= count; j++) {
    row[j] = j;
  }
  for (uint32_t i = 0; i < FPOST_NAME_NEAR_MAX && pattern[i] != '\0'; i++) {
    uint32_t before = row[0];
    row[0] = i + 1;
    for (uint32_t j = 1; j <= count; j++) {
      uint32_t swap = before + (pattern[i] != other[j - 1]);
      uint32_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      before = row[j];
      row[j] = swap < edit ? swap : edit;
    }
  }
  return row[count];
}
