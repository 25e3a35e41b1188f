/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: non-temporal stores need no flush, but a fence (rule N1).
 */
#include "Inputs/pm.h"

static void page_zero(long long *words, size_t words_count) {
  for (size_t i = 0; i < words_count; i++) {
    /* CHECK: ERROR: fencepost: missing-fence
     * CHECK: missing-fence-nontemporal.c:[[#@LINE+2]]
     */
    _mm_stream_si64(&words[i], 0x5a);
  }
#ifdef FIXED
  pm_fence();
#endif
}
/* CHECK-NOT: missing-flush
 * CHECK: SUMMARY: fencepost: 1 error
 */

int main(int argc, char **argv) {
  if (!pm_is_check(argc, argv))
    page_zero(pm_map(argv[2]), 16);
  return 0;
}
