/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --no not-robust,persistency-race --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --no not-robust,persistency-race --recover '%t check %t.pool' -- %t run %t.pool
 *
 * Intent: a record over two lines, valid by a flag in the second, can be half
 * there; a checksum that recovery verifies makes it whole or absent. Reading a
 * torn record is then by design, hence --no.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: fix: persist all that {{.*}}torn-record.c:{{[0-9]+}} stores first, then, behind a fence, a commit word
 * CHECK: SUMMARY: fencepost: 1 error, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#define WORDS 14

struct record { /* two lines: not all or nothing, whatever the flushes */
  uint64_t words[WORDS];
  uint64_t checksum;
  uint64_t is_written;
} PM_ALIGNED;

struct root {
  struct record records[2];
};

static uint64_t record_checksum(const struct record *record) {
  uint64_t hash = 0xcbf29ce484222325u;

  for (unsigned i = 0; i < WORDS; i++)
    hash = (hash ^ record->words[i]) * 0x100000001b3u;
  return hash;
}

static int run(struct root *root) {
  for (unsigned n = 0; n < 2; n++) {
    struct record *record = &root->records[n];

    for (unsigned i = 0; i < WORDS; i++)
      record->words[i] = 1000 * (n + 1) + i;
    record->checksum = record_checksum(record);
    record->is_written = 1;
    pm_persist(record, sizeof *record);
  }
  return 0;
}

static int record_usable(const struct record *record) {
#ifdef FIXED
  return record->is_written && record->checksum == record_checksum(record);
#else
  return record->is_written != 0;
#endif
}

static int check(const struct root *root) {
  for (unsigned n = 0; n < 2; n++)
    for (unsigned i = 0; i < WORDS && record_usable(&root->records[n]); i++)
      if (root->records[n].words[i] != 1000 * (n + 1) + i)
        return 1;
  return 0;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct root *root = pm_map(argv[2]);

  return is_check ? check(root) : run(root);
}
