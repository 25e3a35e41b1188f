/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t && rm -f %t.pool
 * RUN: not %fencepost check --pool %t.pool -- %t unbalanced %t.pool | FileCheck --check-prefix=UNBALANCED %s
 * RUN: not %fencepost crash --pool %t.pool --trace %t.0.fpt --recover '%t check %t.pool' -- %t unbalanced %t.pool | FileCheck --check-prefix=UNBALANCED %s
 * RUN: rm -f %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.1.fpdb --observe stdout --recover '%t time %t.pool' 2>&1 | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.2.fpdb --observe stdout --recover '%t address %t.pool' 2>&1 | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.fpt --db %t.3.fpdb --observe stdout --recover '%t silent %t.pool' 2>&1 | FileCheck --check-prefix=SILENT %s
 * RUN: %fencepost explore %t.fpt --db %t.4.fpdb --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=NOTHING %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost record --op 'updat' --pool %t.pool -o %t.2.fpt -- %t run %t.pool 2>&1 | FileCheck --check-prefix=NEAR %s
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost crash --op 'updat' --pool %t.pool --trace %t.2.fpt --recover '%t check %t.pool' -- %t run %t.pool 2>&1 | FileCheck --check-prefix=NEAR %s
 * RUN: %fencepost record --pool %t.pool -o %t.3.fpt -- %t unmarked %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 2 %fencepost explore %t.3.fpt --observe stdout --recover '%t check %t.pool' 2>&1 | FileCheck --check-prefix=NONE %s
 *
 * Intent: what cannot be judged is said, with the cause.
 *
 * UNBALANCED: WARNING: fencepost: unbalanced-operation
 * UNBALANCED: op-bad.c:[[#@LINE+21]] in update
 * RANDOM: explore: what recovery says of a state is not the same each time:
 * bytes {{[0-9]+}} to {{[0-9]+}} of its observation are '{{.*}}' once, then '
 * SILENT: explore: --observe stdout: recovery says nothing on any state
 * NOTHING: note: 2 operations were not judged: recovery does not say
 * NEAR: --op updat names no function {{.*}}near it are: update
 * NEAR: a pattern of --op matches no function
 * NONE: explore: --observe stdout: the trace has no operations
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <time.h>

struct root {
  PM_ALIGNED uint64_t value;
};

static void update(struct root *root, uint64_t value, const char *how) {
  if (*how != 'm')
    fencepost_op_begin("update(%lu)", value);
  root->value = value;
  pm_persist(&root->value, 8);
  if (*how == 'r')
    fencepost_op_end();
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct root *root = pm_map(argv[2]);
  const char *how = argv[1];
  if (strcmp(how, "run") == 0 || strncmp(how, "un", 2) == 0) {
    how = how[0] == 'r' ? how : how + 2;
    update(root, 1, how);
    update(root, 2, how);
    return 0;
  }
  if (strcmp(how, "time") == 0) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%lu at %ld\n", root->value, now.tv_nsec);
  }
  if (strcmp(how, "address") == 0)
    printf("%lu at %p\n", root->value, (void *)root);
  return 0;
}
