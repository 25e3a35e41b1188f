/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/image.h"

#include "rt/base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define LINE FENCEPOST_LINE_SIZE
#define PAGE FPOST_PLAN_PAGE

/* ---- hashes ---- */

static void hash_add(struct explore_hash *hash, XXH128_hash_t part) {
  hash->low += part.low64;
  hash->high += part.high64;
}

static void hash_sub(struct explore_hash *hash, XXH128_hash_t part) {
  hash->low -= part.low64;
  hash->high -= part.high64;
}

static XXH128_hash_t line_hash(uint64_t address, const uint8_t content[LINE]) {
  return XXH3_128bits_withSeed(content, LINE, address);
}

/* The step at place `ordinal` of a unit. */
static XXH128_hash_t step_hash(const struct fpost_unit *unit,
                               const struct fpost_step *step,
                               uint32_t ordinal) {
  struct {
    uint64_t address, all, written, whole_ordinal;
    uint8_t content[LINE];
  } key = {unit->address,
           unit->all,
           step->written,
           (uint64_t)step->whole << 32 | ordinal,
           {0}};
  memcpy(key.content, step->content, LINE);
  return XXH3_128bits(&key, sizeof key);
}

/* ---- units ---- */

static uint64_t line_index(uint64_t address) {
  return fpost_pm_offset(address) / LINE;
}

static uint32_t *lines_of(const struct explore_image *image, uint64_t address) {
  struct fpost_plan *plan = image->plan;
  return fpost_plan_table(plan, plan->pools[fpost_pm_pool(address)].lines);
}

static uint16_t *page_of(const struct explore_image *image, uint64_t address) {
  struct fpost_plan *plan = image->plan;
  uint16_t *pages =
      fpost_plan_table(plan, plan->pools[fpost_pm_pool(address)].pages);
  return &pages[fpost_pm_offset(address) / PAGE];
}

/* Room for 2^log2 steps. Returns FPOST_ENOMEM if the plan has none left. */
static int steps_take(struct explore_image *image, uint32_t log2,
                      uint32_t *first) {
  if (image->rooms[log2] != 0) {
    *first = image->rooms[log2] - 1;
    image->rooms[log2] = image->step_infos[*first].spare;
    return FPOST_OK;
  }
  if (image->steps_used + (1u << log2) > FPOST_PLAN_STEPS_MAX) {
    return FPOST_ENOMEM;
  }
  *first = image->steps_used;
  image->steps_used += 1u << log2;
  return FPOST_OK;
}

static void steps_give(struct explore_image *image, uint32_t first,
                       uint32_t room) {
  uint32_t log2 = (uint32_t)__builtin_ctz(room);
  image->step_infos[first].spare = image->rooms[log2];
  image->rooms[log2] = first + 1;
}

static void steps_move(struct explore_image *image, uint32_t to, uint32_t from,
                       uint32_t count) {
  memmove(&image->steps[to], &image->steps[from], count * sizeof *image->steps);
  memmove(&image->step_threads[to], &image->step_threads[from],
          count * sizeof *image->step_threads);
  for (uint32_t i = 0; i < count; i++) {
    image->step_infos[to + i] = image->step_infos[from + i];
  }
}

static int unit_take(struct explore_image *image, uint32_t *index) {
  struct fpost_plan *plan = image->plan;
  uint32_t first = 0;
  int err = steps_take(image, 1, &first);
  if (err != FPOST_OK) {
    return err;
  }
  if (image->unit_free != 0) {
    *index = image->unit_free - 1;
    image->unit_free = image->unit_infos[*index].next_free;
  } else if (plan->units_used < FPOST_PLAN_UNITS_MAX) {
    *index = plan->units_used++;
  } else {
    return FPOST_ENOMEM;
  }
  image->unit_infos[*index] = (struct explore_unit){.room = 2, .cuts = 1};
  image->units[*index] = (struct fpost_unit){.steps_first = first};
  return FPOST_OK;
}

/* A run need not look for closed pages elsewhere. */
static void hull_add(struct explore_image *image, uint64_t address) {
  struct fpost_plan_pool *pool = &image->plan->pools[fpost_pm_pool(address)];
  uint64_t page = fpost_pm_offset(address) / PAGE;
  if (pool->closed_end == 0 || page < pool->closed_first) {
    pool->closed_first = page;
  }
  if (page >= pool->closed_end) {
    pool->closed_end = page + 1;
  }
}

/* The unit of a line with these bytes, made if it is not there. */
int explore_unit_get(struct explore_image *image, uint64_t address,
                     fpost_bytes all, uint32_t *index) {
  uint32_t *head = &lines_of(image, address)[line_index(address)];
  for (uint32_t i = *head; i != 0; i = image->links[i - 1]) {
    if (image->units[i - 1].all == all) {
      *index = i - 1;
      return FPOST_OK;
    }
  }
  int err = unit_take(image, index);
  if (err != FPOST_OK) {
    return err;
  }
  struct fpost_unit *unit = &image->units[*index];
  unit->address = address;
  unit->all = all;
  const struct explore_pool *pool = &image->pools[fpost_pm_pool(address)];
  memcpy(unit->base, pool->memory + fpost_pm_offset(address), LINE);
  image->links[*index] = *head;
  *head = *index + 1;
  (*page_of(image, address))++;
  hull_add(image, address);
  image->units_live++;
  return FPOST_OK;
}

static void unit_drop(struct explore_image *image, uint32_t index) {
  struct fpost_unit *unit = &image->units[index];
  uint32_t *link = &lines_of(image, unit->address)[line_index(unit->address)];
  while (*link != index + 1) {
    FPOST_ASSERT(*link != 0);
    link = &image->links[*link - 1];
  }
  *link = image->links[index];
  (*page_of(image, unit->address))--;
  steps_give(image, unit->steps_first, image->unit_infos[index].room);
  *unit = (struct fpost_unit){0};
  image->unit_infos[index].next_free = image->unit_free;
  image->unit_free = index + 1;
  image->units_live--;
  if (image->units_live == 0) {
    for (uint32_t i = 0; i < image->plan->pool_count; i++) {
      image->plan->pools[i].closed_first = 0;
      image->plan->pools[i].closed_end = 0;
    }
  }
}

static void unit_log2(struct explore_image *image, uint32_t index,
                      double cuts) {
  image->images_log2 += log2(cuts) - log2(image->unit_infos[index].cuts);
  image->unit_infos[index].cuts = cuts;
}

int explore_unit_add(struct explore_image *image, uint32_t index,
                     const struct fpost_step *step,
                     const struct explore_step *info) {
  struct fpost_unit *unit = &image->units[index];
  struct explore_unit *own = &image->unit_infos[index];
  if (unit->steps_count == own->room) {
    uint32_t first = 0;
    int err = steps_take(image, (uint32_t)__builtin_ctz(own->room) + 1, &first);
    if (err != FPOST_OK) {
      return err;
    }
    steps_move(image, first, unit->steps_first, unit->steps_count);
    steps_give(image, unit->steps_first, own->room);
    unit->steps_first = first;
    own->room *= 2;
  }
  uint32_t at = unit->steps_first + unit->steps_count;
  image->steps[at] = *step;
  image->step_infos[at] = *info;
  image->step_threads[at] = info->thread;
  hash_add(&image->space, step_hash(unit, step, unit->steps_count));
  unit->steps_count++;
  unit->touched |= step->written;
  unit_log2(image, index, own->cuts + exp2(fpost_step_pieces(step)) - 1);
  return FPOST_OK;
}

/*
 * Words of a line that a comparison has found, one event after the other: which
 * was stored first is not known, so they are pieces of one step.
 */
static bool unit_joins(const struct explore_image *image, uint32_t index,
                       const struct fpost_step *step,
                       const struct explore_step *info) {
  const struct fpost_unit *unit = &image->units[index];
  if (unit->steps_count == 0 || (info->flags & FENCEPOST_STORE_FOUND) == 0) {
    return false;
  }
  uint32_t at = unit->steps_first + unit->steps_count - 1;
  const struct explore_step *last = &image->step_infos[at];
  return (last->flags & FENCEPOST_STORE_FOUND) != 0 &&
         last->thread == info->thread &&
         image->steps[at].store >= image->found_first &&
         (image->steps[at].written & step->written) == 0;
}

/* Add the bytes of step to the last step of the unit. */
static void unit_join(struct explore_image *image, uint32_t index,
                      const struct fpost_step *step,
                      const struct explore_step *info) {
  struct fpost_unit *unit = &image->units[index];
  uint32_t ordinal = unit->steps_count - 1;
  struct fpost_step *last = &image->steps[unit->steps_first + ordinal];
  struct explore_step *own = &image->step_infos[unit->steps_first + ordinal];
  double cuts = image->unit_infos[index].cuts - exp2(fpost_step_pieces(last));
  hash_sub(&image->space, step_hash(unit, last, ordinal));
  last->written |= step->written;
  for (fpost_bytes left = step->written; left != 0; left &= left - 1) {
    int i = __builtin_ctzll(left);
    last->content[i] = step->content[i];
  }
  hash_add(&image->space, step_hash(unit, last, ordinal));
  unit->touched |= step->written;
  uint64_t end = own->address + own->size;
  uint64_t step_end = info->address + info->size;
  own->address = own->address < info->address ? own->address : info->address;
  own->size = (uint32_t)((end > step_end ? end : step_end) - own->address);
  own->number = info->number;
  unit_log2(image, index, cuts + exp2(fpost_step_pieces(last)));
}

void explore_unit_shift(struct explore_image *image, uint32_t index,
                        uint32_t count) {
  struct fpost_unit *unit = &image->units[index];
  const struct fpost_step *steps = &image->steps[unit->steps_first];
  for (uint32_t i = 0; i < unit->steps_count; i++) {
    hash_sub(&image->space, step_hash(unit, &steps[i], i));
  }
  if (count == unit->steps_count) {
    unit_log2(image, index, 1);
    unit_drop(image, index);
    return;
  }
  steps_move(image, unit->steps_first, unit->steps_first + count,
             unit->steps_count - count);
  unit->steps_count -= count;
  unit->touched = 0;
  double cuts = 1;
  for (uint32_t i = 0; i < unit->steps_count; i++) {
    hash_add(&image->space, step_hash(unit, &steps[i], i));
    unit->touched |= steps[i].written;
    cuts += exp2(fpost_step_pieces(&steps[i])) - 1;
  }
  unit_log2(image, index, cuts);
}

/* ---- lines ---- */

/* Steps that the unit's line guarantees go into the image. */
static uint32_t steps_guaranteed(const struct explore_image *image,
                                 const struct fpost_unit *unit,
                                 uint8_t *memory) {
  uint32_t word = (uint32_t)__builtin_ctzll(unit->all) / FENCEPOST_WORD_SIZE;
  uint32_t guaranteed =
      explore_image_cut(image, unit->address, word)->guaranteed;
  uint32_t count = 0;
  while (count < unit->steps_count &&
         image->step_infos[unit->steps_first + count].number <= guaranteed) {
    const struct fpost_step *step = &image->steps[unit->steps_first + count];
    for (fpost_bytes left = step->written; left != 0; left &= left - 1) {
      int i = __builtin_ctzll(left);
      memory[i] = step->content[i];
    }
    count++;
  }
  return count;
}

/* eADR: is the last store to the line (a word of it) one that a comparison has
   found, and whose order among others is still open? */
static bool line_held(const struct explore_image *image, uint32_t head) {
  for (uint32_t i = head; image->pending_found && i != 0;
       i = image->links[i - 1]) {
    const struct fpost_unit *unit = &image->units[i - 1];
    uint32_t last = unit->steps_first + unit->steps_count - 1;
    if ((image->step_infos[last].flags & FENCEPOST_STORE_FOUND) != 0) {
      return true;
    }
  }
  return false;
}

/* The model may have raised guarantees of the line: follow it. */
static void line_sync(struct explore_image *image, uint64_t address) {
  uint32_t head = lines_of(image, address)[line_index(address)];
  if (head == 0) {
    explore_line_mend(image, address);
    return;
  }
  if (line_held(image, head)) {
    return;
  }
  struct explore_pool *pool = &image->pools[fpost_pm_pool(address)];
  uint8_t *memory = pool->memory + fpost_pm_offset(address);
  uint8_t before[LINE];
  memcpy(before, memory, LINE);
  for (uint32_t i = head; i != 0;) {
    uint32_t next = image->links[i - 1];
    struct fpost_unit *unit = &image->units[i - 1];
    uint32_t count = steps_guaranteed(image, unit, memory);
    if (count != 0) {
      explore_unit_shift(image, i - 1, count);
    }
    i = next;
  }
  head = lines_of(image, address)[line_index(address)];
  if (head == 0) {
    explore_line_mend(image, address);
  }
  if (memcmp(before, memory, LINE) == 0) {
    return;
  }
  hash_sub(&image->content, line_hash(address, before));
  hash_add(&image->content, line_hash(address, memory));
  for (uint32_t i = head; i != 0; i = image->links[i - 1]) {
    memcpy(image->units[i - 1].base, memory, LINE);
  }
}

static int thread_get(struct explore_image *image, uint32_t id,
                      struct fpost_thread **thread) {
  if (id >= image->threads_count) {
    uint32_t count = id + 1;
    struct fpost_thread *threads =
        realloc(image->threads, count * sizeof *threads);
    if (threads == NULL) {
      return FPOST_ENOMEM;
    }
    for (uint32_t i = image->threads_count; i < count; i++) {
      threads[i] = (struct fpost_thread){.id = i};
    }
    image->threads = threads;
    image->threads_count = count;
  }
  *thread = &image->threads[id];
  return explore_thread_room(*thread, FPOST_LINE_WORDS);
}

/*
 * The thread stores to the line. If an NT store of another thread may come
 * before or after that, the line is torn.
 */
static int line_meet(struct explore_image *image, uint64_t address,
                     const struct fpost_thread *thread) {
  if (explore_line_mode(image, address).torn ||
      !fpost_model_nt_awaited(thread, explore_line_get(image, address))) {
    return FPOST_OK;
  }
  return explore_line_tear(image, address);
}

/* ---- records ---- */

/* The step of bytes [from, to) of the line at address, as far as `all` has
 * them. */
static int step_add(struct explore_image *image, uint64_t address,
                    fpost_bytes all, const struct fpost_step *whole,
                    const struct explore_step *info) {
  struct fpost_step step = *whole;
  step.written &= all;
  if (step.written == 0) {
    return FPOST_OK;
  }
  for (int i = 0; i < (int)LINE; i++) {
    if ((step.written >> i & 1) == 0) {
      step.content[i] = 0;
    }
  }
  uint32_t index = 0;
  int err = explore_unit_get(image, address, all, &index);
  if (err != FPOST_OK) {
    return err;
  }
  if (unit_joins(image, index, &step, info)) {
    unit_join(image, index, &step, info);
    return FPOST_OK;
  }
  return explore_unit_add(image, index, &step, info);
}

static uint32_t words_of(fpost_bytes bytes) {
  uint32_t words = 0;
  for (uint32_t word = 0; word < FPOST_LINE_WORDS; word++) {
    words |= (uint32_t)((bytes >> (8 * word) & 0xff) != 0) << word;
  }
  return words;
}

static int line_store(struct explore_image *image,
                      const struct fpost_record *record, uint64_t event,
                      uint64_t address, uint32_t from, uint32_t to) {
  struct fpost_thread *thread = NULL;
  int err = thread_get(image, record->thread, &thread);
  if (err == FPOST_OK) {
    err = line_meet(image, address, thread);
  }
  if (err == FPOST_OK) {
    err = explore_thread_room(thread, FPOST_LINE_WORDS);
  }
  const struct fpost_mode mode = explore_line_mode(image, address);
  struct fpost_line *line = explore_line_get(image, address);
  struct fpost_step step = {
      .store = event,
      .whole = !mode.torn && (record->flags & FENCEPOST_STORE_WHOLE) != 0};
  step.written = (to == LINE ? ~UINT64_C(0) : (UINT64_C(1) << to) - 1) &
                 ~((UINT64_C(1) << from) - 1);
  memcpy(step.content + from, record->data + (address + from - record->address),
         to - from);
  uint32_t words = words_of(step.written);
  if (err == FPOST_OK) {
    err = fpost_model_store(&mode, thread, line, words, record->flags);
  }
  struct explore_step info = {.number = line->stores,
                              .thread = record->thread,
                              .stack = record->stack,
                              .flags = record->flags,
                              .address = address + from,
                              .size = to - from};
  if (err == FPOST_OK && !mode.torn) {
    return step_add(image, address, ~UINT64_C(0), &step, &info);
  }
  for (uint32_t word = 0; word < FPOST_LINE_WORDS && err == FPOST_OK; word++) {
    info.number = line[word].stores;
    err = step_add(image, address, UINT64_C(0xff) << (8 * word), &step, &info);
  }
  return err;
}

static int apply_store(struct explore_image *image,
                       const struct fpost_record *record, uint64_t event) {
  uint64_t end = record->address + record->size;
  if ((record->flags & FENCEPOST_STORE_FOUND) != 0) {
    if (image->found_last + 1 != event) {
      image->found_first = event;
    }
    image->found_last = event;
  }
  for (uint64_t at = record->address; at < end;) {
    uint64_t address = at & ~(uint64_t)(LINE - 1);
    uint64_t next = address + LINE < end ? address + LINE : end;
    int err = line_store(image, record, event, address,
                         (uint32_t)(at - address), (uint32_t)(next - address));
    if (err != FPOST_OK) {
      return err;
    }
    if (image->options.mode.domain == FPOST_DOMAIN_ADR) {
      line_sync(image, address); /* an older NT store may have been completed */
    }
    at = next;
  }
  return FPOST_OK;
}

/* Lines whose flush or NT store has been completed. */
static void sync_pending(struct explore_image *image,
                         const struct fpost_pending *pending, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    line_sync(image, explore_line_address(image, pending[i].line));
  }
}

static int line_flush(struct explore_image *image,
                      const struct fpost_record *record, uint64_t address) {
  const struct fpost_mode mode = explore_line_mode(image, address);
  struct fpost_thread *thread = NULL;
  int err = thread_get(image, record->thread, &thread);
  if (err != FPOST_OK) {
    return err;
  }
  uint32_t count = thread->nt_count != 0 ? thread->pending_count : 0;
  struct fpost_pending *before = NULL;
  if (record->flags == FENCEPOST_CLFLUSH && count != 0) {
    before = malloc(count * sizeof *before);
    if (before == NULL) {
      return FPOST_ENOMEM;
    }
    memcpy(before, thread->pending, count * sizeof *before);
  }
  err = fpost_model_flush(&mode, thread, explore_line_get(image, address),
                          record->flags, NULL);
  if (err == FPOST_OK && record->flags == FENCEPOST_CLFLUSH) {
    line_sync(image, address);
    sync_pending(image, before, before == NULL ? 0 : count);
  }
  free(before);
  return err;
}

static int apply_flush(struct explore_image *image,
                       const struct fpost_record *record) {
  uint64_t end = record->address + (record->size == 0 ? 1 : record->size);
  int err = FPOST_OK;
  for (uint64_t at = record->address & ~(uint64_t)(LINE - 1);
       at < end && err == FPOST_OK; at += LINE) {
    err = line_flush(image, record, at);
  }
  return err;
}

static int apply_fence(struct explore_image *image,
                       const struct fpost_record *record) {
  struct fpost_thread *thread = NULL;
  int err = thread_get(image, record->thread, &thread);
  if (err != FPOST_OK) {
    return err;
  }
  uint32_t count = thread->pending_count;
  (void)fpost_model_fence(thread);
  sync_pending(image, thread->pending, count); /* emptied, not erased */
  return FPOST_OK;
}

static void apply_durable(struct explore_image *image,
                          const struct fpost_record *record) {
  uint64_t end = record->address + record->size;
  for (uint64_t at = record->address & ~(uint64_t)(LINE - 1); at < end;
       at += LINE) {
    const struct fpost_mode mode = explore_line_mode(image, at);
    fpost_model_durable(&mode, explore_line_get(image, at));
    line_sync(image, at);
  }
}

static int apply_size(struct explore_image *image,
                      const struct fpost_record *record) {
  struct explore_pool *pool = &image->pools[record->id];
  struct fpost_plan_pool *shown = &image->plan->pools[record->id];
  if (ftruncate(pool->image, (off_t)record->size) != 0) {
    return FPOST_ENOMEM;
  }
  if (record->kind == FPOST_RECORD_POOL) {
    shown->virtual_address = record->value;
    if (pool->early && pool->size == record->size) {
      return FPOST_OK;
    }
  }
  pool->size = record->size;
  shown->size = record->size;
  uint64_t key[2] = {record->id, record->size};
  hash_add(&image->content, XXH3_128bits(key, sizeof key));
  return FPOST_OK;
}

static void apply_image(struct explore_image *image,
                        const struct fpost_record *record) {
  struct explore_pool *pool = &image->pools[fpost_pm_pool(record->address)];
  memcpy(pool->memory + fpost_pm_offset(record->address), record->data,
         record->data_size);
  hash_add(
      &image->content,
      XXH3_128bits_withSeed(record->data, record->data_size, record->address));
}

/* Pools that were there from the start, before the first that was mapped. */
static int apply_early(struct explore_image *image) {
  uint32_t count = image->early_count;
  int err = FPOST_OK;
  image->early_count = 0;
  for (uint32_t i = 0; i < count && err == FPOST_OK; i++) {
    const struct fpost_record *record = &image->early[i];
    if (record->kind == FPOST_RECORD_POOL) {
      err = apply_size(image, record);
    } else {
      apply_image(image, record);
    }
  }
  for (uint32_t i = 0; i < count; i++) {
    if (image->early[i].kind == FPOST_RECORD_POOL) {
      image->pools[image->early[i].id].early = true;
    }
  }
  return err;
}

int explore_image_apply(struct explore_image *image,
                        const struct fpost_record *record, uint64_t event) {
  if (explore_image_found_ends(image, record)) {
    image->pending_found = false;
    explore_image_settle(image);
  }
  image->found_shown = image->found_shown || explore_found_shows(image, record);
  switch (record->kind) {
  case FPOST_RECORD_POOL: {
    int err = apply_early(image);
    return err == FPOST_OK ? apply_size(image, record) : err;
  }
  case FPOST_RECORD_RESIZE:
    return apply_size(image, record);
  case FPOST_RECORD_IMAGE:
    if (!image->pools[fpost_pm_pool(record->address)].early) {
      apply_image(image, record);
    }
    return FPOST_OK;
  case FPOST_RECORD_STORE: {
    int err = apply_store(image, record, event);
    if (err == FPOST_OK && image->options.mode.domain == FPOST_DOMAIN_EADR) {
      bool found = (record->flags & FENCEPOST_STORE_FOUND) != 0;
      image->pending_store = true;
      image->pending_found = image->pending_found || found;
      image->found_shown = image->found_shown && !found;
    }
    return err;
  }
  case FPOST_RECORD_FLUSH:
    return apply_flush(image, record);
  case FPOST_RECORD_FENCE:
    return apply_fence(image, record);
  case FPOST_RECORD_DURABLE:
    apply_durable(image, record);
    return FPOST_OK;
  default:
    return FPOST_OK;
  }
}

void explore_image_settle(struct explore_image *image) {
  if (!image->pending_store) {
    return;
  }
  image->pending_store = image->pending_found;
  /* Few units are undecided in eADR: NT stores, and the last store. */
  for (uint32_t i = 0; i < image->plan->units_used; i++) {
    if (image->units[i].touched != 0) {
      line_sync(image, image->units[i].address);
    }
  }
}
