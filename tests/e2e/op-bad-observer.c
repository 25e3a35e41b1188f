/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t && %clang -I%source/include -g -O1 -fPIE -pie %s -o %t.plain
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: printf '#!/bin/sh\n%t.plain check %t.pool\ndate $1\n' > %t.date && chmod +x %t.date
 * RUN: printf '#!/bin/sh\n%t.plain check %t.pool\necho by $$\n' > %t.id && chmod +x %t.id
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost record --pool %t.pool -o %t.lose.fpt -- %t lose %t.pool
 *
 * RUN: sh %S/Inputs/observers.sh %t.lose.fpt '%t second %t.pool' | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t address %t.pool' | FileCheck --check-prefix=ADDRESS %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t stack %t.pool' | FileCheck --check-prefix=ADDRESS %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t id %t.pool' | FileCheck --check-prefix=ID %s
 * RUN: sh %S/Inputs/observers.sh %t.lose.fpt '%t.plain second %t.pool' | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain address %t.pool' | FileCheck --check-prefix=ADDRESS %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain stack %t.pool' | FileCheck --check-prefix=ADDRESS %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain id %t.pool' | FileCheck --check-prefix=ID %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.date +%%N' | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/Inputs/observers.sh %t.lose.fpt '%t.date +%%s' | FileCheck --check-prefix=RANDOM %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.id' | FileCheck --check-prefix=ID %s
 *
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t die %t.pool' | FileCheck --check-prefix=DIE %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain die %t.pool' | FileCheck --check-prefix=DIE %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t hang %t.pool' --timeout 0.2 | FileCheck --check-prefix=HANG %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain hang %t.pool' --timeout 0.2 | FileCheck --check-prefix=HANG %s
 * RUN: not %fencepost explore %t.fpt --observe stdout --recover '%t die-at-2 %t.pool' | FileCheck --check-prefix=ONE %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t check %t.pool' 0 | FileCheck --check-prefix=GOOD %s
 * RUN: sh %S/Inputs/observers.sh %t.fpt '%t.plain check %t.pool' 0 | FileCheck --check-prefix=GOOD %s
 *
 * Intent: an observer that says something else each time is recognised, with
 * and without hooks, and the bytes that differ are shown; so is one that does
 * not end well where nothing is lost. (The time in seconds does no harm as long
 * as it is the same; what seems wrong is looked at again a second later.)
 *
 * RANDOM: what recovery says of a state is not the same each time: bytes
 * RANDOM-SAME: {{[0-9]+}} to {{[0-9]+}} of its observation are '
 * RANDOM-SAME: ' once, then '
 * ADDRESS: of its observation are '{{.*}} at 0x{{.*}} then '{{.*}} at 0x
 * ID: of its observation are '{{.*}}by {{[0-9]+}}.' once, then '{{.*}}by
 * DIE: --observe stdout: operations cannot be judged: on the states
 * DIE-SAME: in which nothing is lost, recovery died: SIGABRT;
 * HANG: nothing is lost, recovery did not end within 0.2 seconds;
 * ONE: recovery died: SIGABRT
 * ONE: note: what recovery makes of 1 of the states between operations,
 * ONE-SAME: at the first of them, recovery died: SIGABRT;
 * GOOD: 0 errors, 0 warnings
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <time.h>

static void update(uint64_t *value, uint64_t to, int lose) {
  fencepost_op_begin("update(%lu)", to);
  *value = to;
  if (!lose)
    pm_persist(value, 8);
  fencepost_op_end();
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  uint64_t *value = pm_map(argv[2]);
  const char *how = argv[1];
  if (strcmp(how, "run") == 0 || strcmp(how, "lose") == 0) {
    for (uint64_t i = 1; i <= 3; i++)
      update(value, i, *how == 'l');
    return 0;
  }
  printf("%lu", *value);
  if (strcmp(how, "second") == 0)
    printf(" after %ld", (long)time(NULL));
  if (strcmp(how, "address") == 0)
    printf(" at %p", (void *)value);
  if (strcmp(how, "stack") == 0)
    printf(" at %p", (void *)&argc);
  if (strcmp(how, "id") == 0)
    printf(" by %d", (int)getpid());
  puts("");
  if (strcmp(how, "die") == 0 || (strcmp(how, "die-at-2") == 0 && *value == 2))
    abort();
  if (strcmp(how, "hang") == 0)
    pause();
  return 0;
}
