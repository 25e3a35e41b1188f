/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.a %t.b && not %fencepost check -- %t %t.a %t.b > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.a %t.b && %fencepost check --fail-on performance -- %t %t.a %t.b
 *
 * Intent: a transfer between two pools leaves in the one what points into the
 * other: an identifier of libpmemobj, and an address.
 *
 * CHECK-DAG: an object identifier (PMEMoid) of another pool is stored in a pool
 * CHECK-DAG: of 16 bytes to {{.*}}.a+{{.*}} in transfer
 * CHECK-DAG: of 8 bytes to {{.*}}.a+{{.*}} in transfer
 * CHECK: SUMMARY: fencepost: 2 errors, 0 warnings
 */
#include "Inputs/pm.h"
#include "Inputs/pmobj.h"

struct root {
  PMEMoid object;
  void *address;
  uint64_t amount;
};

static PMEMobjpool *pool_make(const char *path) {
  PMEMobjpool *pool = pmemobj_create(path, "transfer", PMEMOBJ_MIN_POOL, 0600);
  if (pool == NULL)
    exit(2);
  return pool;
}

static void transfer(PMEMobjpool *from, PMEMobjpool *to) {
  PMEMoid other = pmemobj_root(to, sizeof(struct root));
  struct root *source = pmemobj_direct(pmemobj_root(from, sizeof(struct root)));
  struct root *target = pmemobj_direct(other);

  TX_BEGIN(from) {
    TX_ADD_DIRECT(source);
    source->amount -= 10;
#ifdef FIXED
    source->object = pmemobj_root(from, sizeof(struct root));
    source->address = source;
#else
    source->object = other;
    source->address = target;
#endif
  }
  TX_END
  TX_BEGIN(to) {
    TX_ADD_DIRECT(&target->amount);
    target->amount += 10;
  }
  TX_END
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  PMEMobjpool *from = pool_make(argv[1]);
  PMEMobjpool *to = pool_make(argv[2]);
  transfer(from, to);
  pmemobj_close(from);
  pmemobj_close(to);
  return 0;
}
