/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -c -o %t.o -DPART=1
 * RUN: %clang -g -O1 %s -c -o %t.plain.o -DPART=2
 * RUN: %fencepost-clang -g %t.o %t.plain.o -o %t
 * RUN: rm -f %t.pool %t.*fpt %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --only recovery-failure --db %t.1.fpdb --recover '%t leave %t.pool' | FileCheck --check-prefix=FEW %s
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --db %t.2.fpdb --recover '%t leave %t.pool' --checker '%t before %t.pool' | FileCheck %s
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --db %t.3.fpdb --recover '%t leave %t.pool' --checker '%t after %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --only recovery-failure --db %t.4.fpdb --recover '%t clear %t.pool' --checker '%t before %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: %fencepost explore %t.fpt --only recovery-failure --db %t.5.fpdb --recover '%t clear %t.pool' --checker '%t after %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --db %t.6.fpdb --recover '%t clear %t.pool' --checker '%t cleared %t.pool' | FileCheck %s
 *
 * Intent: one run in which a checksum fails stands for all combinations of its
 * words but one; a checker that reads them sees each. Where recovery clears
 * them, it sees what that leaves, and what a checksum that matches leaves.
 *
 * FEW: 0 errors, 0 warnings; 2 crash points, {{[345]}} runs cover all of 2^5
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: the checker said no: {{.*}} exited with 1
 * CHECK: error{{s?}}, 0 warnings; {{.*}} cover all of 2^5
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of 2^5
 */
#include "Inputs/pm.h"

#define WORDS 4

struct entry {
  struct {
    PM_ALIGNED uint32_t value;
  } words[WORDS];
  PM_ALIGNED uint64_t sum;
};

int entry_matches(const struct entry *entry);

#if PART == 2
/* Fletcher's. */
static __attribute__((noinline)) uint64_t sum_of(const struct entry *entry) {
  uint32_t low = 0, high = 0;
  for (int i = 0; i < WORDS; i++) {
    low += entry->words[i].value;
    high += low;
  }
  return (uint64_t)high << 32 | low;
}

int entry_matches(const struct entry *entry) {
  return entry->sum == sum_of(entry);
}
#else

/* Which words are there, a bit each. */
static int there(const struct entry *entry) {
  int bits = 0;
  for (int i = 0; i < WORDS; i++)
    bits |= (entry->words[i].value != 0) << i;
  return bits;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct entry *entry = pm_map(argv[2]);
  const char *how = argv[1];
  if (strcmp(how, "run") == 0) {
    uint32_t low = 0, high = 0;
    for (uint32_t i = 0; i < WORDS; i++) {
      entry->words[i].value = 1000 + 77 * i * i;
      low += 1000 + 77 * i * i;
      high += low;
    }
    entry->sum = (uint64_t)high << 32 | low;
    pm_persist(entry, sizeof *entry);
  }
  if (strcmp(how, "before") == 0)
    return there(entry) == 0xa && entry->sum == 0;
  if (strcmp(how, "after") == 0)
    return there(entry) == 0xa && entry->sum != 0;
  if (strcmp(how, "cleared") == 0)
    return there(entry) == 0;
  int matches = (*how == 'l' || *how == 'c') && entry_matches(entry);
  if (strcmp(how, "clear") == 0 && !matches) {
    memset(entry, 0, sizeof *entry);
    pm_persist(entry, sizeof *entry);
  }
  return 0;
}
#endif
