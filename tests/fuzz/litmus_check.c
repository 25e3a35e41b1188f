/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Litmus files in all modes, without the command around it: exit code 0 if
 * every expectation holds. Linked with each mutant of the model by mutants.py.
 *
 *   litmus_check FILE.json...
 */
#include "rt/base/assert.h"
#include "tools/litmus/litmus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX (1u << 20)

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  exit(1);
}

/* Does the program have exactly the states of the lists (the second may be
 * null)?
 */
static bool case_check(const struct fpost_litmus_case *case_,
                       const struct fpost_mode *mode,
                       const struct fpost_litmus_states *one,
                       const struct fpost_litmus_states *other) {
  struct fpost_litmus_states states;
  struct fpost_litmus_states wanted = {.values = NULL};
  if (fpost_litmus_run(&case_->program, mode, NULL, &states) != FPOST_OK) {
    abort();
  }
  for (const struct fpost_litmus_states *list = one; list != NULL;
       list = list == one ? other : NULL) {
    for (size_t i = 0; i < list->count; i++) {
      if (fpost_litmus_states_add(&wanted, list->values[i]) != FPOST_OK) {
        abort();
      }
    }
  }
  fpost_litmus_states_sort(&wanted);
  bool right = states.count == wanted.count &&
               memcmp(states.values, wanted.values,
                      states.count * sizeof(states.values[0])) == 0;
  fpost_litmus_states_free(&states);
  fpost_litmus_states_free(&wanted);
  return right;
}

static bool file_check(const struct fpost_litmus_file *file) {
  static const struct fpost_mode line = {.domain = FPOST_DOMAIN_ADR};
  static const struct fpost_mode word = {.domain = FPOST_DOMAIN_ADR,
                                         .torn = true};
  static const struct fpost_mode eadr = {.domain = FPOST_DOMAIN_EADR};
  for (size_t i = 0; i < file->count; i++) {
    const struct fpost_litmus_case *case_ = &file->cases[i];
    if (!case_->has_line || !case_->has_word || !case_->has_eadr) {
      fprintf(stderr, "litmus_check: %s has no expectations\n", case_->id);
      return false;
    }
    if (!case_check(case_, &line, &case_->line, NULL) ||
        !case_check(case_, &word, &case_->line, &case_->word) ||
        !case_check(case_, &eadr, &case_->eadr, NULL)) {
      printf("%s\n", case_->id);
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  static char text[FILE_SIZE_MAX];
  for (int i = 1; i < argc; i++) {
    FILE *in = fopen(argv[i], "rb");
    size_t size = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;
    struct fpost_litmus_file file;
    struct fpost_litmus_error error;
    text[size] = '\0';
    if (in == NULL || size == sizeof(text) - 1 ||
        fpost_litmus_parse(text, size, &file, &error) != FPOST_OK) {
      fprintf(stderr, "litmus_check: '%s' is no litmus file\n", argv[i]);
      return 2;
    }
    fclose(in);
    bool right = file_check(&file);
    fpost_litmus_file_free(&file);
    if (!right) {
      return 1;
    }
  }
  return 0;
}
