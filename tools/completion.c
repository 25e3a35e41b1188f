/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/completion.h"

#include "rt/model/rules.h"

#include <string.h>

static const struct fpost_option help_option = {
    "help", 'h', FPOST_OPTION_FLAG, NULL, 0, "print this and exit"};

static bool takes_words(const struct fpost_option *option) {
  return option->argument != NULL &&
         (option->kind == FPOST_OPTION_CHOICE ||
          strcmp(option->argument, "CLASS,...") == 0);
}

/* The words that an option takes, separated by `between`. */
static void words_print(const struct fpost_option *option, const char *between,
                        FILE *out) {
  if (!takes_words(option)) {
    return;
  }
  if (option->kind == FPOST_OPTION_CHOICE) {
    for (const char *at = option->argument; *at != '\0'; at++) {
      if (*at == '|') {
        fputs(between, out);
      } else {
        fputc(*at, out);
      }
    }
  } else {
    for (int i = 0; i < FPOST_CLASS_COUNT; i++) {
      fprintf(out, "%s%s", i == 0 ? "" : between, fpost_class_infos[i].name);
    }
  }
}

/* Text between single quotes: each of `special` with a backslash before it, a
   single quote as the shell wants it. */
static void quoted_print(const char *text, const char *special,
                         const char *quote, FILE *out) {
  for (; *text != '\0'; text++) {
    if (*text == '\'') {
      fputs(quote, out);
    } else {
      if (strchr(special, *text) != NULL) {
        fputc('\\', out);
      }
      fputc(*text, out);
    }
  }
}

static void bash_command(const struct fpost_command *command, FILE *out) {
  fprintf(out, "    %s)\n      case $before in\n", command->name);
  for (const struct fpost_option *option = command->options;
       option->name != NULL; option++) {
    if (takes_words(option)) {
      fprintf(out, "        --%s) words='", option->name);
      words_print(option, " ", out);
      fputs("' ;;\n", out);
    } else if (option->kind == FPOST_OPTION_TEXT ||
               option->kind == FPOST_OPTION_TEXTS) {
      fprintf(out, "        --%s) files=1 ;;\n", option->name);
    } else if (option->kind != FPOST_OPTION_FLAG) {
      fprintf(out, "        --%s) return ;;\n", option->name);
    }
  }
  fputs("        *) words='--help", out);
  for (const struct fpost_option *option = command->options;
       option->name != NULL; option++) {
    fprintf(out, " --%s", option->name);
  }
  fputs("' files=1 ;;\n      esac\n      ;;\n", out);
}

static void bash_print(const struct fpost_command *const *commands,
                       size_t count, FILE *out) {
  fputs(
      "# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
      "_fencepost() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words='' files='' i\n"
      "  local before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '--help --version help",
      out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, " %s", commands[i]->name);
  }
  fputs(
      "' -- \"$word\"))\n    return\n  fi\n"
      "  for ((i = 2; i < COMP_CWORD; i++)); do\n"
      "    if [ \"${COMP_WORDS[i]}\" = -- ]; then\n"
      "      COMPREPLY=($(compgen -c -f -- \"$word\"))\n"
      "      return\n    fi\n  done\n"
      "  case ${COMP_WORDS[1]} in\n",
      out);
  for (size_t i = 0; i < count; i++) {
    bash_command(commands[i], out);
  }
  fputs(
      "    *) files=1 ;;\n  esac\n"
      "  [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- "
      "\"$word\"))\n"
      "  [ -z \"$files\" ] || [[ $word == -* ]] ||\n"
      "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "}\n"
      "complete -o filenames -F _fencepost fencepost\n",
      out);
}

static void zsh_option(const struct fpost_option *option, FILE *out) {
  bool many = option->kind == FPOST_OPTION_TEXTS;
  fprintf(out, " \\\n        '%s--%s%s[", many ? "*" : "", option->name,
          option->argument != NULL ? "=" : "");
  quoted_print(option->help, "[]:\\", "'\\''", out);
  fputc(']', out);
  if (takes_words(option)) {
    fprintf(out, ":%s:(", option->name);
    words_print(option, " ", out);
    fputc(')', out);
  } else if (option->argument != NULL) {
    fprintf(out, ":%s:_files", option->name);
  }
  fputc('\'', out);
}

static void zsh_print(const struct fpost_command *const *commands, size_t count,
                      FILE *out) {
  fputs(
      "#compdef fencepost\n"
      "# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
      "if ((CURRENT == 2)); then\n"
      "  local -a commands=(\n",
      out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, "    '%s:", commands[i]->name);
    quoted_print(commands[i]->summary, ":\\", "'\\''", out);
    fputs("'\n", out);
  }
  fputs(
      "    'help:print the help of a command'\n  )\n"
      "  _describe command commands\n  return\nfi\n"
      "local command=$words[2]\n"
      "shift words\n"
      "((CURRENT--))\n"
      "case $command in\n",
      out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, "  %s)\n      _arguments", commands[i]->name);
    for (const struct fpost_option *option = commands[i]->options;
         option->name != NULL; option++) {
      zsh_option(option, out);
    }
    zsh_option(&help_option, out);
    fprintf(out, " \\\n        '%s'\n      ;;\n",
            strstr(commands[i]->usage, "PROGRAM") != NULL ? "*::program:_normal"
                                                          : "*:file:_files");
  }
  fputs("  *) _files ;;\nesac\n", out);
}

static void fish_option(const struct fpost_command *command,
                        const struct fpost_option *option, FILE *out) {
  fprintf(out,
          "complete -c fencepost -n '__fish_seen_subcommand_from %s' -l %s",
          command->name, option->name);
  if (option->letter != 0) {
    fprintf(out, " -s %c", option->letter);
  }
  if (takes_words(option)) {
    fputs(" -x -a '", out);
    words_print(option, " ", out);
    fputc('\'', out);
  } else if (option->argument != NULL) {
    fputs(" -r", out);
  }
  fputs(" -d '", out);
  quoted_print(option->help, "\\", "\\'", out);
  fputs("'\n", out);
}

static void fish_print(const struct fpost_command *const *commands,
                       size_t count, FILE *out) {
  fputs("# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n", out);
  for (size_t i = 0; i < count; i++) {
    fprintf(out, "complete -c fencepost -n __fish_use_subcommand -f -a %s -d '",
            commands[i]->name);
    quoted_print(commands[i]->summary, "\\", "\\'", out);
    fputs("'\n", out);
    for (const struct fpost_option *option = commands[i]->options;
         option->name != NULL; option++) {
      fish_option(commands[i], option, out);
    }
    fish_option(commands[i], &help_option, out);
  }
}

bool fpost_completion_print(const char *shell,
                            const struct fpost_command *const *commands,
                            size_t count, FILE *out) {
  static const struct {
    const char *name;
    void (*print)(const struct fpost_command *const *commands, size_t count,
                  FILE *out);
  } shells[] = {{"bash", bash_print}, {"zsh", zsh_print}, {"fish", fish_print}};
  for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
    if (strcmp(shell, shells[i].name) == 0) {
      shells[i].print(commands, count, out);
      return true;
    }
  }
  return false;
}
