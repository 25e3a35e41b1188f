/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmem2 -o %t
 * RUN: rm -f %t.pool && not %fencepost check -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem2 -o %t
 * RUN: rm -f %t.pool && %fencepost check -- %t run %t.pool
 *
 * Intent: flushes and drains behind the function pointers of libpmem2 are seen.
 */
#include "Inputs/pm.h"

#include <libpmem2.h>

static struct pmem2_map *map_open(const char *path) {
  struct pmem2_config *config = NULL;
  struct pmem2_source *source = NULL;
  struct pmem2_map *map = NULL;
  int fd = open(path, O_RDWR | O_CREAT, 0600);

  if (fd < 0 || ftruncate(fd, PM_SIZE) != 0 || pmem2_config_new(&config) ||
      pmem2_source_from_fd(&source, fd) ||
      pmem2_config_set_required_store_granularity(config,
                                                  PMEM2_GRANULARITY_PAGE) ||
      pmem2_map_new(&map, config, source)) {
    pmem2_perror("map");
    exit(2);
  }
  pmem2_source_delete(&source);
  pmem2_config_delete(&config);
  close(fd);
  return map;
}

int main(int argc, char **argv) {
  struct pmem2_map *map;
  uint64_t *cells;

  if (pm_is_check(argc, argv))
    return 0;
  map = map_open(argv[2]);
  cells = pmem2_map_get_address(map);
  cells[0] = 1;
  pmem2_get_persist_fn(map)(&cells[0], sizeof cells[0]);
  /* CHECK: ERROR: fencepost: missing-fence
   * CHECK-NEXT: store of 8 bytes to {{.*}}+0x40
   * {{.*}}missing-drain-pmem2.c:[[#@LINE+2]] in main
   */
  cells[8] = 2;
  pmem2_get_flush_fn(map)(&cells[8], sizeof cells[8]);
#ifdef FIXED
  pmem2_get_drain_fn(map)();
#endif
  pmem2_map_delete(&map);
  return 0;
}
/* CHECK-NOT: ERROR
 * CHECK: SUMMARY: fencepost: 1 error
 */
