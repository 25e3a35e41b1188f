/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Random numbers for the fuzzers: the same on every machine for a seed. */
#ifndef FPOST_TESTS_FUZZ_RANDOM_H
#define FPOST_TESTS_FUZZ_RANDOM_H

#include <stdint.h>

struct random {
  uint64_t state; /* the seed, to begin with */
};

/* 64 random bits (splitmix64). */
static inline uint64_t random_next(struct random *random) {
  random->state += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t bits = random->state;
  bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
  return bits ^ (bits >> 31);
}

/* A number below limit, which is at least 1. */
static inline uint32_t random_below(struct random *random, uint32_t limit) {
  return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

#endif /* FPOST_TESTS_FUZZ_RANDOM_H */
