/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 *   persist COUNT POOL     8-byte stores to random lines of a 64 MiB pool, each
 *                          made durable by pmem_persist; prints the time of one
 */
#include "stopwatch.h"

#include <libpmem.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE ((size_t)64 << 20)
#define LINE_WORDS 8u
#define LINES_COUNT (POOL_SIZE / 64)

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: persist COUNT POOL\n", stderr);
    return 2;
  }
  uint64_t count = strtoull(argv[1], NULL, 10);
  size_t size;
  int is_pmem;
  uint64_t *pool = pmem_map_file(argv[2], POOL_SIZE, PMEM_FILE_CREATE, 0600,
                                 &size, &is_pmem);
  if (pool == NULL || !is_pmem) {
    fprintf(stderr, "persist: %s: %s\n", argv[2],
            pool == NULL ? pmem_errormsg() : "not PM: set PMEM_IS_PMEM_FORCE");
    return 2;
  }
  /* Touch everything first: page faults are not what is asked. */
  pmem_memset_persist(pool, 1, POOL_SIZE);
  uint64_t state = 1;
  for (uint64_t line = 0; line < LINES_COUNT; line++) {
    pool[line * LINE_WORDS] = line;
    pmem_persist(&pool[line * LINE_WORDS], sizeof(*pool));
  }
  uint64_t start = stopwatch_now();
  for (uint64_t i = 0; i < count; i++) {
    uint64_t *word =
        &pool[(stopwatch_random(&state) % LINES_COUNT) * LINE_WORDS];
    *word = i;
    pmem_persist(word, sizeof(*word));
  }
  stopwatch_print(stopwatch_now() - start, count);
  return 0;
}
