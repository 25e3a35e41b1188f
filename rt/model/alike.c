/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/alike.h"

#include "rt/base/assert.h"

#include <stddef.h>

static uint64_t mix(uint64_t hash, uint64_t number) {
  uint64_t z = (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
  return (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

/* Of what was read, not of what was found there. */
static uint64_t hash_of(uint64_t outcome,
                        const struct fpost_choice_list *list) {
  uint64_t hash = mix(1, outcome);
  for (uint32_t i = 0; i < list->count; i++) {
    hash = mix(mix(hash, list->choices[i].unit), list->choices[i].read);
  }
  return hash;
}

/* Null: there is no room for another one. */
static struct fpost_alike *find(struct fpost_alikes *alikes, uint64_t hash) {
  for (uint32_t i = 0; i < alikes->used; i++) {
    if (alikes->seen[i].hash == hash) {
      return &alikes->seen[i];
    }
  }
  if (alikes->used == FPOST_ALIKE_MAX) {
    return NULL;
  }
  struct fpost_alike *fresh = &alikes->seen[alikes->used++];
  *fresh = (struct fpost_alike){.hash = hash, .from = UINT32_MAX};
  return fresh;
}

void fpost_alike_varied(struct fpost_alikes *alikes, uint32_t varied) {
  for (uint32_t i = 0; i < alikes->used; i++) {
    if (varied < alikes->seen[i].from) {
      alikes->seen[i].from = varied;
    }
  }
}

/* Let the choice take the last value that those before it leave. */
static void choose_last(struct fpost_choice_list *list, uint32_t index,
                        const struct fpost_unit *units,
                        const struct fpost_step *steps, uint8_t (*values)[64]) {
  struct fpost_choice *choice = &list->choices[index];
  struct fpost_known known;
  uint32_t count = 0;
  fpost_choice_known(list->choices, index, choice->unit, &known);
  int err = fpost_unit_values(&units[choice->unit], steps, &known, choice->read,
                              values, FPOST_CHOICE_VALUES_MAX, &count);
  FPOST_ASSERT(err == FPOST_OK);
  FPOST_ASSERT(count != 0);
  choice->count = count;
  choice->alternative = count - 1;
  choice->joint = 0;
  __builtin_memcpy(choice->value, values[count - 1], 64);
}

bool fpost_alike_ended(struct fpost_alikes *alikes, uint64_t outcome,
                       uint32_t most, struct fpost_choice_list *list,
                       const struct fpost_unit *units,
                       const struct fpost_step *steps, uint8_t (*values)[64]) {
  struct fpost_alike *alike = find(alikes, hash_of(outcome, list));
  if (alike == NULL || ++alike->runs < most) {
    return false;
  }
  uint32_t from = alike->from;
  bool left = false;
  for (uint32_t i = from; i < list->count; i++) {
    left = left || list->choices[i].alternative + 1 < list->choices[i].count;
  }
  if (!left) {
    return false;
  }
  for (uint32_t i = from; i < list->count; i++) {
    choose_last(list, i, units, steps, values);
  }
  list->varied = from;
  alikes->stopped++;
  return true;
}
