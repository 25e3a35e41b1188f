/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/operations.h"

#include "rt/hooks/hooks.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/os/os.h"

#include "fencepost/fencepost.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a name with its arguments, with the NUL. */
#define NAME_MAX_ 1024u
/* Bytes of a string argument that are shown. */
#define STRING_SHOWN 48u
/* Near names that are kept for a pattern, and how long. */
#define NEAR_COUNT 3u
#define NEAR_SIZE 96u

/* ---- records ---- */

static bool recording(void) {
  return fpost_context.run == FPOST_RUN_RECORD && fpost_mapping_trace();
}

static void put(struct fpost_thread_state *self, enum fpost_record_kind kind,
                const char *name, uint32_t stack) {
  if (recording()) {
    fpost_record_put(&fpost_context.record,
                     &(struct fpost_record){.kind = kind,
                                            .thread = self->model.id,
                                            .stack = stack,
                                            .text = name,
                                            .text_size = strlen(name)});
  }
}

static void unbalanced(struct fpost_thread_state *self, uint32_t begin,
                       uint32_t other) {
  fpost_found(&(struct fpost_finding){.class_ = FPOST_CLASS_UNBALANCED,
                                      .thread = self->model.id,
                                      .store_stack = begin,
                                      .other_stack = other});
}

static void close_operation(struct fpost_thread_state *self, uint32_t stack) {
  self->operation = (struct fpost_open_operation){.stack = stack};
  put(self, FPOST_RECORD_OP_END, "", stack);
}

/* hook-safe */
void fpost_operation_left(struct fpost_thread_state *self) {
  close_operation(self, self->operation.stack);
}

/* ---- marked in the source ---- */

static void marked_begin(const char *name, uintptr_t pc, uintptr_t cfa) {
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uint32_t stack = fpost_stack_of(self, pc, cfa);
  struct fpost_open_operation *open = &self->operation;
  if (open->open && open->function != NULL) {
    open->nested++;
  } else {
    if (open->open) {
      unbalanced(self, open->stack, stack);
    }
    *open = (struct fpost_open_operation){.open = true, .stack = stack};
    put(self, FPOST_RECORD_OP_BEGIN, name, stack);
  }
  fpost_leave();
}

/*
 * vsnprintf, where it needs no memory but ours: wide characters, numbered
 * arguments and large widths may make the C library allocate, with the
 * program's allocator.
 */
__attribute__((format(printf, 2, 0))) static void
format_name(char name[NAME_MAX_], const char *format, va_list arguments) {
  bool plain = strchr(format, '$') == NULL;
  for (const char *at = format; plain && (at = strchr(at, '%')) != NULL; at++) {
    at += strspn(at + 1, "#0- +'");
    size_t digits = strspn(at + 1, "0123456789.*");
    at += digits + 1;
    plain = digits <= 4 && strchr("SCn", *at) == NULL &&
            (*at != 'l' || strchr("sc", at[1]) == NULL);
    if (*at == '\0') {
      break;
    }
  }
  int err = errno;
  if (!plain || vsnprintf(name, NAME_MAX_, format, arguments) < 0) {
    (void)snprintf(name, NAME_MAX_, "%s", format);
  }
  errno = err;
}

FPOST_INTERPOSE void fencepost_op_begin_(const char *name) {
  char text[NAME_MAX_] = "";
  size_t size = strnlen(name, sizeof text - 1);
  memcpy(text, name, size);
  marked_begin(text, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}

FPOST_INTERPOSE void fencepost_op_vformat_(const char *format,
                                           va_list arguments) {
  char name[NAME_MAX_] = "";
  if (fpost_context.run == FPOST_RUN_RECORD) {
    format_name(name, format, arguments);
  }
  marked_begin(name, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}

FPOST_INTERPOSE void fencepost_op_format_(const char *format, ...) {
  char name[NAME_MAX_] = "";
  if (fpost_context.run == FPOST_RUN_RECORD) {
    va_list arguments;
    va_start(arguments, format);
    format_name(name, format, arguments);
    va_end(arguments);
  }
  marked_begin(name, FPOST_CALLER_PC, FPOST_CALLER_CFA);
}

FPOST_INTERPOSE void fencepost_op_end_(void) {
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uint32_t stack = FPOST_CALLER_STACK(self);
  struct fpost_open_operation *open = &self->operation;
  if (open->open && open->function != NULL && open->nested != 0) {
    open->nested--;
  } else if (open->open && open->function == NULL) {
    close_operation(self, stack);
  } else {
    unbalanced(self, stack, open->stack);
  }
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_op_buffered_(void) {
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  if (self->operation.open && recording()) {
    fpost_record_put(&fpost_context.record,
                     &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                            .flags = FPOST_MARK_BUFFERED,
                                            .thread = self->model.id,
                                            .stack = FPOST_CALLER_STACK(self)});
  }
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_observe_(const void *bytes, size_t size) {
  if (fpost_recover_on) {
    fpost_recover_observe(bytes, size);
  }
}

/* ---- functions by their names ---- */

/* A near miss of a pattern. */
struct near_name {
  char name[NEAR_SIZE];
  uint32_t distance; /* edits; meaningful if there is a name */
};

static struct {
  bool matched[FPOST_FLAG_LIST_MAX];
  struct near_name near[FPOST_FLAG_LIST_MAX][NEAR_COUNT];
} patterns;

/* Edits that turn one word into the other, of their first bytes. */
static uint32_t distance(const char *a, const char *b) {
  uint32_t row[NEAR_SIZE];
  uint32_t count = (uint32_t)strnlen(b, NEAR_SIZE - 1);
  for (uint32_t j = 0; j <= count; j++) {
    row[j] = j;
  }
  for (uint32_t i = 0; a[i] != '\0' && i < NEAR_SIZE; i++) {
    uint32_t before = row[0];
    row[0] = i + 1;
    for (uint32_t j = 1; j <= count; j++) {
      uint32_t swap = before + (a[i] != b[j - 1]);
      uint32_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      before = row[j];
      row[j] = swap < edit ? swap : edit;
    }
  }
  return row[count];
}

/* The part of a name after its last "::". */
static const char *last_part(const char *name) {
  const char *part = name;
  for (const char *at = name; (at = strstr(at, "::")) != NULL; at += 2) {
    part = at + 2;
  }
  return part;
}

static bool name_matches(const char *pattern, const char *name) {
  return fpost_flags_match(
      pattern, strstr(pattern, "::") == NULL ? last_part(name) : name);
}

static void near_add(uint32_t pattern, const char *name) {
  const char *wanted = fpost_context.flags.op.values[pattern];
  struct near_name new = {
      .distance =
          distance(wanted, strstr(wanted, "::") ? name : last_part(name))};
  (void)snprintf(new.name, sizeof new.name, "%s", name);
  for (uint32_t i = 0; i < NEAR_COUNT; i++) {
    struct near_name *at = &patterns.near[pattern][i];
    if (strcmp(at->name, new.name) == 0) {
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
      if (name_matches(wanted->values[j], function->name)) {
        function->chosen = 1;
        patterns.matched[j] = true;
      } else {
        near_add(j, function->name);
      }
    }
  }
}

/* The string at text, as far as it can be read. */
static void add_string(struct fpost_text *name, const char *text) {
  char bytes[STRING_SHOWN + 1] = "";
  if (text == NULL) {
    fpost_text_add(name, "NULL");
    return;
  }
  size_t got = fpost_os_peek(text, bytes, STRING_SHOWN);
  if (got == 0) {
    fpost_text_add(name, "0x");
    fpost_text_add_hex(name, (uint64_t)(uintptr_t)text);
    return;
  }
  size_t size = strnlen(bytes, got);
  fpost_text_add(name, "\"");
  for (size_t i = 0; i < size; i++) {
    char shown = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
    fpost_text_add_bytes(name, &shown, 1);
  }
  fpost_text_add(name, size == STRING_SHOWN ? "\"..." : "\"");
}

static void add_value(struct fpost_text *name, char type, uint64_t value) {
  double number = 0;
  char text[40];
  switch (type) {
  case 's':
    add_string(name, (const char *)(uintptr_t)value);
    return;
  case 'b':
    fpost_text_add(name, value != 0 ? "true" : "false");
    return;
  case 'd':
    memcpy(&number, &value, sizeof number);
    (void)snprintf(text, sizeof text, "%g", number);
    break;
  case 'c':
    (void)snprintf(text, sizeof text,
                   value >= ' ' && value <= '~' ? "'%c'" : "%d", (int)value);
    break;
  case 'i':
    (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
    break;
  case 'u':
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    break;
  default:
    (void)snprintf(text, sizeof text, "0x%" PRIx64, value);
    break;
  }
  fpost_text_add(name, text);
}

/* "insert(key=5, value=\"five\")" */
static void call_name(char bytes[NAME_MAX_],
                      const struct fencepost_function *function, uint64_t known,
                      const uint64_t values[FENCEPOST_OP_ARGUMENTS]) {
  struct fpost_text name = fpost_text_in(bytes, NAME_MAX_);
  const char *at = function->arguments;
  int err = errno;
  fpost_text_add(&name, function->name);
  fpost_text_add(&name, "(");
  for (uint32_t i = 0; i < FENCEPOST_OP_ARGUMENTS && *at != '\0'; i++) {
    char type = *at++;
    size_t size = strcspn(at, ",");
    fpost_text_add(&name, i == 0 ? "" : ", ");
    fpost_text_add_bytes(&name, at, size);
    fpost_text_add(&name, size == 0 ? "" : "=");
    if ((known >> i & 1) != 0) {
      add_value(&name, type, values[i]);
    } else {
      fpost_text_add(&name, "?");
    }
    at += size;
    at += *at == ',';
  }
  fpost_text_add(&name, ")");
  errno = err;
}

/*
 * Of the functions under way the outermost that is chosen is the operation. Its
 * frame is still there as long as the stack has not shrunk past it.
 */
void __fencepost_op_begin(void *function, uint64_t known, uint64_t a,
                          uint64_t b, uint64_t c, uint64_t d) {
  const struct fencepost_function *called = function;
  if (called->chosen == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uintptr_t cfa = FPOST_CALLER_CFA;
  uint32_t stack = fpost_stack_of(self, FPOST_CALLER_PC, cfa);
  struct fpost_open_operation *open = &self->operation;
  if (open->open && open->function == called && open->cfa == cfa) {
    fpost_operation_left(self);
  }
  if (!open->open) {
    char name[NAME_MAX_];
    call_name(name, called, known,
              (uint64_t[FENCEPOST_OP_ARGUMENTS]){a, b, c, d});
    *open = (struct fpost_open_operation){
        .open = true, .stack = stack, .function = called, .cfa = cfa};
    put(self, FPOST_RECORD_OP_BEGIN, name, stack);
  }
  fpost_leave();
}

void __fencepost_op_end(void *function) {
  const struct fencepost_function *called = function;
  if (called->chosen == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uintptr_t cfa = FPOST_CALLER_CFA;
  uint32_t stack = fpost_stack_of(self, FPOST_CALLER_PC, cfa);
  struct fpost_open_operation *open = &self->operation;
  if (open->open && open->function == called && open->cfa == cfa) {
    close_operation(self, stack);
  }
  fpost_leave();
}

/* ---- the end ---- */

static void say_unmatched(uint32_t pattern) {
  char bytes[768];
  struct fpost_text text = fpost_text_in(bytes, sizeof bytes);
  const struct near_name *near = patterns.near[pattern];
  fpost_text_add(&text, "--op ");
  fpost_text_add(&text, fpost_context.flags.op.values[pattern]);
  fpost_text_add(&text,
                 " names no function that was built with fencepost-clang and "
                 "calls something");
  for (uint32_t i = 0; i < NEAR_COUNT && near[i].name[0] != '\0'; i++) {
    fpost_text_add(&text, i == 0 ? "; near it are: " : ", ");
    fpost_text_add(&text, near[i].name);
  }
  fpost_note(bytes);
}

void fpost_operations_thread(struct fpost_thread_state *self) {
  if (!self->operation.open) {
    return;
  }
  if (self->operation.function == NULL) {
    unbalanced(self, self->operation.stack, 0);
  }
  close_operation(self, 0);
}

void fpost_operations_end(void) {
  for (uint32_t i = 0; i < fpost_context.threads_count; i++) {
    if (fpost_context.threads[i].operation.function == NULL) {
      fpost_operations_thread(&fpost_context.threads[i]);
    }
  }
  if (fpost_context.run != FPOST_RUN_RECORD) {
    return;
  }
  for (uint32_t i = 0; i < fpost_context.flags.op.count; i++) {
    if (!patterns.matched[i]) {
      atomic_fetch_add(&fpost_context.results->unmatched, 1);
      say_unmatched(i);
    }
  }
}
