/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: not %fencepost check -- %t > %t.out
 * RUN: FileCheck %s < %t.out
 *
 * Intent: only a part of an object is declared to be PM. A store to it is seen
 * although it shares its check with a neighbour that lies outside.
 */
#include <fencepost/fencepost.h>

#include <stdint.h>
#include <stdlib.h>

struct object {
  uint64_t before[8];
  uint64_t pm[8];
};

__attribute__((noinline)) static void set(struct object *object) {
  object->before[7] = 1;
  /* CHECK: missing-flush
   * CHECK-NEXT: store of 8 bytes to {{.*}}runtime-region-part.c:[[#@LINE+2]] in set
   */
  object->pm[0] = 2;
}

int main(void) {
  struct object *object = aligned_alloc(64, sizeof(struct object));

  if (object == NULL)
    return 3;
  fencepost_region_add(object->pm, sizeof object->pm);
  set(object);
  return 0;
}
