/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Assertions of our own invariants: on in every build, without libc. */
#ifndef FPOST_BASE_ASSERT_H
#define FPOST_BASE_ASSERT_H

/*
 * Called when an invariant of Fencepost itself is broken; never returns. The
 * runtime, the tools and the tests each supply their own.
 */
_Noreturn void fpost_panic(const char *file, int line, const char *condition);

#define FPOST_ASSERT(condition)                                                \
  ((condition) ? (void)0 : fpost_panic(__FILE__, __LINE__, #condition))

#endif /* FPOST_BASE_ASSERT_H */
