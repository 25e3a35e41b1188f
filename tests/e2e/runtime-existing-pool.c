/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 * RUN: %fencepost check --pool %t.pool -- %t %t.pool | FileCheck --allow-empty %s
 * RUN: %fencepost check --pool %t.pool -- %t %t.pool bug | FileCheck --check-prefix=BUG %s
 *
 * Intent: in a pool that has content before the run, code without hooks stores
 * and code with hooks flushes: what was stored is not known, so the flush is
 * trusted; the second flush of the same line is not.
 */
#include "Inputs/pm.h"

void plain_store(uint64_t *pm);

#ifdef PLAIN
void plain_store(uint64_t *pm) {
  for (int i = 0; i < 512; i++)
    pm[i] = 42 + (uint64_t)i;
}
#else
/* CHECK-NOT: fencepost: redundant
 * CHECK-NOT: fencepost: missing
 * BUG: fencepost: redundant-flush
 * BUG: runtime-existing-pool.c:[[#@LINE+9]] in main
 */
int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[1]);

  plain_store(pm);
  for (int i = 0; i < 512; i += 8)
    pm_persist(&pm[i], 8);
  if (argc == 3)
    pm_persist(&pm[8], 8);
  return 0;
}
#endif
