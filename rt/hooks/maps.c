/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/maps.h"

#include "rt/os/os.h"

#include <fcntl.h>
#include <string.h>

/* Of the list, read at a time, in bytes; more than a line. */
#define PIECE 8192u

/* A number, and the character behind it. */
static const char *number_read(const char *at, unsigned base,
                               uint64_t *number) {
  for (*number = 0;; at++) {
    unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                     : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
                                                : base;
    if (digit >= base) {
      return at;
    }
    *number = *number * base + digit;
  }
}

/* The next word of a line. */
static const char *word_next(const char *at) {
  at += strcspn(at, " ");
  return at + strspn(at, " ");
}

/* "start-end rwxp offset device inode path" */
static struct fpost_maps_line line_read(const char *text) {
  struct fpost_maps_line line = {0};
  text = number_read(text, 16, &line.start);
  text = number_read(text + (*text == '-'), 16, &line.end);
  text = word_next(text);
  line.code = strlen(text) > 3 && text[2] == 'x';
  line.shared = strlen(text) > 3 && text[3] == 's';
  text = word_next(text);
  (void)number_read(text, 16, &line.offset);
  text = word_next(word_next(text));
  (void)number_read(text, 10, &line.inode);
  line.path = word_next(text);
  return line;
}

void fpost_maps_each(void (*each)(void *context,
                                  const struct fpost_maps_line *line),
                     void *context) {
  int fd = fpost_os_open("/proc/self/maps", O_RDONLY, 0);
  char *buffer = fpost_os_reserve(PIECE);
  if (fd < 0 || (void *)buffer == FPOST_OS_FAILED) {
    return;
  }
  uint64_t offset = 0;
  size_t kept = 0;
  int64_t got;
  while ((got = fpost_os_read_at(fd, buffer + kept, PIECE - 1 - kept, offset)) >
         0) {
    offset += (uint64_t)got;
    size_t size = kept + (size_t)got;
    buffer[size] = '\0';
    char *text = buffer;
    char *end;
    while ((end = strchr(text, '\n')) != NULL) {
      *end = '\0';
      struct fpost_maps_line line = line_read(text);
      each(context, &line);
      text = end + 1;
    }
    kept = size - (size_t)(text - buffer);
    memmove(buffer, text, kept);
  }
  fpost_os_release(buffer, PIECE);
  fpost_os_close(fd);
}
