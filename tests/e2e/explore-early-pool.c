/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.one %t.two %t.three %t.*fpt %t.*fpdb
 * RUN: %t init %t.two && cp %t.two %t.before
 * RUN: %fencepost record --pool '%t.*' -o %t.fpt -- %t run %t.one %t.two
 * RUN: %fencepost explore %t.fpt -j 2 --recover '%t check %t.one %t.two' | FileCheck %s
 *
 * RUN: %fencepost record --pool '%t.*' -o %t.new.fpt -- %t run %t.one %t.three
 * RUN: not %fencepost explore %t.new.fpt --only recovery-failure --recover '%t check %t.one %t.three' | FileCheck --check-prefix=NEW %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.new.fpdb
 *
 * Intent: a pool that was there before the run is there at crash points before
 * the program mapped it, with its content. One that the program made is not,
 * until it is mapped.
 *
 * CHECK: 0 errors, 0 warnings; {{.*}} cover all
 * NEW: recovery exited with 3
 */
#include "Inputs/pm.h"

#define MAGIC UINT64_C(0x6b6f6f62)

static int run(volatile uint64_t *one, const char *path) {
  one[0] = 1;
  pm_persist((const void *)(uintptr_t)one, 8);
  one[1] = 1;
  pm_persist((const void *)(uintptr_t)one, 16);
  volatile uint64_t *two = pm_map(path);
  two[0] = MAGIC;
  pm_persist((const void *)(uintptr_t)two, 8);
  two[8] = 1;
  pm_persist((const void *)(uintptr_t)(two + 8), 8);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3) {
    volatile uint64_t *two = pm_map(argv[2]);
    two[0] = MAGIC;
    return 0;
  }
  if (argc != 4)
    return 2;
  volatile uint64_t *one = pm_map(argv[2]);
  if (strcmp(argv[1], "run") == 0)
    return run(one, argv[3]);
  int fd = open(argv[3], O_RDWR);
  uint64_t magic = 0;
  if (fd < 0)
    return 3;
  if (pread(fd, &magic, 8, 0) != 8 || magic != MAGIC)
    return 4;
  volatile uint64_t *two =
      mmap(NULL, PM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return two == MAP_FAILED || two[8] > 1 || one[0] > 1;
}
