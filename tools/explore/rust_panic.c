/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/rust_panic.h"

#include <stdlib.h>
#include <string.h>

#define MARK " panicked at "

/* A number from 1 that ends with a ':', behind one; null if there is none. */
static const char *number_parse(const char *text, uint32_t *number) {
  char *end = NULL;
  if (*text != ':' || text[1] < '1' || text[1] > '9') {
    return NULL;
  }
  unsigned long value = strtoul(text + 1, &end, 10);
  *number = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
  return end;
}

/*
 * The place: FILE:LINE:COLUMN: and the end of the line. The file may have a ':'
 * in it.
 */
static bool place_parse(const char *text, struct explore_rust_panic *panic) {
  const char *line_end = text + strcspn(text, "\n");
  for (const char *at = text; (at = strchr(at, ':')) != NULL && at < line_end;
       at++) {
    const char *next = number_parse(at, &panic->line);
    next = next == NULL ? NULL : number_parse(next, &panic->column);
    if (next != NULL && next[0] == ':' && next + 1 == line_end) {
      panic->file = text;
      panic->file_size = (uint32_t)(at - text);
      return panic->file_size != 0;
    }
  }
  return false;
}

/* The message ends where Rust's own lines begin. */
static const char *message_end(const char *text) {
  static const char *const own[] = {"\nstack backtrace:", "\nnote: run with "};
  const char *end = text + strlen(text);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    const char *found = strstr(text, own[i]);
    end = found != NULL && found < end ? found : end;
  }
  while (end > text && end[-1] == '\n') {
    end--;
  }
  return end;
}

bool explore_rust_panic_find(const char *output,
                             struct explore_rust_panic *panic) {
  for (const char *mark = output; (mark = strstr(mark, MARK)) != NULL;
       mark += sizeof MARK - 1) {
    const char *start = mark;
    while (start > output && start[-1] != '\n') {
      start--;
    }
    if (strncmp(start, "thread '", 8) == 0 &&
        place_parse(mark + sizeof MARK - 1, panic)) {
      panic->start = start;
      panic->end = message_end(mark);
      return true;
    }
  }
  return false;
}
