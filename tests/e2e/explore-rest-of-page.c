/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: hw-clflushopt
 * RUN: %clang -g -O1 -DLIBRARY -c %s -o %t.library.o
 * RUN: %fencepost-clang -g -O1 %s %t.library.o -o %t
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.fpt --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 *
 * Intent: code without hooks reads much of a page, so that the rest of it is
 * decided as well. Nobody has read that rest: two stores in it that a crash may
 * leave in the wrong order are not recovery's concern.
 *
 * CHECK: 0 errors, 0 warnings{{.*}} cover all
 */
#include <stdint.h>

#define WORDS 128 /* read, from byte 1,024 on */

#ifdef LIBRARY
uint64_t library_and(const uint64_t *words);

/* An instruction that reads in a way that is not followed as a checksum is. */
uint64_t library_and(const uint64_t *words) {
  uint64_t all = UINT64_MAX;

  for (int i = 0; i < WORDS; i++)
    __asm__ volatile("and %1, %0" : "+r"(all) : "m"(words[i]));
  return all;
}
#else
#include "Inputs/pm.h"

uint64_t library_and(const uint64_t *words);

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return library_and(pm + 128) != 0;
  pm[0] = 1;
  pm[8] = 2; /* in the next line: may persist before the one above */
  pm_flush(pm, 128);
  pm_fence();
  return 0;
}
#endif
