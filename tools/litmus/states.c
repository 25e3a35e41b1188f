/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/litmus/litmus.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_SIZE (FPOST_LITMUS_LOCATIONS_MAX * sizeof(uint32_t))

int fpost_litmus_values_compare(const uint32_t *left, const uint32_t *right) {
  for (uint32_t i = 0; i < FPOST_LITMUS_LOCATIONS_MAX; i++) {
    if (left[i] != right[i]) {
      return left[i] < right[i] ? -1 : 1;
    }
  }
  return 0;
}

static int values_compare(const void *left, const void *right) {
  return fpost_litmus_values_compare(left, right);
}

void fpost_litmus_states_sort(struct fpost_litmus_states *states) {
  if (states->count == 0) {
    return;
  }
  qsort(states->values, states->count, VALUES_SIZE, values_compare);
  size_t kept = 1;
  for (size_t i = 1; i < states->count; i++) {
    if (memcmp(states->values[i], states->values[kept - 1], VALUES_SIZE) != 0) {
      memmove(states->values[kept++], states->values[i], VALUES_SIZE);
    }
  }
  states->count = kept;
}

int fpost_litmus_states_add(struct fpost_litmus_states *states,
                            const uint32_t values[FPOST_LITMUS_LOCATIONS_MAX]) {
  if (states->count == states->max) {
    /* Most are duplicates: grow only if dropping them frees less than half. */
    fpost_litmus_states_sort(states);
    if (states->count >= states->max / 2) {
      size_t max = states->max == 0 ? 256 : 2 * states->max;
      void *grown = realloc(states->values, max * VALUES_SIZE);
      if (grown == NULL) {
        return FPOST_ENOMEM;
      }
      states->values = grown;
      states->max = max;
    }
  }
  memcpy(states->values[states->count++], values, VALUES_SIZE);
  return FPOST_OK;
}

void fpost_litmus_states_free(struct fpost_litmus_states *states) {
  free(states->values);
  *states = (struct fpost_litmus_states){.values = NULL};
}
