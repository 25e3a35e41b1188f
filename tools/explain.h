/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What is to be said about each class of findings: `fencepost explain`, the
 * help texts of SARIF and HTML. The texts are in tools/explain.def.
 */
#ifndef FPOST_TOOLS_EXPLAIN_H
#define FPOST_TOOLS_EXPLAIN_H

#include "rt/model/rules.h"

#include <stdio.h>

/* All strings are static, without a newline at the end, lines up to 80 columns.
 */
struct fpost_explanation {
  const char *rules;    /* where it is written why: "docs/MODEL.md: S2, F3" for
                           rules, or a document; separated by "; " */
  const char *hardware; /* what the machine (or the library) does; a paragraph
                           is one line, separated by \n */
  const char *example;  /* C with the fault, about ten lines: run() is the
                           program, recover() what runs after the crash */
  const char *fix;      /* what to do, a paragraph */
  const char *fixed;    /* the example without the fault */
};

/* Never null. */
const struct fpost_explanation *fpost_explain(enum fpost_class class_);

/* The whole text of a class for a terminal, wrapped at 80 columns. */
void fpost_explain_print(enum fpost_class class_, FILE *out);

/* The same in Markdown. */
void fpost_explain_markdown(enum fpost_class class_, FILE *out);

#endif /* FPOST_TOOLS_EXPLAIN_H */
