/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t && rm -f %t.pool
 * RUN: not %fencepost crash --states 100 --trace %t.fpt --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost crash --trace %t.f.fpt --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a pool of libpmemobj that the run makes cannot be opened when the
 * power is cut meanwhile, and recovery fails at each of these moments. That is
 * said once, with the way to leave it out.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-NEXT: power cut {{.*}}pool-half-made.c:[[#LINE:]] in open_pool
 * CHECK: found {{[0-9]+}} times
 * CHECK-NOT: power cut
 * CHECK: note: the run has made {{.*}}.pool, and pmemobj_create is not failure
 * GOOD-NOT: the run has made
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all
 */
#include <libpmemobj.h>
#include <string.h>
#include <unistd.h>

static PMEMobjpool *open_pool(const char *path, int is_check) {
  if (!is_check && access(path, F_OK) != 0)
    return pmemobj_create(path, "half", PMEMOBJ_MIN_POOL, 0600);
  return pmemobj_open(path, "half");
}

int main(int argc, char **argv) {
  int is_check = argc > 1 && strcmp(argv[1], "check") == 0;
  PMEMobjpool *pool = argc > 2 ? open_pool(argv[2], is_check) : NULL;

  if (pool == NULL)
    return 1;
  if (!is_check) {
    uint64_t *root = pmemobj_direct(pmemobj_root(pool, sizeof *root));

    *root += 1;
    pmemobj_persist(pool, root, sizeof *root);
  }
  pmemobj_close(pool);
  return 0;
}
