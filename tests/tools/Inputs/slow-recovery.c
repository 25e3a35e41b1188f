/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A log whose recovery takes 30 ms, and finds what a forgotten flush lost. */
#include "../../e2e/Inputs/pm.h"

#include <unistd.h>

#define COUNT 24

struct root {
  uint64_t count PM_ALIGNED;
  struct {
    uint64_t value PM_ALIGNED;
  } items[COUNT];
};

static int run(struct root *root) {
  for (uint64_t i = 0; i < COUNT; i++) {
    root->items[i].value = i + 1;
    if (i % 8 != 5)
      pm_persist(&root->items[i].value, 8);
    root->count = i + 1;
    pm_persist(&root->count, 8);
  }
  return 0;
}

static int check(const struct root *root) {
  usleep(30000);
  for (uint64_t i = 0; i < root->count; i++)
    if (root->items[i].value != i + 1)
      return 3;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
