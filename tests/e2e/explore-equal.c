/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %python %S/Inputs/explore.py equal %fencepost %t %t.dir 8 | FileCheck %s
 * RUN: %fencepost-clang -g -O1 %s -c -o %t.o -DPART=1
 * RUN: %clang -g -O1 %s -c -o %t.plain.o -DPART=2
 * RUN: %fencepost-clang -g %t.o %t.plain.o -o %t
 * RUN: %python %S/Inputs/explore.py equal %fencepost %t %t.dir 8 | FileCheck %s
 * RUN: %fencepost-clang -g -O1 %s -o %t -DSMALL
 * RUN: %python %S/Inputs/explore.py equal %fencepost %t %t.dir 14 --depth 2 | FileCheck %s
 *
 * Intent: random programs and random recoveries show the same outcomes when
 * they are explored lazily as on every single image; with loads that have
 * hooks, and with loads that have none and are caught by page protection; and
 * when recovery itself is crashed.
 *
 * CHECK: equal for {{8|14}} programs
 */
#include "Inputs/pm.h"

#ifdef SMALL
#define LINES 2
#define EVENTS 7
#define READS 5
#else
#define LINES 5
#define EVENTS 14
#define READS 8
#endif
#define BYTES (LINES * 64)

uint64_t mix(uint64_t a, uint64_t b);
uint64_t recovery(volatile uint8_t *pm, uint64_t seed);

#if !defined(PART) || PART == 2
uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = (a ^ b) * 0x9e3779b97f4a7c15u;
  return (z ^ z >> 29) * 0xbf58476d1ce4e5b9u;
}

/* Reads of all sizes; what is read decides what is done next. */
uint64_t recovery(volatile uint8_t *pm, uint64_t seed) {
  uint64_t state = mix(seed, 17);
  for (int i = 0; i < READS; i++) {
    uint64_t dice = mix(state, (uint64_t)i);
    volatile uint8_t *at = pm + (dice >> 8) % (BYTES - 8);
    uint8_t copy[40];
    switch (dice % 7) {
    case 0:
      state = mix(state, *at);
      break;
    case 1:
      state = mix(state, *(volatile uint16_t *)at);
      break;
    case 2:
      state = mix(state, *(volatile uint32_t *)at);
      break;
    case 3:
      state = mix(state, *(volatile uint64_t *)at);
      break;
    case 4:
      *(volatile uint32_t *)at = (uint32_t)(dice >> 40) % 3;
#ifdef SMALL
      if (dice >> 50 & 1)
        pm_persist((const void *)at, 4);
#endif
      break;
    case 5:
      at = pm + (dice >> 8) % (BYTES - sizeof copy);
      memcpy(copy, (const void *)at, sizeof copy);
      for (unsigned j = 0; j < sizeof copy; j++)
        state = mix(state, copy[j]);
      break;
    default:
      at = pm + (dice >> 8) % BYTES / 8 * 8;
      state =
          mix(state, __atomic_fetch_add((uint64_t *)at, 1, __ATOMIC_SEQ_CST));
      break;
    }
  }
  return state;
}
#endif

#if !defined(PART) || PART == 1
static void program(uint8_t *pm, uint64_t seed) {
  for (unsigned i = 0; i < EVENTS; i++) {
    uint64_t dice = mix(seed, i);
    uint8_t *at = pm + (dice >> 8) % (BYTES - 16);
    switch (dice % 6) {
    case 0:
      *at = (uint8_t)(1 + (dice >> 32) % 2);
      break;
    case 1:
      *(uint64_t *)((uintptr_t)at & ~7ul) = dice >> 40 & 0x0101;
      break;
    case 2:
      memset(at, (int)(dice >> 33 & 1), 12);
      break;
    case 3:
      pm_flush(at, 1);
      break;
    case 4:
      pm_flush(pm, BYTES);
      pm_fence();
      break;
    default:
      pm_persist(at, 1);
      break;
    }
  }
}

int main(int argc, char **argv) {
  uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
  uint8_t *pm = pm_map(argv[2]);

  if (strcmp(argv[1], "run") == 0) {
    program(pm, seed);
    return 0;
  }
  char line[32];
  int size = snprintf(line, sizeof line, "%016llx\n",
                      (unsigned long long)recovery(pm, seed));
  int fd = open(argv[4], O_WRONLY | O_APPEND);
  return fd < 0 || write(fd, line, (size_t)size) != size;
}
#endif
