/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 *
 * Intent: a recovery that makes a hole up to behind the end of a pool finds the
 * pool as large as it was, and what was there gone.
 *
 * CHECK: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <sys/stat.h>

#define SIZE 5000

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  int fd = open(argv[2], O_RDWR | O_CREAT, 0644);
  struct stat state;
  unsigned char last = 1;

  if (fd < 0 || (!is_check && ftruncate(fd, SIZE) != 0)) {
    return 2;
  }
  if (is_check) {
    return ftruncate(fd, SIZE) != 0 ||
           fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
                     4096) != 0 ||
           fstat(fd, &state) != 0 || state.st_size != SIZE ||
           pread(fd, &last, 1, SIZE - 1) != 1 || last != 0;
  }
  unsigned char *pm =
      mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (pm == MAP_FAILED) {
    return 2;
  }
  pm[SIZE - 1] = 7;
  pm_persist(pm + SIZE - 1, 1);
  return 0;
}
