/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem -o %t
 * RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: pmem_memcpy_nodrain leaves the payload on its way; the header that is
 * written with pmem_memcpy_persist next may overtake it.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 */
#include "Inputs/pm.h"

#include <libpmem.h>

#define PAYLOAD 2048 /* more than a line, so that libpmem uses NT stores */

struct root {
  uint64_t size;
  uint64_t unused[7];
  unsigned char payload[PAYLOAD];
};

static void put(struct root *root) {
  static unsigned char data[PAYLOAD];
  uint64_t size = sizeof data;

  memset(data, 0xa5, sizeof data);
#ifdef FIXED
  pmem_memcpy_persist(root->payload, data, sizeof data);
#else
  pmem_memcpy_nodrain(root->payload, data, sizeof data);
#endif
  pmem_memcpy_persist(&root->size, &size, sizeof size);
}

static int check(const struct root *root) {
  for (uint64_t i = 0; i < root->size; i += 8)
    if (root->payload[i] != 0xa5)
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  size_t size;
  struct root *root =
      pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, NULL);

  if (root == NULL)
    return 2;
  if (is_check)
    return check(root);
  put(root);
  pmem_unmap(root, size);
  return 0;
}
