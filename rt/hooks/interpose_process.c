/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Ways in which a process ends or becomes another program. After exit the
 * handler in preinit.c comes last; _exit, quick_exit and exec pass it by and
 * are caught here. A child of vfork shares our memory and has another pid:
 * nothing is done.
 */
#define _GNU_SOURCE
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/report.h"
#include "rt/os/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* The most arguments that execl and its kind may have. */
#define ARGUMENTS_MAX 1024

FPOST_INTERPOSE _Noreturn void _exit(int code) {
  fpost_context_end((code & 0xff) << 8);
  code = fpost_report(code);
  fpost_real.exit_now(code);
  fpost_os_exit(code);
}
FPOST_INTERPOSE _Noreturn void _Exit(int code) {
  fpost_context_end((code & 0xff) << 8);
  code = fpost_report(code);
  fpost_real.exit_now(code);
  fpost_os_exit(code);
}

/* Another program takes this process over: the end of the run. If that does not
   come about, the program goes on, unchecked. False: it must not. */
static bool exec_before(void) {
  if (fpost_recover_exec()) {
    return false;
  }
  fpost_context_end(0);
  (void)fpost_report(0);
  return true;
}

FPOST_INTERPOSE int execve(const char *path, char *const argv[],
                           char *const environment[]) {
  return exec_before() ? fpost_real.execve(path, argv, environment) : -1;
}
FPOST_INTERPOSE int execv(const char *path, char *const argv[]) {
  return exec_before() ? fpost_real.execve(path, argv, environ) : -1;
}
FPOST_INTERPOSE int execvpe(const char *file, char *const argv[],
                            char *const environment[]) {
  return exec_before() ? fpost_real.execvpe(file, argv, environment) : -1;
}
FPOST_INTERPOSE int execvp(const char *file, char *const argv[]) {
  return exec_before() ? fpost_real.execvpe(file, argv, environ) : -1;
}
FPOST_INTERPOSE int fexecve(int fd, char *const argv[],
                            char *const environment[]) {
  return exec_before() ? fpost_real.fexecve(fd, argv, environment) : -1;
}
FPOST_INTERPOSE int execveat(int dirfd, const char *path, char *const argv[],
                             char *const environment[], int flags) {
  return exec_before()
             ? fpost_real.execveat(dirfd, path, argv, environment, flags)
             : -1;
}

/* The arguments of execl and its kind as a vector. Returns how many, or -1. */
static int arguments_get(const char *first, va_list *list, char **argv) {
  int count = 0;
  for (const char *at = first; at != NULL; at = va_arg(*list, const char *)) {
    if (count == ARGUMENTS_MAX) {
      errno = E2BIG;
      return -1;
    }
    argv[count++] = (char *)(uintptr_t)at;
  }
  argv[count] = NULL;
  return count;
}

FPOST_INTERPOSE int execl(const char *path, const char *first, ...) {
  char *argv[ARGUMENTS_MAX + 1];
  va_list list;
  va_start(list, first);
  int count = arguments_get(first, &list, argv);
  va_end(list);
  return count < 0 ? -1 : execv(path, argv);
}
FPOST_INTERPOSE int execlp(const char *file, const char *first, ...) {
  char *argv[ARGUMENTS_MAX + 1];
  va_list list;
  va_start(list, first);
  int count = arguments_get(first, &list, argv);
  va_end(list);
  return count < 0 ? -1 : execvp(file, argv);
}
FPOST_INTERPOSE int execle(const char *path, const char *first, ...) {
  char *argv[ARGUMENTS_MAX + 1];
  va_list list;
  va_start(list, first);
  int count = arguments_get(first, &list, argv);
  char *const *environment = va_arg(list, char *const *);
  va_end(list);
  return count < 0 ? -1 : execve(path, argv, environment);
}

/* What was learnt about code that is gone must be forgotten. */
FPOST_INTERPOSE int dlclose(void *handle) {
  int result = fpost_real.dlclose(handle);
  if (fpost_context.run != FPOST_RUN_RECOVER && fpost_enter() != NULL) {
    int error = errno;
    fpost_modules_forget(&fpost_context.modules);
    fpost_stacks_forget(&fpost_context.stacks);
    for (uint32_t i = 0; i < fpost_context.threads_count; i++) {
      if (fpost_context.threads[i].cache != NULL) {
        fpost_os_empty(fpost_context.threads[i].cache,
                       sizeof(struct fpost_stack_cache));
      }
    }
    fpost_leave();
    errno = error;
  }
  return result;
}
