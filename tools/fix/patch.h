/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lines to be inserted into files, as a unified diff. */
#ifndef FPOST_FIX_PATCH_H
#define FPOST_FIX_PATCH_H

#include "rt/base/err.h"

#include <stdint.h>
#include <stdio.h>

struct fix_insertion {
  char *path;     /* of the file, absolute */
  uint32_t after; /* line, 0: before the first */
  char *text;     /* lines, each with its newline */
};

struct fix_patch {
  struct fix_insertion *insertions;
  uint32_t count;
  uint32_t max;
};

/* Add lines after a line, unless the same are there. Copies both. */
FPOST_MUST_USE int fix_patch_add(struct fix_patch *patch, const char *path,
                                 uint32_t after, const char *text);

/*
 * Write the diff. Files below root (absolute, without a slash at its end) are
 * named relative to it. Returns 0, or FPOST_ENOENT if a file cannot be read.
 */
FPOST_MUST_USE int fix_patch_write(struct fix_patch *patch, const char *root,
                                   FILE *out);

void fix_patch_free(struct fix_patch *patch);

#endif /* FPOST_FIX_PATCH_H */
