/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/text.h"

#include <stdint.h>
#include <string.h>

#define INVALID UINT32_MAX

/*
 * The character at text and how many bytes it takes; INVALID and 1 if the bytes
 * are not UTF-8 (overlong forms and surrogates are not). size is at least 1.
 */
static uint32_t decode(const char *text, size_t size, size_t *taken) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  unsigned char first = (unsigned char)text[0];
  size_t more = first < 0x80   ? 0
                : first < 0xc2 ? 4
                : first < 0xe0 ? 1
                : first < 0xf0 ? 2
                : first < 0xf5 ? 3
                               : 4;
  uint32_t character = more == 0 ? first : first & (0x3fU >> more);
  *taken = 1;
  if (more >= size || more == 4) {
    return INVALID;
  }
  for (size_t i = 1; i <= more; i++) {
    unsigned char next = (unsigned char)text[i];
    if ((next & 0xc0) != 0x80) {
      return INVALID;
    }
    character = character << 6 | (next & 0x3f);
  }
  if (character < least[more] || character > 0x10ffff ||
      (character >= 0xd800 && character < 0xe000)) {
    return INVALID;
  }
  *taken = more + 1;
  return character;
}

/* How the form writes a character that it does not take as it is; null: as it
   is, "": as a number. */
static const char *replacement(uint32_t character, enum fpost_text_form form) {
  switch (character) {
  case '\n':
    return form == FPOST_TEXT_LINE ? "\\n" : NULL;
  case '\t':
    return form == FPOST_TEXT_XML ? NULL : " ";
  case '&':
    return form == FPOST_TEXT_XML ? "&amp;" : NULL;
  case '<':
    return form == FPOST_TEXT_XML ? "&lt;" : NULL;
  case '>':
    return form == FPOST_TEXT_XML ? "&gt;" : NULL;
  case '"':
    return form == FPOST_TEXT_XML ? "&quot;" : NULL;
  case 0xfffe:
  case 0xffff:
    return "";
  default:
    return character < 0x20 || (character >= 0x7f && character < 0xa0) ? ""
                                                                       : NULL;
  }
}

void fpost_text_put(FILE *out, const char *text, size_t size,
                    enum fpost_text_form form) {
  size_t plain = 0; /* bytes before text that are to be written as they are */
  while (size != 0) {
    size_t taken = 0;
    uint32_t character = decode(text, size, &taken);
    const char *instead =
        character == INVALID ? "" : replacement(character, form);
    if (instead != NULL) {
      (void)fwrite(text - plain, 1, plain, out);
      plain = 0;
      if (*instead != '\0') {
        fputs(instead, out);
      } else if (character == INVALID || character < 0x100) {
        fprintf(out, "\\x%02x",
                character == INVALID ? (unsigned)(unsigned char)*text
                                     : (unsigned)character);
      } else {
        fprintf(out, "\\u%04x", (unsigned)character);
      }
    } else {
      plain += taken;
    }
    text += taken;
    size -= taken;
  }
  (void)fwrite(text - plain, 1, plain, out);
}

bool fpost_text_valid(const char *text, size_t size) {
  while (size != 0) {
    size_t taken = 0;
    if (decode(text, size, &taken) == INVALID) {
      return false;
    }
    text += taken;
    size -= taken;
  }
  return true;
}
