/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The program around an example of `fencepost explain`:
 *   PROGRAM map WORD FILE [FILE2]   the example takes mapped files
 *   PROGRAM obj WORD FILE           the example takes a PMEMobjpool
 * WORD is create, run or recover; recover exits with what the example returns.
 */
#include <libpmem.h>
#include <libpmemobj.h>
#include <stdio.h>
#include <string.h>

void run(void *pm, void *other);
int recover(void *pm) __attribute__((weak));

static int on_pool(const char *word, const char *path) {
  PMEMobjpool *pool =
      strcmp(word, "create") == 0
          ? pmemobj_create(path, "explain", PMEMOBJ_MIN_POOL, 0600)
          : pmemobj_open(path, "explain");
  if (pool == NULL) {
    return 2;
  }
  if (strcmp(word, "run") == 0) {
    run(pool, NULL);
  }
  pmemobj_close(pool);
  return 0;
}

int main(int argc, char **argv) {
  void *pm[2] = {NULL, NULL};
  if (strcmp(argv[1], "obj") == 0) {
    return on_pool(argv[2], argv[3]);
  }
  for (int i = 3; i < argc; i++) {
    pm[i - 3] =
        pmem_map_file(argv[i], 4096, PMEM_FILE_CREATE, 0600, NULL, NULL);
    if (pm[i - 3] == NULL) {
      perror(argv[i]);
      return 2;
    }
  }
  if (strcmp(argv[2], "recover") == 0) {
    return recover(pm[0]);
  }
  run(pm[0], pm[1]);
  return 0;
}
