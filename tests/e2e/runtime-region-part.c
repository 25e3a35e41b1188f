/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: not %fencepost check -- %t > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: %fencepost check --fail-on performance -- %t
 *
 * Intent: only a part of an object is declared to be PM, or a part of a line is
 * not any more. A store to it is seen although it shares its check with a
 * neighbour that lies outside, and a flush of the line is one of every part of
 * it, whichever byte it names. What is declared twice is PM as a whole.
 *
 * CHECK-DAG: store of 8 bytes to {{.*}} in set
 * CHECK-DAG: store of 8 bytes to {{.*}} in behind
 * CHECK-DAG: store of 8 bytes to {{.*}} in grown
 * CHECK: SUMMARY: fencepost: 3 errors, 0 warnings
 */
#include <fencepost/fencepost.h>

#include <emmintrin.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef FIXED
#define FLUSH(address) _mm_clflush(address)
#else
#define FLUSH(address) (void)(address)
#endif

struct object {
  uint64_t before[8];
  uint64_t pm[8];
};

__attribute__((noinline)) static void set(struct object *object) {
  object->before[7] = 1;
  object->pm[0] = 2;
  FLUSH(object->pm);
}

/* words[2..4] are taken out; the others stay, in two parts of one line. */
__attribute__((noinline)) static void around(uint64_t *words) {
  words[0] = 1;
  words[7] = 1;
  _mm_clflush(&words[3]);
  words[3] = 2; /* no longer PM */
  words[7] = 2;
  _mm_clflush(&words[0]);
  words[0] = 3;
  _mm_clflush(&words[7]);
}

__attribute__((noinline)) static void behind(uint64_t *words) {
  words[5] = 4;
  FLUSH(&words[2]);
}

/* Declared as [3, 8), and then as [0, 16): two pools share a line. */
__attribute__((noinline)) static void whole(uint64_t *words) {
  words[0] = 1;
  words[3] = 1;
  _mm_clflush(&words[0]);
  words[0] = 2;
  _mm_clflush(&words[3]);
}

__attribute__((noinline)) static void grown(uint64_t *words) {
  words[12] = 1;
  FLUSH(&words[8]);
}

int main(void) {
  static _Alignas(64) uint64_t words[64];
  struct object *object = aligned_alloc(64, sizeof(struct object));

  if (object == NULL)
    return 3;
  fencepost_region_add(object->pm, sizeof object->pm);
  set(object);
  fencepost_region_add(words, 128);
  fencepost_region_remove(&words[2], 3 * sizeof words[0]);
  around(words);
  behind(words);
  fencepost_region_add(&words[32 + 3], 5 * sizeof words[0]);
  fencepost_region_add(&words[32], 16 * sizeof words[0]);
  whole(&words[32]);
  grown(&words[32]);
  return 0;
}
