/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What does instrumentation cost a program that compresses, and has no PM?
 *
 *   bench_compress MIB     compresses and decompresses MIB mebibytes of made-up
 *                          text; prints the time per byte
 *
 * Built together with the sources of zstd, where the machine has them.
 */
#include "tests/programs/stopwatch.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LEVEL 3

/* Words of a small vocabulary, the short ones more often. */
static void text_fill(char *text, size_t size) {
  uint64_t state = 1;
  for (size_t at = 0; at < size;) {
    uint64_t dice = stopwatch_random(&state);
    size_t word = (dice & 0xff) * (dice >> 8 & 0xf);
    for (size_t i = 0; i < 2 + word % 9 && at < size; i++) {
      text[at++] = (char)('a' + (word * 31 + i * 7) % 26);
    }
    if (at < size) {
      text[at++] = dice >> 60 == 0 ? '\n' : ' ';
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: bench_compress MIB\n", stderr);
    return 2;
  }
  size_t size = (size_t)strtoull(argv[1], NULL, 10) << 20;
  size_t bound = ZSTD_compressBound(size);
  char *text = malloc(size);
  char *packed = malloc(bound);
  char *again = malloc(size);
  if (text == NULL || packed == NULL || again == NULL) {
    fputs("bench_compress: not enough memory\n", stderr);
    return 2;
  }
  text_fill(text, size);
  uint64_t start = stopwatch_now();
  size_t packed_size = ZSTD_compress(packed, bound, text, size, LEVEL);
  size_t again_size = ZSTD_isError(packed_size)
                          ? 0
                          : ZSTD_decompress(again, size, packed, packed_size);
  stopwatch_print(stopwatch_now() - start, size);
  int same = again_size == size && memcmp(text, again, size) == 0;
  free(text);
  free(packed);
  free(again);
  if (!same) {
    fputs("bench_compress: not the same text\n", stderr);
    return 1;
  }
  return 0;
}
