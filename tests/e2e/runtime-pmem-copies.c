/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -lpmem
 * RUN: rm -f %t.pool && not %fencepost check -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t -lpmem
 * RUN: rm -f %t.pool && %fencepost check -- %t %t.pool
 *
 * Intent: each flag of libpmem's copies means what it says, on sizes below and
 * above the one from which libpmem streams, at odd addresses.
 */
#include <libpmem.h>
#include <stdio.h>
#include <stdlib.h>

#define SMALL 100
#define LARGE 1000

static char *at;

/* A place of its own for each copy, not aligned. */
static char *place(void) {
  at += 2048;
  return at + 3;
}

int main(int argc, char **argv) {
  size_t size;
  int is_pmem;
  char from[LARGE] = "content";
  char *pm = pmem_map_file(argv[argc - 1], 1 << 20, PMEM_FILE_CREATE, 0600,
                           &size, &is_pmem);
  if (!pm || !is_pmem) {
    fprintf(stderr, "no pool, or libpmem does not trust it\n");
    return 3;
  }
  at = pm;
  /* All of these are complete by themselves. */
  const unsigned complete[] = {0, PMEM_F_MEM_TEMPORAL, PMEM_F_MEM_NONTEMPORAL,
                               PMEM_F_MEM_WC, PMEM_F_MEM_WB};
  for (unsigned i = 0; i < sizeof complete / sizeof *complete; i++) {
    pmem_memcpy(place(), from, SMALL, complete[i]);
    pmem_memmove(place(), from, LARGE, complete[i]);
    pmem_memset(place(), 1, LARGE, complete[i]);
  }
  pmem_memcpy_persist(place(), from, SMALL);
  pmem_memmove_persist(place(), from, LARGE);
  pmem_memset_persist(place(), 1, SMALL);
  pmem_memcpy_nodrain(place(), from, SMALL);
  pmem_memmove_nodrain(place(), from, LARGE);
  pmem_memset_nodrain(place(), 1, LARGE);
  pmem_drain();

  char *plain = place();
  /* CHECK-DAG: missing-flush
   * CHECK-DAG: {{.*}}runtime-pmem-copies.c:[[#@LINE+2]] in main
   */
  pmem_memcpy(plain, from, LARGE, PMEM_F_MEM_NOFLUSH);
#ifdef FIXED
  pmem_persist(plain, LARGE);
#endif
  /* CHECK-DAG: missing-fence
   * CHECK-DAG: {{.*}}runtime-pmem-copies.c:[[#@LINE+2]] in main
   */
  pmem_memcpy(place(), from, LARGE, PMEM_F_MEM_NODRAIN);
#ifdef FIXED
  pmem_drain();
#endif
  return 0;
}
