/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Walking the stack by the unwind tables, with the compiler's unwinder
 * (libgcc_eh) linked in with all its symbols hidden: the program's own
 * unwinding (exceptions, backtrace, panics) is not touched. libunwind would do
 * as well, but its static library is not position independent where it is
 * packaged. Takes no lock and allocates nothing (glibc 2.35 or later finds the
 * tables without a lock); slow (microseconds): see stacks.h for the cache in
 * front of it.
 */
#ifndef FPOST_HOOKS_UNWIND_H
#define FPOST_HOOKS_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

/* One frame of a walk. */
struct fpost_frame {
  uintptr_t pc;   /* return address into the frame's function */
  uintptr_t slot; /* where on the stack it lies; 0 if it came from elsewhere
                     (a signal frame) */
};

/*
 * The frames of the calling thread from the one on that resumes at pc with the
 * stack pointer cfa; at most max. Returns how many, 0 if that frame was not
 * met. *ended is set if the walk saw the outermost frame.
 */
uint32_t fpost_unwind(uintptr_t pc, uintptr_t cfa, struct fpost_frame *frames,
                      uint32_t max, bool *ended);

#endif /* FPOST_HOOKS_UNWIND_H */
