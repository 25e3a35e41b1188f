/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/html/sources.h"

#include "rt/base/assert.h"
#include "tools/finding.h"
#include "tools/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* Lines further down than this are not shown: no source file is that long. */
#define LINES_MAX 1000000u
/* What is shown of a line, bytes. */
#define LINE_SHOWN 400u
#define BUCKETS 1024u

struct source {
  struct source *next; /* of the bucket */
  char *path;
  uint8_t *wanted; /* by line, from 1 */
  uint32_t lines;  /* room in wanted */
};

struct html_sources {
  struct source *buckets[BUCKETS];
};

struct html_sources *html_sources_new(void) {
  struct html_sources *sources = calloc(1, sizeof *sources);
  FPOST_ASSERT(sources != NULL);
  return sources;
}

void html_sources_free(struct html_sources *sources) {
  for (uint32_t i = 0; i < BUCKETS; i++) {
    while (sources->buckets[i] != NULL) {
      struct source *source = sources->buckets[i];
      sources->buckets[i] = source->next;
      free(source->path);
      free(source->wanted);
      free(source);
    }
  }
  free(sources);
}

static struct source *source_get(struct html_sources *sources,
                                 const char *path) {
  struct source **bucket =
      &sources->buckets[XXH64(path, strlen(path), 0) % BUCKETS];
  for (struct source *source = *bucket; source != NULL; source = source->next) {
    if (strcmp(source->path, path) == 0) {
      return source;
    }
  }
  struct source *source = calloc(1, sizeof *source);
  FPOST_ASSERT(source != NULL);
  source->path = strdup(path);
  FPOST_ASSERT(source->path != NULL);
  source->next = *bucket;
  *bucket = source;
  return source;
}

void html_sources_want(struct html_sources *sources, const char *file,
                       uint32_t line, uint32_t context) {
  if (file == NULL || line == 0 || line > LINES_MAX) {
    return;
  }
  struct source *source = source_get(sources, file);
  uint32_t first = line > context ? line - context : 1;
  uint32_t last = line + context;
  if (last >= source->lines) {
    uint32_t lines = last + 1 + last / 2;
    source->wanted = realloc(source->wanted, lines);
    FPOST_ASSERT(source->wanted != NULL);
    memset(source->wanted + source->lines, 0, lines - source->lines);
    source->lines = lines;
  }
  memset(source->wanted + first, 1, last - first + 1);
}

/* The wanted lines of a file as runs: [[first, text, ...], ...]. */
static json_t *runs_read(const struct source *source,
                         struct fpost_sources *files) {
  json_t *runs = json_array();
  json_t *run = NULL;
  for (uint32_t line = 1; line < source->lines; line++) {
    char text[LINE_SHOWN + 1];
    size_t size = 0;
    const char *found =
        source->wanted[line] == 0
            ? NULL
            : fpost_source_line(files, source->path, line, &size);
    if (found == NULL) {
      run = NULL;
      continue;
    }
    if (run == NULL) {
      run = json_array();
      json_array_append_new(run, json_integer(line));
      json_array_append_new(runs, run);
    }
    snprintf(text, sizeof text, "%.*s",
             (int)(size < LINE_SHOWN ? size : LINE_SHOWN), found);
    text[strcspn(text, "\r")] = '\0';
    json_array_append_new(run, fpost_json_text(text));
  }
  return runs;
}

static json_t *source_read(const struct source *source,
                           struct fpost_sources *files, int64_t since) {
  json_t *json = json_object();
  struct stat state;
  if (stat(source->path, &state) != 0) {
    json_object_set_new(json, "error", fpost_json_text(strerror(errno)));
  } else if (fpost_source_count(files, source->path) == 0) {
    json_object_set_new(json, "error",
                        json_string("it cannot be read, or has no lines"));
  } else {
    json_object_set_new(json, "runs", runs_read(source, files));
    if (since != 0 && state.st_mtim.tv_sec > since) {
      json_object_set_new(json, "changed", json_true());
    }
  }
  return json;
}

json_t *html_sources_read(struct html_sources *sources, int64_t since) {
  json_t *all = json_object();
  struct fpost_sources *files = fpost_sources_new();
  FPOST_ASSERT(files != NULL);
  for (uint32_t i = 0; i < BUCKETS; i++) {
    for (const struct source *source = sources->buckets[i]; source != NULL;
         source = source->next) {
      json_t *path = fpost_json_text(source->path);
      json_object_set_new(all, json_string_value(path),
                          source_read(source, files, since));
      json_decref(path);
    }
  }
  fpost_sources_free(files);
  return all;
}
