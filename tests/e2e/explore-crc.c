/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --only recovery-failure --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O0 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --only recovery-failure --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: a recovery that checks a CRC by itself, over an entry of 500 words of
 * which each may be there or not, comes to an end. It is said that something
 * was left out, and what recovery does with an entry whose CRC matches is seen.
 *
 * CHECK: recovery exited with 1
 * CHECK: 1 error
 * CHECK-SAME: {{ 1[6-9][0-9]+ runs; not all of 2\^50[0-9] .*16384 runs ended well}}
 * GOOD: 0 errors
 * GOOD-SAME: {{not all of 2\^50[0-9] .* 16384 runs ended well alike}}
 */
#include "Inputs/pm.h"

#define WORDS 500

struct log {
  PM_ALIGNED uint64_t ready;
  PM_ALIGNED uint64_t crc;
  uint64_t words[WORDS];
};

static uint64_t crc_of(const uint64_t *words) {
  uint64_t crc = ~0ull;

  for (int i = 0; i < WORDS; i++) {
    crc ^= words[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (0xc96c5795d7870f42u & -(crc & 1));
  }
  return ~crc;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct log *log = pm_map(argv[2]);
  uint64_t words[WORDS];

  if (is_check)
    return log->crc != 0 && crc_of(log->words) == log->crc && log->ready != 1;
#ifdef FIXED
  log->ready = 1;
  pm_persist(&log->ready, 8);
#endif
  for (int i = 0; i < WORDS; i++)
    words[i] = (uint64_t)i * 0x9e3779b97f4a7c15u + 1;
  memcpy(log->words, words, sizeof words);
  log->crc = crc_of(words);
#ifndef FIXED
  log->ready = 1;
#endif
  pm_persist(log, sizeof *log);
  return 0;
}
