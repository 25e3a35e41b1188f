/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Time and random numbers for the programs that measure themselves. */
#ifndef FPOST_TESTS_PROGRAMS_STOPWATCH_H
#define FPOST_TESTS_PROGRAMS_STOPWATCH_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

/*
 * Nanoseconds of processor time that this process has used: what others do on
 * the machine matters less than to the time of day.
 */
static inline uint64_t stopwatch_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since some moment, for who waits for other processes. */
static inline uint64_t stopwatch_wall(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Prints "ns_per_event X": what bench/run reads. */
static inline void stopwatch_print(uint64_t spent, uint64_t events) {
  printf("ns_per_event %.3f\n", (double)spent / (double)events);
}

/* The next of a sequence of random numbers. */
static inline uint64_t stopwatch_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

#endif /* FPOST_TESTS_PROGRAMS_STOPWATCH_H */
