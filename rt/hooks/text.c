/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/text.h"

#include "rt/base/assert.h"

#include <string.h>

struct fpost_text fpost_text_in(char *buffer, size_t size) {
  FPOST_ASSERT(size >= 1);
  buffer[0] = '\0';
  return (struct fpost_text){.bytes = buffer, .size = size, .used = 0};
}

void fpost_text_add_bytes(struct fpost_text *text, const char *bytes,
                          size_t size) {
  size_t room = text->size - 1 - text->used;
  size_t taken = size < room ? size : room;
  memcpy(text->bytes + text->used, bytes, taken);
  text->used += taken;
  text->bytes[text->used] = '\0';
}

void fpost_text_add(struct fpost_text *text, const char *string) {
  fpost_text_add_bytes(text, string, strlen(string));
}

static void number_add(struct fpost_text *text, uint64_t number,
                       unsigned base) {
  char digits[24];
  size_t at = sizeof(digits);
  do {
    digits[--at] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number != 0);
  fpost_text_add_bytes(text, digits + at, sizeof(digits) - at);
}

void fpost_text_add_number(struct fpost_text *text, uint64_t number) {
  number_add(text, number, 10);
}

void fpost_text_add_hex(struct fpost_text *text, uint64_t number) {
  fpost_text_add(text, "0x");
  number_add(text, number, 16);
}
