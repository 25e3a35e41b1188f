/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -lpmem2
 * RUN: rm -f %t.pool && not %fencepost check -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t -lpmem2
 * RUN: rm -f %t.pool && %fencepost check -- %t %t.pool
 *
 * Intent: the functions that libpmem2 hands out by pmem2_get_*_fn are seen, as
 * is the pool that it maps, and a map that is deleted and made again.
 */
#include <fcntl.h>
#include <libpmem2.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static struct pmem2_map *map_make(int fd) {
  struct pmem2_config *config;
  struct pmem2_source *source;
  struct pmem2_map *map;
  if (pmem2_config_new(&config) || pmem2_source_from_fd(&source, fd) ||
      pmem2_config_set_required_store_granularity(
          config, PMEM2_GRANULARITY_CACHE_LINE) ||
      pmem2_map_new(&map, config, source)) {
    pmem2_perror("pmem2");
    return NULL;
  }
  pmem2_source_delete(&source);
  pmem2_config_delete(&config);
  return map;
}

int main(int argc, char **argv) {
  int fd = open(argv[argc - 1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 1 << 20))
    return 3;
  struct pmem2_map *map = map_make(fd);
  if (!map)
    return 3;
  uint64_t *pm = pmem2_map_get_address(map);
  pmem2_persist_fn persist = pmem2_get_persist_fn(map);
  pmem2_flush_fn flush = pmem2_get_flush_fn(map);
  pmem2_drain_fn drain = pmem2_get_drain_fn(map);
  pmem2_memcpy_fn copy = pmem2_get_memcpy_fn(map);
  pmem2_memset_fn set = pmem2_get_memset_fn(map);

  pm[0] = 1;
  persist(pm, 8);
  pm[8] = 2;
  flush(&pm[8], 8);
  drain();
  copy(&pm[64], "text", 5, 0);
  set(&pm[128], 1, 4000, 0);
  /* CHECK-DAG: missing-fence
   * CHECK-DAG: store of 8 bytes to {{.*}}+0x80 {{.*}}runtime-pmem2.c:[[#@LINE+2]] in main
   */
  pm[16] = 3;
  flush(&pm[16], 8);
#ifdef FIXED
  drain();
#endif
  if (pmem2_map_delete(&map) || !(map = map_make(fd)))
    return 3;
  pm = pmem2_map_get_address(map);
  /* CHECK-DAG: missing-flush
   * CHECK-DAG: store of 8 bytes to {{.*}}+0x8000 {{.*}}runtime-pmem2.c:[[#@LINE+2]] in main
   */
  pm[4096] = 4;
#ifdef FIXED
  persist(&pm[4096], 8);
#endif
  return 0;
}
/* CHECK: SUMMARY: fencepost: 2 errors
 */
