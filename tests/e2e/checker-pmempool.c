/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount, pmdk-tools
 * RUN: %fencepost-clang -g -O1 %s -o %t && %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool %t.journal && pmempool create --layout=test --size=8M obj %t.pool && cp %t.pool %t.new
 * RUN: %fencepost crash --trace %t.0.fpt --pool '*.tmp.*' --recover '%t check %t.pool %t.journal' --only recovery-failure -- %t stamp %t.pool %t.journal
 * RUN: cp %t.new %t.pool && rm %t.journal
 * RUN: not %fencepost crash --trace %t.fpt --pool '*.tmp.*' --recover '%t check %t.pool %t.journal' --checker 'pmempool check -v %t.pool' -- %t stamp %t.pool %t.journal > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: sed -n 's/.* replay [^ ]* //p' %t.out | head -n 1 > %t.state
 * RUN: not xargs %fencepost replay %t.fpdb < %t.state | FileCheck --check-prefix=REPLAY %s
 * RUN: pmempool check %t.pool && cp %t.new %t.pool && rm %t.journal
 * RUN: %fencepost crash --trace %t.fixed.fpt --pool '*.tmp.*' --recover '%t.fixed check %t.pool %t.journal' --checker 'pmempool check %t.pool' -- %t.fixed stamp %t.pool %t.journal | FileCheck --check-prefix=GOOD %s
 * RUN: pmempool check %t.pool
 *
 * Intent: pmempool looks at the pools that recovery leaves. Recovery puts back
 * the header of a pool from a journal that may be torn, and does not notice.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-NEXT: store of 8 bytes to {{.*}}journal+0x{{[048]+}} {{.*}} in journal_write
 * CHECK: the checker said no: 'pmempool check -v {{.*}}pool' exited with 1
 * CHECK: incorrect pool header
 * CHECK: fix: fence after the flush
 * CHECK: error{{s?}}, {{.*}} cover all of
 * REPLAY: not consistent
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

/* The header of a pool of libpmemobj, as far as it is of interest. */
struct header {
  uint32_t words[1024];
};
#define CREATED 30 /* words of the time of creation, */
#define SUM 1022   /* and of Fletcher's checksum over all words but these two */

struct journal {
  PM_ALIGNED uint64_t created;
  PM_ALIGNED uint64_t sum;
  PM_ALIGNED uint64_t valid;
};

static uint64_t word64(const struct header *header, int at) {
  return (uint64_t)header->words[at + 1] << 32 | header->words[at];
}

/* The checksum with another time of creation. */
static uint64_t sum_with(const struct header *header, uint64_t created) {
  uint32_t low = header->words[SUM], high = header->words[SUM + 1];
  for (int i = 0; i < 2; i++) {
    uint32_t more =
        (uint32_t)(created >> (32 * i)) - header->words[CREATED + i];
    low += more;
    high += more * (uint32_t)(1024 - CREATED - i);
  }
  return (uint64_t)high << 32 | low;
}

static void header_write(struct header *header, uint64_t created,
                         uint64_t sum) {
  memcpy(&header->words[CREATED], &created, 8);
  memcpy(&header->words[SUM], &sum, 8);
  pm_flush(&header->words[CREATED], 8);
  pm_flush(&header->words[SUM], 8);
  pm_fence();
}

static void journal_write(struct journal *journal, uint64_t created,
                          uint64_t sum) {
  journal->created = created;
  journal->sum = sum;
  pm_flush(&journal->created, 8);
  pm_flush(&journal->sum, 8);
#ifdef FIXED
  pm_fence();
#endif
  journal->valid = 1;
  pm_persist(&journal->valid, 8);
}

static void journal_end(struct journal *journal) {
  journal->valid = 0;
  pm_persist(&journal->valid, 8);
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  struct header *header = pm_map(argv[2]);
  struct journal *journal = pm_map(argv[3]);
  if (strcmp(argv[1], "check") == 0) {
    if (journal->valid) {
      header_write(header, journal->created, journal->sum);
      journal_end(journal);
    }
    return 0;
  }
  uint64_t created = word64(header, CREATED) + 1;
  journal_write(journal, created, sum_with(header, created));
  header_write(header, journal->created, journal->sum);
  journal_end(journal);
  return 0;
}
