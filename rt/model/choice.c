/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/choice.h"

#include "rt/base/assert.h"

#include <stddef.h>

static void known_add(struct fpost_known *known, fpost_bytes bytes,
                      const uint8_t content[64]) {
  for (fpost_bytes left = bytes; left != 0; left &= left - 1) {
    int i = __builtin_ctzll(left);
    known->content[i] = content[i];
  }
  known->fixed |= bytes;
}

void fpost_choice_apply(const struct fpost_choice *choice,
                        struct fpost_lazy *lazy) {
  FPOST_ASSERT(choice->read != 0);
  known_add(&lazy->known, choice->read, choice->value);
  lazy->ahead |= choice->read;
}

void fpost_choice_store(struct fpost_lazy *lazy, fpost_bytes written) {
  lazy->stored |= written;
  lazy->ahead &= ~written;
}

/* The bytes of the lowest word that has any of `bytes`. */
static fpost_bytes first_word(fpost_bytes bytes) {
  int word = __builtin_ctzll(bytes) / 8;
  return bytes & (UINT64_C(0xff) << (8 * word));
}

/*
 * How many of `bytes` to decide at once: all, else a word, else a byte, so that
 * the values fit. A byte has at most 256. The result does not depend on the
 * grain: the same leaves are reached by more, smaller choices.
 */
static fpost_bytes decide(const struct fpost_unit *unit,
                          const struct fpost_step *steps,
                          const struct fpost_known *known, fpost_bytes bytes,
                          uint8_t (*values)[64], uint32_t *count) {
  if (fpost_unit_values(unit, steps, known, bytes, values,
                        FPOST_CHOICE_VALUES_MAX, count) == FPOST_OK) {
    return bytes;
  }
  bytes = first_word(bytes);
  if (fpost_unit_values(unit, steps, known, bytes, values,
                        FPOST_CHOICE_VALUES_MAX, count) == FPOST_OK) {
    return bytes;
  }
  bytes &= ~bytes + 1;
  int err = fpost_unit_values(unit, steps, known, bytes, values,
                              FPOST_CHOICE_VALUES_MAX, count);
  FPOST_ASSERT(err == FPOST_OK);
  return bytes;
}

/* Everything persisted, or nothing more, as far as earlier reads allow. */
static void decide_end(const struct fpost_unit *unit,
                       const struct fpost_step *steps, struct fpost_lazy *lazy,
                       fpost_bytes bytes, bool last) {
  uint8_t content[64] = {0};
  fpost_unit_at(unit, steps,
                last ? fpost_unit_last_cut(unit, steps, &lazy->known)
                     : fpost_unit_first_cut(unit, steps, &lazy->known),
                content);
  known_add(&lazy->known, bytes, content);
}

int fpost_choice_read(const struct fpost_unit *unit,
                      const struct fpost_step *steps, uint32_t index,
                      struct fpost_lazy *lazy, fpost_bytes read,
                      enum fpost_choice_rule rule, uint64_t pc,
                      struct fpost_choice_list *list, uint8_t (*values)[64],
                      fpost_bytes *fresh) {
  *fresh = lazy->ahead & (read | ~lazy->joint);
  lazy->ahead &= ~*fresh;
  fpost_bytes open = read & unit->touched & ~lazy->known.fixed & ~lazy->stored;
  while (open != 0) {
    if (rule == FPOST_CHOICE_LAST || rule == FPOST_CHOICE_BASE) {
      decide_end(unit, steps, lazy, open, rule == FPOST_CHOICE_LAST);
      *fresh |= open;
      return FPOST_OK;
    }
    uint32_t count = 0;
    fpost_bytes bytes = decide(unit, steps, &lazy->known, open, values, &count);
    FPOST_ASSERT(count != 0);
    if (count > 1) {
      if (list->count == list->max) {
        return FPOST_ENOMEM;
      }
      struct fpost_choice *choice = &list->choices[list->count];
      *choice = (struct fpost_choice){
          .unit = index, .count = count, .read = bytes, .pc = pc};
      __builtin_memcpy(choice->value, values[0], 64);
      list->count++;
    }
    known_add(&lazy->known, bytes, values[0]);
    *fresh |= bytes;
    open &= ~bytes;
  }
  return FPOST_OK;
}

void fpost_choice_known(const struct fpost_choice *choices, uint32_t count,
                        uint32_t index, struct fpost_known *known) {
  *known = (struct fpost_known){0};
  for (uint32_t i = 0; i < count; i++) {
    if (choices[i].unit == index) {
      known_add(known, choices[i].read, choices[i].value);
    }
  }
}

/* The test that the varied choice stands for passes: all its words are known.
   Without room for them it is found out word by word. */
static void add_facts(struct fpost_choice_list *list,
                      const struct fpost_joint *test) {
  if (test->opened != 0 || test->count > list->max - list->count) {
    return;
  }
  for (uint32_t i = 0; i < test->count; i++) {
    list->choices[list->count++] = list->joints.facts[test->first + i];
  }
}

bool fpost_choice_next(struct fpost_choice_list *list, uint32_t fixed,
                       const struct fpost_unit *units,
                       const struct fpost_step *steps, uint8_t (*values)[64]) {
  uint32_t at = list->count;
  while (at > fixed &&
         list->choices[at - 1].alternative + 1 >= list->choices[at - 1].count) {
    at--;
  }
  if (at <= fixed) {
    return false;
  }
  struct fpost_choice *choice = &list->choices[at - 1];
  struct fpost_known known;
  fpost_choice_known(list->choices, at - 1, choice->unit, &known);
  uint32_t count = 0;
  int err = fpost_unit_values(&units[choice->unit], steps, &known, choice->read,
                              values, FPOST_CHOICE_VALUES_MAX, &count);
  FPOST_ASSERT(err == FPOST_OK);
  FPOST_ASSERT(count == choice->count);
  const struct fpost_joint *test =
      choice->joint == 0 ? NULL : &list->joints.tests[choice->joint - 1];
  choice->alternative++;
  uint32_t value = test != NULL && test->flipped != 0
                       ? choice->count - 1 - choice->alternative
                       : choice->alternative;
  __builtin_memcpy(choice->value, values[value], 64);
  list->count = at;
  list->varied = at - 1;
  if (test != NULL) {
    add_facts(list, test);
  }
  return true;
}
