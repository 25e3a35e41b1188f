/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -mclflushopt -DLIBRARY -shared -fPIC %s -o %t.so
 * RUN: %fencepost-clang -g -O1 %s %t.so -o %t
 * RUN: rm -f %t.pool
 * RUN: %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 *
 * Intent: a library without hooks that does all stores and flushes by itself is
 * not seen; the report does not call such a run covered.
 *
 * CHECK: not all of {{.*}} no store to PM was seen
 */
#include "Inputs/pm.h"

int work(int argc, char **argv);

#ifdef LIBRARY
int work(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return pm[0] > 1;
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
#else
int main(int argc, char **argv) {
  return work(argc, argv);
}
#endif
