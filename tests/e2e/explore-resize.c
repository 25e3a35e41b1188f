/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost-clang -g -O1 -DALLOCATE %s -o %t.allocate
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.allocate check %t.pool' -- %t.allocate run %t.pool | FileCheck %s
 *
 * RUN: %fencepost-clang -g -O1 -DTRUNCATE %s -o %t.path && %fencepost-clang -g -O1 -DTRUNCATE -DFIXED %s -o %t.path.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.path check %t.pool' -- %t.path run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.path.fixed check %t.pool' -- %t.path.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost-clang -g -O1 -DWRITE %s -o %t.write && %fencepost-clang -g -O1 -DWRITE -DFIXED %s -o %t.write.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.write check %t.pool' -- %t.write run %t.pool | FileCheck --check-prefix=WRITE %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.write.fixed check %t.pool' -- %t.write.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a program says how large its file is before it has grown it. A crash
 * in between shows that: the line has been written back by itself, and nothing
 * has become guaranteed.
 *
 * CHECK: recovery exited with 1
 * CHECK: 1 error, {{.*}} 3 crash points, {{.*}} cover all of
 * WRITE: recovery exited with 1
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <sys/stat.h>
#include <sys/uio.h>

#define LARGE (2 * PM_SIZE)

static void grow(const char *path) {
  int fd = open(path, O_RDWR);

#ifdef WRITE
  char *tail = malloc(PM_SIZE);

  /* What is written is part of the crash states, too, when it is synchronised,
     in whatever way. */
  memset(tail, 0, PM_SIZE);
  tail[0] = tail[4096] = tail[PM_SIZE - 1] = 5;
  if (fd < 0 || lseek(fd, PM_SIZE, SEEK_SET) != PM_SIZE ||
      write(fd, tail, 4096) != 4096 ||
      pwritev2(fd, &(struct iovec){tail + 4096, 4096}, 1, PM_SIZE + 4096,
               RWF_APPEND) != 4096 ||
      copy_file_range(fd, &(off_t){8192}, fd, &(off_t){PM_SIZE + 8192}, 4096,
                      0) != 4096 ||
      pwrite(fd, tail + 12288, 4096, LARGE - 4096) != 4096 || fsync(fd) != 0)
    exit(2);
#elif defined TRUNCATE
  if (truncate(path, LARGE) != 0)
    exit(2);
#elif defined ALLOCATE
  if (fd < 0 || posix_fallocate(fd, 0, LARGE) != 0)
    exit(2);
#else
  if (fd < 0 || ftruncate(fd, LARGE) != 0)
    exit(2);
#endif
  close(fd);
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct stat state;
  volatile uint64_t *pm;

  if (is_check && stat(argv[2], &state) != 0)
    return 0;
  pm = pm_map(argv[2]);
#ifdef WRITE
  if (is_check && pm[0] == LARGE && state.st_size == LARGE) {
    unsigned char tail[PM_SIZE];
    int fd = open(argv[2], O_RDONLY);

    return pread(fd, tail, PM_SIZE, PM_SIZE) != PM_SIZE || tail[0] != 5 ||
           tail[4096] != 5 || tail[8192] != 9 || tail[PM_SIZE - 1] != 5;
  }
#endif
  if (is_check)
    return pm[0] == LARGE && state.st_size < LARGE;
#ifdef WRITE
  ((volatile unsigned char *)pm)[8192] = 9;
#endif
#ifdef FIXED
  grow(argv[2]);
  pm[0] = LARGE;
#else
  pm[0] = LARGE;
  grow(argv[2]);
#endif
  pm_persist((const void *)pm, 8);
  return 0;
}
