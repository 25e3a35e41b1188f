/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The kernel's list of the mappings of this process. */
#ifndef FPOST_HOOKS_MAPS_H
#define FPOST_HOOKS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct fpost_maps_line {
  uintptr_t start;
  uintptr_t end;
  bool code;       /* may be executed */
  bool shared;     /* MAP_SHARED */
  uint64_t offset; /* of start in the file, bytes */
  uint64_t inode;  /* 0: no file */
  const char *path;
};

/* Calls each for all of them, by ascending address. */
void fpost_maps_each(void (*each)(void *context,
                                  const struct fpost_maps_line *line),
                     void *context);

#endif /* FPOST_HOOKS_MAPS_H */
