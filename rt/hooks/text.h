/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Text in a bounded buffer, for messages where stdio is not allowed. What does
 * not fit is cut off. Always NUL-terminated.
 */
#ifndef FPOST_HOOKS_TEXT_H
#define FPOST_HOOKS_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct fpost_text {
  char *bytes;
  size_t size; /* of the buffer */
  size_t used; /* without the NUL */
};

/* Start an empty text in buffer, which has room for size >= 1 bytes. */
struct fpost_text fpost_text_in(char *buffer, size_t size);

/* Append; what has no room is cut off, and the text stays terminated. Numbers
   are decimal, or hexadecimal with 0x. */
void fpost_text_add(struct fpost_text *text, const char *string);
void fpost_text_add_bytes(struct fpost_text *text, const char *bytes,
                          size_t size);
void fpost_text_add_number(struct fpost_text *text, uint64_t number);
void fpost_text_add_hex(struct fpost_text *text, uint64_t number);

#endif /* FPOST_HOOKS_TEXT_H */
