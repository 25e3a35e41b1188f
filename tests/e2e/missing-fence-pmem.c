/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && not %fencepost check -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem -o %t
 * RUN: rm -f %t.pool && %fencepost check -- %t run %t.pool
 *
 * Intent: pmem_flush without pmem_drain; the pool is found without being named.
 */
#include "Inputs/pm.h"

#include <libpmem.h>

int main(int argc, char **argv) {
  size_t size;
  int is_pmem;
  uint64_t *cells;

  if (pm_is_check(argc, argv))
    return 0;
  cells =
      pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, &is_pmem);
  if (cells == NULL)
    return 2;
  cells[0] = 1;
  pmem_persist(&cells[0], sizeof cells[0]);
  /* CHECK: ERROR: fencepost: missing-fence
   * CHECK-NEXT: store of 8 bytes to {{.*}}+0x40
   * {{.*}}missing-fence-pmem.c:[[#@LINE+2]] in main
   */
  cells[8] = 2;
  pmem_flush(&cells[8], sizeof cells[8]);
#ifdef FIXED
  pmem_drain();
#endif
  pmem_unmap(cells, size);
  return 0;
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */
