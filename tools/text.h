/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Text of unknown origin (what a program printed, names in debug information)
 * made fit for an output. All results are UTF-8.
 */
#ifndef FPOST_TOOLS_TEXT_H
#define FPOST_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum fpost_text_form {
  FPOST_TEXT_LINES, /* for a terminal: newlines stay, a tab becomes a space,
                       other control characters become \x1b and the like */
  FPOST_TEXT_LINE,  /* the same, newlines become \n */
  FPOST_TEXT_XML    /* content or an attribute of XML 1.0: markup is escaped,
                       what XML cannot hold becomes \x1b and the like */
};

/*
 * Write size bytes of text to out. Bytes that are no UTF-8 become \xff and the
 * like.
 */
void fpost_text_put(FILE *out, const char *text, size_t size,
                    enum fpost_text_form form);

/* Is the text UTF-8? */
bool fpost_text_valid(const char *text, size_t size);

#endif /* FPOST_TOOLS_TEXT_H */
