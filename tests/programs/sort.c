/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 *   sort COUNT     sorts COUNT random integers in volatile memory, by merging:
 *                  a program that has nothing to do with PM
 */
#include "stopwatch.h"

#include <stdint.h>
#include <stdlib.h>

/* Runs of this length are sorted by insertion. */
#define RUN_LENGTH 16u

static void sort_run(int32_t *values, size_t count) {
  for (size_t i = 1; i < count; i++) {
    int32_t value = values[i];
    size_t at = i;
    for (; at > 0 && values[at - 1] > value; at--) {
      values[at] = values[at - 1];
    }
    values[at] = value;
  }
}

/* Merges a[0, split) and a[split, count) into b. */
static void merge(const int32_t *a, size_t split, size_t count, int32_t *b) {
  size_t left = 0;
  size_t right = split;
  for (size_t i = 0; i < count; i++) {
    if (left < split && (right == count || a[left] <= a[right])) {
      b[i] = a[left++];
    } else {
      b[i] = a[right++];
    }
  }
}

/* Returns the one of the two arrays that holds the sorted values. */
static int32_t *sort(int32_t *values, int32_t *other, size_t count) {
  for (size_t at = 0; at < count; at += RUN_LENGTH) {
    sort_run(&values[at], count - at < RUN_LENGTH ? count - at : RUN_LENGTH);
  }
  for (size_t length = RUN_LENGTH; length < count; length *= 2) {
    for (size_t at = 0; at < count; at += 2 * length) {
      size_t all = count - at < 2 * length ? count - at : 2 * length;
      merge(&values[at], all < length ? all : length, all, &other[at]);
    }
    int32_t *swap = values;
    values = other;
    other = swap;
  }
  return values;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: sort COUNT\n", stderr);
    return 2;
  }
  size_t count = strtoull(argv[1], NULL, 10);
  int32_t *values = malloc(2 * count * sizeof(*values));
  uint64_t state = 1;
  if (values == NULL || count == 0) {
    fputs("sort: not enough memory\n", stderr);
    return 2;
  }
  for (size_t i = 0; i < 2 * count; i++) {
    values[i] = (int32_t)stopwatch_random(&state);
  }
  uint64_t start = stopwatch_now();
  const int32_t *sorted = sort(values, values + count, count);
  stopwatch_print(stopwatch_now() - start, count);
  for (size_t i = 1; i < count; i++) {
    if (sorted[i - 1] > sorted[i]) {
      fputs("sort: not sorted\n", stderr);
      return 1;
    }
  }
  free(values);
  return 0;
}
