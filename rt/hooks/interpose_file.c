/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Files: reading into PM is a store; writing to the file of a mapped pool
 * changes PM and is not durable before fsync or msync, as a store to the page
 * cache; fsync and fdatasync make the whole pool durable. Recovery opens its
 * pools here.
 */
#define _GNU_SOURCE
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/files.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool recovering(void) {
  return fpost_recover_on && fpost_tls.depth == 0;
}

/* ---- open and its kind ---- */

static mode_t mode_of(int flags, va_list *arguments) {
  bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return makes ? va_arg(*arguments, mode_t) : 0;
}

static int open_here(int dirfd, const char *path, int flags, mode_t mode) {
  int result;
  char copy[FPOST_RECOVER_PATH_MAX];
  path = recovering() ? fpost_recover_string(path, copy) : path;
  if (recovering() && fpost_recover_open(dirfd, path, flags, &result)) {
    return result;
  }
  char other[64];
  path = recovering() ? fpost_observe_path(dirfd, path, other) : path;
  bool makes = fpost_context.run == FPOST_RUN_RECORD &&
               (flags & O_CREAT) != 0 && !fpost_os_exists(dirfd, path);
  result = dirfd == AT_FDCWD ? fpost_real.open(path, flags, mode)
                             : fpost_real.openat(dirfd, path, flags, mode);
  if (makes && result >= 0) {
    fpost_mapping_file_made(result);
  }
  if (recovering()) {
    /* The number may have been a pool's: closefrom and fclose pass us by. */
    fpost_recover_close(result);
  }
  return result;
}

#define DEFINE_OPEN(name)                                                      \
  FPOST_INTERPOSE int name(const char *path, int flags, ...) {                 \
    va_list arguments;                                                         \
    va_start(arguments, flags);                                                \
    mode_t mode = mode_of(flags, &arguments);                                  \
    va_end(arguments);                                                         \
    return open_here(AT_FDCWD, path, flags, mode);                             \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                    \
  FPOST_INTERPOSE int name(int dirfd, const char *path, int flags, ...) {      \
    va_list arguments;                                                         \
    va_start(arguments, flags);                                                \
    mode_t mode = mode_of(flags, &arguments);                                  \
    va_end(arguments);                                                         \
    return open_here(dirfd, path, flags, mode);                                \
  }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* What _FORTIFY_SOURCE makes of open without a mode. */
FPOST_INTERPOSE int __open_2(const char *path, int flags);
FPOST_INTERPOSE int __open64_2(const char *path, int flags);
FPOST_INTERPOSE int __openat_2(int dirfd, const char *path, int flags);
FPOST_INTERPOSE int __openat64_2(int dirfd, const char *path, int flags);
int __open_2(const char *path, int flags) {
  return open_here(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags) {
  return open_here(AT_FDCWD, path, flags, 0);
}
int __openat_2(int dirfd, const char *path, int flags) {
  return open_here(dirfd, path, flags, 0);
}
int __openat64_2(int dirfd, const char *path, int flags) {
  return open_here(dirfd, path, flags, 0);
}

FPOST_INTERPOSE int creat(const char *path, mode_t mode) {
  return open_here(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
FPOST_INTERPOSE int creat64(const char *path, mode_t mode) {
  return open_here(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

FPOST_INTERPOSE int close(int fd) {
  if (recovering()) {
    fpost_recover_close(fd);
  }
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_sent(fd); /* the end of a pipe is a message, too */
  }
  return fpost_real.close(fd);
}

static int dup_done(int old_fd, int new_fd) {
  if (new_fd >= 0 && recovering()) {
    int error = errno;
    fpost_recover_dup(old_fd, new_fd);
    errno = error;
  }
  return new_fd;
}

/* What new_fd was is closed, unless it is old_fd. */
static void dup_over(int new_fd) {
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_sent(new_fd);
  }
}

FPOST_INTERPOSE int dup(int fd) {
  return dup_done(fd, fpost_real.dup(fd));
}
FPOST_INTERPOSE int dup2(int old_fd, int new_fd) {
  dup_over(new_fd);
  return dup_done(old_fd, fpost_real.dup2(old_fd, new_fd));
}
FPOST_INTERPOSE int dup3(int old_fd, int new_fd, int flags) {
  dup_over(new_fd);
  return dup_done(old_fd, fpost_real.dup3(old_fd, new_fd, flags));
}

static int fcntl_here(int fd, int command, void *argument) {
  if (fpost_recover_lock(fd, command)) {
    return 0;
  }
  int result = fpost_real.fcntl(fd, command, argument);
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
    return dup_done(fd, result);
  }
  return result;
}

FPOST_INTERPOSE int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fcntl_here(fd, command, argument);
}
FPOST_INTERPOSE int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  return fcntl_here(fd, command, argument);
}

/* ---- size and durability ---- */

static int truncate_here(int fd, off_t size) {
  int result;
  if (recovering() && fpost_recover_ftruncate(fd, size, &result)) {
    return result;
  }
  result = fpost_real.ftruncate(fd, size);
  if (result == 0) {
    fpost_mapping_file_sized(fd, (uint64_t)size);
  }
  return result;
}

FPOST_INTERPOSE int ftruncate(int fd, off_t size) {
  return truncate_here(fd, size);
}
FPOST_INTERPOSE int ftruncate64(int fd, off64_t size) {
  return truncate_here(fd, size);
}

static void allocated(int fd, int mode, off_t offset, off_t size) {
  if ((mode & ~FALLOC_FL_ZERO_RANGE) == 0) { /* no KEEP_SIZE, nothing moved */
    fpost_mapping_file_sized(fd, (uint64_t)offset + (uint64_t)size);
  }
}

static int allocate(int fd, int mode, off_t offset, off_t size) {
  int result;
  if (recovering() &&
      fpost_recover_fallocate(fd, mode, offset, size, &result)) {
    return result;
  }
  result = fpost_real.fallocate(fd, mode, offset, size);
  if (result == 0) {
    allocated(fd, mode, offset, size);
  }
  return result;
}

FPOST_INTERPOSE int fallocate(int fd, int mode, off_t offset, off_t size) {
  return allocate(fd, mode, offset, size);
}
FPOST_INTERPOSE int fallocate64(int fd, int mode, off64_t offset,
                                off64_t size) {
  return allocate(fd, mode, offset, size);
}

/* Returns an error number and leaves errno alone. */
static int allocate_posix(int fd, off_t offset, off_t size) {
  int result;
  if (recovering() && fpost_recover_fallocate(fd, 0, offset, size, &result)) {
    return result == 0 ? 0 : errno;
  }
  result = fpost_real.posix_fallocate(fd, offset, size);
  if (result == 0) {
    allocated(fd, 0, offset, size);
  }
  return result;
}

FPOST_INTERPOSE int posix_fallocate(int fd, off_t offset, off_t size) {
  return allocate_posix(fd, offset, size);
}
FPOST_INTERPOSE int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return allocate_posix(fd, offset, size);
}

/* fd was synchronised: a pool's stores are durable. */
static void sync_done(int fd, uintptr_t pc, uintptr_t cfa) {
  if (fpost_context.regions.pools_count == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  struct fpost_pool *pool = fpost_mapping_pool(fd);
  if (pool != NULL) {
    fpost_event_durable_pool(self, pool, fpost_stack_of(self, pc, cfa));
  }
  fpost_leave();
}

FPOST_INTERPOSE int fsync(int fd) {
  int result;
  if (recovering() && fpost_recover_fsync(fd, &result)) {
    return result;
  }
  result = fpost_real.fsync(fd);
  if (result == 0) {
    sync_done(fd, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  }
  return result;
}

FPOST_INTERPOSE int fdatasync(int fd) {
  int result;
  if (recovering() && fpost_recover_fsync(fd, &result)) {
    return result;
  }
  result = fpost_real.fdatasync(fd);
  if (result == 0) {
    sync_done(fd, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  }
  return result;
}

/* Its manual: not for integrity. No pool becomes durable by it. */
FPOST_INTERPOSE int sync_file_range(int fd, off_t offset, off_t size,
                                    unsigned int flags) {
  int result;
  if (recovering() && fpost_recover_fsync(fd, &result)) {
    return result;
  }
  return fpost_real.sync_file_range(fd, offset, size, flags);
}

/* ---- read ---- */

/* The kernel wrote done bytes to the parts. */
static void read_done(const struct iovec *parts, int count, ssize_t done,
                      uintptr_t pc, uintptr_t cfa) {
  if (done <= 0 || fpost_context.run == FPOST_RUN_RECOVER ||
      fpost_context.regions.count == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  size_t left = (size_t)done;
  for (int i = 0; i < count && left > 0; i++) {
    size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
    const struct fpost_region *after = fpost_regions_after(
        &fpost_context.regions, (uintptr_t)parts[i].iov_base);
    if (after != NULL && after->start < (uintptr_t)parts[i].iov_base + size) {
      fpost_event_store(self, parts[i].iov_base, size, 0,
                        fpost_stack_of(self, pc, cfa));
    }
    left -= size;
  }
  fpost_leave();
}

/* In recovery: the kernel is about to access the parts. */
static void parts_open(const struct iovec *parts, int count, bool writes,
                       uintptr_t pc, uintptr_t cfa) {
  struct fpost_site site = {pc, cfa};
  for (int i = 0; i < count; i++) {
    fpost_recover_access(parts[i].iov_base, parts[i].iov_len, writes, site);
  }
}

static void parts_stored(const struct iovec *parts, int count, ssize_t done) {
  size_t left = done > 0 ? (size_t)done : 0;
  for (int i = 0; i < count && left > 0; i++) {
    size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
    fpost_recover_store(parts[i].iov_base, size);
    left -= size;
  }
  fpost_recover_leave(); /* the caller may have no hooks */
}

/* How a read or write is to be made. */
enum transfer { AS_PLAIN, AS_VECTOR, AS_PLAIN_AT, AS_VECTOR_AT };

static ssize_t read_call(enum transfer as, int fd, const struct iovec *parts,
                         int count, off_t offset) {
  switch (as) {
  case AS_PLAIN:
    return fpost_real.read(fd, parts->iov_base, parts->iov_len);
  case AS_VECTOR:
    return fpost_real.readv(fd, parts, count);
  case AS_PLAIN_AT:
    return fpost_real.pread(fd, parts->iov_base, parts->iov_len, offset);
  default:
    return fpost_real.preadv(fd, parts, count, offset);
  }
}

static ssize_t read_here(enum transfer as, int fd, const struct iovec *parts,
                         int count, off_t offset, uintptr_t pc, uintptr_t cfa) {
  ssize_t done;
  if (recovering()) {
    parts_open(parts, count, true, pc, cfa);
    if (!fpost_recover_read(fd, parts, count, offset, &done)) {
      done = read_call(as, fd, parts, count, offset);
    }
    parts_stored(parts, count, done);
    return done;
  }
  done = read_call(as, fd, parts, count, offset);
  int error = errno;
  if (FPOST_UNLIKELY(fpost_races_on) && done >= 0) {
    fpost_races_received(fd);
  }
  read_done(parts, count, done, pc, cfa);
  errno = error;
  return done;
}

#define READ_PLAIN(as, offset)                                                 \
  read_here((as), fd, &(struct iovec){.iov_base = to, .iov_len = size}, 1,     \
            (offset), FPOST_CALLER_PC, FPOST_CALLER_CFA)
#define READ_VECTOR(as, offset)                                                \
  read_here((as), fd, parts, count, (offset), FPOST_CALLER_PC, FPOST_CALLER_CFA)

FPOST_INTERPOSE ssize_t read(int fd, void *to, size_t size) {
  return READ_PLAIN(AS_PLAIN, -1);
}
FPOST_INTERPOSE ssize_t pread(int fd, void *to, size_t size, off_t offset) {
  return READ_PLAIN(AS_PLAIN_AT, offset);
}
FPOST_INTERPOSE ssize_t pread64(int fd, void *to, size_t size, off64_t offset) {
  return READ_PLAIN(AS_PLAIN_AT, offset);
}
FPOST_INTERPOSE ssize_t readv(int fd, const struct iovec *parts, int count) {
  return READ_VECTOR(AS_VECTOR, -1);
}
FPOST_INTERPOSE ssize_t preadv(int fd, const struct iovec *parts, int count,
                               off_t offset) {
  return READ_VECTOR(AS_VECTOR_AT, offset);
}
FPOST_INTERPOSE ssize_t preadv64(int fd, const struct iovec *parts, int count,
                                 off64_t offset) {
  return READ_VECTOR(AS_VECTOR_AT, offset);
}

/* What _FORTIFY_SOURCE makes of them; space is the size of the buffer. */
FPOST_INTERPOSE ssize_t __read_chk(int fd, void *to, size_t size, size_t space);
FPOST_INTERPOSE ssize_t __pread_chk(int fd, void *to, size_t size, off_t offset,
                                    size_t space);
FPOST_INTERPOSE ssize_t __pread64_chk(int fd, void *to, size_t size,
                                      off64_t offset, size_t space);
_Noreturn void __chk_fail(void);
ssize_t __read_chk(int fd, void *to, size_t size, size_t space) {
  if (size > space) {
    __chk_fail();
  }
  return READ_PLAIN(AS_PLAIN, -1);
}
ssize_t __pread_chk(int fd, void *to, size_t size, off_t offset, size_t space) {
  if (size > space) {
    __chk_fail();
  }
  return READ_PLAIN(AS_PLAIN_AT, offset);
}
ssize_t __pread64_chk(int fd, void *to, size_t size, off64_t offset,
                      size_t space) {
  if (size > space) {
    __chk_fail();
  }
  return READ_PLAIN(AS_PLAIN_AT, offset);
}

/* ---- write ---- */

static ssize_t write_call(enum transfer as, int fd, const struct iovec *parts,
                          int count, off_t offset) {
  switch (as) {
  case AS_PLAIN:
    return fpost_real.write(fd, parts->iov_base, parts->iov_len);
  case AS_VECTOR:
    return fpost_real.writev(fd, parts, count);
  case AS_PLAIN_AT:
    return fpost_real.pwrite(fd, parts->iov_base, parts->iov_len, offset);
  default:
    return fpost_real.pwritev(fd, parts, count, offset);
  }
}

/* done bytes of the parts went to the file: is it a pool? */
static void write_done(int fd, const struct iovec *parts, int count,
                       off_t offset, ssize_t done, uintptr_t pc,
                       uintptr_t cfa) {
  if (done <= 0 || fpost_context.run == FPOST_RUN_RECOVER ||
      fpost_context.regions.pools_count == 0) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  struct fpost_pool *pool = fpost_mapping_pool(fd);
  int64_t at = offset >= 0 ? offset : fpost_os_position(fd) - done;
  size_t left = (size_t)done;
  if (pool != NULL && at >= 0) {
    fpost_mapping_pool_sized(pool, (uint64_t)(at + done));
  }
  for (int i = 0; pool != NULL && at >= 0 && i < count && left > 0; i++) {
    size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
    fpost_event_written(self, pool, (uint64_t)at, parts[i].iov_base, size,
                        fpost_stack_of(self, pc, cfa));
    at += (int64_t)size;
    left -= size;
  }
  fpost_leave();
}

void fpost_file_wrote(int fd, const struct iovec *parts, int count,
                      int64_t offset, int64_t done, uintptr_t pc,
                      uintptr_t cfa) {
  int error = errno;
  write_done(fd, parts, count, offset, done, pc, cfa);
  errno = error;
}

void fpost_file_read(const struct iovec *parts, int count, int64_t done,
                     uintptr_t pc, uintptr_t cfa) {
  int error = errno;
  read_done(parts, count, done, pc, cfa);
  errno = error;
}

void fpost_file_copied(int fd, const int64_t *end, int64_t done, uintptr_t pc,
                       uintptr_t cfa) {
  if (done <= 0 || fpost_context.run == FPOST_RUN_RECOVER ||
      fpost_context.regions.pools_count == 0) {
    return;
  }
  int error = errno;
  uint8_t block[FPOST_POOL_PAGE];
  int own = fpost_mapping_reopen(fd);
  int64_t at = (end != NULL ? *end : fpost_os_position(fd)) - done;
  while (own >= 0 && at >= 0 && done > 0) {
    size_t part = done < (int64_t)sizeof block ? (size_t)done : sizeof block;
    int64_t got = fpost_os_read_at(own, block, part, (uint64_t)at);
    if (got <= 0) {
      break;
    }
    write_done(fd, &(struct iovec){.iov_base = block, .iov_len = (size_t)got},
               1, at, got, pc, cfa);
    at += got;
    done -= got;
  }
  if (own >= 0) {
    fpost_os_close(own);
  }
  errno = error;
}

void fpost_file_truncated(const char *path) {
  if (fpost_context.run != FPOST_RUN_RECORD ||
      fpost_context.regions.count == 0) {
    return;
  }
  struct fpost_os_file file;
  int error = errno;
  int fd = fpost_os_open(path, O_RDONLY, 0);
  if (fd >= 0 && fpost_os_file_info(fd, &file) == FPOST_OK) {
    fpost_mapping_file_sized(fd, file.size);
  }
  if (fd >= 0) {
    fpost_os_close(fd);
  }
  errno = error;
}

uint32_t fpost_file_pool(int dirfd, const char *path) {
  if (fpost_context.run != FPOST_RUN_RECORD ||
      fpost_context.regions.pools_count == 0) {
    return UINT32_MAX;
  }
  int error = errno;
  int fd = fpost_os_open_at(dirfd, path, O_PATH | O_NOFOLLOW);
  struct fpost_pool *pool = fd < 0 ? NULL : fpost_mapping_pool(fd);
  if (fd >= 0) {
    fpost_os_close(fd);
  }
  errno = error;
  return pool == NULL ? UINT32_MAX : pool->index;
}

void fpost_file_gone(uint32_t pool) {
  if (pool == UINT32_MAX || fpost_enter() == NULL) {
    return;
  }
  fpost_record_put(&fpost_context.record,
                   &(struct fpost_record){.kind = FPOST_RECORD_MARK,
                                          .flags = FPOST_MARK_GONE,
                                          .id = pool,
                                          .text = ""});
  fpost_leave();
}

static ssize_t write_here(enum transfer as, int fd, const struct iovec *parts,
                          int count, off_t offset, uintptr_t pc,
                          uintptr_t cfa) {
  ssize_t done;
  if (recovering()) {
    parts_open(parts, count, false, pc, cfa);
    if (fpost_recover_write(fd, parts, count, offset, &done)) {
      return done;
    }
    return write_call(as, fd, parts, count, offset);
  }
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_sent(fd);
  }
  done = write_call(as, fd, parts, count, offset);
  int error = errno;
  write_done(fd, parts, count, offset, done, pc, cfa);
  errno = error;
  return done;
}

#define WRITE_PLAIN(as, offset)                                                \
  write_here(                                                                  \
      (as), fd,                                                                \
      &(struct iovec){.iov_base = (void *)(uintptr_t)from, .iov_len = size},   \
      1, (offset), FPOST_CALLER_PC, FPOST_CALLER_CFA)
#define WRITE_VECTOR(as, offset)                                               \
  write_here((as), fd, parts, count, (offset), FPOST_CALLER_PC,                \
             FPOST_CALLER_CFA)

FPOST_INTERPOSE ssize_t write(int fd, const void *from, size_t size) {
  return WRITE_PLAIN(AS_PLAIN, -1);
}
FPOST_INTERPOSE ssize_t pwrite(int fd, const void *from, size_t size,
                               off_t offset) {
  return WRITE_PLAIN(AS_PLAIN_AT, offset);
}
FPOST_INTERPOSE ssize_t pwrite64(int fd, const void *from, size_t size,
                                 off64_t offset) {
  return WRITE_PLAIN(AS_PLAIN_AT, offset);
}
FPOST_INTERPOSE ssize_t writev(int fd, const struct iovec *parts, int count) {
  return WRITE_VECTOR(AS_VECTOR, -1);
}
FPOST_INTERPOSE ssize_t pwritev(int fd, const struct iovec *parts, int count,
                                off_t offset) {
  return WRITE_VECTOR(AS_VECTOR_AT, offset);
}
FPOST_INTERPOSE ssize_t pwritev64(int fd, const struct iovec *parts, int count,
                                  off64_t offset) {
  return WRITE_VECTOR(AS_VECTOR_AT, offset);
}
