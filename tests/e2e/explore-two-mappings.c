/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.1.fpdb --recover '%t mapping %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --db %t.2.fpdb --recover '%t file %t.pool' | FileCheck %s
 *
 * Intent: what is decided by way of one mapping of a pool, or of its file, can
 * be read through the other, by the kernel too.
 *
 * CHECK: 0 errors, 0 warnings; 1 crash point, 2 runs cover all of 2^1 images
 */
#include "Inputs/pm.h"

static uint64_t of_file(const char *path) {
  uint64_t value = 0;
  int fd = open(path, O_RDONLY);

  if (fd < 0 || pread(fd, &value, sizeof value, 0) != (ssize_t)sizeof value)
    exit(3);
  close(fd);
  return value;
}

int main(int argc, char **argv) {
  uint64_t value = 0;
  int ends[2];

  if (argc != 3)
    return 2;
  uint64_t *pm = pm_map(argv[2]);
  if (strcmp(argv[1], "run") == 0) {
    *(volatile uint64_t *)pm = 1;
    return 0;
  }
  const volatile uint64_t *second = pm_map(argv[2]);
  uint64_t first = strcmp(argv[1], "file") == 0 ? of_file(argv[2]) : *second;
  if (pipe(ends) != 0 || write(ends[1], pm, sizeof *pm) != sizeof *pm ||
      read(ends[0], &value, sizeof value) != (ssize_t)sizeof value)
    return 4;
  return value == first ? 0 : 5;
}
