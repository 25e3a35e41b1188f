/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -rf %t.dir && mkdir %t.dir && touch %t.dir/old %t.dir/new
 * RUN: %fencepost crash --db %t.dir/db --pool %t.dir/pool --recover '%t check %t.dir/pool' -- %t run %t.dir/pool 2>&1 | FileCheck %s
 * RUN: rm -rf %t.dir && mkdir %t.dir && touch %t.dir/old
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost crash --db %t.dir/db --pool %t.dir/pool --recover '%t check %t.dir/pool' -- %t run %t.dir/pool 2>&1 | FileCheck --check-prefix=GONE %s
 *
 * Intent: a path that lies in a pool, in bytes that a crash leaves undecided,
 * is decided when recovery gives it to the kernel: both of its values are
 * tried, and the kernel can read it.
 *
 * CHECK: 0 errors{{.*}} cover all of
 * GONE: recovery exited with 7
 */
#include "Inputs/pm.h"

#include <sys/stat.h>

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  char *pm = pm_map(argv[2]);
  char *slash = strrchr(argv[2], '/');
  size_t size = (size_t)(slash - argv[2]) + 1;
  volatile char *ready = pm + 1024;

  if (is_check) {
    struct stat file;
    if (*ready == 0)
      return 0;
    if (access(pm, F_OK) != 0 || stat(pm, &file) != 0)
      return 7;
    int fd = open(pm, O_RDONLY);
    return fd < 0 ? 8 : close(fd);
  }
  memcpy(pm, argv[2], size);
  while (size % 8 != 0) /* the name is in one word */
    pm[size++] = '/';
  memcpy(pm + size, "old", 4);
  pm_persist(pm, size + 4);
  *ready = 1;
  pm_persist((const void *)ready, 1);
  pm[2048] = 1; /* nothing reads it: the page stays closed */
  pm_flush(pm + 2048, 1);
  memcpy(pm + size, "new", 4);
  pm_persist(pm, size + 4);
  return 0;
}
