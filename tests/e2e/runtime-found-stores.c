/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -o %t
 * RUN: rm -f %t.pool && %fencepost record -o %t.trace --pool %t.pool -- %t %t.pool
 * RUN: %fencepost show %t.trace > %t.out
 * RUN: FileCheck %s < %t.out
 *
 * Intent: stores of code without hooks are found when their line is flushed,
 * word by word, and only the words that changed.
 */
#include "Inputs/pm.h"

void plain_store(uint64_t *pm);

#ifdef PLAIN
void plain_store(uint64_t *pm) {
  pm[1] = 0x1111;
  pm[3] = 0x3333;
}
#else
/* CHECK: store {{.*}}+0x0 8 = 01
 * CHECK: store {{.*}}+0x8 8 = 1111{{.*}} found
 * CHECK-NEXT: store {{.*}}+0x18 8 = 3333{{.*}} found
 * CHECK-NEXT: clflushopt {{.*}}+0x0
 * CHECK-NEXT: sfence
 */
int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);

  pm[0] = 1;
  plain_store(pm);
  pm_persist(pm, 8);
  return 0;
}
#endif
