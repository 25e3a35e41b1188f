/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --db %t.fpdb --only recovery-failure --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 *
 * Intent: code without hooks compares a register with a word that a crash may
 * have lost, after another comparison that had an undecided word on its left:
 * the flags are those of this one.
 *
 * CHECK-NOT: fencepost:
 * CHECK: SUMMARY: fencepost: 0 errors, 0 warnings; {{[0-9]}} crash points, {{[0-9]+}}
 * runs cover all of 2^2 images
 */
#include "Inputs/pm.h"

#define BETWEEN 0x10
#define NEW 0xc0
#define PLAIN                                                                  \
  __attribute__((noinline, disable_sanitizer_instrumentation)) static

PLAIN unsigned is_new(const uint64_t *word) {
  uint64_t content = 0;
  unsigned char equal = 0;

  __asm__ volatile("movq (%2), %0\n\tcmpq %3, %0\n\tsete %1"
                   : "=&r"(content), "=&r"(equal)
                   : "r"(word), "r"((uint64_t)NEW)
                   : "cc", "memory");
  return equal;
}

PLAIN unsigned is_above(const uint64_t *word) {
  unsigned char below = 0;

  __asm__ volatile("cmpq (%1), %2\n\tsetb %0"
                   : "=r"(below)
                   : "r"(word), "r"((uint64_t)BETWEEN)
                   : "cc", "memory");
  return below;
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  uint64_t *one = pm_map(argv[2]);
  uint64_t *two = one + 8;

  if (is_check) {
    unsigned first = is_new(one);
    unsigned second = is_above(two);

    return first != (*one == NEW) || second != (*two > BETWEEN);
  }
  *one = NEW;
  *two = NEW;
  pm_flush(one, 8);
  pm_flush(two, 8);
  pm_fence();
  return 0;
}
