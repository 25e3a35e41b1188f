/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a run changes in the kernel, known and undone; rt/hooks/recover_rewind.c
 * says what for.
 */
#ifndef FPOST_HOOKS_RECOVER_UNDO_H
#define FPOST_HOOKS_RECOVER_UNDO_H

#include <stdbool.h>

/* A system call that nobody looks at. Returns what the kernel does: -errno. */
long fpost_undo_raw(long number, long a, long b, long c, long d, long e,
                    long f);
#define RAW(number, a, b, c, d, e, f)                                          \
  fpost_undo_raw(number, (long)(a), (long)(b), (long)(c), (long)(d),           \
                 (long)(e), (long)(f))

static inline bool fpost_undo_failed(long result) {
  return result < 0 && result > -4096;
}

/* A system call, number first, as fpost_undo_raw: all of the runtime's and of
   the program's function syscall. */
long fpost_undo_call(const long arguments[7]);

/* Get ready to look at the calls of this process; false: it is not possible. */
bool fpost_undo_begin(void);
/* From here on each call is looked at. */
void fpost_undo_watch(void);
/* This process is one like any other from here on. */
void fpost_undo_give_up(void);
/* Stop looking, unless given up; true: all that was seen can be undone. */
bool fpost_undo_can(void);
/* Undo it; false: something is left. */
bool fpost_undo(void);

#endif /* FPOST_HOOKS_RECOVER_UNDO_H */
