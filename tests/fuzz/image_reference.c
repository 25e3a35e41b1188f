/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tests/fuzz/image_reference.h"

#include "rt/base/assert.h"

#include <stddef.h>
#include <string.h>

#define POOL_LINES (REFERENCE_POOL_SIZE / 64)

static uint32_t line_of(uint64_t address) {
  return fpost_pm_pool(address) * POOL_LINES +
         (uint32_t)(fpost_pm_offset(address) / 64);
}

static uint8_t *line_memory(struct reference *reference, uint32_t line) {
  return &reference->memory[line / POOL_LINES][line % POOL_LINES * 64];
}

static bool has(uint64_t bytes, uint32_t i) {
  return (bytes >> i & 1) != 0;
}

static void put(uint8_t *to, uint64_t written, const uint8_t *content) {
  for (uint32_t i = 0; i < 64; i++) {
    if (has(written, i)) {
      to[i] = content[i];
    }
  }
}

void reference_init(struct reference *reference,
                    const struct fpost_mode *mode) {
  memset(reference, 0, offsetof(struct reference, parts));
  reference->mode = *mode;
}

bool reference_torn(const struct reference *reference, uint32_t line) {
  return reference->mode.torn || reference->torn[line];
}

static bool is_found(uint32_t flags) {
  return (flags & FENCEPOST_STORE_FOUND) != 0;
}

/* eADR: what a comparison has found waits, and all before it in its line. */
static bool waits(const struct reference *reference, uint32_t line) {
  bool any = false;
  for (uint32_t word = 0; word < 8 && reference->found_waits; word++) {
    const struct reference_cell *cell = &reference->cells[line][word];
    any = any || (cell->open != NULL && is_found(cell->last->flags));
  }
  return any;
}

/* The first `number` stores to the cell survive: it is a prefix (S3). */
static void guarantee(struct reference_cell *cell, uint32_t number) {
  cell->sure = number > cell->sure ? number : cell->sure;
}

/* What is sure goes into memory, unless the line waits. */
static void settle_line(struct reference *reference, uint32_t line) {
  for (uint32_t word = 0; word < 8 && !waits(reference, line); word++) {
    struct reference_cell *cell = &reference->cells[line][word];
    while (cell->open != NULL && cell->open->number <= cell->sure) {
      put(line_memory(reference, line), cell->open->written,
          cell->open->content);
      cell->open = cell->open->next;
      reference->guaranteed_count++;
    }
  }
}

/* Guarantee the parts of a line up to the last that matches. */
static void guarantee_if(struct reference *reference, uint32_t line,
                         bool (*matches)(const struct reference_part *part,
                                         uint32_t thread),
                         uint32_t thread) {
  for (uint32_t word = 0; word < 8; word++) {
    struct reference_cell *cell = &reference->cells[line][word];
    for (const struct reference_part *part = cell->open; part != NULL;
         part = part->next) {
      guarantee(cell, matches(part, thread) ? part->number : 0);
    }
  }
}

static bool is_any(const struct reference_part *part, uint32_t thread) {
  (void)part;
  (void)thread;
  return true;
}

static bool is_awaited(const struct reference_part *part, uint32_t thread) {
  return has(part->awaited, thread);
}

static bool is_nt(uint32_t flags) {
  return (flags & (FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE)) != 0;
}

static bool is_drained(const struct reference_part *part, uint32_t thread) {
  return has(part->drained, thread);
}

/* Has the thread, or another, an NT store to the cell that may not have left?
 */
static bool nt_waits(const struct reference_cell *cell) {
  return cell->nt != NULL && cell->nt->number > cell->sure;
}

static bool nt_of_other(const struct reference_cell *cell, uint32_t thread) {
  return nt_waits(cell) && cell->nt->thread != thread;
}

static bool nt_own(const struct reference_cell *cell, uint32_t thread) {
  return nt_waits(cell) && cell->nt->thread == thread;
}

/* The thread stores to the line: its NT stores to it were first (N1). */
static void overtake(struct reference *reference, uint32_t line,
                     uint32_t thread) {
  for (uint32_t word = 0; word < 8; word++) {
    struct reference_cell *cell = &reference->cells[line][word];
    if (nt_own(cell, thread)) {
      guarantee(cell, cell->stores);
    }
  }
}

/* ---- stores ---- */

/* A copy of `from` becomes the last of the cell. */
static void part_add(struct reference *reference, uint32_t line, uint32_t word,
                     const struct reference_part *from) {
  struct reference_cell *cell = &reference->cells[line][word];
  FPOST_ASSERT(reference->parts_count < REFERENCE_PARTS_MAX);
  struct reference_part *part = &reference->parts[reference->parts_count++];
  *part = *from;
  part->next = NULL;
  if (cell->last != NULL) {
    cell->last->next = part;
  }
  if (cell->open == NULL) {
    cell->open = part;
  }
  cell->last = part;
  cell->stores = part->number;
  if (is_nt(part->flags) && !nt_own(cell, part->thread)) {
    cell->nt = part;
  }
}

/* Part of `from` for each word of the line that it stores to. */
static void parts_add(struct reference *reference, uint32_t line,
                      const struct reference_part *from, bool numbered) {
  bool torn = reference_torn(reference, line);
  for (uint32_t word = 0; word < (torn ? 8 : 1); word++) {
    struct reference_part part = *from;
    part.written &= torn ? UINT64_C(0xff) << 8 * word : UINT64_MAX;
    struct reference_cell *cell = &reference->cells[line][word];
    if (part.written == 0) {
      continue;
    }
    if (!numbered) {
      part.number = cell->stores + 1;
    } else if (cell->open != NULL && cell->last->run == part.run) {
      cell->last->run = 0; /* they were two steps, and stay so */
    }
    part_add(reference, line, word, &part);
    if (reference->mode.domain == FPOST_DOMAIN_EADR && !is_nt(part.flags)) {
      guarantee(cell, part.number); /* A1 */
    }
  }
}

/* From here on, each word persists by itself, until all are guaranteed. */
static void tear(struct reference *reference, uint32_t line) {
  struct reference_cell whole = reference->cells[line][0];
  uint32_t awaited = 0;
  uint32_t drained = 0;
  uint32_t count = 0;
  struct reference_part *parts[64];
  for (struct reference_part *part = whole.open; part != NULL;
       part = part->next) {
    FPOST_ASSERT(count < 64);
    parts[count++] = part;
  }
  for (uint32_t i = count;
       i-- > 0;) { /* what completes one, completes all before it (S3) */
    awaited |= parts[i]->awaited;
    parts[i]->awaited = awaited;
    drained |= parts[i]->drained;
    parts[i]->drained = drained;
  }
  for (uint32_t word = 0; word < 8; word++) {
    reference->cells[line][word] =
        (struct reference_cell){.stores = whole.sure, .sure = whole.sure};
  }
  reference->torn[line] = true;
  reference->whole_stores[line] = whole.stores;
  for (struct reference_part *part = whole.open; part != NULL;) {
    struct reference_step step = reference_step_at(part);
    parts_add(reference, line, &step.all, true);
    part = step.next;
  }
}

/* Lines that are torn and have nothing undecided are so no longer. */
static void mend(struct reference *reference) {
  for (uint32_t line = 0; line < REFERENCE_LINES; line++) {
    bool open = false;
    uint32_t stores = reference->whole_stores[line];
    for (uint32_t word = 0; word < 8; word++) {
      const struct reference_cell *cell = &reference->cells[line][word];
      open = open || cell->open != NULL;
      stores = cell->stores > stores ? cell->stores : stores;
    }
    if (reference->torn[line] && !open) {
      memset(reference->cells[line], 0, sizeof reference->cells[line]);
      reference->torn[line] = false;
      reference->cells[line][0].stores = stores;
      reference->cells[line][0].sure = stores;
    }
  }
}

/* What the record stores to a line. */
static void store_line(struct reference *reference,
                       const struct fpost_record *record, uint64_t event,
                       uint32_t line) {
  struct reference_part whole = {.event = event,
                                 .run = reference->found_run,
                                 .thread = record->thread,
                                 .flags = record->flags,
                                 .stack = record->stack};
  if (is_nt(record->flags)) {
    whole.awaited = whole.drained = 1u << record->thread;
  }
  for (uint64_t i = 0; i < record->size; i++) {
    uint64_t address = record->address + i;
    if (line_of(address) == line) {
      whole.address = whole.size == 0 ? address : whole.address;
      whole.size++;
      whole.written |= UINT64_C(1) << address % 64;
      whole.content[address % 64] = record->data[i];
    }
  }
  parts_add(reference, line, &whole, false);
}

static void store(struct reference *reference,
                  const struct fpost_record *record, uint64_t event) {
  bool adr = reference->mode.domain == FPOST_DOMAIN_ADR;
  if (!is_found(record->flags)) {
    reference->found_run = 0;
  } else {
    if (reference->found_event != event) {
      reference->found_run = event + 1;
    }
    reference->found_event = event + 1;
  }
  uint32_t last = line_of(record->address + record->size - 1);
  for (uint32_t line = line_of(record->address); line <= last; line++) {
    if (!reference_torn(reference, line) &&
        nt_of_other(&reference->cells[line][0], record->thread)) {
      tear(reference, line);
    }
    if (!is_nt(record->flags)) {
      overtake(reference, line, record->thread);
    }
    if (adr) {
      settle_line(reference, line);
    }
    store_line(reference, record, event, line);
  }
  if (is_nt(record->flags)) {
    reference->nt |= 1u << record->thread;
  }
  if (!adr && is_found(record->flags)) {
    reference->found_waits = true;
    reference->found_shown = false;
  }
}

void reference_settle(struct reference *reference) {
  for (uint32_t line = 0; line < REFERENCE_LINES; line++) {
    settle_line(reference, line);
  }
  mend(reference);
}

/* Does what comparisons have found wait no longer? Flushes say nothing of the
   order in which it was stored; nor does a store that comes between, if no
   crash point was before it. */
static bool found_ends(const struct reference *reference,
                       const struct fpost_record *record) {
  return reference->found_waits && record->kind != FPOST_RECORD_FLUSH &&
         record->kind != FPOST_RECORD_NOTE &&
         (record->kind != FPOST_RECORD_STORE ||
          (reference->found_shown && !is_found(record->flags)));
}

bool reference_found_shows(const struct reference *reference,
                           const struct fpost_record *record) {
  return reference->found_waits && !reference->found_shown &&
         record->kind != FPOST_RECORD_STORE &&
         record->kind != FPOST_RECORD_NOTE;
}

/* ---- other records ---- */

static void fence(struct reference *reference, uint32_t thread) {
  for (uint32_t line = 0; line < REFERENCE_LINES; line++) {
    guarantee_if(reference, line, is_awaited, thread); /* F3, N1 */
  }
  reference->nt &= ~(1u << thread);
}

static void flush_line(struct reference *reference,
                       const struct fpost_record *record, uint32_t line) {
  if (record->flags == FENCEPOST_CLFLUSH) {
    for (uint32_t i = 0;
         i < REFERENCE_LINES && has(reference->nt, record->thread); i++) {
      guarantee_if(reference, i, is_drained, record->thread); /* N1 */
    }
    reference->nt &= ~(1u << record->thread);
  }
  for (uint32_t word = 0; word < 8; word++) {
    struct reference_cell *cell = &reference->cells[line][word];
    bool other = nt_of_other(cell, record->thread);
    uint32_t covered = other ? cell->nt->number - 1 : cell->stores;
    if (record->flags == FENCEPOST_CLFLUSH) { /* F1 */
      guarantee(cell, covered);
      continue;
    }
    for (struct reference_part *part = cell->open;
         part != NULL && part->number <= covered; part = part->next) { /* F4 */
      part->awaited |= 1u << record->thread;
    }
  }
}

void reference_apply(struct reference *reference,
                     const struct fpost_record *record, uint64_t event) {
  reference->found_shown =
      reference->found_shown || reference_found_shows(reference, record);
  if (found_ends(reference, record)) {
    reference->found_waits = false;
    reference_settle(reference);
  }
  uint32_t first = line_of(record->address);
  uint32_t last =
      line_of(record->address + (record->size == 0 ? 1 : record->size) - 1);
  switch (record->kind) {
  case FPOST_RECORD_POOL:
    while (reference->early_count > 0) {
      uint32_t early = --reference->early_count;
      reference_apply(reference, &reference->early[early], event);
    }
    reference->sizes[record->id] = record->size;
    break;
  case FPOST_RECORD_RESIZE:
    reference->sizes[record->id] = record->size;
    break;
  case FPOST_RECORD_IMAGE:
    memcpy(line_memory(reference, first) + record->address % 64, record->data,
           record->data_size);
    break;
  case FPOST_RECORD_STORE:
    store(reference, record, event);
    break;
  case FPOST_RECORD_FLUSH:
    for (uint32_t line = first; line <= last; line++) {
      flush_line(reference, record, line);
    }
    break;
  case FPOST_RECORD_FENCE:
    fence(reference, record->thread);
    break;
  case FPOST_RECORD_DURABLE:
    for (uint32_t line = first; line <= last; line++) {
      guarantee_if(reference, line, is_any, 0);
    }
    break;
  default:
    break;
  }
  if (record->kind != FPOST_RECORD_STORE) {
    reference_settle(reference);
  }
}

/* ---- what is undecided ---- */

bool reference_undecided(const struct reference *reference,
                         const struct fpost_record *record) {
  uint32_t last = line_of(record->address + record->size - 1);
  bool any = false;
  for (uint32_t line = line_of(record->address); line <= last; line++) {
    for (uint32_t word = 0; word < 8; word++) {
      any = any || reference->cells[line][word].open != NULL;
    }
  }
  return any;
}

bool reference_fence_due(const struct reference *reference, uint32_t thread) {
  bool due = false;
  for (uint32_t i = 0; i < REFERENCE_LINES * 8; i++) {
    const struct reference_cell *cell = &reference->cells[i / 8][i % 8];
    for (const struct reference_part *part = cell->open; part != NULL;
         part = part->next) {
      due = due || (part->number > cell->sure && is_awaited(part, thread));
    }
  }
  return due;
}

struct reference_step reference_step_at(struct reference_part *from) {
  struct reference_step step = {.all = *from, .next = from->next};
  while (step.next != NULL && from->run != 0 && step.next->run == from->run &&
         step.next->thread == from->thread &&
         (step.next->written & step.all.written) == 0) {
    const struct reference_part *more = step.next;
    uint64_t end = step.all.address + step.all.size;
    uint64_t more_end = more->address + more->size;
    put(step.all.content, more->written, more->content);
    step.all.number = more->number;
    step.all.written |= more->written;
    step.all.address =
        more->address < step.all.address ? more->address : step.all.address;
    step.all.size =
        (uint32_t)((end > more_end ? end : more_end) - step.all.address);
    step.next = more->next;
  }
  return step;
}

/* The bytes of the words in `set`, counted from the first that is written. */
static uint64_t words_in(uint64_t written, uint32_t set) {
  uint64_t bytes = 0;
  uint32_t piece = 0;
  for (uint32_t word = 0; word < 8; word++) {
    uint64_t part = written & UINT64_C(0xff) << 8 * word;
    bytes |= has(set, piece) ? part : 0;
    piece += part != 0;
  }
  return bytes;
}

uint32_t reference_contents(const struct reference *reference, uint32_t line,
                            uint32_t word,
                            uint8_t contents[REFERENCE_CUTS_MAX][64]) {
  struct reference_part *from = reference->cells[line][word].open;
  uint32_t count = 1;
  memcpy(contents[0],
         &reference->memory[line / POOL_LINES][line % POOL_LINES * 64], 64);
  while (from != NULL) {
    struct reference_step step = reference_step_at(from);
    bool whole = !reference_torn(reference, line) &&
                 (step.all.flags & FENCEPOST_STORE_WHOLE) != 0; /* S5 */
    const uint8_t *before = contents[count - 1];
    uint64_t bytes = 0;
    for (uint32_t set = 1; bytes != step.all.written; set++) {
      FPOST_ASSERT(count < REFERENCE_CUTS_MAX);
      bytes = whole ? step.all.written : words_in(step.all.written, set);
      memcpy(contents[count], before, 64);
      put(contents[count], bytes, step.all.content);
      count++;
    }
    from = step.next;
  }
  return count;
}
