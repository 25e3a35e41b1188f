/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stands in for recover mode where it is not built: refuses to start. */
#include "rt/hooks/context.h"
#include "rt/hooks/recover.h"

bool fpost_recover_on;

void fpost_recover_start(const struct fpost_flags *flags) {
  (void)flags;
  fpost_refuse("FENCEPOST_OPTIONS: mode=recover", "",
               "this runtime was built without it");
}
void fpost_recover_load(const void *address, uint64_t size) {
  (void)address, (void)size;
}
void fpost_recover_store(const void *address, uint64_t size) {
  (void)address, (void)size;
}
void fpost_recover_atomic(const void *address, uint64_t size, uint32_t flags) {
  (void)address, (void)size, (void)flags;
}
void fpost_recover_access(const void *address, size_t size, bool writes) {
  (void)address, (void)size, (void)writes;
}
void fpost_recover_leave(void) {}
void fpost_recover_forked(void) {}
bool fpost_recover_open(int dirfd, const char *path, int flags, int *result) {
  (void)dirfd, (void)path, (void)flags, (void)result;
  return false;
}
void fpost_recover_close(int fd) {
  (void)fd;
}
void fpost_recover_dup(int old_fd, int new_fd) {
  (void)old_fd, (void)new_fd;
}
bool fpost_recover_read(int fd, const struct iovec *parts, int count,
                        off_t offset, ssize_t *result) {
  (void)fd, (void)parts, (void)count, (void)offset, (void)result;
  return false;
}
bool fpost_recover_write(int fd, const struct iovec *parts, int count,
                         off_t offset, ssize_t *result) {
  (void)fd, (void)parts, (void)count, (void)offset, (void)result;
  return false;
}
bool fpost_recover_ftruncate(int fd, off_t size, int *result) {
  (void)fd, (void)size, (void)result;
  return false;
}
bool fpost_recover_fsync(int fd, int *result) {
  (void)fd, (void)result;
  return false;
}
bool fpost_recover_mmap(void *address, size_t size, int prot, int flags, int fd,
                        off_t offset, void **result) {
  (void)address, (void)size, (void)prot, (void)flags, (void)fd;
  (void)offset, (void)result;
  return false;
}
bool fpost_recover_munmap(void *address, size_t size, int *result) {
  (void)address, (void)size, (void)result;
  return false;
}
bool fpost_recover_mremap(void *old, size_t old_size, size_t new_size,
                          int flags, void *new_address, void **result) {
  (void)old, (void)old_size, (void)new_size, (void)flags, (void)new_address;
  (void)result;
  return false;
}
bool fpost_recover_msync(void *address, size_t size, int *result) {
  (void)address, (void)size, (void)result;
  return false;
}
