/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A walk over the steps of a unit, keeping the content before the current step
 * as eight words. Pieces of a step lie in different words, so each piece may be
 * present or absent independently of the others: which of the two agree with
 * the earlier reads is found out piece by piece, and only pieces that change
 * bytes of the read are ever combined.
 */
#include "rt/model/crash.h"

#include "rt/base/assert.h"

#include <stddef.h>

#define WORDS 8u

/* A line as words: byte k of the word is bits 8k to 8k + 7 (x86 is little
 * endian).
 */
struct words {
  uint64_t word[WORDS];
};

/* One piece of a step: the words it covers are 1, or 8 if the step is whole. */
struct pieces {
  uint32_t count;
  uint32_t may_lack; /* bit per piece: its absence agrees with what is known */
  uint32_t may_have; /* bit per piece: its presence does */
  uint32_t differ;   /* bit per piece: it changes bytes of the read */
  uint8_t word[WORDS];
};

static void words_load(struct words *words, const uint8_t bytes[64]) {
  __builtin_memcpy(words->word, bytes, sizeof(words->word));
}

/* The bytes of a set that lie in a word, as a mask over the word's bits. */
static uint64_t word_mask(fpost_bytes bytes, uint32_t word) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t set = (bytes >> (word * 8)) & 0xff;
  uint64_t bits = (set * ones) & UINT64_C(0x8040201008040201);
  uint64_t high = bits | ((bits & (ones * 0x7f)) + ones * 0x7f);
  return ((high >> 7) & ones) * 0xff;
}

/* The first word of a set of bytes, which is taken out of it. */
static uint32_t word_first(fpost_bytes *bytes) {
  uint32_t word = (uint32_t)__builtin_ctzll(*bytes) / 8;
  *bytes &= ~(UINT64_C(0xff) << (word * 8));
  return word;
}

static uint64_t word_merge(uint64_t old, uint64_t set, uint64_t mask) {
  return (old & ~mask) | (set & mask);
}

static void unit_check(const struct fpost_unit *unit) {
  FPOST_ASSERT(unit->all != 0);
  FPOST_ASSERT((unit->touched & ~unit->all) == 0);
}

uint32_t fpost_step_pieces(const struct fpost_step *step) {
  FPOST_ASSERT(step->written != 0);
  if (step->whole != 0) {
    return 1;
  }
  uint32_t count = 0;
  for (fpost_bytes left = step->written; left != 0; count++) {
    (void)word_first(&left);
  }
  return count;
}

static void words_apply_step(struct words *words,
                             const struct fpost_step *step) {
  struct words content;
  words_load(&content, step->content);
  for (fpost_bytes left = step->written; left != 0;) {
    uint32_t w = word_first(&left);
    words->word[w] = word_merge(words->word[w], content.word[w],
                                word_mask(step->written, w));
  }
}

/* Apply the pieces of step whose bits are in set. */
static void words_apply_pieces(struct words *words,
                               const struct fpost_step *step,
                               const struct pieces *pieces, uint32_t set) {
  if (step->whole != 0) {
    if (set != 0) {
      words_apply_step(words, step);
    }
    return;
  }
  struct words content;
  words_load(&content, step->content);
  for (uint32_t p = 0; p < pieces->count; p++) {
    if ((set >> p & 1) != 0) {
      uint32_t w = pieces->word[p];
      words->word[w] = word_merge(words->word[w], content.word[w],
                                  word_mask(step->written, w));
    }
  }
}

/* Do the bytes in mask of the line agree with what is known? */
static bool words_agree(const struct words *words, const struct words *known,
                        fpost_bytes fixed) {
  uint64_t wrong = 0;
  for (fpost_bytes left = fixed; left != 0;) {
    uint32_t w = word_first(&left);
    wrong |= (words->word[w] ^ known->word[w]) & word_mask(fixed, w);
  }
  return wrong == 0;
}

/*
 * Find out about each piece of step, with `before` the content without it.
 * Returns false if no subset of the pieces agrees with what is known.
 */
static bool step_look(const struct fpost_step *step, const struct words *before,
                      const struct words *known, fpost_bytes fixed,
                      fpost_bytes read, struct pieces *pieces) {
  struct words content;
  words_load(&content, step->content);
  *pieces = (struct pieces){.count = 0};
  if (!words_agree(before, known, fixed & ~step->written)) {
    return false;
  }
  uint64_t lack_wrong = 0;
  uint64_t have_wrong = 0;
  uint64_t changed = 0;
  for (fpost_bytes left = step->written; left != 0;) {
    uint32_t w = word_first(&left);
    fpost_bytes in_word = step->written & UINT64_C(0xff) << (w * 8);
    uint64_t fixed_mask = word_mask(in_word & fixed, w);
    lack_wrong |= (before->word[w] ^ known->word[w]) & fixed_mask;
    have_wrong |= (content.word[w] ^ known->word[w]) & fixed_mask;
    changed |=
        (before->word[w] ^ content.word[w]) & word_mask(in_word & read, w);
    if (step->whole == 0) {
      uint32_t bit = 1u << pieces->count;
      pieces->may_lack |= lack_wrong == 0 ? bit : 0;
      pieces->may_have |= have_wrong == 0 ? bit : 0;
      pieces->differ |= changed != 0 ? bit : 0;
      pieces->word[pieces->count++] = (uint8_t)w;
      lack_wrong = have_wrong = changed = 0;
    }
  }
  if (step->whole != 0) {
    pieces->count = 1;
    pieces->may_lack = lack_wrong == 0;
    pieces->may_have = have_wrong == 0;
    pieces->differ = changed != 0;
  }
  return (pieces->may_lack | pieces->may_have) == (1u << pieces->count) - 1;
}

uint64_t fpost_unit_cuts(const struct fpost_unit *unit,
                         const struct fpost_step *steps) {
  unit_check(unit);
  uint64_t cuts = 1;
  for (uint32_t i = 0; i < unit->steps_count; i++) {
    /* At most 255 a step and 2^32 steps: no overflow. */
    cuts += (1u << fpost_step_pieces(&steps[unit->steps_first + i])) - 1;
  }
  return cuts;
}

/* Copy the bytes in set of words to out. */
static void words_store(const struct words *words, fpost_bytes set,
                        uint8_t out[64]) {
  struct words merged;
  words_load(&merged, out);
  for (uint32_t w = 0; w < WORDS; w++) {
    merged.word[w] =
        word_merge(merged.word[w], words->word[w], word_mask(set, w));
  }
  __builtin_memcpy(out, merged.word, sizeof(merged.word));
}

void fpost_unit_at(const struct fpost_unit *unit,
                   const struct fpost_step *steps, uint64_t cut,
                   uint8_t out[64]) {
  unit_check(unit);
  struct words words;
  words_load(&words, unit->base);
  uint64_t left = cut;
  for (uint32_t i = 0; i < unit->steps_count && left != 0; i++) {
    const struct fpost_step *step = &steps[unit->steps_first + i];
    uint64_t cuts = (1u << fpost_step_pieces(step)) - 1;
    if (left >= cuts) {
      words_apply_step(&words, step);
      left -= cuts;
      continue;
    }
    struct pieces pieces;
    (void)step_look(step, &words, &words, 0, 0, &pieces);
    words_apply_pieces(&words, step, &pieces, (uint32_t)left);
    left = 0;
  }
  FPOST_ASSERT(left == 0);
  words_store(&words, unit->all, out);
}

/* The values found so far. */
struct found {
  uint8_t (*values)[64];
  uint32_t max;
  uint32_t count;
  struct words read; /* masks */
};

/* Add the read bytes of words, unless they are there. Returns false if full. */
static bool found_add(struct found *found, const struct words *words) {
  struct words value;
  for (uint32_t w = 0; w < WORDS; w++) {
    value.word[w] = words->word[w] & found->read.word[w];
  }
  /* The latest first: a read that no step touches repeats it. */
  for (uint32_t i = found->count; i-- > 0;) {
    struct words old;
    words_load(&old, found->values[i]);
    uint64_t differ = 0;
    for (uint32_t w = 0; w < WORDS; w++) {
      differ |= old.word[w] ^ value.word[w];
    }
    if (differ == 0) {
      return true;
    }
  }
  if (found->count == found->max) {
    return false;
  }
  __builtin_memcpy(found->values[found->count++], value.word,
                   sizeof(value.word));
  return true;
}

/*
 * Add every value that subsets of the step's pieces give. Pieces that do not
 * change what is read are left out if they may be: that gives the first cut.
 * Counting up through the others visits their subsets in the order of the cuts,
 * from the empty one: the last cut before the step.
 */
static bool found_add_step(struct found *found, const struct fpost_step *step,
                           const struct words *before,
                           const struct pieces *pieces) {
  uint32_t forced = ~pieces->may_lack & ((1u << pieces->count) - 1);
  uint32_t free = pieces->differ & pieces->may_lack & pieces->may_have;
  uint32_t chosen = 0;
  do {
    struct words words = *before;
    words_apply_pieces(&words, step, pieces, chosen | forced);
    if (!found_add(found, &words)) {
      return false;
    }
    chosen = (chosen - free) & free;
  } while (chosen != 0);
  return true;
}

int fpost_unit_values(const struct fpost_unit *unit,
                      const struct fpost_step *steps,
                      const struct fpost_known *known, fpost_bytes read,
                      uint8_t (*values)[64], uint32_t max, uint32_t *count) {
  unit_check(unit);
  read &= unit->all;
  struct found found = {.values = values, .max = max, .count = 0};
  for (uint32_t w = 0; w < WORDS; w++) {
    found.read.word[w] = word_mask(read, w);
  }
  struct words before;
  struct words wanted;
  fpost_bytes fixed = known->fixed & unit->all;
  words_load(&before, unit->base);
  words_load(&wanted, known->content);
  /* The base; with steps, the first of them finds it again without its pieces.
   */
  bool room =
      !words_agree(&before, &wanted, fixed) || found_add(&found, &before);
  for (uint32_t i = 0; i < unit->steps_count && room; i++) {
    const struct fpost_step *step = &steps[unit->steps_first + i];
    struct pieces pieces;
    if (step_look(step, &before, &wanted, fixed, read, &pieces)) {
      room = found_add_step(&found, step, &before, &pieces);
    }
    words_apply_step(&before, step);
  }
  *count = found.count;
  return room ? FPOST_OK : FPOST_ENOMEM;
}

/* The first or the last cut that agrees with what is known. */
static uint64_t unit_cut(const struct fpost_unit *unit,
                         const struct fpost_step *steps,
                         const struct fpost_known *known, bool last) {
  unit_check(unit);
  struct words before;
  struct words wanted;
  fpost_bytes fixed = known->fixed & unit->all;
  words_load(&before, unit->base);
  words_load(&wanted, known->content);
  bool found = words_agree(&before, &wanted, fixed);
  uint64_t cut = 0;
  uint64_t first = 0; /* the cut before those of the step */
  for (uint32_t i = 0; i < unit->steps_count && (last || !found); i++) {
    const struct fpost_step *step = &steps[unit->steps_first + i];
    struct pieces pieces;
    if (step_look(step, &before, &wanted, fixed, 0, &pieces)) {
      uint32_t all = (1u << pieces.count) - 1;
      cut = first + (last ? pieces.may_have : ~pieces.may_lack & all);
      found = true;
    }
    first += (1u << fpost_step_pieces(step)) - 1;
    words_apply_step(&before, step);
  }
  FPOST_ASSERT(found);
  return cut;
}

uint64_t fpost_unit_first_cut(const struct fpost_unit *unit,
                              const struct fpost_step *steps,
                              const struct fpost_known *known) {
  return unit_cut(unit, steps, known, false);
}

uint64_t fpost_unit_last_cut(const struct fpost_unit *unit,
                             const struct fpost_step *steps,
                             const struct fpost_known *known) {
  return unit_cut(unit, steps, known, true);
}
