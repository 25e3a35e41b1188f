/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A file that is written as a whole or not at all: it is written beside its
 * place and moved there at the end. Devices and pipes are written directly.
 */
#ifndef FPOST_TOOLS_OUTPUT_H
#define FPOST_TOOLS_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct fpost_output {
  FILE *file;            /* to write to */
  const char *name;      /* as the user gave it, not copied */
  char path[PATH_MAX];   /* where it goes */
  char beside[PATH_MAX]; /* where it is written; "": directly */
};

/*
 * Begin to write path; "-" or null is stdout. what is said of it in errors,
 * which are printed: "the JSON report". Returns false if it cannot be written.
 */
bool fpost_output_open(struct fpost_output *output, const char *path,
                       const char *what);

/*
 * End it: put the file in place if good is true and all could be written, or
 * remove it. Errors of writing are printed. Returns whether it is in place.
 */
bool fpost_output_close(struct fpost_output *output, bool good,
                        const char *what);

#endif /* FPOST_TOOLS_OUTPUT_H */
