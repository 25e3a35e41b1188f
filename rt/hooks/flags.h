/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* FENCEPOST_OPTIONS: parsed once at the start into struct fpost_flags. */
#ifndef FPOST_HOOKS_FLAGS_H
#define FPOST_HOOKS_FLAGS_H

#include "rt/base/err.h"
#include "rt/hooks/text.h"
#include "rt/model/rules.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_FLAG_TEXT_MAX 4096u /* bytes of a value, with the NUL */
#define FPOST_FLAG_LIST_MAX 16u   /* values of a LIST flag */
/* Room for all texts together; longer options are refused. */
#define FPOST_FLAG_ARENA 16384u

enum fpost_flag_mode {
  FPOST_MODE_CHECK,
  FPOST_MODE_RECORD,
  FPOST_MODE_RECOVER
};

struct fpost_flag_list {
  const char *values[FPOST_FLAG_LIST_MAX];
  uint32_t count;
};

/* flags.races if it was not said. */
#define FPOST_RACES_AUTO 2u

#define FPOST_FLAG_TYPE_MODE enum fpost_flag_mode
#define FPOST_FLAG_TYPE_DOMAIN enum fpost_domain
#define FPOST_FLAG_TYPE_TEXT const char *
#define FPOST_FLAG_TYPE_LIST struct fpost_flag_list
#define FPOST_FLAG_TYPE_CLASSES uint32_t /* a bit per enum fpost_class */
#define FPOST_FLAG_TYPE_NUMBER uint64_t
#define FPOST_FLAG_TYPE_BOOL bool

struct fpost_flags {
#define FPOST_FLAG(type, name, value, text) FPOST_FLAG_TYPE_##type name;
#include "rt/hooks/flags.def"
  char arena[FPOST_FLAG_ARENA]; /* the texts that the fields point to */
  uint32_t arena_used;
};

/*
 * Set every flag to its default, then as options says (null: nothing). Returns
 * 0, or FPOST_EINVAL with a sentence about the first mistake in *error.
 */
FPOST_MUST_USE int fpost_flags_parse(struct fpost_flags *flags,
                                     const char *options,
                                     struct fpost_text *error);

/* The classes to report: the default ones, as `only` and `no` change them. */
uint32_t fpost_flags_classes(const struct fpost_flags *flags);

/* Does the glob pattern match the text? '*' matches any run of characters, '?'
   one. */
bool fpost_flags_glob(const char *pattern, const char *text);

/*
 * Does the glob pattern match path? '*' matches any run of characters, '?' one;
 * without a '/' in the pattern only the last component of path is looked at.
 */
bool fpost_flags_match(const char *pattern, const char *path);

#endif /* FPOST_HOOKS_FLAGS_H */
