/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Many lines outstanding over many fences: does the cost of an event grow?
 *
 *   outstanding still LINES EVENTS POOL    LINES lines are stored to and left
 *           alone, while EVENTS others are stored, flushed and fenced
 *   outstanding moving LINES EVENTS POOL   a line is flushed only when LINES
 * later ones have been stored to: the outstanding lines change all the time
 *
 * Prints the time of one store, flush and fence.
 */
#include "stopwatch.h"

#include <libpmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINE_WORDS 8u
#define LINES_BUSY 100u

static void persist_words(uint64_t *words, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    pmem_flush(&words[i * LINE_WORDS], 64);
  }
  pmem_drain();
}

static void run_still(uint64_t *words, uint64_t lines, uint64_t events) {
  uint64_t *busy = &words[lines * LINE_WORDS];
  for (uint64_t i = 0; i < lines; i++) {
    words[i * LINE_WORDS] = 1;
  }
  uint64_t start = stopwatch_now();
  for (uint64_t i = 0; i < events; i++) {
    uint64_t *word = &busy[(i % LINES_BUSY) * LINE_WORDS];
    *word = i;
    pmem_persist(word, sizeof(*word));
  }
  stopwatch_print(stopwatch_now() - start, events);
}

static void run_moving(uint64_t *words, uint64_t lines, uint64_t events) {
  uint64_t ring = lines + LINES_BUSY;
  /* Twice: the first round pays for page faults. */
  for (int round = 0; round < 2; round++) {
    uint64_t store = lines;
    uint64_t flush = 0;
    for (uint64_t i = 0; i < lines; i++) {
      words[i * LINE_WORDS] = 1;
    }
    uint64_t start = stopwatch_now();
    for (uint64_t i = 0; i < events; i++) {
      words[store * LINE_WORDS] = i;
      pmem_persist(&words[flush * LINE_WORDS], sizeof(*words));
      store = store + 1 == ring ? 0 : store + 1;
      flush = flush + 1 == ring ? 0 : flush + 1;
    }
    if (round == 1) {
      stopwatch_print(stopwatch_now() - start, events);
    }
    persist_words(words, ring);
  }
}

int main(int argc, char **argv) {
  bool moving = argc == 5 && strcmp(argv[1], "moving") == 0;
  if (!moving && !(argc == 5 && strcmp(argv[1], "still") == 0)) {
    fputs("usage: outstanding still|moving LINES EVENTS POOL\n", stderr);
    return 2;
  }
  uint64_t lines = strtoull(argv[2], NULL, 10);
  uint64_t events = strtoull(argv[3], NULL, 10);
  size_t size = (lines + LINES_BUSY) * 64;
  int is_pmem;
  uint64_t *words =
      pmem_map_file(argv[4], size, PMEM_FILE_CREATE, 0600, &size, &is_pmem);
  if (words == NULL || !is_pmem) {
    fprintf(stderr, "outstanding: %s: %s\n", argv[4],
            words == NULL ? pmem_errormsg() : "not PM: set PMEM_IS_PMEM_FORCE");
    return 2;
  }
  pmem_memset_persist(words, 0, size);
  (moving ? run_moving : run_still)(words, lines, events);
  persist_words(words, lines + LINES_BUSY);
  return 0;
}
