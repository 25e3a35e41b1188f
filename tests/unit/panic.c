/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A broken invariant ends a unit test by SIGABRT, which Check can expect. */
#include "rt/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
  abort();
}
