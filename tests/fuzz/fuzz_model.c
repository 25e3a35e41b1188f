/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random litmus programs of up to 8 instructions, through the product's machine
 * and model and through the reference.
 *
 * Invariants checked: in each mode both find the same set of crash states.
 *
 *   fuzz_model [-n PROGRAMS] [-s SEED] [-e INSTRUCTIONS] [-x LENGTH]
 *              [FILE.json]...
 *
 * The programs of litmus files are compared likewise, before the random ones;
 * and so are all programs of LENGTH instructions of one thread, of a choice of
 * instructions on two lines.
 */
#include "rt/base/assert.h"
#include "tests/fuzz/model_reference.h"
#include "tests/fuzz/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

static const struct {
  const char *name;
  struct fpost_mode mode;
} modes[] = {
    {"line", {.domain = FPOST_DOMAIN_ADR, .torn = false}},
    {"word", {.domain = FPOST_DOMAIN_ADR, .torn = true}},
    {"eadr", {.domain = FPOST_DOMAIN_EADR, .torn = false}},
};
#define MODES_COUNT (sizeof(modes) / sizeof(modes[0]))

/* How often each instruction is drawn, of 100: in most programs, and in those
   of many NT stores. */
static const struct {
  uint32_t op;
  uint32_t value; /* kind of a flush */
  uint32_t weight[2];
} mix[] = {
    {FPOST_LITMUS_STORE, 0, {32, 20}},
    {FPOST_LITMUS_NT, 0, {14, 40}},
    {FPOST_LITMUS_FLUSH, FENCEPOST_CLFLUSH, {8, 8}},
    {FPOST_LITMUS_FLUSH, FENCEPOST_CLWB, {12, 5}},
    {FPOST_LITMUS_FLUSH, FENCEPOST_CLFLUSHOPT, {2, 2}},
    {FPOST_LITMUS_SFENCE, 0, {9, 4}},
    {FPOST_LITMUS_MFENCE, 0, {3, 1}},
    {FPOST_LITMUS_LFENCE, 0, {1, 0}},
    {FPOST_LITMUS_LOAD, 0, {11, 13}},
    {FPOST_LITMUS_XCHG, 0, {4, 3}},
    {FPOST_LITMUS_CAS, 0, {4, 4}},
};

static struct fpost_litmus_instruction draw_instruction(struct random *random,
                                                        uint32_t locations,
                                                        uint32_t number,
                                                        bool many_nt) {
  uint32_t at = 0;
  uint32_t draw = random_below(random, 100);
  while (draw >= mix[at].weight[many_nt]) {
    draw -= mix[at++].weight[many_nt];
  }
  struct fpost_litmus_instruction drawn = {.op = mix[at].op,
                                           .location =
                                               random_below(random, locations),
                                           .value = mix[at].value};
  if (drawn.op != FPOST_LITMUS_FLUSH) {
    /* Values that tell the stores apart, or repeat. */
    drawn.value =
        random_below(random, 3) != 0 ? number + 1 : random_below(random, 2);
    drawn.expected = random_below(random, 2);
  }
  return drawn;
}

/* One to four threads and locations, some of these on one line. */
static void draw_program(struct random *random, uint32_t events,
                         struct fpost_litmus_program *program) {
  memset(program, 0, sizeof(*program));
  program->threads_count = 1 + random_below(random, 4);
  program->locations_count = 1 + random_below(random, 4);
  program->lines_count = program->locations_count;
  uint32_t same = random_below(random, 1u << program->locations_count);
  uint32_t first = same != 0 ? (uint32_t)__builtin_ctz(same) : 0;
  for (uint32_t i = 0; i < program->locations_count; i++) {
    program->line[i] = (uint8_t)((same >> i & 1) != 0 ? first : i);
    program->word[i] = (uint8_t)((same >> i & 1) != 0 ? i : 0);
    program->names[i][0] = "xyzw"[i];
  }
  uint32_t left = 2 + random_below(random, events - 1);
  bool many_nt = random_below(random, 3) == 0;
  for (uint32_t number = 0; left != 0; number++, left--) {
    struct fpost_litmus_thread *thread =
        &program->threads[random_below(random, program->threads_count)];
    struct fpost_litmus_instruction drawn =
        draw_instruction(random, program->locations_count, number, many_nt);
    thread->registers_count = 1;
    thread->instructions[thread->instructions_count++] = drawn;
    bool reads = drawn.op == FPOST_LITMUS_LOAD ||
                 drawn.op == FPOST_LITMUS_XCHG || drawn.op == FPOST_LITMUS_CAS;
    if (reads && random_below(random, 3) != 0) {
      thread->instructions[thread->instructions_count++] =
          (struct fpost_litmus_instruction){
              .op = FPOST_LITMUS_IF,
              .expected = random_below(random, 2) != 0
                              ? random_below(random, 2)
                              : 1 + random_below(random, events),
              .skip = 1 + random_below(random, 3)};
    }
  }
  for (uint32_t t = 0; t < program->threads_count; t++) {
    struct fpost_litmus_thread *thread = &program->threads[t];
    for (uint32_t i = 0; i < thread->instructions_count; i++) {
      uint32_t follow = thread->instructions_count - i - 1;
      if (thread->instructions[i].skip > follow) {
        thread->instructions[i].skip = follow;
      }
    }
  }
}

/* Print the program in the form of a litmus file. */
static void program_print(const struct fpost_litmus_program *program) {
  static const char *const flushes[] = {"clflush", "clflushopt", "clwb"};
  printf("{\"threads\": [");
  for (uint32_t t = 0; t < program->threads_count; t++) {
    printf("%s[", t == 0 ? "" : ", ");
    for (uint32_t i = 0; i < program->threads[t].instructions_count; i++) {
      const struct fpost_litmus_instruction *one =
          &program->threads[t].instructions[i];
      const char *x = program->names[one->location];
      printf("%s\"", i == 0 ? "" : ", ");
      switch ((enum fpost_litmus_op)one->op) {
      case FPOST_LITMUS_STORE:
      case FPOST_LITMUS_NT:
        printf("%s%s=%u", one->op == FPOST_LITMUS_NT ? "nt " : "", x,
               one->value);
        break;
      case FPOST_LITMUS_FLUSH:
        printf("%s %s", flushes[one->value], x);
        break;
      case FPOST_LITMUS_SFENCE:
        printf("sfence");
        break;
      case FPOST_LITMUS_MFENCE:
        printf("mfence");
        break;
      case FPOST_LITMUS_LFENCE:
        printf("lfence");
        break;
      case FPOST_LITMUS_LOAD:
        printf("a:=%s", x);
        break;
      case FPOST_LITMUS_XCHG:
        printf("a:=xchg(%s,%u)", x, one->value);
        break;
      case FPOST_LITMUS_CAS:
        printf("a:=cas(%s,%u,%u)", x, one->expected, one->value);
        break;
      case FPOST_LITMUS_IF:
        printf("if(a==%u)[%u]", one->expected, one->skip);
        break;
      }
      printf("\"");
    }
    printf("]");
  }
  printf("], \"same_line\": [");
  const char *comma = "";
  for (uint32_t i = 0; i < program->locations_count; i++) {
    for (uint32_t j = 0; j < program->locations_count; j++) {
      if (i != j && program->line[i] == program->line[j]) {
        printf("%s\"%s\"", comma, program->names[i]);
        comma = ", ";
        break;
      }
    }
  }
  printf("], \"locations\": [");
  for (uint32_t i = 0; i < program->locations_count; i++) {
    printf("%s\"%s\"", i == 0 ? "" : ", ", program->names[i]);
  }
  printf("]}\n");
}

static void states_print(const char *who,
                         const struct fpost_litmus_states *states,
                         uint32_t locations_count) {
  printf("  %s:", who);
  for (size_t i = 0; i < states->count; i++) {
    printf(" (");
    for (uint32_t l = 0; l < locations_count; l++) {
      printf("%s%u", l == 0 ? "" : ",", states->values[i][l]);
    }
    printf(")");
  }
  printf("\n");
}

/* Do both agree on the program in all modes? */
static bool program_check(const struct fpost_litmus_program *program) {
  bool agree = true;
  for (size_t m = 0; m < MODES_COUNT; m++) {
    struct fpost_litmus_states model;
    struct fpost_litmus_states reference;
    if (fpost_litmus_run(program, &modes[m].mode, NULL, &model) != FPOST_OK) {
      fputs("fuzz_model: out of memory\n", stderr);
      abort();
    }
    reference_run(program, &modes[m].mode, &reference);
    size_t size = model.count * sizeof(model.values[0]);
    if (model.count != reference.count ||
        memcmp(model.values, reference.values, size) != 0) {
      agree = false;
      printf("%s: ", modes[m].name);
      program_print(program);
      states_print("model    ", &model, program->locations_count);
      states_print("reference", &reference, program->locations_count);
    }
    fpost_litmus_states_free(&model);
    fpost_litmus_states_free(&reference);
  }
  return agree;
}

/* Compare the programs of a litmus file. Returns how many differ. */
static uint64_t file_check(const char *path, uint64_t *programs) {
  static char text[1 << 20];
  FILE *in = fopen(path, "rb");
  size_t size = in != NULL ? fread(text, 1, sizeof(text) - 1, in) : 0;
  if (in == NULL || size == sizeof(text) - 1) {
    fprintf(stderr, "fuzz_model: '%s' is not there or too large\n", path);
    exit(2);
  }
  fclose(in);
  text[size] = '\0';
  struct fpost_litmus_file file;
  struct fpost_litmus_error error;
  if (fpost_litmus_parse(text, size, &file, &error) != FPOST_OK) {
    fprintf(stderr, "fuzz_model: %s:%u:%u: %s\n", path, error.line,
            error.column, error.message);
    exit(2);
  }
  uint64_t wrong = 0;
  for (size_t i = 0; i < file.count; i++) {
    wrong += !program_check(&file.cases[i].program);
  }
  *programs += file.count;
  fpost_litmus_file_free(&file);
  return wrong;
}

/* x and w share a line; y has another. */
static const struct fpost_litmus_instruction every[] = {
    {.op = FPOST_LITMUS_STORE, .location = 0, .value = 1},
    {.op = FPOST_LITMUS_STORE, .location = 1, .value = 2},
    {.op = FPOST_LITMUS_STORE, .location = 2, .value = 3},
    {.op = FPOST_LITMUS_NT, .location = 0, .value = 4},
    {.op = FPOST_LITMUS_NT, .location = 1, .value = 5},
    {.op = FPOST_LITMUS_NT, .location = 2, .value = 6},
    {.op = FPOST_LITMUS_FLUSH, .location = 0, .value = FENCEPOST_CLWB},
    {.op = FPOST_LITMUS_FLUSH, .location = 2, .value = FENCEPOST_CLWB},
    {.op = FPOST_LITMUS_FLUSH, .location = 0, .value = FENCEPOST_CLFLUSH},
    {.op = FPOST_LITMUS_FLUSH, .location = 2, .value = FENCEPOST_CLFLUSH},
    {.op = FPOST_LITMUS_SFENCE},
    {.op = FPOST_LITMUS_XCHG, .location = 2, .value = 7},
};
#define EVERY_COUNT (sizeof(every) / sizeof(every[0]))

/* All programs of so many instructions of one thread. Returns how many differ.
 */
static uint64_t every_check(uint32_t length, uint64_t *programs) {
  struct fpost_litmus_program program = {.threads_count = 1,
                                         .locations_count = 3,
                                         .lines_count = 3,
                                         .line = {0, 0, 2},
                                         .word = {0, 1, 0},
                                         .names = {"x", "w", "y"}};
  uint32_t digits[REFERENCE_INSTRUCTIONS_MAX] = {0};
  uint64_t wrong = 0;
  program.threads[0].registers_count = 1;
  program.threads[0].instructions_count = length;
  for (uint32_t at = 0; at < length;) {
    for (uint32_t i = 0; i < length; i++) {
      program.threads[0].instructions[i] = every[digits[i]];
    }
    wrong += !program_check(&program);
    ++*programs;
    for (at = 0; at < length && ++digits[at] == EVERY_COUNT; at++) {
      digits[at] = 0;
    }
  }
  return wrong;
}

int main(int argc, char **argv) {
  uint64_t programs = 2000;
  uint64_t seed = 1;
  uint32_t events = 8;
  uint32_t length = 0;
  int option = 0;
  while ((option = getopt(argc, argv, "n:s:e:x:")) != -1) {
    uint64_t value = strtoull(optarg, NULL, 0);
    if (option == 'n') {
      programs = value;
    } else if (option == 's') {
      seed = value;
    } else if (option == 'e' && value >= 2 && value <= 10) {
      events = (uint32_t)value;
    } else if (option == 'x' && value >= 1 && value <= 8) {
      length = (uint32_t)value;
    } else {
      fputs(
          "usage: fuzz_model [-n PROGRAMS] [-s SEED] [-e INSTRUCTIONS] "
          "[-x LENGTH] [FILE.json]...\n",
          stderr);
      return 2;
    }
  }
  struct random random = {.state = seed};
  uint64_t wrong = 0;
  uint64_t from_files = 0;
  for (; optind < argc; optind++) {
    wrong += file_check(argv[optind], &from_files);
  }
  uint64_t all = 0;
  if (length != 0) {
    wrong += every_check(length, &all);
  }
  for (uint64_t i = 0; i < programs && wrong < 10; i++) {
    struct fpost_litmus_program program;
    draw_program(&random, events, &program);
    wrong += !program_check(&program);
  }
  printf(
      "fuzz_model: seed %llu: %llu programs of files, all %llu of one thread "
      "and "
      "%u instructions, %llu random ones of up to %u, %zu modes: %llu differ\n",
      (unsigned long long)seed, (unsigned long long)from_files,
      (unsigned long long)all, length, (unsigned long long)programs, events,
      MODES_COUNT, (unsigned long long)wrong);
  return wrong != 0;
}
