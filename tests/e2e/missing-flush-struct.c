/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O0 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O3 -mavx2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O3 -mavx2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: a struct assignment is a store, as one memcpy or as vector moves, and
 * so is a struct that a function returns straight into PM.
 */
#include "Inputs/pm.h"

struct point {
  uint64_t coordinates[6];
} PM_ALIGNED;

__attribute__((noinline)) static struct point point_make(uint64_t seed) {
  struct point point;

  for (unsigned i = 0; i < 6; i++)
    point.coordinates[i] = seed * i;
  return point;
}

static void points_write(struct point *points, const struct point *from) {
  points[0] = *from;
  points[1] = point_make(3);
#ifdef FIXED
  pm_persist(points, 2 * sizeof *points);
#endif
}
/* CHECK-DAG: to {{.*}}+0x0 {{.*}}missing-flush-struct.c:[[#@LINE-6]] in
 * CHECK-DAG: to {{.*}}+0x40 {{.*}}missing-flush-struct.c
 * CHECK: SUMMARY:
 */

int main(int argc, char **argv) {
  struct point origin = point_make(1);

  if (!pm_is_check(argc, argv))
    points_write(pm_map(argv[2]), &origin);
  return 0;
}
