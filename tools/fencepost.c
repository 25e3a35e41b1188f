/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* main of `fencepost`: finds the command and runs it. */
#include "rt/base/assert.h"
#include "tools/completion.h"
#include "tools/options.h"

#include <stdlib.h>
#include <string.h>

#define FPOST_COMMAND(name)                                                    \
  extern const struct fpost_command fpost_command_##name;
#include "tools/commands.def"

static const struct fpost_command *const commands[] = {
#define FPOST_COMMAND(name) &fpost_command_##name,
#include "tools/commands.def"
};
#define COMMANDS_COUNT (sizeof commands / sizeof commands[0])

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fflush(stdout);
  fprintf(stderr,
          "fencepost: %s:%d: this should be true and is not: %s\n"
          "This is a bug of Fencepost; please report the command line.\n",
          file, line, condition);
  abort();
}

static void help_print(FILE *out) {
  fputs(
      "usage: fencepost COMMAND [OPTIONS] [--] ARGUMENTS\n\n"
      "Finds the crash bugs of persistent-memory programs.\n\n"
      "commands:\n",
      out);
  for (size_t i = 0; i < COMMANDS_COUNT; i++) {
    fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
  }
  fputs(
      "\n'fencepost COMMAND --help' says more about a command,\n"
      "'fencepost help --completion bash|zsh|fish' makes a shell complete "
      "them.\n"
      "exit code: 0 nothing found, 1 something found, 2 usage or "
      "environment\n",
      out);
}

/* The manual page fencepost(1). */
static void man_print(FILE *out) {
  fputs(
      ".\\\" SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
      ".TH FENCEPOST 1 \"\" \"Fencepost\"\n"
      ".SH NAME\nfencepost \\- find the crash bugs of persistent\\-memory "
      "programs\n"
      ".SH SYNOPSIS\n.B fencepost\n.I COMMAND\n[OPTIONS] [\\-\\-] "
      "ARGUMENTS\n"
      ".SH DESCRIPTION\nCompile the program with\n.BR fencepost\\-clang ,\n"
      "then let one of these commands run it.\n"
      ".SH COMMANDS\n",
      out);
  for (size_t i = 0; i < COMMANDS_COUNT; i++) {
    fprintf(out, ".TP\n.BR fencepost\\-%s (1)\n%s\n", commands[i]->name,
            commands[i]->summary);
  }
  fputs(
      ".SH EXIT STATUS\n0 if nothing was found, 1 if something was found, 2 "
      "for an error of usage or\nenvironment.\n",
      out);
}

static const struct fpost_command *command_find(const char *name) {
  const char *names[COMMANDS_COUNT + 1];
  for (size_t i = 0; i < COMMANDS_COUNT; i++) {
    if (strcmp(commands[i]->name, name) == 0) {
      return commands[i];
    }
    names[i] = commands[i]->name;
  }
  names[COMMANDS_COUNT] = "help";
  int near = fpost_nearest(name, names, COMMANDS_COUNT + 1);
  if (near >= 0) {
    fpost_error("unknown command '%s'; did you mean '%s'?", name, names[near]);
  } else {
    fpost_error("unknown command '%s'; 'fencepost --help' lists the commands",
                name);
  }
  return NULL;
}

static int completion_run(const char *shell) {
  if (!fpost_completion_print(shell, commands, COMMANDS_COUNT, stdout)) {
    fpost_error("no completion for '%s'; expected bash, zsh or fish", shell);
    return FPOST_EXIT_USAGE;
  }
  return FPOST_EXIT_CLEAN;
}

/* help [--man] [COMMAND], help --completion SHELL */
static int help_run(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--completion") == 0) {
    return completion_run(argc > 2 ? argv[2] : "");
  }
  bool man = argc > 1 && strcmp(argv[1], "--man") == 0;
  int first = man ? 2 : 1;
  if (argc <= first) {
    (man ? man_print : help_print)(stdout);
    return FPOST_EXIT_CLEAN;
  }
  const struct fpost_command *command = command_find(argv[first]);
  if (command == NULL) {
    return FPOST_EXIT_USAGE;
  }
  (man ? fpost_command_man : fpost_command_help)(command, stdout);
  return FPOST_EXIT_CLEAN;
}

/* What was printed has reached its file, or the exit code says so. */
static int output_check(int exit_code) {
  if (fflush(stdout) != 0 || ferror(stdout) != 0) {
    fputs("fencepost: the output could not be written: is the disk full?\n",
          stderr);
    return FPOST_EXIT_USAGE;
  }
  return exit_code;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    help_print(stderr);
    return FPOST_EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    help_print(stdout);
    return output_check(FPOST_EXIT_CLEAN);
  }
  if (strcmp(argv[1], "help") == 0) {
    return output_check(help_run(argc - 1, argv + 1));
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("fencepost " FENCEPOST_VERSION " (LLVM " FENCEPOST_LLVM_VERSIONS ")");
    return output_check(FPOST_EXIT_CLEAN);
  }
  const struct fpost_command *command = command_find(argv[1]);
  if (command == NULL) {
    return FPOST_EXIT_USAGE;
  }
  return output_check(command->run(command, argc - 1, argv + 1));
}
