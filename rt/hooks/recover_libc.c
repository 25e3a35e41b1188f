/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Functions of libc that are interposed for the sake of recover mode: what
 * takes a path, changes a file's size or a mapping's protection, or installs a
 * handler of a signal that faults use. In the other modes, and for what is no
 * pool's, the call goes on as it stands; record mode notes which pools lose
 * their names, or change their size.
 */
#define _GNU_SOURCE
#include "rt/hooks/files.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_real.h"
#include "rt/hooks/recover_run.h"
#include "rt/hooks/recover_signals.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma clang diagnostic ignored "-Wpedantic"
#pragma clang diagnostic ignored "-Wmissing-prototypes"

/* The path that the kernel is to look at instead, or path itself; null with
   errno set: the run sees no such file. */
static const char *path_for(int dirfd, const char *path, bool follow,
                            char other[64]) {
  if (!fpost_recover_on) {
    return path;
  }
  struct fpost_name *name = fpost_run_name(dirfd, path, follow);
  if (name == NULL) {
    return fpost_observe_path(dirfd, path, other);
  }
  const struct fpost_view *view = fpost_name_view(name);
  if (view == NULL) {
    errno = ENOENT;
    return NULL;
  }
  fpost_view_path(view, other);
  return other;
}

/* ---- metadata ---- */

#define STAT(name, type)                                                       \
  REAL(int, name, (const char *path, struct type *buffer))                     \
  EXPORT int name(const char *path, struct type *buffer) {                     \
    READ_PATH(path);                                                           \
    char other[64];                                                            \
    const char *use = path_for(AT_FDCWD, path, true, other);                   \
    return use == NULL ? -1 : real_##name()(use, buffer);                      \
  }
STAT(stat, stat)
STAT(stat64, stat64)

#define LSTAT(name, plain, type)                                               \
  REAL(int, name, (const char *path, struct type *buffer))                     \
  EXPORT int name(const char *path, struct type *buffer) {                     \
    READ_PATH(path);                                                           \
    char other[64];                                                            \
    const char *use = path_for(AT_FDCWD, path, false, other);                  \
    if (use == NULL) {                                                         \
      return -1;                                                               \
    }                                                                          \
    return use == path ? real_##name()(path, buffer)                           \
                       : real_##plain()(use, buffer);                          \
  }
LSTAT(lstat, stat, stat)
LSTAT(lstat64, stat64, stat64)

#define FSTATAT(name, type)                                                    \
  REAL(int, name,                                                              \
       (int dirfd, const char *path, struct type *buffer, int flags))          \
  EXPORT int name(int dirfd, const char *path, struct type *buffer,            \
                  int flags) {                                                 \
    READ_PATH(path);                                                           \
    char other[64];                                                            \
    const char *use =                                                          \
        path_for(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0, other);      \
    if (use == other) {                                                        \
      flags &= ~AT_SYMLINK_NOFOLLOW;                                           \
    }                                                                          \
    return use == NULL ? -1 : real_##name()(dirfd, use, buffer, flags);        \
  }
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

REAL(int, statx,
     (int dirfd, const char *path, int flags, unsigned mask, struct statx *out))
EXPORT int statx(int dirfd, const char *path, int flags, unsigned mask,
                 struct statx *out) {
  READ_PATH(path);
  char other[64];
  const char *use =
      path_for(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0, other);
  if (use == other) {
    flags &= ~AT_SYMLINK_NOFOLLOW;
  }
  return use == NULL ? -1 : real_statx()(dirfd, use, flags, mask, out);
}

REAL(int, access, (const char *path, int mode))
EXPORT int access(const char *path, int mode) {
  READ_PATH(path);
  char other[64];
  const char *use = path_for(AT_FDCWD, path, true, other);
  if (use == other && mode == F_OK) {
    return 0;
  }
  return use == NULL ? -1 : real_access()(use, mode);
}

REAL(int, faccessat, (int dirfd, const char *path, int mode, int flags))
EXPORT int faccessat(int dirfd, const char *path, int mode, int flags) {
  READ_PATH(path);
  char other[64];
  const char *use =
      path_for(dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0, other);
  return use == NULL ? -1 : real_faccessat()(dirfd, use, mode, flags);
}

/* ---- what would change the user's file ---- */

/* A file of this name has just lost it, unless the call has failed. */
static int lost_name(int result, uint32_t pool) {
  if (result == 0) {
    fpost_file_gone(pool);
  }
  return result;
}

/* What a rename takes a name from. */
struct renamed {
  uint32_t from;
  uint32_t to;
};

static struct renamed to_rename(int from_fd, const char *from, int to_fd,
                                const char *to) {
  return (struct renamed){fpost_file_pool(from_fd, from),
                          fpost_file_pool(to_fd, to)};
}

static int have_renamed(int result, struct renamed pools) {
  return lost_name(lost_name(result, pools.from), pools.to);
}

REAL(int, unlink, (const char *path))
EXPORT int unlink(const char *path) {
  READ_PATH(path);
  int done = fpost_name_remove(AT_FDCWD, path);
  uint32_t pool = fpost_file_pool(AT_FDCWD, path);
  return done <= 0 ? done : lost_name(real_unlink()(path), pool);
}

REAL(int, remove, (const char *path))
EXPORT int remove(const char *path) {
  READ_PATH(path);
  int done = fpost_name_remove(AT_FDCWD, path);
  uint32_t pool = fpost_file_pool(AT_FDCWD, path);
  return done <= 0 ? done : lost_name(real_remove()(path), pool);
}

REAL(int, unlinkat, (int dirfd, const char *path, int flags))
EXPORT int unlinkat(int dirfd, const char *path, int flags) {
  READ_PATH(path);
  int done = fpost_name_remove(dirfd, path);
  uint32_t pool = fpost_file_pool(dirfd, path);
  return done <= 0 ? done
                   : lost_name(real_unlinkat()(dirfd, path, flags), pool);
}

REAL(int, rename, (const char *from, const char *to))
EXPORT int rename(const char *from, const char *to) {
  READ_PATH(from);
  READ_PATH(to);
  int done = fpost_name_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
  struct renamed pools = to_rename(AT_FDCWD, from, AT_FDCWD, to);
  return done <= 0 ? done : have_renamed(real_rename()(from, to), pools);
}

REAL(int, renameat2,
     (int from_fd, const char *from, int to_fd, const char *to,
      unsigned int flags))
EXPORT int renameat2(int from_fd, const char *from, int to_fd, const char *to,
                     unsigned int flags) {
  READ_PATH(from);
  READ_PATH(to);
  int done = fpost_name_rename(from_fd, from, to_fd, to, flags);
  struct renamed pools = to_rename(from_fd, from, to_fd, to);
  return done <= 0
             ? done
             : have_renamed(real_renameat2()(from_fd, from, to_fd, to, flags),
                            pools);
}

REAL(int, link, (const char *from, const char *to))
EXPORT int link(const char *from, const char *to) {
  READ_PATH(from);
  READ_PATH(to);
  int done = fpost_name_link(AT_FDCWD, from, AT_FDCWD, to, 0);
  return done <= 0 ? done : real_link()(from, to);
}

REAL(int, linkat,
     (int from_fd, const char *from, int to_fd, const char *to, int flags))
EXPORT int linkat(int from_fd, const char *from, int to_fd, const char *to,
                  int flags) {
  READ_PATH(from);
  READ_PATH(to);
  int done = fpost_name_link(from_fd, from, to_fd, to, flags);
  return done <= 0 ? done : real_linkat()(from_fd, from, to_fd, to, flags);
}

REAL(int, renameat, (int from_fd, const char *from, int to_fd, const char *to))
EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  READ_PATH(from);
  READ_PATH(to);
  int done = fpost_name_rename(from_fd, from, to_fd, to, 0);
  struct renamed pools = to_rename(from_fd, from, to_fd, to);
  return done <= 0
             ? done
             : have_renamed(real_renameat()(from_fd, from, to_fd, to), pools);
}

static int resize_path(const char *path, off_t size) {
  struct fpost_name *name = fpost_run_name(AT_FDCWD, path, true);
  if (name == NULL) {
    return 1;
  }
  struct fpost_view *view = fpost_name_view(name);
  if (view == NULL) {
    errno = ENOENT;
    return -1;
  }
  if (size < 0 || !fpost_view_resize(view, (uint64_t)size)) {
    errno = EINVAL;
    return -1;
  }
  return 0;
}

REAL(int, truncate, (const char *path, off_t size))
EXPORT int truncate(const char *path, off_t size) {
  READ_PATH(path);
  int done = resize_path(path, size);
  if (done > 0 && (done = real_truncate()(path, size)) == 0) {
    fpost_file_truncated(path);
  }
  return done;
}

REAL(int, truncate64, (const char *path, off64_t size))
EXPORT int truncate64(const char *path, off64_t size) {
  READ_PATH(path);
  int done = resize_path(path, size);
  if (done > 0 && (done = real_truncate64()(path, size)) == 0) {
    fpost_file_truncated(path);
  }
  return done;
}

/* ---- streams ---- */

static ssize_t cookie_read(void *cookie, char *buffer, size_t size) {
  struct iovec part = {buffer, size};
  ssize_t result = -1;
  (void)fpost_recover_read((int)(intptr_t)cookie, &part, 1, -1, &result);
  return result;
}

static ssize_t cookie_write(void *cookie, const char *buffer, size_t size) {
  struct iovec part = {(void *)(uintptr_t)buffer, size};
  ssize_t result = 0;
  (void)fpost_recover_write((int)(intptr_t)cookie, &part, 1, -1, &result);
  return result < 0 ? 0 : result;
}

static int cookie_seek(void *cookie, off64_t *offset, int whence) {
  off64_t at = lseek64((int)(intptr_t)cookie, *offset, whence);
  if (at < 0) {
    return -1;
  }
  *offset = at;
  return 0;
}

static int cookie_close(void *cookie) {
  int fd = (int)(intptr_t)cookie;
  fpost_recover_close(fd);
  return close(fd);
}

static int mode_flags(const char *mode) {
  bool both = strchr(mode, '+') != NULL;
  switch (mode[0]) {
  case 'w':
    return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC;
  case 'a':
    return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
  default:
    return both ? O_RDWR : O_RDONLY;
  }
}

/* A stream on a pool, or null; *pool says whether path is one. */
static FILE *open_stream(const char *path, const char *mode, bool *pool) {
  int fd = -1;
  *pool = fpost_recover_on &&
          fpost_recover_open(AT_FDCWD, path, mode_flags(mode), &fd);
  if (!*pool || fd < 0) {
    return NULL;
  }
  cookie_io_functions_t functions = {cookie_read, cookie_write, cookie_seek,
                                     cookie_close};
  FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);
  if (stream != NULL) {
    stream->_fileno = fd; /* for fileno: C++ streams read through it */
  }
  return stream;
}

#define FOPEN(name)                                                            \
  REAL(FILE *, name, (const char *path, const char *mode))                     \
  EXPORT FILE *name(const char *path, const char *mode) {                      \
    READ_PATH(path);                                                           \
    bool pool = false;                                                         \
    char other[64];                                                            \
    FILE *stream = open_stream(path, mode, &pool);                             \
    path = pool ? path : fpost_observe_path(AT_FDCWD, path, other);            \
    return pool ? stream : real_##name()(path, mode);                          \
  }
FOPEN(fopen)
FOPEN(fopen64)

/* ---- protections ---- */

REAL(int, mprotect, (void *address, size_t size, int prot))
EXPORT int mprotect(void *address, size_t size, int prot) {
  int result = -1;
  return fpost_recover_on &&
                 fpost_recover_mprotect(address, size, prot, &result)
             ? result
             : real_mprotect()(address, size, prot);
}

/* ---- signals ---- */

REAL(int, sigaction,
     (int number, const struct sigaction *action, struct sigaction *old))
EXPORT int sigaction(int number, const struct sigaction *action,
                     struct sigaction *old) {
  return fpost_recover_sigaction(number, action, old)
             ? 0
             : real_sigaction()(number, action, old);
}

REAL(sighandler_t, signal, (int number, sighandler_t handler))
EXPORT sighandler_t signal(int number, sighandler_t handler) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  struct sigaction old;
  return fpost_recover_sigaction(number, &action, &old)
             ? old.sa_handler
             : real_signal()(number, handler);
}

void fpost_recover_libc_prepare(void) {
  (void)real_stat();
  (void)real_stat64();
  (void)real_lstat();
  (void)real_lstat64();
  (void)real_fstatat();
  (void)real_fstatat64();
  (void)real_fopen();
  (void)real_fopen64();
  (void)real_statx();
  (void)real_access();
  (void)real_faccessat();
  (void)real_unlink();
  (void)real_remove();
  (void)real_unlinkat();
  (void)real_rename();
  (void)real_renameat();
  (void)real_renameat2();
  (void)real_link();
  (void)real_linkat();
  (void)real_truncate();
  (void)real_truncate64();
  (void)real_mprotect();
  (void)real_sigaction();
  (void)real_signal();
}
