/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost-clang -g -O1 -DALLOCATE %s -o %t.allocate
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t.allocate check %t.pool' -- %t.allocate run %t.pool | FileCheck %s
 *
 * Intent: a program says how large its file is before it has grown it. A crash
 * in between shows that: the line has been written back by itself, and nothing
 * has become guaranteed.
 *
 * CHECK: recovery exited with 1
 * CHECK: 1 error, {{.*}} 3 crash points, {{.*}} cover all of
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include <sys/stat.h>

#define LARGE (2 * PM_SIZE)

static void grow(const char *path) {
  int fd = open(path, O_RDWR);

#ifdef ALLOCATE
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
  if (is_check)
    return pm[0] == LARGE && state.st_size < LARGE;
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
