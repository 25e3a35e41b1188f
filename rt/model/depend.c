/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/depend.h"

/* Is the word's last store not guaranteed, and does it matter? */
static bool word_open(const struct fpost_cell *cell, uint32_t word) {
  return (((uint32_t)cell->dirty | cell->flushed) & ~(uint32_t)cell->ignored &
          1u << word) != 0;
}

void fpost_depend_read(struct fpost_depend *depend,
                       const struct fpost_depend_access *read) {
  const struct fpost_cell *cell = read->cell;
  uint32_t word =
      (uint32_t)(read->address % FENCEPOST_LINE_SIZE) / FENCEPOST_WORD_SIZE;
  if (!word_open(cell, word)) {
    return;
  }
  uint64_t now = ++depend->now;
  struct fpost_depend_word *oldest = &depend->words[0];
  for (uint32_t i = 0; i < depend->words_count; i++) {
    struct fpost_depend_word *known = &depend->words[i];
    if (known->cell == cell && known->word == word &&
        known->store_stack == cell->store_stack[word]) {
      return;
    }
    oldest = known->read_at < oldest->read_at ? known : oldest;
  }
  struct fpost_depend_word *place = depend->words_count < FPOST_DEPEND_WORDS
                                        ? &depend->words[depend->words_count++]
                                        : oldest;
  *place = (struct fpost_depend_word){.cell = cell,
                                      .address = read->address,
                                      .read_at = now,
                                      .word = word,
                                      .store_stack = cell->store_stack[word],
                                      .read_stack = read->stack,
                                      .store_site = read->store_site,
                                      .read_site = read->read_site,
                                      .writer = read->writer};
}

void fpost_depend_store(struct fpost_depend *depend,
                        const struct fpost_cell *cell, uint32_t flags) {
  if (depend->words_count == 0) {
    return;
  }
  uint64_t now = ++depend->now;
  struct fpost_depend_line *line = depend->lines;
  struct fpost_depend_line *end = line + depend->lines_count;
  while (line < end && line->cell != cell) {
    line++;
  }
  if (line == end) {
    if (depend->lines_count == FPOST_DEPEND_LINES) {
      return;
    }
    depend->lines_count++;
    *line = (struct fpost_depend_line){.cell = cell};
  }
  line->stored_at = now;
  if ((flags & FENCEPOST_STORE_NT) != 0) {
    line->flushed_at = now;
  }
}

void fpost_depend_flush(struct fpost_depend *depend,
                        const struct fpost_cell *cell) {
  for (uint32_t i = 0; i < depend->lines_count; i++) {
    if (depend->lines[i].cell == cell) {
      depend->lines[i].flushed_at = depend->lines[i].stored_at;
    }
  }
}

/* Forget the lines of which everything is guaranteed. Returns when the last of
   the stores was made that are. */
static uint64_t lines_complete(struct fpost_depend *depend) {
  uint64_t last = 0;
  uint32_t left = 0;
  for (uint32_t i = 0; i < depend->lines_count; i++) {
    struct fpost_depend_line line = depend->lines[i];
    last = line.flushed_at > last ? line.flushed_at : last;
    if (line.flushed_at != line.stored_at) {
      line.flushed_at = 0;
      depend->lines[left++] = line;
    }
  }
  depend->lines_count = left;
  return last;
}

void fpost_depend_fence(struct fpost_depend *depend,
                        const struct fpost_rules *rules) {
  uint64_t last = lines_complete(depend);
  uint32_t left = 0;
  for (uint32_t i = 0; i < depend->words_count; i++) {
    const struct fpost_depend_word word = depend->words[i];
    if (!word_open(word.cell, word.word) ||
        word.cell->store_stack[word.word] != word.store_stack) {
      continue;
    }
    if (word.read_at > last) {
      depend->words[left++] = word;
      continue;
    }
    struct fpost_finding finding = {.class_ = FPOST_CLASS_UNPERSISTED_READ,
                                    .thread = word.writer,
                                    .store_stack = word.store_stack,
                                    .other_stack = word.read_stack,
                                    .store_site = word.store_site,
                                    .other_site = word.read_site,
                                    .address = word.address,
                                    .size = FENCEPOST_WORD_SIZE};
    if ((rules->enabled >> FPOST_CLASS_UNPERSISTED_READ & 1) != 0) {
      rules->found(rules->context, &finding);
    }
  }
  depend->words_count = left;
  if (left == 0) {
    depend->lines_count = 0;
  }
}
