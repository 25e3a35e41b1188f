/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explain.h"

#include "rt/base/assert.h"
#include "tools/options.h"

#include <string.h>

static const struct fpost_explanation explanations[FPOST_CLASS_COUNT] = {
#define FPOST_EXPLAIN(name, rules, hardware, example, fix, fixed)              \
  [FPOST_CLASS_##name] = {rules, hardware, example, fix, fixed},
#include "tools/explain.def"
};

const struct fpost_explanation *fpost_explain(enum fpost_class class_) {
  FPOST_ASSERT(class_ < FPOST_CLASS_COUNT);
  FPOST_ASSERT(explanations[class_].rules != NULL);
  return &explanations[class_];
}

/* Code, each line moved to the right. */
static void code_print(const char *code, FILE *out) {
  while (*code != '\0') {
    int size = (int)strcspn(code, "\n");
    fprintf(out, "    %.*s\n", size, code);
    code += size;
    code += *code == '\n';
  }
}

void fpost_explain_print(enum fpost_class class_, FILE *out) {
  const struct fpost_explanation *text = fpost_explain(class_);
  const struct fpost_class_info *info = &fpost_class_infos[class_];
  fprintf(out, "%s (%s%s)\n%s\n\n", info->name,
          fpost_severity_name(info->severity),
          info->on ? "" : ", off by default", info->text);
  fpost_help_paragraphs(out, text->hardware, "\n");
  fprintf(out, "\nSee %s\n\nWrong:\n\n", text->rules);
  code_print(text->example, out);
  fputs("\nRight:\n\n", out);
  code_print(text->fixed, out);
  fputc('\n', out);
  fpost_help_paragraphs(out, text->fix, "\n");
}

void fpost_explain_markdown(enum fpost_class class_, FILE *out) {
  const struct fpost_explanation *text = fpost_explain(class_);
  for (const char *line = text->hardware; *line != '\0';) {
    int size = (int)strcspn(line, "\n");
    fprintf(out, "%.*s\n\n", size, line);
    line += size;
    line += *line == '\n';
  }
  fprintf(out,
          "See %s\n\n**Wrong**\n\n```c\n%s\n```\n\n"
          "**Right**\n\n```c\n%s\n```\n\n**How to fix.** %s\n",
          text->rules, text->example, text->fixed, text->fix);
}
