/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * System calls of a run whose arguments point into a pool, where what they
 * point to is undecided and closed to the kernel: the call fails with EFAULT.
 * What lies there is decided then, page by page, and the call is made again.
 * How much of it the kernel reads is not known, so everything up to the end of
 * a page is decided: that is more than is needed, and nothing is left out.
 *
 * The functions are handed on as six registers, whatever their parameters are:
 * none takes more, or one that is no integer.
 * Paths that may name a pool, and what reads and writes pools, are handled by
 * recover_libc.c, recover_guard.c and interpose_file.c.
 */
#define _GNU_SOURCE
#include "rt/hooks/files.h"
#include "rt/hooks/races.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_real.h"
#include "rt/hooks/recover_run.h"
#include "rt/hooks/recover_undo.h"
#include "rt/os/os.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <unistd.h>

#pragma clang diagnostic ignored "-Wpedantic"
#pragma clang diagnostic ignored "-Wmissing-prototypes"

#define PAGE FPOST_RUN_PAGE
#define ARGUMENTS 6u
/* Pages behind an argument that are looked at. */
#define PAGES_MAX 64u
/* Parts of a message that are looked at. */
#define PARTS_MAX 32u

/* Of a function that the program calls: where from. */
#define SITE                                                                   \
  (struct fpost_site) {                                                        \
    (uintptr_t) __builtin_return_address(0),                                   \
        (uintptr_t)__builtin_frame_address(0) + 16                             \
  }

/* Set while a call is got ready: it makes system calls itself. */
static _Thread_local bool busy __attribute__((tls_model("initial-exec")));

/* Decide and open the first closed page at or behind address, from there on.
   Returns false if there is none. */
static bool page_open(uintptr_t address, struct fpost_site site) {
  const struct fpost_mapping *mapping = fpost_run_find(address);
  for (uint32_t i = 0; mapping != NULL && i < PAGES_MAX; i++) {
    uintptr_t next = (address & ~(uintptr_t)(PAGE - 1)) + PAGE;
    uint64_t offset = address - mapping->address + mapping->offset;
    bool open = !fpost_view_closed(mapping->view, offset / PAGE);
    for (uint32_t j = 0; !open && j < fpost_run.open_count; j++) {
      open = fpost_run.open[j] == (address & ~(uintptr_t)(PAGE - 1));
    }
    if (!open) {
      fpost_recover_access((const void *)address, next - address, false, site);
      return true;
    }
    address = next;
    mapping = fpost_run_find(address);
  }
  return false;
}

/* Has the call failed for want of an open page, and is one more open now? */
static bool again(const uintptr_t *arguments, uint32_t count,
                  struct fpost_site site) {
  if (!fpost_recover_on || errno != EFAULT || busy) {
    return false;
  }
  bool any = false;
  busy = true;
  for (uint32_t i = 0; i < count; i++) {
    any = page_open(arguments[i], site) || any;
  }
  busy = false;
  if (any) {
    fpost_run_flag(FPOST_RUN_STORED); /* it may write there, too */
  }
  errno = EFAULT;
  return any;
}

/* After the last try: close what was opened. */
static void done(bool opened) {
  if (opened) {
    int error = errno;
    fpost_recover_leave();
    errno = error;
  }
}

/* first and last are done before and behind the call, whose result is value. */
#define CALL_TOLD(result, failed, name, first, last)                           \
  REAL(result, name, (long, long, long, long, long, long))                     \
  EXPORT result call_##name(long, long, long, long, long,                      \
                            long) __asm__(#name);                              \
  result call_##name(long a, long b, long c, long d, long e, long f) {         \
    const uintptr_t arguments[ARGUMENTS] = {(uintptr_t)a, (uintptr_t)b,        \
                                            (uintptr_t)c, (uintptr_t)d,        \
                                            (uintptr_t)e, (uintptr_t)f};       \
    first;                                                                     \
    result value = real_##name()(a, b, c, d, e, f);                            \
    bool opened = false;                                                       \
    while (value == (failed) && again(arguments, ARGUMENTS, SITE)) {           \
      opened = true;                                                           \
      value = real_##name()(a, b, c, d, e, f);                                 \
    }                                                                          \
    done(opened);                                                              \
    last;                                                                      \
    return value;                                                              \
  }
#define CALL(result, failed, name)                                             \
  CALL_TOLD(result, failed, name, (void)0, (void)0)
#define CALL_INT(name) CALL(int, -1, name)
#define CALL_LONG(name) CALL(long, -1, name)
/* Those that send to the descriptor, which is their first argument, and those
   that receive from it: to whom that matters. */
#define SENT(fd)                                                               \
  (FPOST_UNLIKELY(fpost_races_on) ? fpost_races_sent((int)(fd)) : (void)0)
#define RECEIVED(fd)                                                           \
  (FPOST_UNLIKELY(fpost_races_on) && value >= 0                                \
       ? fpost_races_received((int)(fd))                                       \
       : (void)0)
#define SEND(result, name) CALL_TOLD(result, -1, name, SENT(a), (void)0)
#define RECEIVE(result, name) CALL_TOLD(result, -1, name, (void)0, RECEIVED(a))

CALL_INT(mkdir)
CALL_INT(mkdirat)
CALL_INT(rmdir)
CALL_INT(symlink)
CALL_INT(symlinkat)
CALL_INT(chdir)
CALL_INT(chown)
CALL_INT(lchown)
CALL_INT(fchownat)
CALL_INT(utimensat)
CALL_INT(utimes)
CALL_INT(mkfifo)
CALL_INT(mkfifoat)
CALL_INT(mknod)
CALL_INT(mknodat)
CALL_INT(statfs)
CALL_INT(statfs64)
CALL_INT(setxattr)
CALL_INT(lsetxattr)
CALL_INT(fsetxattr)
CALL_INT(bind)
SEND(int, connect)
CALL_INT(getsockname)
CALL_INT(getpeername)
CALL_INT(socketpair)
CALL_INT(pipe)
CALL_INT(pipe2)
CALL_INT(uname)
CALL_INT(setsockopt)
CALL_INT(getsockopt)
CALL_INT(ioctl)
CALL_TOLD(int, -1, poll, (void)0,
          FPOST_UNLIKELY(fpost_races_on) && value > 0
              ? fpost_races_heard(FPOST_HEARD_READY)
              : (void)0)
CALL_INT(clock_settime)
CALL_INT(sethostname)
CALL_LONG(readlink)
CALL_LONG(readlinkat)
CALL_LONG(getxattr)
CALL_LONG(lgetxattr)
CALL_LONG(fgetxattr)
CALL_LONG(getrandom)
SEND(long, send)
SEND(long, sendto)
RECEIVE(long, recv)
RECEIVE(long, recvfrom)
CALL(void *, NULL, opendir)
CALL(void *, NULL, getcwd)

/* ---- messages: their parts are pointed to by what is pointed to ---- */

struct part {
  uintptr_t base;
  size_t size;
};

/* As struct msghdr is. */
struct message {
  uintptr_t name;
  uint32_t name_size;
  uintptr_t parts;
  size_t parts_count;
  uintptr_t control;
  size_t control_size;
  int flags;
};

/* Any of its pointers may be wrong: what they point to is copied with care. */
static bool message_again(const void *address, struct fpost_site site) {
  struct message message;
  struct part parts[PARTS_MAX];
  uintptr_t arguments[PARTS_MAX] = {(uintptr_t)address};
  if (!fpost_recover_on || errno != EFAULT) {
    return false;
  }
  if (again(arguments, 1, site)) {
    return true; /* first what it says */
  }
  if (fpost_os_peek(address, &message, sizeof message) != sizeof message) {
    return false;
  }
  arguments[0] = message.name;
  arguments[1] = message.control;
  arguments[2] = message.parts;
  if (again(arguments, 3, site)) {
    return true;
  }
  size_t count =
      message.parts_count < PARTS_MAX ? message.parts_count : PARTS_MAX;
  count = fpost_os_peek((const void *)message.parts, parts,
                        count * sizeof parts[0]) /
          sizeof parts[0];
  for (size_t i = 0; i < count; i++) {
    arguments[i] = parts[i].base;
  }
  return again(arguments, (uint32_t)count, site);
}

#define MESSAGE(name, first, last)                                             \
  REAL(long, name, (int, const void *, int))                                   \
  EXPORT long call_##name(int, const void *, int) __asm__(#name);              \
  long call_##name(int fd, const void *message, int flags) {                   \
    first;                                                                     \
    long value = real_##name()(fd, message, flags);                            \
    bool opened = false;                                                       \
    while (value == -1 && message_again(message, SITE)) {                      \
      opened = true;                                                           \
      value = real_##name()(fd, message, flags);                               \
    }                                                                          \
    done(opened);                                                              \
    last;                                                                      \
    return value;                                                              \
  }
MESSAGE(sendmsg, SENT(fd), (void)0)
MESSAGE(recvmsg, (void)0, RECEIVED(fd))

/* ---- vectors with flags: by way of those without ---- */

/* What of the flags says only when, or how fast. */
#define FLAGS_IGNORED (RWF_HIPRI | RWF_DSYNC | RWF_SYNC)

/* Where bytes begin that were appended to a file. */
static int64_t end_of(int fd, long size) {
  struct fpost_os_file file;
  return fpost_os_file_info(fd, &file) == FPOST_OK ? (int64_t)file.size - size
                                                   : 0;
}

#define VECTOR(name, here, there, note)                                        \
  REAL(long, name, (int, const struct iovec *, int, off_t, int))               \
  EXPORT long call_##name(int, const struct iovec *, int, off_t,               \
                          int) __asm__(#name);                                 \
  long call_##name(int fd, const struct iovec *parts, int count, off_t offset, \
                   int flags) {                                                \
    bool pool = fpost_recover_on && fpost_recover_is_pool(fd);                 \
    int left = pool ? flags & ~FLAGS_IGNORED : flags;                          \
    if (!fpost_recover_on || (left != 0 && !pool)) {                           \
      long value = real_##name()(fd, parts, count, offset, flags);             \
      note;                                                                    \
      return value;                                                            \
    }                                                                          \
    if (left != 0) {                                                           \
      errno = EOPNOTSUPP;                                                      \
      return -1;                                                               \
    }                                                                          \
    return offset == -1 ? here(fd, parts, count)                               \
                        : there(fd, parts, count, offset);                     \
  }
#define WAS_READ fpost_file_read(parts, count, value, SITE.pc, SITE.cfa)
#define WAS_WRITTEN                                                            \
  fpost_file_wrote(fd, parts, count,                                           \
                   (flags & RWF_APPEND) != 0 ? end_of(fd, value) : offset,     \
                   value, SITE.pc, SITE.cfa)
VECTOR(preadv2, readv, preadv, WAS_READ)
VECTOR(preadv64v2, readv, preadv, WAS_READ)
VECTOR(pwritev2, writev, pwritev, WAS_WRITTEN)
VECTOR(pwritev64v2, writev, pwritev, WAS_WRITTEN)

/* ---- past the names of libc ---- */

static long system_call(const long arguments[7]) {
  long result = fpost_undo_call(arguments);
  if (fpost_undo_failed(result)) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

/* The runtime's own calls come by here, too. */
EXPORT long syscall(long number, ...) {
  long arguments[7] = {number};
  uintptr_t pointers[ARGUMENTS];
  va_list list;
  va_start(list, number);
  for (uint32_t i = 0; i < ARGUMENTS; i++) {
    arguments[i + 1] = va_arg(list, long);
    pointers[i] = (uintptr_t)arguments[i + 1];
  }
  va_end(list);
  long value = system_call(arguments);
  bool opened = false;
  while (value == -1 && again(pointers, ARGUMENTS, SITE)) {
    opened = true;
    value = system_call(arguments);
  }
  done(opened);
  return value;
}

/* ---- from file to file: in the kernel it would read the image as it is ----
 */

#define COPY_BLOCK 4096u

/* As copy_file_range, by way of read and write. */
static long copy(int from, off_t *from_at, int to, off_t *to_at, size_t size) {
  uint8_t block[COPY_BLOCK];
  size_t total = 0;
  while (total < size) {
    size_t part = size - total < COPY_BLOCK ? size - total : COPY_BLOCK;
    ssize_t got = from_at == NULL ? read(from, block, part)
                                  : pread(from, block, part, *from_at);
    if (got <= 0) {
      return total != 0 ? (long)total : got;
    }
    ssize_t put = to_at == NULL ? write(to, block, (size_t)got)
                                : pwrite(to, block, (size_t)got, *to_at);
    ssize_t done = put < 0 ? 0 : put;
    if (from_at != NULL) {
      *from_at += done;
    } else if (done < got) {
      int error = errno;
      (void)lseek(from, done - got, SEEK_CUR);
      errno = error;
    }
    if (to_at != NULL) {
      *to_at += done;
    }
    total += (size_t)done;
    if (done < got) {
      return total != 0 ? (long)total : put;
    }
  }
  return (long)total;
}

static bool is_pool(long one, long two) {
  return fpost_recover_on &&
         (fpost_recover_is_pool((int)one) || fpost_recover_is_pool((int)two));
}

#define BETWEEN(name, from, from_at, to, to_at, size)                          \
  REAL(long, name, (long, long, long, long, long, long))                       \
  EXPORT long call_##name(long, long, long, long, long, long) __asm__(#name);  \
  long call_##name(long a, long b, long c, long d, long e, long f) {           \
    if (is_pool((from), (to))) {                                               \
      return copy((int)(from), (off_t *)(from_at), (int)(to),                  \
                  (off_t *)(to_at), (size_t)(size));                           \
    }                                                                          \
    long value = real_##name()(a, b, c, d, e, f);                              \
    fpost_file_copied((int)(to), (const int64_t *)(to_at), value, SITE.pc,     \
                      SITE.cfa);                                               \
    return value;                                                              \
  }
BETWEEN(sendfile, b, c, a, 0, d)
BETWEEN(sendfile64, b, c, a, 0, d)
BETWEEN(copy_file_range, a, b, c, d, e)

/* Its users fall back to read and write. */
REAL(long, splice, (long, long, long, long, long, long))
EXPORT long call_splice(long, long, long, long, long, long) __asm__("splice");
long call_splice(long a, long b, long c, long d, long e, long f) {
  if (is_pool(a, c)) {
    errno = EINVAL;
    return -1;
  }
  long value = real_splice()(a, b, c, d, e, f);
  fpost_file_copied((int)c, (const int64_t *)d, value, SITE.pc, SITE.cfa);
  return value;
}
