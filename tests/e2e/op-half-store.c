/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --op 'set_*' --observe stdout --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool > %t.out
 * RUN: FileCheck --check-prefix=PAIR %s < %t.out
 * RUN: FileCheck --check-prefix=BOTH %s < %t.out
 * RUN: rm -f %t.pool && %fencepost crash --op 'set_*' --observe stdout --trace %t.f.fpt --pool %t.pool --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: one store to two lines, of which a crash leaves half; and two stores,
 * each made durable, between which the power is cut. No fence helps, and the
 * report does not ask for one.
 *
 * PAIR: in operation set_pair(
 * PAIR-NEXT: store of 8 bytes to pool+0x38 {{.*}}op-half-store.c:[[#LINE:]] in
 * PAIR: is lost, and this one, by the same line, has persisted
 * PAIR-NEXT: store of 8 bytes to pool+0x40 {{.*}}op-half-store.c:[[#LINE]] in
 * PAIR: fix: persist all that {{.*}}:[[#LINE]] stores first, then
 * BOTH: in operation set_both(
 * BOTH-NEXT: power cut
 * BOTH: every store before it has persisted: no flush or fence helps
 * BOTH-NEXT: recovery found a state that is neither
 * BOTH-NOT: fence after
 * BOTH-NOT: set_both(
 * BOTH: SUMMARY: fencepost: 2 errors,
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all
 */
#include "Inputs/pm.h"

struct data {
  uint64_t spare[7]; /* a line ends within the pair */
  uint64_t pair[2];
  PM_ALIGNED uint64_t one;
  PM_ALIGNED uint64_t two;
};

__attribute__((noinline)) static void set_pair(struct data *data,
                                               uint64_t value) {
#ifdef FIXED
  data->pair[0] = value;
  pm_persist(data->pair, 8);
#else
  _mm_storeu_si128((__m128i *)data->pair, _mm_set1_epi64x((long long)value));
  pm_persist(data->pair, sizeof data->pair);
#endif
}

__attribute__((noinline)) static void set_both(struct data *data,
                                               uint64_t value) {
#ifndef FIXED
  data->one = value;
  pm_persist(&data->one, 8);
#endif
  data->two = value;
  pm_persist(&data->two, 8);
}

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  struct data *data = pm_map(argv[2]);

  if (is_check) {
    printf("%lu %lu %lu %lu\n", data->pair[0], data->pair[1], data->one,
           data->two);
    return 0;
  }
  set_pair(data, 7);
  set_both(data, 9);
  return 0;
}
