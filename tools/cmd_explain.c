/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* fencepost explain: what a class of findings means. */
#include "tools/explain.h"
#include "tools/finding.h"

#include <string.h>

struct options {
  int format;
};

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_EXAMPLE, FORMAT_FIXED };

static const struct fpost_option table[] = {
    {"format", 0, FPOST_OPTION_CHOICE, "text|markdown|example|fixed",
     offsetof(struct options, format),
     "text (default), Markdown, or only the C code of the example, with the "
     "fault or without"},
    FPOST_OPTION_END};

static void explain_one(enum fpost_class class_, int format) {
  switch ((enum format)format) {
  case FORMAT_TEXT:
    fpost_explain_print(class_, stdout);
    break;
  case FORMAT_MARKDOWN:
    printf("## %s\n\n", fpost_class_infos[class_].name);
    fpost_explain_markdown(class_, stdout);
    break;
  case FORMAT_EXAMPLE:
    puts(fpost_explain(class_)->example);
    break;
  case FORMAT_FIXED:
    puts(fpost_explain(class_)->fixed);
    break;
  }
}

static int explain_run(const struct fpost_command *command, int argc,
                       char **argv) {
  struct options options = {.format = FORMAT_TEXT};
  struct fpost_operands operands;
  int exit_code = FPOST_EXIT_USAGE;
  if (!fpost_options_parse(command, argc, argv, &options, &operands,
                           &exit_code)) {
    return exit_code;
  }
  if (operands.count == 0) {
    for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
      printf("%-26s %-11s %s\n", fpost_class_infos[i].name,
             fpost_severity_name(fpost_class_infos[i].severity),
             fpost_class_infos[i].text);
    }
    return FPOST_EXIT_CLEAN;
  }
  for (int i = 0; i < operands.count; i++) {
    const char *name = operands.items[i];
    int class_ = fpost_class_find(name, strlen(name), "explain");
    if (class_ < 0) {
      return FPOST_EXIT_USAGE;
    }
    if (i != 0) {
      putchar('\n');
    }
    explain_one((enum fpost_class)class_, options.format);
  }
  return FPOST_EXIT_CLEAN;
}

const struct fpost_command fpost_command_explain = {
    .name = "explain",
    .usage = "[--format FORMAT] [CLASS...]",
    .summary = "say what a class of findings means and how to fix it",
    .description =
        "Prints what the hardware does, an example with the fault and without, "
        "and how to fix it. Without CLASS it lists the classes.",
    .options = table,
    .example = "fencepost explain missing-fence",
    .run = explain_run};
