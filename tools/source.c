/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
  struct source *next;
  char *path;
  char *text;
  size_t size;
  size_t *starts; /* of the lines, and the end of the last */
  uint32_t count; /* of lines */
};

struct fpost_sources {
  struct source *files; /* the one used last comes first */
};

struct fpost_sources *fpost_sources_new(void) {
  return calloc(1, sizeof(struct fpost_sources));
}

void fpost_sources_free(struct fpost_sources *sources) {
  while (sources != NULL && sources->files != NULL) {
    struct source *source = sources->files;
    sources->files = source->next;
    free(source->path);
    free(source->text);
    free(source->starts);
    free(source);
  }
  free(sources);
}

/* All of a regular file; null if it cannot be had. */
static char *file_read(const char *path, size_t *size) {
  struct stat status;
  char *text = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return NULL;
  }
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
      (uint64_t)status.st_size <= FPOST_SOURCE_MAX) {
    text = malloc((size_t)status.st_size + 1);
  }
  *size = 0;
  while (text != NULL && *size < (size_t)status.st_size) {
    ssize_t got = read(fd, text + *size, (size_t)status.st_size - *size);
    if (got <= 0) {
      break;
    }
    *size += (size_t)got;
  }
  close(fd);
  return text;
}

static void lines_find(struct source *source) {
  uint32_t count = 0;
  for (size_t i = 0; i < source->size; i++) {
    count += source->text[i] == '\n' || i + 1 == source->size;
  }
  source->starts = malloc((count + 1) * sizeof *source->starts);
  if (source->starts == NULL) {
    return;
  }
  source->starts[0] = 0;
  for (size_t i = 0; i < source->size; i++) {
    if (source->text[i] == '\n' || i + 1 == source->size) {
      source->starts[++source->count] = i + 1;
    }
  }
}

static struct source *source_of(struct fpost_sources *sources,
                                const char *path) {
  for (struct source **at = &sources->files; *at != NULL; at = &(*at)->next) {
    struct source *source = *at;
    if (strcmp(source->path, path) == 0) {
      *at = source->next;
      source->next = sources->files;
      sources->files = source;
      return source;
    }
  }
  struct source *source = calloc(1, sizeof *source);
  if (source == NULL || (source->path = strdup(path)) == NULL) {
    free(source);
    return NULL;
  }
  source->text = file_read(path, &source->size);
  if (source->text != NULL) {
    lines_find(source);
  }
  source->next = sources->files;
  sources->files = source;
  return source;
}

const char *fpost_source_line(struct fpost_sources *sources, const char *path,
                              uint32_t line, size_t *size) {
  *size = 0;
  if (path == NULL) {
    return NULL;
  }
  const struct source *source = source_of(sources, path);
  if (source == NULL || line == 0 || line > source->count) {
    return NULL;
  }
  const char *text = source->text + source->starts[line - 1];
  *size = source->starts[line] - source->starts[line - 1];
  while (*size != 0 && (text[*size - 1] == '\n' || text[*size - 1] == '\r')) {
    --*size;
  }
  return text;
}

uint32_t fpost_source_count(struct fpost_sources *sources, const char *path) {
  const struct source *source = source_of(sources, path);
  return source != NULL ? source->count : 0;
}
