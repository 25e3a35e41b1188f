/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/hooks/real.h"

#include <dlfcn.h>
#include <errno.h>

struct fpost_real fpost_real;

#define FPOST_REAL(result, field, name, arguments)                             \
  extern result __interceptor_##name arguments __attribute__((weak));
#include "rt/hooks/real.def"

void fpost_real_late(void) {
  int error = errno;
#define FPOST_REAL(result, field, name, arguments)                             \
  if (fpost_real.field == NULL) {                                              \
    /* The detour is how POSIX wants a data pointer made a function's. */      \
    *(void **)&fpost_real.field = dlsym(RTLD_NEXT, #name);                     \
  }
#include "rt/hooks/real.def"
  errno = error;
}

void fpost_real_find(void) {
#define FPOST_REAL(result, field, name, arguments)                             \
  if (&__interceptor_##name != NULL) {                                         \
    fpost_real.field = &__interceptor_##name;                                  \
  }
#include "rt/hooks/real.def"
  fpost_real_late();
}
