/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The mmap family: how PM comes and goes. */
#define _GNU_SOURCE
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

static size_t page_up(size_t size) {
  return (size + FPOST_POOL_PAGE - 1) & ~(size_t)(FPOST_POOL_PAGE - 1);
}

static void *map_here(void *address, size_t size, int prot, int flags, int fd,
                      off_t offset, uintptr_t pc) {
  void *result;
  if (fpost_recover_on && fpost_tls.depth == 0) {
    if (fpost_recover_mmap(address, size, prot, flags, fd, offset, &result)) {
      return result;
    }
    int done;
    if ((flags & MAP_FIXED) != 0) {
      (void)fpost_recover_munmap(address, size, &done);
    }
  }
  result = FPOST_BEHIND(mmap)(address, size, prot, flags, fd, offset);
  if (result != MAP_FAILED && fpost_enter() != NULL) {
    int error = errno;
    fpost_mapping_made(&(struct fpost_mmap_call){.address = result,
                                                 .size = size,
                                                 .flags = flags,
                                                 .fd = fd,
                                                 .offset = (uint64_t)offset,
                                                 .pc = pc});
    fpost_leave();
    errno = error;
  }
  return result;
}

FPOST_INTERPOSE void *mmap(void *address, size_t size, int prot, int flags,
                           int fd, off_t offset) {
  return map_here(address, size, prot, flags, fd, offset, FPOST_CALLER_PC);
}

FPOST_INTERPOSE void *mmap64(void *address, size_t size, int prot, int flags,
                             int fd, off64_t offset) {
  return map_here(address, size, prot, flags, fd, offset, FPOST_CALLER_PC);
}

FPOST_INTERPOSE int munmap(void *address, size_t size) {
  int result;
  if (fpost_recover_on && fpost_tls.depth == 0 &&
      fpost_recover_munmap(address, size, &result)) {
    return result;
  }
  /* Before: the range may be somebody else's right after. */
  if (fpost_enter() != NULL) {
    fpost_mapping_gone(address, page_up(size));
    fpost_leave();
  }
  return fpost_real.munmap(address, size);
}

FPOST_INTERPOSE void *mremap(void *old, size_t old_size, size_t new_size,
                             int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  void *wanted = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void *) : NULL;
  va_end(arguments);
  void *result;
  if (fpost_recover_on && fpost_tls.depth == 0 &&
      fpost_recover_mremap(old, old_size, new_size, flags, wanted, &result)) {
    return result;
  }
  result = fpost_real.mremap(old, old_size, new_size, flags, wanted);
  if (result != MAP_FAILED && fpost_enter() != NULL) {
    int error = errno;
    fpost_mapping_moved(old, page_up(old_size), result, page_up(new_size));
    fpost_leave();
    errno = error;
  }
  return result;
}

FPOST_INTERPOSE int msync(void *address, size_t size, int flags) {
  int result;
  if (fpost_recover_on && fpost_tls.depth == 0 &&
      fpost_recover_msync(address, size, &result)) {
    return result;
  }
  result = fpost_real.msync(address, size, flags);
  /* MS_ASYNC promises nothing. */
  if (result == 0 && (flags & MS_SYNC) != 0) {
    struct fpost_thread_state *self = fpost_enter();
    if (self != NULL) {
      int error = errno;
      fpost_event_durable(self, address, page_up(size),
                          FPOST_CALLER_STACK(self));
      fpost_leave();
      errno = error;
    }
  }
  return result;
}
