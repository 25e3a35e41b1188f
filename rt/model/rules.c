/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/rules.h"

#include "rt/base/assert.h"

const struct fpost_class_info fpost_class_infos[FPOST_CLASS_COUNT] = {
#define FPOST_CLASS(id, name_, severity_, on_, text_)                          \
  [FPOST_CLASS_##id] = {.name = (name_),                                       \
                        .severity = FPOST_SEVERITY_##severity_,                \
                        .on = (on_),                                           \
                        .text = (text_)},
#include "rt/model/classes.def"
};

const struct fpost_detail_info fpost_detail_infos[FPOST_DETAIL_COUNT] = {
#define FPOST_DETAIL(id, severity_, text_)                                     \
  [FPOST_DETAIL_##                                                             \
      id] = {.severity = FPOST_SEVERITY_##severity_, .text = (text_)},
#include "rt/model/details.def"
};

const char *fpost_severity_name(enum fpost_severity severity) {
  static const char *const names[] = {
      [FPOST_SEVERITY_NOTE] = "note",
      [FPOST_SEVERITY_PERFORMANCE] = "performance",
      [FPOST_SEVERITY_WARNING] = "warning",
      [FPOST_SEVERITY_ERROR] = "error",
  };
  FPOST_ASSERT((unsigned)severity <= FPOST_SEVERITY_ERROR);
  return names[severity];
}

#define LINE_MASK ((uint64_t)FENCEPOST_LINE_SIZE - 1)

static bool rules_want(const struct fpost_rules *rules,
                       enum fpost_class class_) {
  return (rules->enabled >> class_ & 1) != 0;
}

/* The rules know lines as a whole; their words have no cuts of their own, nor
   do they know who has flushed which. */
static struct fpost_mode rules_mode(const struct fpost_rules *rules) {
  return (struct fpost_mode){
      .domain = rules->domain, .torn = false, .coarse = true};
}

static struct fpost_cell *cell_of(struct fpost_line *line) {
  _Static_assert(offsetof(struct fpost_cell, line) == 0, "line comes first");
  return (struct fpost_cell *)(void *)line;
}

static void cell_check(const struct fpost_cell *cell) {
  FPOST_ASSERT((cell->dirty & cell->flushed) == 0);
}

/* Everything in the line is guaranteed. */
static void cell_clean(struct fpost_cell *cell) {
  cell->dirty = 0;
  cell->flushed = 0;
  cell->unsafe = 0;
}

/* The bytes of [address, address + size) in its line, a bit per byte. */
static uint64_t bytes_of(uint64_t address, uint32_t size) {
  FPOST_ASSERT(size - 1 < FENCEPOST_LINE_SIZE);
  uint32_t offset = (uint32_t)(address & LINE_MASK);
  FPOST_ASSERT(offset + size <= FENCEPOST_LINE_SIZE);
  return (UINT64_MAX >> (FENCEPOST_LINE_SIZE - size)) << offset;
}

/* The words that [address, address + size) touches, a bit per word. */
static uint32_t words_of(uint64_t address, uint32_t size) {
  uint32_t offset = (uint32_t)(address & LINE_MASK);
  uint32_t first = offset / FENCEPOST_WORD_SIZE;
  uint32_t last = (offset + size - 1) / FENCEPOST_WORD_SIZE;
  return (2u << last) - (1u << first);
}

/* The words that [address, address + size) covers in full, a bit per word. */
static uint32_t words_within(uint64_t address, uint32_t size) {
  uint32_t offset = (uint32_t)(address & LINE_MASK);
  uint32_t first = (offset + FENCEPOST_WORD_SIZE - 1) / FENCEPOST_WORD_SIZE;
  uint32_t end = (offset + size) / FENCEPOST_WORD_SIZE;
  return end > first ? (1u << end) - (1u << first) : 0;
}

/* The bytes of a set of words. */
static uint64_t bytes_of_words(uint32_t words) {
  uint64_t bytes = 0;
  for (uint32_t left = words; left != 0; left &= left - 1) {
    bytes |= UINT64_C(0xff)
             << ((uint32_t)__builtin_ctz(left) * FENCEPOST_WORD_SIZE);
  }
  return bytes;
}

static void overwritten_report(const struct fpost_rules *rules,
                               const struct fpost_thread *thread,
                               const struct fpost_cell *cell, uint64_t address,
                               uint64_t lost, uint32_t stack) {
  uint32_t first = (uint32_t)__builtin_ctzll(lost);
  uint32_t last = 63 - (uint32_t)__builtin_clzll(lost);
  rules->found(
      rules->context,
      &(struct fpost_finding){
          .class_ = FPOST_CLASS_OVERWRITTEN,
          .thread = thread->id,
          .store_stack = cell->store_stack[first / FENCEPOST_WORD_SIZE],
          .other_stack = stack,
          .address = (address & ~LINE_MASK) + first,
          .size = last - first + 1});
}

int fpost_rules_store(const struct fpost_rules *rules,
                      struct fpost_thread *thread, struct fpost_cell *cell,
                      uint64_t address, uint32_t size, uint32_t flags,
                      uint32_t stack) {
  cell_check(cell);
  uint64_t bytes = bytes_of(address, size);
  uint32_t words = words_of(address, size);
  struct fpost_mode mode = rules_mode(rules);
  int err = fpost_model_store(&mode, thread, &cell->line, words, flags);
  if (__builtin_expect(err != FPOST_OK, 0)) {
    return err;
  }
  uint64_t lost = cell->unsafe & bytes;
  if (__builtin_expect(lost != 0 && rules_want(rules, FPOST_CLASS_OVERWRITTEN),
                       0)) {
    overwritten_report(rules, thread, cell, address, lost, stack);
  }
  for (uint32_t left = words; left != 0; left &= left - 1) {
    cell->store_stack[__builtin_ctz(left)] = stack;
  }
  if (cell->line.guaranteed == cell->line.stores) {
    cell_clean(cell); /* eADR */
    return FPOST_OK;
  }
  cell->unsafe |= bytes;
  if ((flags & (FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE)) != 0) {
    /* A word of which other bytes are dirty stays dirty. */
    uint32_t dirty = cell->dirty & ~words_within(address, size);
    cell->dirty = (uint8_t)dirty;
    cell->flushed = (uint8_t)((cell->flushed | words) & ~dirty);
    cell->flush_stack = stack;
    thread->fence_due = 1;
    return FPOST_OK;
  }
  cell->dirty = (uint8_t)(cell->dirty | words);
  cell->flushed = (uint8_t)(cell->flushed & ~words);
  return FPOST_OK;
}

/* Flush one line; there is room in the pending list. Returns: was it useful? */
static bool cell_flush(const struct fpost_mode *mode,
                       struct fpost_thread *thread, struct fpost_cell *cell,
                       uint32_t kind, uint32_t stack) {
  cell_check(cell);
  bool others = cell->flushed != 0 && cell->line.flusher != thread->id + 1;
  bool useful = cell->dirty != 0 || others;
  int err = fpost_model_flush(mode, thread, &cell->line, kind, NULL);
  FPOST_ASSERT(err == FPOST_OK);
  if (useful) {
    cell->flush_stack = stack;
  }
  if (cell->line.guaranteed == cell->line.stores) {
    cell_clean(cell);
  } else {
    cell->flushed = (uint8_t)(cell->flushed | cell->dirty);
    cell->dirty = 0;
  }
  return useful;
}

/* What the thread waits for is about to complete; or its NT stores only. */
static void cells_complete(const struct fpost_thread *thread, bool nt_only) {
  for (uint32_t i = 0; i < thread->pending_count; i++) {
    const struct fpost_pending *pending = &thread->pending[i];
    struct fpost_cell *cell = cell_of(pending->line);
    bool latest = pending->stores >= cell->line.flushed ||
                  cell->line.guaranteed >= cell->line.flushed;
    if (latest && (!nt_only || pending->nt != 0)) {
      cell->flushed = 0;
      cell->unsafe &= bytes_of_words(cell->dirty);
    }
  }
}

int fpost_rules_flush(const struct fpost_rules *rules,
                      struct fpost_thread *thread, struct fpost_cell *cells,
                      uint64_t address, uint64_t size, uint32_t kind,
                      uint32_t stack) {
  FPOST_ASSERT(size != 0);
  uint64_t lines =
      ((address & LINE_MASK) + size + LINE_MASK) / FENCEPOST_LINE_SIZE;
  bool waits = kind != FENCEPOST_CLFLUSH;
  if (waits && lines > thread->pending_max - thread->pending_count) {
    return FPOST_ENOMEM;
  }
  if (!waits && thread->nt_count != 0) {
    cells_complete(thread, true);
  }
  struct fpost_mode mode = rules_mode(rules);
  bool useful = false;
  for (uint64_t i = 0; i < lines; i++) {
    useful |= cell_flush(&mode, thread, &cells[i], kind, stack);
  }
  if (waits || !useful) {
    thread->fence_due = 1;
  }
  if (!useful && rules_want(rules, FPOST_CLASS_REDUNDANT_FLUSH)) {
    rules->found(rules->context,
                 &(struct fpost_finding){
                     .class_ = FPOST_CLASS_REDUNDANT_FLUSH,
                     .thread = thread->id,
                     .other_stack = stack,
                     .address = address,
                     .size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX});
  }
  return FPOST_OK;
}

void fpost_rules_fence(const struct fpost_rules *rules,
                       struct fpost_thread *thread, uint32_t kind,
                       uint32_t stack) {
  cells_complete(thread, false);
  (void)fpost_model_fence(thread);
  if (kind == FENCEPOST_LOCKED) {
    return;
  }
  if (thread->fence_due == 0 &&
      rules_want(rules, FPOST_CLASS_REDUNDANT_FENCE)) {
    rules->found(rules->context,
                 &(struct fpost_finding){.class_ = FPOST_CLASS_REDUNDANT_FENCE,
                                         .thread = thread->id,
                                         .other_stack = stack});
  }
  thread->fence_due = 0;
}

void fpost_rules_durable(struct fpost_cell *cell) {
  cell_check(cell);
  const struct fpost_mode mode = {.torn = false};
  fpost_model_durable(&mode, &cell->line);
  cell_clean(cell);
}

void fpost_rules_ignore(struct fpost_cell *cell, uint64_t address,
                        uint32_t size) {
  FPOST_ASSERT(size - 1 < FENCEPOST_LINE_SIZE);
  FPOST_ASSERT((address & LINE_MASK) + size <= FENCEPOST_LINE_SIZE);
  cell->ignored = (uint8_t)(cell->ignored | words_of(address, size));
}

void fpost_rules_forget(struct fpost_cell *cell, uint64_t address,
                        uint32_t size) {
  FPOST_ASSERT(size - 1 < FENCEPOST_LINE_SIZE);
  FPOST_ASSERT((address & LINE_MASK) + size <= FENCEPOST_LINE_SIZE);
  uint32_t words = words_of(address, size);
  cell->dirty = (uint8_t)(cell->dirty & ~words);
  cell->flushed = (uint8_t)(cell->flushed & ~words);
}

/* Report the words of a set, one finding for neighbours stored by one stack. */
static void words_report(const struct fpost_rules *rules,
                         const struct fpost_cell *cell, uint64_t address,
                         uint32_t words, struct fpost_finding finding) {
  for (uint32_t w = 0; w < 8;) {
    if ((words >> w & 1) == 0) {
      w++;
      continue;
    }
    uint32_t first = w;
    finding.store_stack = cell->store_stack[first];
    while (w < 8 && (words >> w & 1) != 0 &&
           cell->store_stack[w] == finding.store_stack) {
      w++;
    }
    finding.address = (address & ~LINE_MASK) + first * FENCEPOST_WORD_SIZE;
    finding.size = (w - first) * FENCEPOST_WORD_SIZE;
    rules->found(rules->context, &finding);
  }
}

void fpost_rules_end(const struct fpost_rules *rules,
                     const struct fpost_cell *cell, uint64_t address) {
  cell_check(cell);
  uint32_t dirty = cell->dirty & ~(uint32_t)cell->ignored;
  uint32_t flushed = cell->flushed & ~(uint32_t)cell->ignored;
  if (dirty != 0 && rules_want(rules, FPOST_CLASS_MISSING_FLUSH)) {
    words_report(rules, cell, address, dirty,
                 (struct fpost_finding){.class_ = FPOST_CLASS_MISSING_FLUSH});
  }
  if (flushed != 0 && rules_want(rules, FPOST_CLASS_MISSING_FENCE)) {
    uint32_t flusher = cell->line.flusher;
    words_report(
        rules, cell, address, flushed,
        (struct fpost_finding){.class_ = FPOST_CLASS_MISSING_FENCE,
                               .thread = flusher != 0 ? flusher - 1 : 0,
                               .other_stack = cell->flush_stack});
  }
}
