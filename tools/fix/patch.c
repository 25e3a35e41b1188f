/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/fix/patch.h"

#include "tools/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 3u /* lines around a change */

int fix_patch_add(struct fix_patch *patch, const char *path, uint32_t after,
                  const char *text) {
  for (uint32_t i = 0; i < patch->count; i++) {
    const struct fix_insertion *there = &patch->insertions[i];
    if (there->after == after && strcmp(there->path, path) == 0 &&
        strcmp(there->text, text) == 0) {
      return FPOST_OK;
    }
  }
  if (patch->count == patch->max) {
    uint32_t max = patch->max == 0 ? 16 : 2 * patch->max;
    struct fix_insertion *grown =
        realloc(patch->insertions, max * sizeof *grown);
    if (grown == NULL) {
      return FPOST_ENOMEM;
    }
    patch->insertions = grown;
    patch->max = max;
  }
  struct fix_insertion *insertion = &patch->insertions[patch->count];
  *insertion = (struct fix_insertion){strdup(path), after, strdup(text)};
  if (insertion->path == NULL || insertion->text == NULL) {
    free(insertion->path);
    free(insertion->text);
    return FPOST_ENOMEM;
  }
  patch->count++;
  return FPOST_OK;
}

void fix_patch_free(struct fix_patch *patch) {
  for (uint32_t i = 0; i < patch->count; i++) {
    free(patch->insertions[i].path);
    free(patch->insertions[i].text);
  }
  free(patch->insertions);
  *patch = (struct fix_patch){.count = 0};
}

static int compare(const void *left, const void *right) {
  const struct fix_insertion *a = left;
  const struct fix_insertion *b = right;
  int order = strcmp(a->path, b->path);
  return order != 0 ? order : (a->after > b->after) - (a->after < b->after);
}

static uint32_t lines_of(const char *text) {
  uint32_t count = 0;
  for (; *text != '\0'; text++) {
    count += *text == '\n';
  }
  return count;
}

/* The text's lines, each behind a sign. */
static void lines_put(FILE *out, char sign, const char *text) {
  while (*text != '\0') {
    size_t size = strcspn(text, "\n") + 1;
    fprintf(out, "%c%.*s", sign, (int)size, text);
    text += size;
  }
}

/* Insertions first to last - 1, which are near each other. */
static void hunk_put(struct fpost_sources *sources,
                     const struct fix_insertion *first,
                     const struct fix_insertion *last, uint32_t *added,
                     FILE *out) {
  uint32_t lines = fpost_source_count(sources, first->path);
  uint32_t begin = first->after >= CONTEXT ? first->after - CONTEXT + 1 : 1;
  uint32_t end =
      last[-1].after + CONTEXT < lines ? last[-1].after + CONTEXT : lines;
  uint32_t more = 0;
  for (const struct fix_insertion *at = first; at != last; at++) {
    more += lines_of(at->text);
  }
  fprintf(out, "@@ -%" PRIu32 ",%" PRIu32 " +%" PRIu32 ",%" PRIu32 " @@\n",
          begin, end - begin + 1, begin + *added, end - begin + 1 + more);
  *added += more;
  for (uint32_t line = begin - 1; line <= end; line++) {
    size_t size = 0;
    const char *text = fpost_source_line(sources, first->path, line, &size);
    if (line >= begin) {
      /* With its end, which may be \r\n. */
      size += text != NULL ? strcspn(text + size, "\n") : 0;
      fprintf(out, " %.*s\n", (int)size, text != NULL ? text : "");
    }
    for (const struct fix_insertion *at = first; at != last; at++) {
      if (at->after == line) {
        lines_put(out, '+', at->text);
      }
    }
  }
}

static void file_put(struct fpost_sources *sources,
                     const struct fix_insertion *first,
                     const struct fix_insertion *last, const char *root,
                     FILE *out) {
  size_t size = root != NULL ? strlen(root) : 0;
  const char *name = first->path;
  uint32_t added = 0;
  if (size != 0 && strncmp(name, root, size) == 0 && name[size] == '/') {
    name += size;
  }
  name += *name == '/';
  fprintf(out, "--- a/%s\n+++ b/%s\n", name, name);
  while (first != last) {
    const struct fix_insertion *end = first + 1;
    while (end != last && end->after <= end[-1].after + 2 * CONTEXT) {
      end++;
    }
    hunk_put(sources, first, end, &added, out);
    first = end;
  }
}

int fix_patch_write(struct fix_patch *patch, const char *root, FILE *out) {
  struct fpost_sources *sources = fpost_sources_new();
  int err = sources == NULL ? FPOST_ENOMEM : FPOST_OK;
  if (patch->count != 0) {
    qsort(patch->insertions, patch->count, sizeof *patch->insertions, compare);
  }
  for (uint32_t i = 0; err == FPOST_OK && i < patch->count;) {
    uint32_t end = i + 1;
    while (end < patch->count && strcmp(patch->insertions[end].path,
                                        patch->insertions[i].path) == 0) {
      end++;
    }
    if (fpost_source_count(sources, patch->insertions[i].path) == 0) {
      err = FPOST_ENOENT;
    } else {
      file_put(sources, &patch->insertions[i], patch->insertions + end, root,
               out);
    }
    i = end;
  }
  fpost_sources_free(sources);
  return err;
}
