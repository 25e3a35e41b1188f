/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -o %t
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.a %t.b && not %fencepost crash --pool %t.a --pool %t.b --op transfer --trace %t.fpt --observe stdout --recover '%t check %t.a %t.b' -- %t run %t.a %t.b | FileCheck %s
 * RUN: %fencepost-clang -g -O0 %s -o %t.0 && rm -f %t.a %t.b
 * RUN: %fencepost record --pool %t.a --pool %t.b --op 'tr?nsfer' -o %t.0.fpt -- %t.0 run %t.a %t.b
 * RUN: %fencepost show %t.0.fpt | FileCheck --check-prefix=ARGUMENTS %s
 * RUN: rm -f %t.a %t.b && %fencepost crash -j 2 --pool %t.a --pool %t.b --op transfer --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.a %t.b' -- %t.fixed run %t.a %t.b | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a transfer between two pools, each update durable by itself, loses
 * money; with a log in the first pool it does not. The operation is a function,
 * inlined, that is named on the command line; its arguments are shown.
 *
 * CHECK: ERROR: fencepost: not-failure-atomic
 * CHECK-NEXT: in operation transfer(from=0x{{[0-9a-f]+}}, to=0x{{[0-9a-f]+}}, amount=10, why={{.*}})
 * CHECK: op-transfer.c:{{[0-9]+}} in transfer
 * CHECK: recovery found a state that is neither
 * CHECK: - to 0
 * CHECK-NEXT: + to 10
 * CHECK: SUMMARY: {{.*}} cover all
 * ARGUMENTS: op-begin transfer(from=0x{{[0-9a-f]+}}, to=0x{{[0-9a-f]+}},
 * amount=10, why="rent") ARGUMENTS: op-begin transfer(from=0x{{[0-9a-f]+}},
 * to=0x{{[0-9a-f]+}}, amount=25, why="food") GOOD: 0 errors, 0 warnings{{.*}}
 * cover all
 */
#include "Inputs/pm.h"

struct account {
  PM_ALIGNED int64_t balance;
  PM_ALIGNED int64_t logged; /* in the first pool: 1, the two below hold */
  PM_ALIGNED int64_t from;
  int64_t to;
};

static void set(int64_t *balance, int64_t value) {
  *balance = value;
  pm_persist(balance, 8);
}

static void redo(struct account *from, struct account *to) {
  set(&to->balance, from->to);
  set(&from->balance, from->from);
  set(&from->logged, 0);
}

static void transfer(struct account *from, struct account *to, short amount,
                     const char *why) {
#ifdef FIXED
  from->from = from->balance - amount;
  from->to = to->balance + amount;
  pm_persist(&from->from, 16);
  set(&from->logged, *why != '\0');
  redo(from, to);
#else
  set(&to->balance, to->balance + amount * (*why != '\0'));
  set(&from->balance, from->balance - amount);
#endif
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  struct account *from = pm_map(argv[2]);
  struct account *to = pm_map(argv[3]);
  if (argv[1][0] == 'c') {
    if (from->logged)
      redo(from, to);
    printf("from %ld\nto %ld\n", (long)from->balance, (long)to->balance);
    return 0;
  }
  transfer(from, to, 10, "rent");
  transfer(from, to, 25, "food");
  return 0;
}
