/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The help and the manual page of a command, both from its table. */
#include "tools/options.h"

#include <ctype.h>
#include <string.h>

#define HELP_COLUMN 26
#define HELP_WIDTH 80

/* Words of text, wrapped, each line but the first indented. */
static void help_wrap(FILE *out, const char *text, int column, int indent) {
  while (*text != '\0') {
    int word = (int)strcspn(text, " ");
    if (column > indent && column + 1 + word > HELP_WIDTH) {
      fprintf(out, "\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      fputc(' ', out);
      column++;
    }
    fprintf(out, "%.*s", word, text);
    column += word;
    text += word;
    text += *text == ' ';
  }
  fputc('\n', out);
}

void fpost_help_paragraphs(FILE *out, const char *text, const char *between) {
  while (*text != '\0') {
    int size = (int)strcspn(text, "\n");
    char line[2048];
    snprintf(line, sizeof line, "%.*s", size, text);
    help_wrap(out, line, 0, 0);
    text += size;
    if (*text == '\n') {
      text++;
      fputs(between, out);
    }
  }
}

static void help_option(FILE *out, const struct fpost_option *option) {
  int column = 0;
  if (option->letter != 0) {
    column += fprintf(out, "  -%c, --%s", option->letter, option->name);
  } else {
    column += fprintf(out, "  --%s", option->name);
  }
  if (option->argument != NULL) {
    column += fprintf(out, " %s", option->argument);
  }
  if (column > HELP_COLUMN - 2) {
    fputc('\n', out);
    column = 0;
  }
  fprintf(out, "%*s", HELP_COLUMN - column, "");
  help_wrap(out, option->help, HELP_COLUMN, HELP_COLUMN);
}

static const struct fpost_option help_help = {
    "help", 'h', FPOST_OPTION_FLAG, NULL, 0, "print this and exit"};

void fpost_command_help(const struct fpost_command *command, FILE *out) {
  fprintf(out, "usage: fencepost %s %s\n\n", command->name, command->usage);
  fpost_help_paragraphs(out, command->description, "\n");
  fputs("\noptions:\n", out);
  for (const struct fpost_option *option = command->options;
       option->name != NULL; option++) {
    help_option(out, option);
  }
  help_option(out, &help_help);
  if (command->example != NULL) {
    fprintf(out, "\nexample:\n  %s\n", command->example);
  }
  fputs(
      "\nexit code: 0 nothing found, 1 something found, 2 usage or "
      "environment\n",
      out);
}

/* Text for troff: backslashes, and dots and dashes where they mean something.
 */
static void man_text(FILE *out, const char *text) {
  if (*text == '.' || *text == '\'') {
    fputs("\\&", out);
  }
  for (; *text != '\0'; text++) {
    if (*text == '\\') {
      fputs("\\e", out);
    } else if (*text == '-') {
      fputs("\\-", out);
    } else if (*text == '\n') {
      fputs("\n.PP\n", out);
    } else {
      fputc(*text, out);
    }
  }
  fputc('\n', out);
}

static void man_option(FILE *out, const struct fpost_option *option) {
  fputs(".TP\n", out);
  fputs(".B ", out);
  if (option->letter != 0) {
    fprintf(out, "\\-%c, ", option->letter);
  }
  char name[128];
  snprintf(name, sizeof name, "--%s%s%s", option->name,
           option->argument != NULL ? " " : "",
           option->argument != NULL ? option->argument : "");
  man_text(out, name);
  man_text(out, option->help);
}

void fpost_command_man(const struct fpost_command *command, FILE *out) {
  fputs(".\\\" SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n", out);
  fputs(".TH FENCEPOST-", out);
  for (const char *at = command->name; *at != '\0'; at++) {
    fputc(toupper((unsigned char)*at), out);
  }
  fputs(" 1 \"\" \"Fencepost\"\n", out);
  fprintf(out, ".SH NAME\nfencepost-%s \\- ", command->name);
  man_text(out, command->summary);
  fprintf(out, ".SH SYNOPSIS\n.B fencepost %s\n", command->name);
  man_text(out, command->usage);
  fputs(".SH DESCRIPTION\n", out);
  man_text(out, command->description);
  fputs(".SH OPTIONS\n", out);
  for (const struct fpost_option *option = command->options;
       option->name != NULL; option++) {
    man_option(out, option);
  }
  man_option(out, &help_help);
  if (command->example != NULL) {
    fputs(".SH EXAMPLES\n.EX\n", out);
    man_text(out, command->example);
    fputs(".EE\n", out);
  }
  fputs(
      ".SH EXIT STATUS\n0 if nothing was found, 1 if something was found, 2 "
      "for an error of usage or\nenvironment.\n.SH SEE ALSO\n"
      ".BR fencepost (1)\n",
      out);
}
