/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 *
 * Intent: read into PM is a store, so is pwrite to the file of a mapped pool;
 * fsync, fdatasync and msync make them durable, msync only its pages.
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  const char *path = argv[argc - 1];
  uint64_t *pm = pm_map(path);
  int fd = open(path, O_RDWR);
  int zero = open("/dev/zero", O_RDONLY);
  if (fd < 0 || zero < 0)
    return 3;

  pm[0] = 1;
  if (pwrite(fd, "by pwrite", 9, 128) != 9 || fsync(fd))
    return 3;
  pm[1] = 2;
  if (read(zero, &pm[64], 100) != 100 || fdatasync(fd))
    return 3;
  pm[512] = 3; /* the second page */
  pm[1024] = 4;
  if (msync(&pm[512], 4096, MS_SYNC))
    return 3;
#ifdef FIXED
  if (msync(&pm[1024], 4096, MS_SYNC))
    return 3;
#endif
  /* CHECK-DAG: store of 8 bytes to {{.*}}+0x2000 {{.*}}runtime-files.c:[[#@LINE-7]] in main
   * CHECK-DAG: store of {{[0-9]+}} bytes to {{.*}}+0x100 {{.*}}runtime-files.c:[[#@LINE+2]] in main
   */
  if (read(zero, &pm[32], 8) != 8)
    return 3;
  /* CHECK-DAG: store of {{[0-9]+}} bytes to {{.*}}+0x180 {{.*}}runtime-files.c:[[#@LINE+2]] in main
   */
  if (pwrite(fd, "by pwrite", 9, 0x180) != 9)
    return 3;
#ifdef FIXED
  pm_persist(&pm[32], 8);
  pm_persist(&pm[48], 16);
#endif
  return 0;
}
/* CHECK: SUMMARY: fencepost: {{[34]}} errors
 */
