/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Undecided values: arithmetic, loading, deciding, and what to do when one is
 * compared for equality.
 */
#define _GNU_SOURCE
#include "rt/base/assert.h"
#include "rt/hooks/recover_taint.h"

#include <string.h>
#include <sys/mman.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_RUN_PAGE
#define WORD 8u
#define SUBSET (FPOST_WORDS_MAX / 64) /* numbers that a set of words takes */
#define PARITY 0x4u
#define ADJUST 0x10u
#define SIGN 0x80u
#define OVERFLOW 0x800u

struct fpost_taint fpost_taint;
struct fpost_word fpost_taint_words[FPOST_WORDS_MAX];
struct fpost_value fpost_taint_registers[16];
struct fpost_value fpost_taint_compared[2];
struct fpost_value fpost_taint_operand;

const int fpost_gregs[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static struct fpost_site site_of(const ucontext_t *context) {
  return (struct fpost_site){(uintptr_t)context->uc_mcontext.gregs[REG_RIP],
                             (uintptr_t)context->uc_mcontext.gregs[REG_RSP]};
}

/* ---- values ---- */

void fpost_value_fixed(struct fpost_value *value, uint64_t content) {
  for (uint32_t half = 0; half < 2; half++) {
    value->fixed[half] = (uint32_t)(content >> (32 * half));
    memset(value->terms[half], 0, fpost_taint.words_count * sizeof(uint32_t));
  }
}

void fpost_value_copy(struct fpost_value *to, const struct fpost_value *from) {
  for (uint32_t half = 0; half < 2; half++) {
    to->fixed[half] = from->fixed[half];
    memcpy(to->terms[half], from->terms[half],
           fpost_taint.words_count * sizeof(uint32_t));
  }
}

void fpost_half_clear(struct fpost_value *value, uint32_t half) {
  value->fixed[half] = 0;
  memset(value->terms[half], 0, fpost_taint.words_count * sizeof(uint32_t));
}

void fpost_half_move(struct fpost_value *value, uint32_t to, uint32_t from) {
  value->fixed[to] = value->fixed[from];
  memcpy(value->terms[to], value->terms[from],
         fpost_taint.words_count * sizeof(uint32_t));
  fpost_half_clear(value, from);
}

/* to += from * scale, in one half. */
void fpost_half_add(struct fpost_value *to, const struct fpost_value *from,
                    uint32_t half, uint32_t scale) {
  to->fixed[half] += from->fixed[half] * scale;
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    to->terms[half][i] += from->terms[half][i] * scale;
  }
}

static bool half_undecided(const struct fpost_value *value, uint32_t half) {
  uint32_t any = 0;
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    any |= value->terms[half][i];
  }
  return any != 0;
}

bool fpost_half_nothing(const struct fpost_value *value, uint32_t half) {
  return value->fixed[half] == 0 && !half_undecided(value, half);
}

static bool value_undecided(const struct fpost_value *value) {
  return half_undecided(value, 0) || half_undecided(value, 1);
}

static uint64_t value_content(const struct fpost_value *value) {
  return (uint64_t)value->fixed[1] << 32 | value->fixed[0];
}

bool fpost_is_tainted(uint32_t id) {
  return id < FPOST_NO_REGISTER && (fpost_taint.tainted >> id & 1) != 0;
}

void fpost_register_plain(uint32_t id) {
  fpost_taint.tainted &= ~(1u << id);
  fpost_taint.low &= ~(1u << id);
}

void fpost_register_get(const ucontext_t *context, uint32_t id, uint32_t width,
                        struct fpost_value *value) {
  if (fpost_is_tainted(id)) {
    fpost_value_copy(value, &fpost_taint_registers[id]);
  } else {
    fpost_value_fixed(value,
                      (uint64_t)context->uc_mcontext.gregs[fpost_gregs[id]]);
  }
  if (width == 32) {
    fpost_half_clear(value, 1);
  }
}

void fpost_register_set(ucontext_t *context, uint32_t id,
                        const struct fpost_value *value) {
  fpost_register_plain(id);
  if (value_undecided(value)) {
    fpost_value_copy(&fpost_taint_registers[id], value);
    fpost_taint.tainted |= 1u << id;
  } else {
    context->uc_mcontext.gregs[fpost_gregs[id]] = (greg_t)value_content(value);
  }
}

/* ---- pages ---- */

static void page_open(const struct fpost_mapping *mapping, uintptr_t address) {
  uintptr_t page = address & ~(uintptr_t)(PAGE - 1);
  for (uint32_t i = 0; i < fpost_taint.pages_count; i++) {
    if (fpost_taint.pages[i] == page) {
      return;
    }
  }
  fpost_page_open(mapping, page);
  if (fpost_taint.pages_count == FPOST_TAINT_PAGES) {
    fpost_page_close(fpost_taint.pages[--fpost_taint.pages_count]);
  }
  fpost_taint.pages[fpost_taint.pages_count++] = page;
}

void fpost_taint_pages_close(void) {
  while (fpost_taint.pages_count != 0) {
    fpost_page_close(fpost_taint.pages[--fpost_taint.pages_count]);
  }
}

/* ---- deciding ---- */

static void value_decide(struct fpost_value *value, uint32_t index, bool new) {
  for (uint32_t half = 0; half < 2; half++) {
    value->fixed[half] += new ? value->terms[half][index] : 0;
    value->terms[half][index] = 0;
  }
}

static void word_decided(ucontext_t *context, uint32_t index, bool new) {
  value_decide(&fpost_taint_compared[0], index, new);
  value_decide(&fpost_taint_compared[1], index, new);
  value_decide(&fpost_taint_operand, index, new);
  for (uint32_t id = 0; id < 16; id++) {
    if (!fpost_is_tainted(id)) {
      continue;
    }
    value_decide(&fpost_taint_registers[id], index, new);
    if (!value_undecided(&fpost_taint_registers[id])) {
      greg_t *at = &context->uc_mcontext.gregs[fpost_gregs[id]];
      uint64_t kept = (fpost_taint.low >> id & 1) != 0 ? 0xff : 0;
      *at = (greg_t)((value_content(&fpost_taint_registers[id]) & ~kept) |
                     ((uint64_t)*at & kept));
      fpost_register_plain(id);
    }
  }
}

/* Decide one word as if it were read now. */
void fpost_word_decide(ucontext_t *context, uint32_t index) {
  const struct fpost_word *word = &fpost_taint_words[index];
  if (fpost_run.audit) {
    word_decided(context, index, !word->old);
    return;
  }
  struct fpost_mapping *mapping = fpost_run_find(word->address);
  FPOST_ASSERT(mapping != NULL);
  page_open(mapping, word->address);
  fpost_view_read(mapping->view,
                  word->address - mapping->address + mapping->offset, WORD,
                  site_of(context));
  const struct fpost_lazy *lazy = &fpost_run.lazies[word->joint.unit];
  bool new = true;
  for (fpost_bytes left = word->joint.bytes; left != 0; left &= left - 1) {
    int i = __builtin_ctzll(left);
    new = new && lazy->known.content[i] == word->joint.contents[1][i];
  }
  word_decided(context, index, new);
}

static void value_resolve(ucontext_t *context,
                          const struct fpost_value *value) {
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    if ((value->terms[0][i] | value->terms[1][i]) != 0) {
      fpost_word_decide(context, i);
    }
  }
}

void fpost_register_resolve(ucontext_t *context, uint32_t id) {
  if (fpost_is_tainted(id)) {
    value_resolve(context, &fpost_taint_registers[id]);
  }
}

static uint64_t parity_of(uint64_t result) {
  return __builtin_parityll(result & 0xff) == 0 ? PARITY : 0;
}

/* The flags of what set them, all of it being decided. */
static uint64_t flags_of(void) {
  uint64_t mask = fpost_taint.width == 32 ? UINT32_MAX : UINT64_MAX;
  uint64_t a = value_content(&fpost_taint_compared[0]) & mask;
  uint64_t b = value_content(&fpost_taint_compared[1]) & mask;
  uint64_t top = (mask >> 1) + 1;
  uint64_t result = 0;
  uint64_t flags = 0;
  switch (fpost_taint.setter) {
  case FPOST_SET_ADD:
    result = (a + b) & mask;
    flags |= result < a ? FPOST_CARRY : 0;
    flags |= ((a ^ result) & (b ^ result) & top) != 0 ? OVERFLOW : 0;
    flags |= ((a ^ b ^ result) & 0x10) != 0 ? ADJUST : 0;
    break;
  case FPOST_SET_SHIFT_LEFT:
    result = a << 32;
    flags |= (a >> 32 & 1) != 0 ? FPOST_CARRY : 0;
    break;
  case FPOST_SET_SHIFT_RIGHT:
    result = a >> 32;
    flags |= (a >> 31 & 1) != 0 ? FPOST_CARRY : 0;
    break;
  case FPOST_SET_PLAINLY:
  case FPOST_SET_COMPARE:
    result = (a - b) & mask;
    flags |= a < b ? FPOST_CARRY : 0;
    flags |= ((a ^ b) & (a ^ result) & top) != 0 ? OVERFLOW : 0;
    flags |= ((a ^ b ^ result) & 0x10) != 0 ? ADJUST : 0;
    break;
  }
  return flags | parity_of(result) | (result == 0 ? FPOST_ZERO : 0) |
         ((result & top) != 0 ? SIGN : 0);
}

static void flags_put(ucontext_t *context, uint64_t mask, uint64_t flags) {
  greg_t *at = &context->uc_mcontext.gregs[REG_EFL];
  *at = (greg_t)(((uint64_t)*at & ~mask) | (flags & mask));
}

void fpost_flags_resolve(ucontext_t *context) {
  if (fpost_taint.setter == FPOST_SET_PLAINLY) {
    return;
  }
  value_resolve(context, &fpost_taint_compared[0]);
  value_resolve(context, &fpost_taint_compared[1]);
  flags_put(context, FPOST_STATUS, flags_of());
  fpost_taint.setter = FPOST_SET_PLAINLY;
}

/* Flags as if by `setter`; the operands are in compared. */
void fpost_flags_set(ucontext_t *context, enum fpost_setter setter,
                     uint32_t width) {
  fpost_taint.setter = setter;
  fpost_taint.width = width;
  fpost_taint.zero_known = false;
  if (!value_undecided(&fpost_taint_compared[0]) &&
      !value_undecided(&fpost_taint_compared[1])) {
    flags_put(context, FPOST_STATUS, flags_of());
    fpost_taint.setter = FPOST_SET_PLAINLY;
  }
}

/* ---- comparing ---- */

/* What is asked about the words: whether their sum is the target. */
struct test {
  uint32_t words[FPOST_WORDS_MAX]; /* indices */
  uint64_t terms[FPOST_WORDS_MAX];
  uint32_t count;
  uint64_t target;
  uint64_t hash[2];
};

static struct test test;

/* Is the word decided by now? A word of a test that has failed counts as not.
 */
static bool is_decided(const struct fpost_word *word) {
  const struct fpost_lazy *lazy = &fpost_run.lazies[word->joint.unit];
  return (lazy->known.fixed & word->joint.bytes) != 0 &&
         (lazy->joint & word->joint.bytes) == 0;
}

/* The test whether `difference` is zero in its halves. */
static void test_make(ucontext_t *context, struct fpost_value *difference,
                      uint32_t width) {
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    if ((difference->terms[0][i] | difference->terms[1][i]) != 0 &&
        is_decided(&fpost_taint_words[i])) {
      fpost_value_copy(&fpost_taint_operand, difference);
      fpost_word_decide(context, i);
      fpost_value_copy(difference, &fpost_taint_operand);
    }
  }
  uint64_t sum[2] = {width, 0};
  test.count = 0;
  test.target = fpost_sum_negate(value_content(difference));
  fpost_joint_hash(sum, test.target);
  test.hash[0] = sum[0];
  test.hash[1] = sum[1];
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    uint64_t term =
        (uint64_t)difference->terms[1][i] << 32 | difference->terms[0][i];
    if (term == 0) {
      continue;
    }
    uint64_t one[2] = {fpost_taint_words[i].joint.unit,
                       fpost_taint_words[i].joint.bytes};
    fpost_joint_hash(one, term);
    test.hash[0] += one[0]; /* in whichever order the words were read */
    test.hash[1] += one[1];
    test.words[test.count] = i;
    test.terms[test.count++] = term;
  }
}

static bool test_overlaps(void) {
  bool found = false;
  for (uint32_t i = 0; i < test.count; i++) {
    const struct fpost_joint_word *word =
        &fpost_taint_words[test.words[i]].joint;
    found = found || (fpost_run.lazies[word->unit].joint & word->bytes) != 0;
  }
  return found;
}

/* The words are too many to know all solutions: only all of them old, and all
   new, are tried. */
static enum fpost_sum_result test_guess(uint64_t subset[SUBSET]) {
  uint64_t all = 0;
  for (uint32_t i = 0; i < test.count; i++) {
    all = fpost_sum_add(all, test.terms[i]);
  }
  bool old_does = test.target == 0;
  bool new_does = test.target == all;
  memset(subset, new_does ? 0xff : 0, SUBSET * sizeof *subset);
  fpost_run_flag(FPOST_RUN_CHECKSUM);
  return !old_does && !new_does ? FPOST_SUM_NONE
         : old_does != new_does ? FPOST_SUM_ONE
                                : FPOST_SUM_MANY;
}

static enum fpost_sum_result test_solve(uint64_t subset[SUBSET]) {
  return test.count > FPOST_SUM_TERMS_MAX
             ? test_guess(subset)
             : fpost_joint_solve(test.terms, test.count, test.target, subset);
}

/* Let the test fail in this run. */
static bool test_fail(const ucontext_t *context, const uint64_t *subset) {
  static struct fpost_joint_word chosen[FPOST_WORDS_MAX];
  for (uint32_t i = 0; i < test.count; i++) {
    chosen[i] = fpost_taint_words[test.words[i]].joint;
  }
  return fpost_joint_fail(chosen, test.count, subset, test.hash,
                          site_of(context).pc);
}

/*
 * In an audit: is `difference` zero? If it is, and some of its words are lost
 * while others are not, the checksum has matched by chance.
 */
static bool audit_zero(ucontext_t *context, struct fpost_value *difference) {
  struct fpost_plan_collision *found = &fpost_run.plan->collision;
  uint32_t words = 0;
  uint32_t lost = 0;
  bool old = true;
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    if ((difference->terms[0][i] | difference->terms[1][i]) == 0) {
      continue;
    }
    words++;
    lost += fpost_taint_words[i].lost;
    old = old && fpost_taint_words[i].old;
    fpost_value_copy(&fpost_taint_operand, difference);
    fpost_word_decide(context, i);
    fpost_value_copy(difference, &fpost_taint_operand);
  }
  bool zero = value_content(difference) == 0;
  if (zero && words >= FPOST_SUM_WORDS_MIN && lost != 0 && !old &&
      found->words == 0) {
    fpost_run_stack(&found->stack, site_of(context));
    found->lost = lost;
    found->words = words;
  }
  return zero;
}

/* Is `difference` zero? Decides what it must. */
static bool decide_zero(ucontext_t *context, struct fpost_value *difference,
                        uint32_t width) {
  if (fpost_run.audit) {
    return audit_zero(context, difference);
  }
  for (bool sum = false;;) {
    test_make(context, difference, width);
    sum = sum || test.count >= FPOST_SUM_WORDS_MIN;
    if (test.count == 0) {
      return test.target == 0;
    }
    if (fpost_joint_failed(test.hash)) {
      return false;
    }
    uint64_t subset[SUBSET] = {0};
    enum fpost_sum_result result = FPOST_SUM_MANY;
    if (!test_overlaps()) {
      result = test_solve(subset);
      if (result == FPOST_SUM_NONE) {
        return false;
      }
      if (result == FPOST_SUM_ONE && test.count > 1 &&
          test_fail(context, subset)) {
        return false;
      }
    }
    uint32_t made = fpost_run.list.count;
    fpost_value_copy(&fpost_taint_operand, difference);
    fpost_word_decide(context, test.words[0]);
    fpost_value_copy(difference, &fpost_taint_operand);
    for (; sum && made < fpost_run.list.count; made++) {
      fpost_run.list.choices[made].valid = fpost_run.list.choices[made].read;
    }
  }
}

/* The zero flag of a comparison; the other flags stay undecided. */
bool fpost_flags_zero(ucontext_t *context) {
  static struct fpost_value difference;
  if (fpost_taint.setter != FPOST_SET_COMPARE) {
    return false;
  }
  fpost_value_copy(&difference, &fpost_taint_compared[0]);
  fpost_half_add(&difference, &fpost_taint_compared[1], 0, UINT32_MAX);
  fpost_half_add(&difference, &fpost_taint_compared[1], 1, UINT32_MAX);
  if (fpost_taint.width == 32) {
    fpost_half_clear(&difference, 1);
  }
  bool zero = decide_zero(context, &difference, fpost_taint.width);
  flags_put(context, FPOST_ZERO, zero ? FPOST_ZERO : 0);
  fpost_taint.zero_known = true;
  return true;
}

/* ---- loading ---- */

static uint64_t word_content(uint64_t memory, const uint8_t *line,
                             uint32_t word, fpost_bytes bytes) {
  uint8_t content[WORD];
  memcpy(content, &memory, WORD);
  for (uint32_t i = 0; i < WORD; i++) {
    if ((bytes >> (WORD * word + i) & 1) != 0) {
      content[i] = line[WORD * word + i];
    }
  }
  memcpy(&memory, content, WORD);
  return memory;
}

/* The number of the word at address, as it is now; FPOST_WORDS_MAX: no room. */
static uint32_t word_get(uintptr_t address, uint32_t unit_index,
                         fpost_bytes bytes, const uint8_t *after) {
  uint32_t index = 0;
  while (index < fpost_taint.words_count &&
         fpost_taint_words[index].address != address) {
    index++;
  }
  if (index == FPOST_WORDS_MAX) {
    return FPOST_WORDS_MAX;
  }
  const struct fpost_unit *unit = &fpost_run.units[unit_index];
  uint32_t word = (uint32_t)__builtin_ctzll(bytes) / WORD;
  uint64_t memory = 0;
  memcpy(&memory, (const void *)address, WORD);
  fpost_taint_words[index] = (struct fpost_word){
      .joint = {unit_index, bytes, {unit->base, after}},
      .address = address,
      .contents = {word_content(memory, unit->base, word, bytes),
                   word_content(memory, after, word, bytes)}};
  if (index == fpost_taint.words_count) {
    for (uint32_t half = 0; half < 2; half++) {
      for (uint32_t id = 0; id < 16; id++) {
        fpost_taint_registers[id].terms[half][index] = 0;
      }
      fpost_taint_compared[0].terms[half][index] = 0;
      fpost_taint_compared[1].terms[half][index] = 0;
    }
    fpost_taint.words_count++;
  }
  return index;
}

/* The undecided bytes of a word that can stay so, and their unit. Others are
   decided now. */
static fpost_bytes word_bytes(struct fpost_view *view, uint64_t offset,
                              struct fpost_site site, uint32_t *index) {
  fpost_bytes mask = UINT64_C(0xff) << (offset % LINE);
  for (uint32_t i = view->lines[offset / LINE]; i != 0;
       i = fpost_run.links[i - 1]) {
    const struct fpost_unit *unit = &fpost_run.units[i - 1];
    const struct fpost_lazy *lazy = &fpost_run.lazies[i - 1];
    fpost_bytes bytes = unit->touched & mask;
    if (bytes == 0) {
      continue;
    }
    const struct fpost_step *step = &fpost_run.steps[unit->steps_first];
    bool open =
        (lazy->stored & bytes) == 0 &&
        ((lazy->known.fixed & bytes) == 0 || (lazy->joint & bytes) == bytes);
    if (open && unit->steps_count == 1 && step->whole == 0) {
      *index = i - 1;
      return bytes;
    }
    fpost_view_read(view, offset, WORD, site);
    return 0;
  }
  return 0;
}

/*
 * In an audit: decide the word, and follow it all the same. Its other content
 * is what it would be with everything persisted if it is old, else what it is.
 * Returns FPOST_WORDS_MAX if it was never undecided, or there is no room.
 */
static uint32_t word_audit(struct fpost_view *view, uint64_t offset,
                           uintptr_t address, struct fpost_site site) {
  static uint8_t last[LINE];
  fpost_view_read(view, offset, WORD, site);
  for (uint32_t i = view->lines[offset / LINE]; i != 0;
       i = fpost_run.links[i - 1]) {
    const struct fpost_unit *unit = &fpost_run.units[i - 1];
    fpost_bytes bytes = unit->touched & UINT64_C(0xff) << (offset % LINE);
    if (bytes == 0 || (fpost_run.lazies[i - 1].stored & bytes) != 0) {
      continue;
    }
    uint64_t cuts = fpost_unit_cuts(unit, fpost_run.steps);
    fpost_unit_at(unit, fpost_run.steps, cuts - 1, last);
    uint32_t index = word_get(address, i - 1, bytes, last);
    if (index != FPOST_WORDS_MAX) {
      struct fpost_word *word = &fpost_taint_words[index];
      uint64_t actual = 0;
      memcpy(&actual, (const void *)address, WORD);
      word->old = actual == word->contents[0];
      word->lost = actual != word->contents[1];
      word->contents[1] = word->old ? word->contents[1] : actual;
    }
    return index;
  }
  return FPOST_WORDS_MAX;
}

/* Load size bytes into value. Returns false if that is not for us. */
bool fpost_taint_load(const ucontext_t *context, uintptr_t address,
                      uint64_t size, struct fpost_value *value) {
  uintptr_t at = address & ~(uintptr_t)(WORD - 1);
  const struct fpost_mapping *mapping = fpost_run_find(address);
  if (mapping == NULL || (size != 4 && size != 8) || address % size != 0 ||
      (mapping->prot & PROT_READ) == 0 ||
      at - mapping->address + mapping->offset + WORD > mapping->view->size) {
    return false;
  }
  uint64_t offset = at - mapping->address + mapping->offset;
  uint32_t index = FPOST_WORDS_MAX;
  page_open(mapping, at);
  if (fpost_view_closed(mapping->view, offset / PAGE)) {
    uint32_t unit = 0;
    fpost_bytes bytes = 0;
    if (fpost_run.audit) {
      index = word_audit(mapping->view, offset, at, site_of(context));
    } else {
      bytes = word_bytes(mapping->view, offset, site_of(context), &unit);
    }
    if (mapping->own && (bytes & fpost_view_own_stored(unit)) != 0) {
      return false; /* it has what was stored there */
    }
    if (bytes != 0) {
      uint32_t step = fpost_run.units[unit].steps_first;
      index = word_get(at, unit, bytes, fpost_run.steps[step].content);
      if (index == FPOST_WORDS_MAX) {
        return false;
      }
    }
  }
  fpost_page_open(mapping, at);
  uint64_t content = 0;
  memcpy(&content, (const void *)at, WORD);
  uint64_t later = content;
  if (index != FPOST_WORDS_MAX) {
    content = fpost_taint_words[index].contents[0];
    later = fpost_taint_words[index].contents[1];
  }
  uint32_t shift = 8 * (uint32_t)(address - at);
  uint64_t kept = size == 4 ? UINT32_MAX : UINT64_MAX;
  content = content >> shift & kept;
  later = later >> shift & kept;
  fpost_value_fixed(value, content);
  if (index != FPOST_WORDS_MAX) {
    uint64_t term = fpost_sum_add(later, fpost_sum_negate(content));
    value->terms[0][index] = (uint32_t)term;
    value->terms[1][index] = (uint32_t)(term >> 32);
  }
  return true;
}
