/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/patterns.h"

#include "rt/hooks/context.h"
#include "rt/hooks/names.h"
#include "rt/hooks/operations.h"

#include <stdio.h>
#include <string.h>

/* Names that are kept for a pattern, and how long. */
#define NEAR_COUNT 3u
#define NEAR_SIZE (FPOST_NAME_NEAR_MAX + 1)
/* Bytes of a note. */
#define TEXT_SIZE 768u

/* A function that a pattern may have meant, or means. */
struct near_name {
  char name[NEAR_SIZE]; /* a copy: its module may be unloaded */
  uint32_t distance;    /* edits; meaningful if there is a name */
};

static struct {
  uint64_t matched; /* bit i: pattern i chooses a function */
  uint64_t called;  /* ... that was called */
  struct near_name near[FPOST_FLAG_LIST_MAX][NEAR_COUNT];
} patterns;

_Static_assert(FPOST_FLAG_LIST_MAX <= 64, "a bit for each pattern");

/* Keeps the nearest names, each once; of functions of one name one may match,
   and be nearer than the other. */
static void near_add(uint32_t pattern, const char *name, uint32_t distance) {
  struct near_name new = {.distance = distance};
  (void)snprintf(new.name, sizeof new.name, "%s", name);
  for (uint32_t i = 0; i < NEAR_COUNT; i++) {
    struct near_name *at = &patterns.near[pattern][i];
    if (at->name[0] != '\0' && at->distance <= distance &&
        strcmp(at->name, new.name) == 0) {
      return;
    }
    if (at->name[0] == '\0' || new.distance < at->distance) {
      struct near_name swap = *at;
      *at = new;
      new = swap;
    }
  }
}

void fpost_operations_module(const struct fencepost_module *module) {
  const struct fpost_flag_list *wanted = &fpost_context.flags.op;
  if (fpost_context.run != FPOST_RUN_RECORD || wanted->count == 0) {
    return;
  }
  for (uint64_t i = 0; i < module->marked_count; i++) {
    struct fencepost_function *function = &module->marked[i];
    for (uint32_t j = 0; j < wanted->count; j++) {
      const char *pattern = wanted->values[j];
      bool match =
          fpost_name_matches(pattern, function->name, function->parameters);
      if (match) {
        function->chosen |= UINT64_C(1) << j;
        patterns.matched |= UINT64_C(1) << j;
      }
      near_add(j, function->name,
               match ? 0 : 1 + fpost_name_distance(pattern, function->name));
    }
  }
}

void fpost_patterns_called(const struct fencepost_function *function) {
  patterns.called |= function->chosen;
}

/* What there is to say of a pattern, and the names that are kept: those that
   match, or all. */
static void describe(char bytes[TEXT_SIZE], uint32_t pattern, const char *what,
                     bool matching) {
  struct fpost_text text = fpost_text_in(bytes, TEXT_SIZE);
  const struct near_name *near = patterns.near[pattern];
  fpost_text_add(&text, "--op ");
  fpost_text_add(&text, fpost_context.flags.op.values[pattern]);
  fpost_text_add(&text, what);
  for (uint32_t i = 0; i < NEAR_COUNT && near[i].name[0] != '\0'; i++) {
    if (!matching || near[i].distance == 0) {
      fpost_text_add(&text, i == 0 ? ": " : ", ");
      fpost_text_add(&text, near[i].name);
    }
  }
}

/* Not by fpost_note: the trace lacks nothing. */
static void say_uncalled(const char *text) {
  fpost_findings_note(&fpost_context.findings, text);
  fpost_record_put(&fpost_context.record,
                   &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                          .flags = FPOST_MARK_UNCALLED,
                                          .text = text,
                                          .text_size = strlen(text)});
}

void fpost_patterns_end(void) {
  if (fpost_context.run != FPOST_RUN_RECORD) {
    return;
  }
  for (uint32_t i = 0; i < fpost_context.flags.op.count; i++) {
    char text[TEXT_SIZE];
    if ((patterns.matched >> i & 1) == 0) {
      const char *what = patterns.near[i][0].name[0] == '\0'
                             ? " names no function that was built with "
                               "fencepost-clang and may "
                               "store something"
                             : " names no function that was built with "
                               "fencepost-clang and may "
                               "store something; near it are";
      describe(text, i, what, false);
      atomic_fetch_add(&fpost_context.results->unmatched, 1);
      fpost_note(text);
    } else if ((patterns.called >> i & 1) == 0) {
      describe(text, i, " names only functions that the run did not call",
               true);
      say_uncalled(text);
    }
  }
}
