/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: recovery that follows a null pointer dies of a signal, which the
 * report names.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: {{SIGSEGV|segmentation|signal 11}}
 */
#include "Inputs/pm.h"

#include <stddef.h>

struct root {
  uint64_t size;              /* of the array at offset, in words */
  uint64_t offset PM_ALIGNED; /* in the pool; 0: no array yet */
  uint64_t words[64] PM_ALIGNED;
} PM_ALIGNED;

static int run(struct root *root) {
  for (unsigned i = 0; i < 16; i++)
    root->words[i] = i;
  pm_persist(root->words, sizeof root->words);
  root->offset = offsetof(struct root, words);
#ifdef FIXED
  pm_persist(&root->offset, sizeof root->offset);
#else
  pm_flush(&root->offset, sizeof root->offset);
#endif
  root->size = 16;
  pm_persist(&root->size, sizeof root->size);
  return 0;
}

/*
 * The words that the pool says it has; a null pointer if there is no array.
 * Volatile: the compiler must not conclude that it is never null.
 */
static const volatile uint64_t *array(const struct root *root) {
  return root->offset == 0 ? NULL
                           : (const void *)((const char *)root + root->offset);
}

static int check(const struct root *root) {
  for (uint64_t i = 0; i < root->size; i++)
    if (array(root)[i] != i)
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
