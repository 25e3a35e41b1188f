/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a run of recovery mode is refused, because it would get round the crash
 * state and at the user's own files (another program, a pool's name for another
 * file), and what succeeds because it means nothing there (locks, advice,
 * permissions). In the other modes, and for what is no pool's, calls go on.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_real.h"
#include "rt/hooks/recover_run.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma clang diagnostic ignored "-Wpedantic"
#pragma clang diagnostic ignored "-Wmissing-prototypes"

/* ---- other programs ---- */

bool fpost_recover_exec(void) {
  if (!fpost_recover_on) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_EXEC);
  fpost_run_say(
      "fencepost: recovery runs another program, which is refused: "
      "it would see the pools themselves, not the crash state\n");
  errno = EPERM;
  return true;
}

REAL(int, system, (const char *command))
EXPORT int system(const char *command) {
  return command != NULL && fpost_recover_exec() ? -1 : real_system()(command);
}

REAL(FILE *, popen, (const char *command, const char *mode))
EXPORT FILE *popen(const char *command, const char *mode) {
  return fpost_recover_exec() ? NULL : real_popen()(command, mode);
}

#define SPAWN(name)                                                            \
  REAL(int, name,                                                              \
       (pid_t *, const char *, const posix_spawn_file_actions_t *,             \
        const posix_spawnattr_t *, char *const *, char *const *))              \
  EXPORT int name(pid_t *pid, const char *path,                                \
                  const posix_spawn_file_actions_t *actions,                   \
                  const posix_spawnattr_t *attributes, char *const *argv,      \
                  char *const *environment) {                                  \
    return fpost_recover_exec()                                                \
               ? EPERM                                                         \
               : real_##name()(pid, path, actions, attributes, argv,           \
                               environment);                                   \
  }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

/* ---- names of pools ---- */

static bool is_pool(int dirfd, const char *path) {
  return fpost_run_name(dirfd, path, true) != NULL;
}

/* A stream cannot be turned into one on a pool in place. */
#define FREOPEN(name)                                                          \
  REAL(FILE *, name, (const char *path, const char *mode, FILE *stream))       \
  EXPORT FILE *name(const char *path, const char *mode, FILE *stream) {        \
    READ_PATH(path);                                                           \
    char other[64];                                                            \
    if (path == NULL || !is_pool(AT_FDCWD, path)) {                            \
      path = fpost_observe_path(AT_FDCWD, path, other);                        \
      return real_##name()(path, mode, stream);                                \
    }                                                                          \
    fpost_run_say("fencepost: recovery opens a pool by " #name                 \
                  ", which cannot be followed: use fopen\n");                  \
    (void)fclose(stream);                                                      \
    errno = EPERM;                                                             \
    return NULL;                                                               \
  }
FREOPEN(freopen)
FREOPEN(freopen64)

/* ---- what means nothing to a crash state ---- */

REAL(int, chmod, (const char *path, mode_t mode))
EXPORT int chmod(const char *path, mode_t mode) {
  READ_PATH(path);
  return is_pool(AT_FDCWD, path) ? 0 : real_chmod()(path, mode);
}

REAL(int, fchmodat, (int dirfd, const char *path, mode_t mode, int flags))
EXPORT int fchmodat(int dirfd, const char *path, mode_t mode, int flags) {
  READ_PATH(path);
  return is_pool(dirfd, path) ? 0 : real_fchmodat()(dirfd, path, mode, flags);
}

REAL(int, fchmod, (int fd, mode_t mode))
EXPORT int fchmod(int fd, mode_t mode) {
  return fpost_recover_on && fpost_recover_is_pool(fd)
             ? 0
             : real_fchmod()(fd, mode);
}

/* The image is open for reading, where the kernel grants no lock to write. */
#define LOCKF(name, type)                                                      \
  REAL(int, name, (int fd, int command, type size))                            \
  EXPORT int name(int fd, int command, type size) {                            \
    return fpost_recover_on && fpost_recover_is_pool(fd)                       \
               ? 0                                                             \
               : real_##name()(fd, command, size);                             \
  }
LOCKF(lockf, off_t)
LOCKF(lockf64, off64_t)

bool fpost_recover_lock(int fd, int command) {
  return fpost_recover_on && fpost_recover_is_pool(fd) &&
         (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
          command == F_OFD_SETLKW);
}

/* A run's mapping is private: MADV_DONTNEED would undo its stores, which a
   shared mapping of a file keeps. */
REAL(int, madvise, (void *address, size_t size, int advice))
EXPORT int madvise(void *address, size_t size, int advice) {
  int result = 0;
  if (!fpost_recover_on || (advice != MADV_DONTNEED && advice != MADV_REMOVE) ||
      !fpost_recover_msync(address, size, &result)) {
    return real_madvise()(address, size, advice);
  }
  if (advice == MADV_REMOVE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return 0;
}
