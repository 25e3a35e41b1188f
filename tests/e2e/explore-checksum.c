/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -c -o %t.o -DPART=1
 * RUN: %clang -g -O1 %s -c -o %t.plain.o -DPART=2
 * RUN: %fencepost-clang -g %t.o %t.plain.o -o %t
 * RUN: %python %S/Inputs/explore.py equal %fencepost %t %t.dir 18 \
 * RUN:   | FileCheck %s
 * RUN: %clang -g -O2 %s -c -o %t.plain.o -DPART=2
 * RUN: %fencepost-clang -g %t.o %t.plain.o -o %t
 * RUN: %python %S/Inputs/explore.py equal %fencepost %t %t.dir 9 \
 * RUN:   | FileCheck %s
 *
 * The same log with 26 words: too many images to run, and few runs.
 *
 * RUN: rm -f %t.pool %t.fpdb && %fencepost record -o %t.fpt --pool %t.pool -- \
 * RUN:   %t run %t.pool 100
 * RUN: %fencepost explore %t.fpt --recover "%t check %t.pool 100 /dev/null" \
 * RUN:   | FileCheck --check-prefix=MANY %s
 *
 * RUN: rm -f %t.pool %t.fpdb && %fencepost record -o %t.fpt --pool %t.pool -- \
 * RUN:   %t run %t.pool 101
 * RUN: %fencepost explore %t.fpt --recover "%t check %t.pool 101 /dev/null" \
 * RUN:   | FileCheck --check-prefix=MANY %s
 *
 * Intent: a checksum over undecided words, by code without hooks, is explored
 * without trying each combination of the words, and with the same outcomes:
 * whether it matches, what is read afterwards, a second checksum, words that
 * were overwritten before it.
 *
 * CHECK: equal for {{18|9}} programs
 * MANY: {{ [1-6] runs cover all of 2\^28 images}}
 */
#include "Inputs/pm.h"

#define WORDS_MAX 27

uint64_t mix(uint64_t a, uint64_t b);
uint64_t sum(const uint32_t *at, unsigned count, uint64_t start);
uint64_t recovery(uint64_t *log, uint64_t seed);

static unsigned words(uint64_t seed) {
  return seed < 100 ? 7 : WORDS_MAX - 1;
}

#if !defined(PART) || PART == 2
uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = (a ^ b) * 0x9e3779b97f4a7c15u;
  return (z ^ z >> 29) * 0xbf58476d1ce4e5b9u;
}

/* Fletcher's, as PMDK has it. */
__attribute__((noinline)) uint64_t sum(const uint32_t *at, unsigned count,
                                       uint64_t start) {
  uint32_t low = (uint32_t)start;
  uint32_t high = (uint32_t)(start >> 32);
  for (const uint32_t *end = at + count; at < end; at++) {
    low += *at;
    high += low;
  }
  return (uint64_t)high << 32 | low;
}

__attribute__((noinline)) static int valid(const uint64_t *log,
                                           unsigned count) {
  return log[0] == sum((const uint32_t *)(log + 1), 2 * count, 0);
}

static uint64_t all_of(const uint64_t *log, unsigned count) {
  uint64_t state = 1;
  for (unsigned i = 1; i <= count; i++)
    state = mix(state, log[i]);
  return state;
}

uint64_t recovery(uint64_t *log, uint64_t seed) {
  unsigned count = words(seed);
  switch (seed % 9) {
  case 0: /* what is read of a log that is not valid */
    return valid(log, count) ? all_of(log, count) : log[1 + seed % count];
  case 1: /* nothing is */
    return valid(log, count) ? all_of(log, count) : 0;
  case 2: /* asked twice */
    return (uint64_t)valid(log, count) << 1 | (uint64_t)valid(log, count);
  case 3: /* another sum, of some of the words */
    if (!valid(log, count))
      return sum((const uint32_t *)(log + 2), 4, 7) == log[4] ? 2 : 3;
    return all_of(log, count);
  case 4: /* the sum itself */
    return sum((const uint32_t *)log, 8, seed);
  case 5: /* with a word that was overwritten */
    log[1 + seed % count] = 5;
    return valid(log, count) ? 1 : 2 + log[count] % 2;
  case 6: /* one half of it */
    return (uint32_t)log[0] == (uint32_t)sum((const uint32_t *)(log + 1), 6, 0);
  case 7: /* a word is read before */
    return log[2] == 0 ? 7 : (uint64_t)valid(log, count);
  default: /* and overwritten between two times */
    if (valid(log, count))
      return 1;
    log[2] = 0;
    return valid(log, count) ? 2 : 3;
  }
}
#endif

#if !defined(PART) || PART == 1
static void program(uint64_t *log, uint64_t seed) {
  uint64_t entry[WORDS_MAX] = {0};
  unsigned count = words(seed);
  for (unsigned i = 1; i <= count; i++)
    entry[i] = mix(seed, i) % 3;
  memcpy(log, entry, sizeof entry);
  pm_persist(log, sizeof entry);
  for (unsigned i = 1; i <= count; i++) {
    uint64_t dice = mix(seed, i + 100);
    /* Small numbers give sums that match by chance. */
    entry[i] = seed < 100 && dice % 4 != 0 ? (dice >> 8) % 3 : dice | 4;
  }
  entry[0] = sum((const uint32_t *)(entry + 1), 2 * count, 0);
  memcpy(log, entry, (count + 1) * sizeof *entry);
  pm_flush(log, sizeof entry);
  pm_fence();
}

int main(int argc, char **argv) {
  uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
  uint64_t *log = (uint64_t *)pm_map(argv[2]) + 3;

  if (strcmp(argv[1], "run") == 0) {
    program(log, seed);
    return 0;
  }
  char line[32];
  int size = snprintf(line, sizeof line, "%016llx\n",
                      (unsigned long long)recovery(log, seed));
  int fd = open(argv[4], O_WRONLY | O_APPEND);
  return fd < 0 || write(fd, line, (size_t)size) != size;
}
#endif
