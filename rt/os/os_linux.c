/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/stat.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE 4096u
/* Linux 6.1; older C libraries do not know it, older kernels refuse it. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static long call6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
                     "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static long call4(long number, long a, long b, long c, long d) {
  return call6(number, a, b, c, d, 0, 0);
}

static void *mapping_result(long result) {
  return result < 0 && result > -4096 ? FPOST_OS_FAILED : (void *)result;
}

static size_t page_up(size_t size) {
  return (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

static void *pages_map(size_t size) {
  return mapping_result(call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                              0));
}

void *fpost_os_reserve(size_t size) {
  size = page_up(size);
  size_t extra = size < FPOST_OS_HUGE ? 0 : FPOST_OS_HUGE;
  char *address = pages_map(size + extra);
  if ((void *)address == FPOST_OS_FAILED) {
    return FPOST_OS_FAILED;
  }
  if (extra != 0) {
    /* Keep an aligned part, give back what is around it. */
    size_t before = -(uintptr_t)address & (FPOST_OS_HUGE - 1);
    if (before != 0) {
      fpost_os_release(address, before);
    }
    fpost_os_release(address + before + size, extra - before);
    address += before;
  }
  (void)call4(SYS_madvise, (long)address, (long)size, MADV_NOHUGEPAGE, 0);
  return address;
}

void fpost_os_make_huge(void *address, bool now) {
  (void)call4(SYS_madvise, (long)address, FPOST_OS_HUGE, MADV_HUGEPAGE, 0);
  if (now) {
    (void)call4(SYS_madvise, (long)address, FPOST_OS_HUGE, MADV_COLLAPSE, 0);
  }
}

void fpost_os_release(void *address, size_t size) {
  (void)call4(SYS_munmap, (long)address, (long)page_up(size), 0, 0);
}

void fpost_os_empty(void *address, size_t size) {
  (void)call4(SYS_madvise, (long)address, (long)page_up(size), MADV_DONTNEED,
              0);
}

void *fpost_os_grow(void *address, size_t size, size_t new_size) {
  return mapping_result(call4(SYS_mremap, (long)address, (long)page_up(size),
                              (long)page_up(new_size), MREMAP_MAYMOVE));
}

/* Move a new descriptor out of the program's way, where possible. */
static int fd_high(int fd) {
  if (fd < 0) {
    return fd;
  }
  long high = call4(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FPOST_OS_FD_MIN, 0);
  if (high < 0) {
    return fd;
  }
  fpost_os_close(fd);
  return (int)high;
}

int fpost_os_open(const char *path, int flags, uint32_t mode) {
  return fd_high((int)call4(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC,
                            (long)mode));
}

int fpost_os_open_at(int dirfd, const char *path, int flags) {
  return fd_high(
      (int)call4(SYS_openat, dirfd, (long)path, flags | O_CLOEXEC, 0));
}

int fpost_os_memory_file(const char *name) {
  return fd_high((int)call4(SYS_memfd_create, (long)name, MFD_CLOEXEC, 0, 0));
}

void fpost_os_close(int fd) {
  (void)call4(SYS_close, fd, 0, 0, 0);
}

static uint64_t nanoseconds(int64_t seconds, int64_t rest) {
  return (uint64_t)seconds * UINT64_C(1000000000) + (uint64_t)rest;
}

int fpost_os_file_info(int fd, struct fpost_os_file *file) {
  struct statx found;
  long err =
      call6(SYS_statx, fd, (long)"", AT_EMPTY_PATH,
            STATX_TYPE | STATX_SIZE | STATX_INO | STATX_BTIME | STATX_CTIME,
            (long)&found, 0);
  if (err < 0) {
    return (int)err;
  }
  uint64_t birth = 0;
  if ((found.stx_mask & STATX_BTIME) != 0) {
    birth = nanoseconds(found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
  }
  *file = (struct fpost_os_file){
      .birth = birth,
      .changed = nanoseconds(found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
      .device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor,
      .inode = found.stx_ino,
      .size = found.stx_size,
      .mode = found.stx_mode,
      .dax = (found.stx_attributes & STATX_ATTR_DAX) != 0};
  return FPOST_OK;
}

bool fpost_os_exists(int dirfd, const char *path) {
  return call4(SYS_faccessat, dirfd, (long)path, F_OK, 0) == FPOST_OK;
}

int fpost_os_resize(int fd, uint64_t size) {
  return (int)call4(SYS_ftruncate, fd, (long)size, 0, 0);
}

int fpost_os_allocate(int fd, uint64_t offset, uint64_t size) {
  long err = call4(SYS_fallocate, fd, 0, (long)offset, (long)size);
  if (err != -95 /* EOPNOTSUPP */) {
    return (int)err;
  }
  /* A file system without fallocate: zeros have blocks as well. */
  static const char zeros[PAGE_SIZE];
  for (uint64_t done = 0; done < size; done += sizeof(zeros)) {
    err = call4(SYS_pwrite64, fd, (long)zeros, sizeof(zeros),
                (long)(offset + done));
    if (err < 0) {
      return (int)err;
    }
  }
  return FPOST_OK;
}

void *fpost_os_map(int fd, uint64_t offset, size_t size) {
  return mapping_result(call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd, (long)offset));
}

int fpost_os_path(int fd, char *path, size_t size) {
  char link[32] = "/proc/self/fd/";
  size_t at = sizeof("/proc/self/fd/") - 1;
  char digits[12];
  unsigned count = 0;
  unsigned rest = (unsigned)fd;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  while (count > 0) {
    link[at++] = digits[--count];
  }
  link[at] = '\0';
  long length =
      call4(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, (long)size - 1);
  if (length < 0 || length == (long)size - 1) {
    return length < 0 ? (int)length : -ENAMETOOLONG;
  }
  path[length] = '\0';
  return (int)length;
}

int64_t fpost_os_read_at(int fd, void *out, size_t size, uint64_t offset) {
  return call4(SYS_pread64, fd, (long)out, (long)size, (long)offset);
}

int64_t fpost_os_seek(int fd, uint64_t offset, bool data) {
  /* Leaves the program's file position alone: on a descriptor of our own. */
  return call4(SYS_lseek, fd, (long)offset, data ? SEEK_DATA : SEEK_HOLE, 0);
}

int64_t fpost_os_position(int fd) {
  return call4(SYS_lseek, fd, 0, SEEK_CUR, 0);
}

void fpost_os_write(int fd, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    long done = call4(SYS_write, fd, (long)at, (long)size, 0);
    if (done == -4 /* EINTR */) {
      continue;
    }
    if (done <= 0) {
      return;
    }
    at += done;
    size -= (size_t)done;
  }
}

void fpost_os_resident(const void *page, size_t count, uint8_t *there) {
  long err =
      call4(SYS_mincore, (long)page, (long)(count * PAGE_SIZE), (long)there, 0);
  for (size_t i = 0; i < count; i++) {
    there[i] = err != 0 ? 1 : there[i] & 1; /* other bits are reserved */
  }
}

uint32_t fpost_os_thread(void) {
  return (uint32_t)call4(SYS_gettid, 0, 0, 0, 0);
}

size_t fpost_os_peek(const void *address, void *out, size_t size) {
  uintptr_t start = (uintptr_t)address;
  size_t first = PAGE_SIZE - start % PAGE_SIZE;
  first = first < size ? first : size;
  struct iovec local = {out, size};
  struct iovec remote[2] = {{(void *)start, first},
                            {(void *)(start + first), size - first}};
  long got = call6(SYS_process_vm_readv, (long)fpost_os_process(),
                   (long)(uintptr_t)&local, 1, (long)(uintptr_t)remote,
                   size == first ? 1 : 2, 0);
  return got < 0 ? 0 : (size_t)got;
}

uint32_t fpost_os_process(void) {
  return (uint32_t)call4(SYS_getpid, 0, 0, 0, 0);
}

void fpost_os_wait(_Atomic uint32_t *word, uint32_t value) {
  (void)call4(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, (long)value, 0);
}

void fpost_os_wake(_Atomic uint32_t *word) {
  (void)call4(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0);
}

uint64_t fpost_os_clock(void) {
  struct timespec now = {0, 0};
  (void)call4(SYS_clock_gettime, CLOCK_REALTIME, (long)&now, 0, 0);
  return nanoseconds(now.tv_sec, now.tv_nsec);
}

uint64_t fpost_os_random(void) {
  uint64_t value = 0;
  (void)call4(SYS_getrandom, (long)&value, sizeof(value), 0, 0);
  return value;
}

void fpost_os_exit(int code) {
  for (;;) {
    (void)call4(SYS_exit_group, code, 0, 0, 0);
  }
}

int fpost_os_run(char *const argv[], char *const environment[], int fd) {
  /* A plain fork: its handlers of pthread_atfork have no business here. */
  long child = call6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
  if (child < 0) {
    return (int)child;
  }
  if (child == 0) {
    (void)call4(SYS_fcntl, fd, F_SETFD, 0, 0);
    (void)call4(SYS_execve, (long)argv[0], (long)argv, (long)environment, 0);
    fpost_os_exit(127);
  }
  int status = 0;
  long done;
  do {
    done = call4(SYS_wait4, child, (long)&status, 0, 0);
  } while (done == -4 /* EINTR */);
  if (done < 0) {
    return (int)done;
  }
  if ((status & 0x7f) != 0) {
    return 128 + (status & 0x7f);
  }
  return (status >> 8 & 0xff) == 127 ? -2 /* ENOENT */ : status >> 8 & 0xff;
}
