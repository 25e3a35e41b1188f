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

/* Everything up to and with the part survives: it is a prefix (S3). */
static void guarantee(struct reference *reference, uint32_t line, uint32_t word,
                      const struct reference_part *part) {
  struct reference_cell *cell = &reference->cells[line][word];
  const struct reference_part *end = part->next;
  while (cell->open != end) {
    put(line_memory(reference, line), cell->open->written, cell->open->content);
    cell->open = cell->open->next;
  }
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

/* Guarantee the parts of a line up to the last that matches, or as soon as the
   line waits no longer. */
static void guarantee_if(struct reference *reference, uint32_t line,
                         bool (*matches)(const struct reference_part *part,
                                         uint32_t thread),
                         uint32_t thread) {
  for (uint32_t word = 0; word < 8; word++) {
    struct reference_part *last = NULL;
    for (struct reference_part *part = reference->cells[line][word].open;
         part != NULL; part = part->next) {
      last = matches(part, thread) ? part : last;
    }
    if (last != NULL && waits(reference, line)) {
      last->sure = true;
    } else if (last != NULL) {
      guarantee(reference, line, word, last);
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

static bool is_own_nt(const struct reference_part *part, uint32_t thread) {
  return is_nt(part->flags) && part->thread == thread;
}

static bool is_ordinary(const struct reference_part *part, uint32_t thread) {
  return !is_nt(part->flags) && part->thread == thread;
}

static bool is_sure(const struct reference_part *part, uint32_t thread) {
  (void)thread;
  return part->sure;
}

/* The thread stores to the line: its NT stores to it were first (N1). */
static void overtake(struct reference *reference, uint32_t line,
                     uint32_t thread) {
  for (uint32_t word = 0; word < 8; word++) {
    struct reference_part *nt = reference->cells[line][word].nt;
    if (nt != NULL && nt->thread == thread) {
      nt->sure = true;
    }
  }
}

/* ---- stores ---- */

static struct reference_part *part_add(struct reference *reference,
                                       uint32_t line, uint32_t word) {
  struct reference_cell *cell = &reference->cells[line][word];
  FPOST_ASSERT(reference->parts_count < REFERENCE_PARTS_MAX);
  struct reference_part *part = &reference->parts[reference->parts_count++];
  *part = (struct reference_part){.next = NULL};
  if (cell->last != NULL) {
    cell->last->next = part;
  }
  if (cell->open == NULL) {
    cell->open = part;
  }
  cell->last = part;
  return part;
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
    whole.awaited = 1u << record->thread;
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
  for (uint32_t word = 0; word < 8; word++) {
    uint64_t all =
        reference->mode.torn ? UINT64_C(0xff) << 8 * word : UINT64_MAX;
    if ((word == 0 || reference->mode.torn) && (whole.written & all) != 0) {
      const struct reference_part *before = reference->cells[line][word].last;
      struct reference_part *part = part_add(reference, line, word);
      *part = whole;
      part->number = before == NULL ? 1 : before->number + 1;
      part->written &= all;
      if (is_nt(part->flags)) {
        reference->cells[line][word].nt = part;
      }
    }
  }
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
    if (!is_nt(record->flags)) {
      overtake(reference, line, record->thread);
    }
    if (adr) {
      guarantee_if(reference, line, is_sure, 0);
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
  if (reference->mode.domain == FPOST_DOMAIN_EADR) { /* A1, and N1 */
    for (uint32_t p = reference->visible_from; p < reference->parts_count;
         p++) {
      const struct reference_part *part = &reference->parts[p];
      if (!is_nt(part->flags)) {
        uint32_t line = line_of(part->address);
        guarantee_if(reference, line, is_sure, 0);
        guarantee_if(reference, line, is_ordinary, part->thread);
      }
    }
  }
  if (!reference->found_waits) {
    reference->visible_from = reference->parts_count;
  }
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
      guarantee_if(reference, i, is_own_nt, record->thread); /* N1 */
    }
    reference->nt &= ~(1u << record->thread);
    guarantee_if(reference, line, is_any, 0); /* F1 */
    return;
  }
  for (uint32_t word = 0; word < 8; word++) { /* F4 */
    for (struct reference_part *part = reference->cells[line][word].open;
         part != NULL; part = part->next) {
      part->awaited |= 1u << record->thread;
    }
    struct reference_cell *cell = &reference->cells[line][word];
    bool again = cell->nt == cell->last && cell->nt != NULL &&
                 cell->nt->thread == record->thread;
    if (cell->open != NULL && !again) {
      cell->nt = NULL;
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

/* Does a fence of the thread guarantee anything of the cell? What waits is
   guaranteed without. */
static bool cell_due(const struct reference *reference,
                     const struct reference_cell *cell, uint32_t thread) {
  bool eadr = reference->mode.domain == FPOST_DOMAIN_EADR;
  bool due = false;
  for (const struct reference_part *part = cell->open; part != NULL;
       part = part->next) {
    bool done = part->sure || (eadr && !is_nt(part->flags));
    due = !done && (due || is_awaited(part, thread));
  }
  return due;
}

bool reference_fence_due(const struct reference *reference, uint32_t thread) {
  bool due = false;
  for (uint32_t i = 0; i < REFERENCE_LINES * 8; i++) {
    due = due || cell_due(reference, &reference->cells[i / 8][i % 8], thread);
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
    bool whole = !reference->mode.torn &&
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
