/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --only recovery-failure --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --no persistency-race --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: %python %S/Inputs/explore.py split %fencepost %t %t.dir | FileCheck --check-prefix=SAME %s
 *
 * Intent: a recovery that fails for each of 2^32 contents of a torn record but
 * one does not take 2^32 runs. It is said that something was left out, and what
 * recovery does with the whole record is seen all the same.
 *
 * CHECK: recovery exited with 1
 * CHECK: recovery exited with 3
 * CHECK: SUMMARY: fencepost: 2 errors, 0 warnings; 2 crash points, {{[3-9][0-9][0-9]}} runs; not all of 2^34 images: at a crash point 256 runs failed alike
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings{{.*}} cover all of
 * SAME: same findings
 */
#include "Inputs/pm.h"

#define WORDS 32

struct log {
  uint64_t valid;
  PM_ALIGNED uint64_t record[WORDS];
  PM_ALIGNED uint64_t tail;
};

static int recovery(const volatile struct log *log) {
  uint64_t wrong = 0;

  if (log->valid == 0)
    return 0;
  for (int i = 0; i < WORDS; i++)
    wrong |= log->record[i] ^ ((uint64_t)i + 1);
  return wrong != 0 ? 1 : log->tail == 0 ? 3 : 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct log *log = pm_map(argv[2]);
  uint64_t record[WORDS];

  if (is_check)
    return recovery(log);
  for (int i = 0; i < WORDS; i++)
    record[i] = (uint64_t)i + 1;
  memcpy(log->record, record, sizeof record);
  log->tail = 1;
#ifdef FIXED
  pm_persist(log, sizeof *log);
#endif
  log->valid = 1;
  pm_persist(log, sizeof *log);
  return 0;
}
