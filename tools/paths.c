/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/paths.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The absolute path of the running executable. Returns 0, or FPOST_ENOENT if
   /proc is not there. */
static int path_self(char *path, size_t size) {
  ssize_t length = readlink("/proc/self/exe", path, size - 1);
  if (length <= 0 || (size_t)length >= size - 1) {
    return FPOST_ENOENT;
  }
  path[length] = '\0';
  return FPOST_OK;
}

int fpost_path_part(const char *built_at, const char *installed_at, char *path,
                    size_t size) {
  char self[PATH_MAX];
  const char *at[] = {built_at, installed_at};
  int err = path_self(self, sizeof self);
  if (err != FPOST_OK) {
    return err;
  }
  /* The executable is at <build>/tools/fencepost or <prefix>/bin/fencepost. */
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
      return FPOST_ENOENT;
    }
    *slash = '\0';
  }
  for (size_t i = 0; i < 2; i++) {
    int length = snprintf(path, size, "%s/%s", self, at[i]);
    if (length < 0 || (size_t)length >= size) {
      return FPOST_ENOENT;
    }
    if (access(path, R_OK) == 0) {
      return FPOST_OK;
    }
  }
  return FPOST_ENOENT;
}
