/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* More stores than a small file has room for; none of them is flushed twice. */
#include "pm.h"

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[argc - 1]);

  for (uint64_t i = 0; i < 2000000; i++) {
    pm[i % 1024] = i * 0x123456789abcdef;
    pm_persist(&pm[i % 1024], 8);
  }
  puts("the program ended");
  return 0;
}
