/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -lpmemobj -o %t && rm -f %t.pool
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -lpmemobj -o %t.fixed && %t create %t.pool
 * RUN: not %fencepost crash --op 'counter_*' --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost show %t.fpt | FileCheck --check-prefix=OPS %s
 * RUN: %fencepost crash --op 'counter_*' --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: operations on libpmemobj: functions with a transaction, and functions
 * inlined into one with a transaction, which may be aborted from within them. A
 * range that is not logged is found in the one that follows an abort.
 *
 * OPS: op-begin counter_add(pool={{.*}}, by=2)
 * OPS: op-end {{.*}} in counter_add
 * OPS: op-begin counter_step(root={{.*}}, by=3)
 * OPS: op-end {{.*}} in counter_step
 * OPS: op-begin counter_step(root={{.*}}, by=0)
 * OPS: op-end {{.*}} in counter_step
 * OPS: op-begin counter_both(pool={{.*}}, by=7)
 * OPS: op-end {{.*}} in counter_both
 * OPS: 4 operations
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation counter_both(pool=0x{{[0-9a-f]+}}, by=7)
 * CHECK-NOT: in operation counter_{{add|step}}
 * CHECK: SUMMARY: {{.*}} cover all
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include <libpmemobj.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct root {
  uint64_t count;
  uint64_t other[15];
  uint64_t twice; /* in another line; always 2 * count */
};

POBJ_LAYOUT_BEGIN(counter);
POBJ_LAYOUT_ROOT(counter, struct root);
POBJ_LAYOUT_END(counter);

/* In the transaction of its caller; by nothing is an error. */
static inline void counter_step(struct root *root, uint64_t by) {
  TX_ADD_DIRECT(&root->count);
  TX_ADD_DIRECT(&root->twice);
  root->count += by;
  if (by == 0)
    pmemobj_tx_abort(1);
  root->twice += 2 * by;
}

static bool counter_add(PMEMobjpool *pool, uint64_t by) {
  volatile bool ok = true;
  struct root *root = D_RW(POBJ_ROOT(pool, struct root));
  TX_BEGIN(pool) {
    counter_step(root, by);
  }
  TX_ONABORT {
    ok = false;
  }
  TX_END
  return ok;
}

static void counter_both(PMEMobjpool *pool, uint64_t by) {
  struct root *root = D_RW(POBJ_ROOT(pool, struct root));
  TX_BEGIN(pool) {
    TX_ADD_DIRECT(&root->twice);
#ifdef FIXED
    TX_ADD_DIRECT(&root->count);
#endif
    root->count += by;
    root->twice += 2 * by;
#ifndef FIXED
    pmemobj_persist(pool, &root->count, sizeof root->count);
#endif
  }
  TX_END
}

static void steps(PMEMobjpool *pool) {
  struct root *root = D_RW(POBJ_ROOT(pool, struct root));
  TX_BEGIN(pool) {
    counter_step(root, 3);
  }
  TX_END
  TX_BEGIN(pool) {
    counter_step(root, 0);
  }
  TX_END
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "create") == 0) {
    PMEMobjpool *pool =
        pmemobj_create(argv[2], "counter", PMEMOBJ_MIN_POOL, 0600);
    if (pool == NULL)
      return 2;
    (void)POBJ_ROOT(pool, struct root);
    pmemobj_close(pool);
    return 0;
  }
  PMEMobjpool *pool = pmemobj_open(argv[2], "counter");
  if (pool == NULL)
    return 2;
  struct root *root = D_RW(POBJ_ROOT(pool, struct root));
  if (strcmp(argv[1], "check") == 0) {
    printf("%lu %lu\n", root->count, root->twice);
  } else {
    counter_add(pool, 2);
    steps(pool);
    counter_both(pool, 7);
  }
  pmemobj_close(pool);
  return 0;
}
