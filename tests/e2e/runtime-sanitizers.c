/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -fsanitize=address %s -o %t.asan
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t.asan fine %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %t.asan overflow %t.pool 2>&1 | FileCheck --check-prefix=ASAN %s
 * RUN: %fencepost-clang -g -O1 -fsanitize=undefined %s -o %t.ubsan
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t.ubsan fine %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -fsanitize=thread %s -o %t.tsan
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t.tsan fine %t.pool | FileCheck %s
 *
 * Intent: the runtime and a sanitizer live in one program: both find what they
 * are there for, also where both interpose a function (read).
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[2]);
  char *small = malloc(8);
  int zero = open("/dev/zero", O_RDONLY);
  volatile size_t size = strcmp(argv[1], "overflow") == 0 ? 9 : 8;

  /* ASAN: heap-buffer-overflow
   * ASAN: read
   * ASAN: in main {{.*}}runtime-sanitizers.c:[[#@LINE+2]]
   */
  if (zero < 0 || read(zero, small, size) != (ssize_t)size)
    return 3;
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK-NEXT: store of 8 bytes to {{.*}}runtime-sanitizers.c:[[#@LINE+2]] in main
   */
  pm[0] = 1;
  pm[8] = 2;
  pm_persist(&pm[8], 8);
  free(small);
  return argc != 3;
}
/* CHECK-NOT: ERROR
 */
