/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 * RUN: rm -f %t.pool && not %fencepost check --only overwritten-before-persist --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --only overwritten-before-persist --pool %t.pool -- %t run %t.pool
 *
 * Intent: a state that is overwritten before it was guaranteed can never be
 * relied on by recovery. Off unless asked for.
 */
#include "Inputs/pm.h"

enum { IDLE, MOVING, DONE };

static void move(volatile uint64_t *state, uint64_t *place) {
  /* CHECK: fencepost: overwritten-before-persist
   * CHECK: overwritten-mmap.c:[[#@LINE+2]] in move
   */
  *state = MOVING;
#ifdef FIXED
  pm_persist((const void *)state, sizeof *state);
#endif
  *place = 99;
  pm_persist(place, sizeof *place);
  *state = DONE;
  pm_persist((const void *)state, sizeof *state);
}

int main(int argc, char **argv) {
  uint64_t *cells;

  if (pm_is_check(argc, argv))
    return 0;
  cells = pm_map(argv[2]);
  move(&cells[0], &cells[8]);
  return 0;
}
