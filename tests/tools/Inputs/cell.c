/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * cell POOL WORD...: a file of two pages, mapped; each WORD is done in turn:
 *   good           store, flush, fence
 *   noflush nofence twice  a store without flush; without fence; flushed twice
 *   exit3 abort sleep      ends so; sleeps until it is killed
 */
#include <fcntl.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *cells;

__attribute__((noinline)) static void good(void) {
  cells[0]++;
  _mm_clflushopt(&cells[0]);
  _mm_sfence();
}

__attribute__((noinline)) static void noflush(void) {
  cells[8] = 1;
}

__attribute__((noinline)) static void nofence(void) {
  cells[16] = 1;
  _mm_clflushopt(&cells[16]);
}

__attribute__((noinline)) static void twice(void) {
  cells[24] = 1;
  _mm_clflushopt(&cells[24]);
  _mm_clflushopt(&cells[24]);
  _mm_sfence();
}

static void word_do(const char *word) {
  if (strcmp(word, "good") == 0) {
    good();
  } else if (strcmp(word, "noflush") == 0) {
    noflush();
  } else if (strcmp(word, "nofence") == 0) {
    nofence();
  } else if (strcmp(word, "twice") == 0) {
    twice();
  } else if (strcmp(word, "exit3") == 0) {
    exit(3);
  } else if (strcmp(word, "abort") == 0) {
    abort();
  } else if (strcmp(word, "sleep") == 0) {
    puts("ready");
    fflush(stdout);
    for (;;) {
      pause();
    }
  }
}

int main(int argc, char **argv) {
  int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 8192) != 0) {
    return 2;
  }
  cells = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (cells == MAP_FAILED) {
    return 2;
  }
  for (int i = 2; i < argc; i++) {
    word_do(argv[i]);
  }
  return 0;
}
