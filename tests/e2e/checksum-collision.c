/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: %fencepost-clang -g -O1 -DBUG %s -o %t.bug
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --db %t.fpdb --json %t.json --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: not %fencepost report --fail-on note %t.fpdb -o %t.out
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t.bug check %t.pool' -- %t.bug run %t.pool | FileCheck --check-prefix=BOTH %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.fpdb
 *
 * Intent: a state that fails because a checksum matches by chance, with part of
 * its words old, is no error: it is a note that says so. A recovery that fails
 * in the same way on other states as well is one.
 *
 * CHECK-NOT: ERROR
 * CHECK-NOT: WARNING
 * CHECK: NOTE: fencepost: checksum-collision
 * CHECK-NEXT: 11 of the 13 words under it that a crash leaves open are lost
 * CHECK: the checksum is compared    {{.*}}checksum-collision.c:{{[0-9]+}} in valid
 * CHECK: recovery exited with 1
 * CHECK: found 2 times
 * CHECK-NOT: NOTE
 * CHECK: SUMMARY: fencepost: 0 errors, 0 warnings, 1 note; 3 crash points, {{[12][0-9]}} runs cover all of
 *
 * GOOD-NOT: fencepost:
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; 3 crash points, {{[0-9]}}
 * runs cover all of
 *
 * BOTH: ERROR: fencepost: recovery-failure
 * BOTH: ERROR: fencepost: recovery-failure
 * BOTH: NOTE: fencepost: checksum-collision
 * BOTH: SUMMARY: fencepost: 2 errors, 0 warnings, 1 note; {{.*}} runs cover all
 * of
 */
#include "Inputs/pm.h"

#define WORDS 12
#define PLAIN                                                                  \
  __attribute__((noinline, disable_sanitizer_instrumentation)) static

PLAIN uint64_t sum(const uint32_t *at, unsigned count) {
  uint32_t low = 0;
  uint32_t high = 0;

  for (const uint32_t *end = at + count; at < end; at++) {
    low += *at;
#ifdef FIXED
    high += low;
#endif
  }
  return (uint64_t)high << 32 | low;
}

PLAIN int valid(const uint64_t *log) {
  return log[0] == sum((const uint32_t *)(log + 1), 2 * WORDS);
}

/* From one round to the next, the sum of words 1 and 2 stays the same. */
static uint64_t word(unsigned round, unsigned i) {
  return i == 1 ? 100 + round : i == 2 ? 100 - round : round * 7919 * i * i;
}

PLAIN int whole(const uint64_t *log) {
  unsigned round = (unsigned)(log[3] / word(1, 3));

  for (unsigned i = 1; i <= WORDS; i++)
    if (log[i] != word(round, i))
      return 0;
  return 1;
}

/* The checksum says nothing of the word behind the entry. */
static int recovery(const uint64_t *log) {
  if (!valid(log) || log[3] == 0)
    return 0;
#ifdef BUG
  if (log[WORDS + 5] != log[3])
    return 1;
#endif
  return !whole(log);
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  uint64_t *log = pm_map(argv[2]);
  uint64_t entry[WORDS + 1];

  if (is_check)
    return recovery(log);
  for (unsigned round = 1; round <= 2; round++) {
    for (unsigned i = 1; i <= WORDS; i++)
      entry[i] = word(round, i);
    entry[0] = sum((const uint32_t *)(entry + 1), 2 * WORDS);
    memcpy(log, entry, sizeof entry);
#ifdef BUG
    log[WORDS + 5] = entry[3];
    pm_flush(log + WORDS + 5, 8);
#endif
    pm_persist(log, sizeof entry);
  }
  return 0;
}
