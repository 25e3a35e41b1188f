/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * For the files that interpose functions of libc in recover mode: how such a
 * function is exported, and how the one behind it is found. Their user defines
 * _GNU_SOURCE, which RTLD_NEXT needs.
 */
#ifndef FPOST_HOOKS_RECOVER_REAL_H
#define FPOST_HOOKS_RECOVER_REAL_H

#include <dlfcn.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

/*
 * real_<name>(): the function as it would be without us. A sanitizer linked
 * into the same program offers its own under another name.
 */
#define REAL(result, name, parameters)                                         \
  extern result __interceptor_##name parameters __attribute__((weak));         \
  static result(*real_##name(void)) parameters {                               \
    static result(*found) parameters;                                          \
    if (found == NULL) {                                                       \
      found = __interceptor_##name != NULL                                     \
                  ? __interceptor_##name                                       \
                  : (result(*) parameters)dlsym(RTLD_NEXT, #name);             \
    }                                                                          \
    return found;                                                              \
  }

/* The path as the kernel and we can read it; rt/hooks/recover.h. */
#define READ_PATH(path)                                                        \
  char path##_copy[FPOST_RECOVER_PATH_MAX];                                    \
  (path) = fpost_recover_string(path, path##_copy)

#endif /* FPOST_HOOKS_RECOVER_REAL_H */
