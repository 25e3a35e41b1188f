/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t && rm -f %t.pool %t.*fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.1.fpdb --recover '%t leave %t.pool' --checker '%t look %t.pool' | FileCheck --check-prefix=SAMPLE %s
 * RUN: not %fencepost explore %t.fpt --db %t.2.fpdb --recover '%t leave %t.pool' --checker '%t all %t.pool' | FileCheck --check-prefix=FOUND %s
 * RUN: %fencepost explore %t.fpt --db %t.3.fpdb --recover '%t clear %t.pool' --checker '%t all %t.pool' | FileCheck --check-prefix=COMPLETE %s
 * RUN: %fencepost explore %t.fpt --db %t.4.fpdb --recover '%t some %t.pool' --checker '%t seven %t.pool' | FileCheck --check-prefix=COMPLETE %s
 * RUN: not %fencepost explore %t.fpt --db %t.5.fpdb --recover '%t some %t.pool' --checker '%t five %t.pool' --json %t.json | FileCheck --check-prefix=FIVE %s
 * RUN: not %fencepost explore %t.fpt --db %t.6.fpdb --explore sample --recover '%t leave %t.pool' --checker '%t all %t.pool' | FileCheck --check-prefix=FOUND %s
 *
 * Intent: a checker may read what recovery did not. Where that leaves few
 * images, it sees them all, and the one that is bad is found; where there are
 * too many, nobody claims that it saw all. What recovery overwrites without
 * having read it makes no difference.
 *
 * SAMPLE: note: seed 1
 * SAMPLE: not all of {{.*}} images: what the checker reads is not seen: where
 * SAMPLE-SAME: more than 256 images, it looked at a random sample
 * FOUND: the checker said no: {{.*}} exited with 1
 * COMPLETE: 0 errors, 0 warnings; 2 crash points, {{.*}} cover all of 2^20
 * FIVE: ERROR: fencepost: recovery-failure
 * FIVE: the checker said no: {{.*}} exited with 1
 * FIVE: 1 error, 0 warnings; 2 crash points, {{.*}} cover all of 2^20
 */
#include "Inputs/pm.h"

#define LINES 20

struct lines {
  struct {
    PM_ALIGNED uint64_t value;
  } at[LINES];
};

static int count(const struct lines *lines) {
  int sum = 0;
  for (int i = 0; i < LINES; i++)
    sum += lines->at[i].value != 0;
  return sum;
}

static void clear(struct lines *lines, int first) {
  for (int i = first; i < LINES; i++)
    lines->at[i].value = 0;
  pm_persist(lines, sizeof *lines);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct lines *lines = pm_map(argv[2]);
  const char *how = argv[1];
  if (strcmp(how, "run") == 0) {
    for (int i = 0; i < LINES; i++)
      lines->at[i].value = 1;
    pm_persist(lines, sizeof *lines);
  }
  if (strcmp(how, "clear") == 0)
    clear(lines, 0);
  if (strcmp(how, "some") == 0)
    clear(lines, 7);
  if (strcmp(how, "all") == 0)
    return count(lines) == LINES;
  if (strcmp(how, "seven") == 0)
    return count(lines) > 7;
  if (strcmp(how, "five") == 0) /* one state of 128 */
    return count(lines) == 5 && lines->at[1].value + lines->at[4].value == 0;
  return 0;
}
