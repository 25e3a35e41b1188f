/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 *   sparse write POOL    stores to 64 lines of a pool and flushes none of them
 *   sparse check POOL    recovery: reads two of these lines, and accepts all
 *
 * A crash leaves any subset of the 64 stores; recovery can tell four apart.
 */
#include <libpmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define POOL_SIZE ((size_t)64 << 10)
#define LINE_WORDS 8u
#define LINES_COUNT 64u

int main(int argc, char **argv) {
  bool writes = argc == 3 && strcmp(argv[1], "write") == 0;
  if (!writes && !(argc == 3 && strcmp(argv[1], "check") == 0)) {
    fputs("usage: sparse write|check POOL\n", stderr);
    return 2;
  }
  uint64_t *words =
      pmem_map_file(argv[2], POOL_SIZE, PMEM_FILE_CREATE, 0600, NULL, NULL);
  if (words == NULL) {
    fprintf(stderr, "sparse: %s: %s\n", argv[2], pmem_errormsg());
    return 2;
  }
  if (writes) {
    for (size_t i = 0; i < LINES_COUNT; i++) {
      words[i * LINE_WORDS] = i + 1;
    }
    return 0;
  }
  uint64_t third = words[3 * LINE_WORDS];
  uint64_t fortieth = words[40 * LINE_WORDS];
  return (third == 0 || third == 4) && (fortieth == 0 || fortieth == 41) ? 0
                                                                         : 1;
}
