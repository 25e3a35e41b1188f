/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/output.h"

#include "tools/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const struct fpost_output *output, const char *what) {
  fpost_error("cannot write %s '%s': %s", what, output->name, strerror(errno));
  return false;
}

/* Sets path, and beside unless the file is to be written directly. */
static bool places_find(struct fpost_output *output) {
  struct stat status;
  bool there = stat(output->name, &status) == 0;
  /* Follow a link: the file that it names is the one to be replaced. */
  if (!there || realpath(output->name, output->path) == NULL) {
    int size = snprintf(output->path, PATH_MAX, "%s", output->name);
    if (size >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return false;
    }
  }
  output->beside[0] = '\0';
  if (!there || S_ISREG(status.st_mode)) {
    int size = snprintf(output->beside, PATH_MAX, "%s.new.%d", output->path,
                        (int)getpid());
    if (size >= PATH_MAX) {
      errno = ENAMETOOLONG;
      return false;
    }
  }
  return true;
}

bool fpost_output_open(struct fpost_output *output, const char *path,
                       const char *what) {
  output->name = path == NULL ? "-" : path;
  output->beside[0] = '\0';
  if (strcmp(output->name, "-") == 0) {
    output->file = stdout;
    return true;
  }
  if (!places_find(output)) {
    return fail(output, what);
  }
  output->file =
      fopen(output->beside[0] != '\0' ? output->beside : output->path, "we");
  return output->file != NULL || fail(output, what);
}

bool fpost_output_close(struct fpost_output *output, bool good,
                        const char *what) {
  bool written = fflush(output->file) == 0 && ferror(output->file) == 0;
  int saved = errno;
  if (output->file != stdout && fclose(output->file) != 0 && written) {
    written = false;
    saved = errno;
  }
  if (good && written && output->beside[0] != '\0' &&
      rename(output->beside, output->path) != 0) {
    written = false;
    saved = errno;
  }
  if (output->beside[0] != '\0' && !(good && written)) {
    (void)unlink(output->beside);
  }
  if (!written) {
    errno = saved;
    return fail(output, what);
  }
  return good;
}
