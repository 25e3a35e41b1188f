/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Descriptors of pools in a run. One refers to the guaranteed image, read-only,
 * so that no call that escapes us can alter it, or to the run's own copy; reads
 * and writes go to the view.
 */
#define _GNU_SOURCE
#include "rt/base/assert.h"
#include "rt/hooks/recover_run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE FPOST_RUN_PAGE

/* 1 + view of each descriptor, 0: none. */
static uint8_t fd_pools[FPOST_RUN_FDS_MAX];
_Static_assert(FPOST_RUN_VIEWS_MAX < 255, "a view's number fits into a byte");

struct fpost_view *fpost_run_fd(int fd) {
  if (fd < 0 || fd >= FPOST_RUN_FDS_MAX || fd_pools[fd] == 0) {
    return NULL;
  }
  return &fpost_run.views[fd_pools[fd] - 1];
}

bool fpost_recover_is_pool(int fd) {
  return fpost_run_fd(fd) != NULL;
}

void fpost_recover_close(int fd) {
  if (fpost_run_fd(fd) != NULL) {
    fd_pools[fd] = 0;
  }
}

void fpost_recover_dup(int old_fd, int new_fd) {
  if (new_fd >= 0 && new_fd < FPOST_RUN_FDS_MAX) {
    struct fpost_view *view = fpost_run_fd(old_fd);
    fd_pools[new_fd] = view == NULL ? 0 : (uint8_t)(view - fpost_run.views + 1);
  }
}

const char *fpost_recover_string(const char *text,
                                 char copy[FPOST_RECOVER_PATH_MAX]) {
  struct fpost_site nowhere = {0, 0};
  if (!fpost_recover_on || fpost_run_find((uintptr_t)text) == NULL) {
    return text;
  }
  for (uint32_t i = 0; i < FPOST_RECOVER_PATH_MAX; i++) {
    const struct fpost_mapping *mapping = fpost_run_find((uintptr_t)text + i);
    if (mapping == NULL || (mapping->prot & PROT_READ) == 0) {
      break; /* the kernel will find out */
    }
    fpost_recover_access(text + i, 1, false, nowhere);
    copy[i] = text[i];
    if (copy[i] == '\0') {
      fpost_recover_leave();
      return copy;
    }
  }
  fpost_recover_leave();
  return text;
}

static long open_view(const struct fpost_view *view, int flags) {
  char path[64];
  fpost_view_path(view, path);
  int mode = view->copy >= 0 ? flags & (O_ACCMODE | O_APPEND) : O_RDONLY;
  return syscall(SYS_openat, AT_FDCWD, path,
                 mode | (flags & (O_CLOEXEC | O_NONBLOCK)), 0);
}

static int open_error(struct fpost_name *name, int flags) {
  struct fpost_view *view = fpost_name_view(name);
  if ((flags & O_DIRECTORY) != 0) {
    return ENOTDIR;
  }
  if (view == NULL && (flags & O_CREAT) == 0) {
    return ENOENT;
  }
  if (view != NULL && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
    return EEXIST;
  }
  bool done = true;
  if (view == NULL) {
    done = fpost_name_create(name);
  } else if ((flags & O_TRUNC) != 0 && (flags & O_ACCMODE) != O_RDONLY) {
    done = fpost_view_resize(view, 0);
  }
  return done ? 0 : ENOSPC;
}

bool fpost_recover_open(int dirfd, const char *path, int flags, int *result) {
  struct fpost_name *name =
      fpost_run_name(dirfd, path, (flags & O_NOFOLLOW) == 0);
  if (name == NULL) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_OPENED);
  int err = open_error(name, flags);
  if (err != 0) {
    errno = err;
    *result = -1;
    return true;
  }
  const struct fpost_view *view = name->view;
  long fd = open_view(view, flags);
  if (fd >= FPOST_RUN_FDS_MAX) {
    (void)syscall(SYS_close, fd);
    errno = EMFILE;
    fd = -1;
  }
  if (fd >= 0) {
    fd_pools[fd] = (uint8_t)(view - fpost_run.views + 1);
  }
  *result = (int)fd;
  return true;
}

void fpost_run_fds_move(const struct fpost_view *view) {
  for (int fd = 0; fd < FPOST_RUN_FDS_MAX; fd++) {
    if (fd_pools[fd] != view - fpost_run.views + 1) {
      continue;
    }
    long at = syscall(SYS_lseek, fd, 0L, SEEK_CUR);
    long copy = open_view(view, O_RDWR);
    if (copy >= 0) {
      (void)syscall(SYS_dup2, copy, fd);
      (void)syscall(SYS_close, copy);
      (void)syscall(SYS_lseek, fd, at, SEEK_SET);
    }
  }
}

/* ---- reading and writing ---- */

/* Move size bytes at offset between the view and memory of the program. */
static void transfer(struct fpost_view *view, uint64_t offset, uint8_t *memory,
                     uint64_t size, bool to_view) {
  struct fpost_site nowhere = {0, 0};
  while (size != 0) {
    uint64_t length = PAGE - offset % PAGE;
    if (length > size) {
      length = size;
    }
    uint64_t there = 0;
    fpost_view_touch(view, offset, length, !to_view, nowhere);
    uint8_t *at = fpost_view_at(view, offset, &there);
    if (to_view) {
      memcpy(at, memory, length);
      fpost_view_store(view, offset, length);
    } else {
      memcpy(memory, at, length);
    }
    fpost_recover_leave();
    offset += length;
    memory += length;
    size -= length;
  }
}

static off_t position(int fd, off_t offset) {
  return offset >= 0 ? offset : (off_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR);
}

bool fpost_recover_read(int fd, const struct iovec *parts, int count,
                        off_t offset, ssize_t *result) {
  struct fpost_view *view = fpost_run_fd(fd);
  if (view == NULL) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_MAPPED);
  uint64_t at = (uint64_t)position(fd, offset);
  ssize_t total = 0;
  if (!fpost_view_home(view)) {
    errno = ENOMEM;
    *result = -1;
    return true;
  }
  for (int i = 0; i < count && at < view->size; i++) {
    uint64_t size = parts[i].iov_len;
    if (size > view->size - at) {
      size = view->size - at;
    }
    transfer(view, at, parts[i].iov_base, size, false);
    at += size;
    total += (ssize_t)size;
  }
  if (offset < 0) {
    (void)syscall(SYS_lseek, fd, at, SEEK_SET);
  }
  *result = total;
  return true;
}

bool fpost_recover_write(int fd, const struct iovec *parts, int count,
                         off_t offset, ssize_t *result) {
  struct fpost_view *view = fpost_run_fd(fd);
  if (view == NULL) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_MAPPED | FPOST_RUN_STORED);
  fpost_view_begin(view);
  uint64_t at = (uint64_t)position(fd, offset);
  uint64_t total = 0;
  for (int i = 0; i < count; i++) {
    total += parts[i].iov_len;
  }
  bool ready = at + total <= view->size ? fpost_view_home(view)
                                        : fpost_view_resize(view, at + total);
  if (!ready) {
    errno = ENOSPC;
    *result = -1;
    return true;
  }
  for (int i = 0; i < count; i++) {
    transfer(view, at, parts[i].iov_base, parts[i].iov_len, true);
    at += parts[i].iov_len;
  }
  if (offset < 0) {
    (void)syscall(SYS_lseek, fd, at, SEEK_SET);
  }
  *result = (ssize_t)total;
  return true;
}

bool fpost_recover_ftruncate(int fd, off_t size, int *result) {
  struct fpost_view *view = fpost_run_fd(fd);
  if (view == NULL) {
    return false;
  }
  bool done = size >= 0 && fpost_view_resize(view, (uint64_t)size);
  errno = done ? errno : EINVAL;
  *result = done ? 0 : -1;
  return true;
}

bool fpost_recover_fallocate(int fd, int mode, off_t offset, off_t size,
                             int *result) {
  struct fpost_view *view = fpost_run_fd(fd);
  if (view == NULL) {
    return false;
  }
  uint64_t end = (uint64_t)offset + (uint64_t)size;
  *result = 0;
  if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) {
    static const uint8_t zeros[PAGE];
    fpost_view_begin(view);
    end = end < view->size ? end : view->size;
    for (uint64_t at = (uint64_t)offset; at < end;) {
      struct iovec part = {(void *)(uintptr_t)zeros, PAGE - at % PAGE};
      if (part.iov_len > end - at) {
        part.iov_len = end - at;
      }
      ssize_t wrote = 0;
      (void)fpost_recover_write(fd, &part, 1, (off_t)at, &wrote);
      at += part.iov_len;
    }
  } else if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    errno = EOPNOTSUPP;
    *result = -1;
  } else if (mode == 0 && end > view->size && !fpost_view_resize(view, end)) {
    errno = ENOSPC;
    *result = -1;
  }
  return true;
}

bool fpost_recover_fsync(int fd, int *result) {
  *result = 0;
  return fpost_run_fd(fd) != NULL;
}
