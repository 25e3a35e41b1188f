/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -fsanitize=thread %s -o %t
 * RUN: rm -f %t.pool
 * RUN: not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -fsanitize=thread -DFIXED %s -o %t
 * RUN: rm -f %t.pool
 * RUN: %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 * RUN: %fencepost-clang -g -O1 -fsanitize=address,undefined %s -o %t
 * RUN: rm -f %t.pool
 * RUN: not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -fsanitize=address,undefined -DFIXED %s -o %t
 * RUN: rm -f %t.pool
 * RUN: %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a recovery with a sanitizer in it runs on every crash state.
 *
 * CHECK: recovery exited with 3
 * CHECK: SUMMARY: fencepost: 1 error, {{.*}} cover all
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return pm[0] == 1 && pm[8] != 42 ? 3 : 0;
  pm[8] = 42;
  pm_flush((const void *)&pm[8], 8);
#ifdef FIXED
  pm_fence();
#endif
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
