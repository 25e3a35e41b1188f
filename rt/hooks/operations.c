/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/operations.h"

#include "rt/hooks/call_name.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/patterns.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"

#include "fencepost/fencepost.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a name with its arguments, with the NUL. */
#define NAME_MAX_ 1024u

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

static void unbalanced(struct fpost_thread_state *self,
                       enum fpost_detail detail, uint32_t place,
                       uint32_t other) {
  fpost_found(&(struct fpost_finding){.class_ = FPOST_CLASS_UNBALANCED,
                                      .thread = self->model.id,
                                      .store_stack = place,
                                      .other_stack = other,
                                      .detail = detail});
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
      unbalanced(self, FPOST_DETAIL_OP_NOT_OVER, open->stack, stack);
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
    unbalanced(self, FPOST_DETAIL_OP_NOT_BEGUN, stack, open->stack);
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

static uint64_t instance_owner(uint64_t instance) {
  return instance >> FENCEPOST_INSTANCE_OWNER_SHIFT;
}

static uint64_t instance_first(uint64_t instance) {
  return instance >> FENCEPOST_INSTANCE_FIRST_SHIFT & FENCEPOST_INSTANCE_MAX;
}

/* Is the one a call, or a place, within the other? */
static bool instance_within(uint64_t inner, uint64_t outer) {
  uint64_t number = instance_first(inner);
  return instance_owner(inner) == instance_owner(outer) &&
         number >= instance_first(outer) &&
         number <= (outer & FENCEPOST_INSTANCE_MAX);
}

/*
 * The thread is at a place in that frame. The operation is over if that is the
 * frame of one of its callers, or if it is its own and the place is not within
 * it: left by an exception or by longjmp.
 */
static void look_back(struct fpost_thread_state *self, uintptr_t frame,
                      uint64_t place) {
  const struct fpost_open_operation *open = &self->operation;
  if (open->frame == 0) {
    return;
  }
  bool outside = frame == open->frame && !open->handed_on &&
                 !instance_within(place, open->instance);
  if (frame > open->frame || outside) {
    fpost_operation_left(self);
  }
}

static bool is_open(const struct fpost_open_operation *open,
                    const struct fencepost_function *function, uintptr_t frame,
                    uint64_t instance) {
  return open->frame == frame && open->function == function &&
         open->instance == instance;
}

/* Of the functions under way the outermost that is chosen is the operation. */
void __fencepost_op_begin(void *function, void *frame, uint64_t instance,
                          uint64_t known, void *values) {
  const struct fencepost_function *called = function;
  if (called->chosen == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uint32_t stack = FPOST_CALLER_STACK(self);
  struct fpost_open_operation *open = &self->operation;
  look_back(self, (uintptr_t)frame, instance);
  if (open->handed_on && open->frame == (uintptr_t)frame) {
    open->handed_on = false;
    open->function = called;
    open->instance = instance;
  } else if (is_open(open, called, (uintptr_t)frame, instance)) {
    fpost_operation_left(self);
  }
  if (!open->open) {
    char name[NAME_MAX_];
    struct fpost_text text = fpost_text_in(name, sizeof name);
    fpost_call_name(&text, called, known, values);
    *open = (struct fpost_open_operation){.open = true,
                                          .stack = stack,
                                          .function = called,
                                          .frame = (uintptr_t)frame,
                                          .instance = instance};
    put(self, FPOST_RECORD_OP_BEGIN, name, stack);
  }
  fpost_patterns_called(called);
  fpost_leave();
}

void __fencepost_op_end(void *function, void *frame, uint64_t instance) {
  const struct fencepost_function *called = function;
  if (called->chosen == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  uint32_t stack = FPOST_CALLER_STACK(self);
  if (is_open(&self->operation, called, (uintptr_t)frame, instance)) {
    close_operation(self, stack);
  }
  fpost_leave();
}

void __fencepost_op_tail(void *function, void *frame, uint64_t instance) {
  const struct fencepost_function *called = function;
  struct fpost_thread_state *self = called->chosen == 0 ? NULL : fpost_enter();
  if (self == NULL) {
    return;
  }
  if (is_open(&self->operation, called, (uintptr_t)frame, instance)) {
    self->operation.handed_on = true;
  }
  fpost_leave();
}

void __fencepost_op_landed(void *frame, uint64_t place) {
  struct fpost_thread_state *self =
      fpost_context.flags.op.count == 0 ? NULL : fpost_enter();
  if (self == NULL) {
    return;
  }
  look_back(self, (uintptr_t)frame,
            place == 0 ? self->operation.instance : place);
  fpost_leave();
}

/* ---- the end ---- */

void fpost_operations_thread(struct fpost_thread_state *self) {
  if (!self->operation.open) {
    return;
  }
  if (self->operation.function == NULL) {
    unbalanced(self, FPOST_DETAIL_OP_NOT_ENDED, self->operation.stack, 0);
  }
  close_operation(self, 0);
}

void fpost_operations_end(void) {
  for (uint32_t i = 0; i < fpost_context.threads_count; i++) {
    if (fpost_context.threads[i].operation.function == NULL) {
      fpost_operations_thread(&fpost_context.threads[i]);
    }
  }
  fpost_patterns_end();
}
