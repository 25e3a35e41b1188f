/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/html/tables.h"

#include "rt/base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The entries of a table are found again by the hash of what they hold. */
struct entries {
  uint64_t *hashes; /* 0: empty */
  uint32_t *numbers;
  uint32_t room; /* a power of two */
  uint32_t count;
};

struct html_tables {
  struct entries strings;
  struct entries frames;
  struct entries stacks;
  struct entries places; /* of stacks, by the address of their frames */
  json_t *string_list;
  json_t *frame_list;
  json_t *stack_list;
};

/* ---- entries ---- */

static uint32_t slot_of(const struct entries *entries, uint64_t hash) {
  uint32_t slot = (uint32_t)hash & (entries->room - 1);
  while (entries->hashes[slot] != 0 && entries->hashes[slot] != hash) {
    slot = (slot + 1) & (entries->room - 1);
  }
  return slot;
}

static void entries_grow(struct entries *entries) {
  struct entries old = *entries;
  entries->room = old.room == 0 ? 1024 : 2 * old.room;
  entries->hashes = calloc(entries->room, sizeof *entries->hashes);
  entries->numbers = calloc(entries->room, sizeof *entries->numbers);
  FPOST_ASSERT(entries->hashes != NULL);
  FPOST_ASSERT(entries->numbers != NULL);
  for (uint32_t i = 0; i < old.room; i++) {
    if (old.hashes[i] != 0) {
      uint32_t slot = slot_of(entries, old.hashes[i]);
      entries->hashes[slot] = old.hashes[i];
      entries->numbers[slot] = old.numbers[i];
    }
  }
  free(old.hashes);
  free(old.numbers);
}

/* The entry of a hash (128 bits would be no surer: there are thousands).
 *fresh: there was none, and it has the number given. */
static uint32_t entry(struct entries *entries, uint64_t hash, uint32_t number,
                      bool *fresh) {
  if (2 * entries->count >= entries->room) {
    entries_grow(entries);
  }
  hash += hash == 0;
  uint32_t slot = slot_of(entries, hash);
  *fresh = entries->hashes[slot] == 0;
  if (*fresh) {
    entries->hashes[slot] = hash;
    entries->numbers[slot] = number;
    entries->count++;
  }
  return entries->numbers[slot];
}

static void entries_free(struct entries *entries) {
  free(entries->hashes);
  free(entries->numbers);
}

/* ---- tables ---- */

struct html_tables *html_tables_new(void) {
  struct html_tables *tables = calloc(1, sizeof *tables);
  FPOST_ASSERT(tables != NULL);
  tables->string_list = json_array();
  tables->frame_list = json_array();
  tables->stack_list = json_array();
  return tables;
}

void html_tables_free(struct html_tables *tables) {
  entries_free(&tables->strings);
  entries_free(&tables->frames);
  entries_free(&tables->stacks);
  entries_free(&tables->places);
  json_decref(tables->string_list);
  json_decref(tables->frame_list);
  json_decref(tables->stack_list);
  free(tables);
}

static int64_t string_number(struct html_tables *tables, const char *text) {
  bool fresh = false;
  if (text == NULL) {
    return -1;
  }
  uint32_t number =
      entry(&tables->strings, XXH3_64bits(text, strlen(text)),
            (uint32_t)json_array_size(tables->string_list), &fresh);
  if (fresh) {
    json_array_append_new(tables->string_list, fpost_json_text(text));
  }
  return number;
}

json_t *html_string(struct html_tables *tables, const char *text) {
  return json_integer(string_number(tables, text));
}

static uint32_t frame_number(struct html_tables *tables,
                             const struct fpost_frame *frame) {
  int64_t fields[] = {string_number(tables, frame->file),
                      string_number(tables, frame->shown),
                      frame->line,
                      frame->column,
                      string_number(tables, frame->function),
                      string_number(tables, frame->module),
                      (int64_t)frame->offset,
                      frame->inlined};
  bool fresh = false;
  uint32_t number =
      entry(&tables->frames, XXH3_64bits(fields, sizeof fields),
            (uint32_t)json_array_size(tables->frame_list), &fresh);
  if (fresh) {
    json_t *json = json_array();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
      json_array_append_new(json, json_integer(fields[i]));
    }
    json_array_append_new(tables->frame_list, json);
  }
  return number;
}

static uint32_t stack_number(struct html_tables *tables,
                             const struct fpost_place *place) {
  uint32_t *frames = calloc(place->count + 1, sizeof *frames);
  FPOST_ASSERT(frames != NULL);
  const struct fpost_frame *shown = fpost_place_frame(place);
  frames[0] = (uint32_t)(shown - place->frames);
  for (uint32_t i = 0; i < place->count; i++) {
    frames[i + 1] = frame_number(tables, &place->frames[i]);
  }
  bool fresh = false;
  uint32_t number = entry(
      &tables->stacks, XXH3_64bits(frames, (place->count + 1) * sizeof *frames),
      (uint32_t)json_array_size(tables->stack_list), &fresh);
  if (fresh) {
    json_t *json = json_array();
    for (uint32_t i = 0; i <= place->count; i++) {
      json_array_append_new(json, json_integer(frames[i]));
    }
    json_array_append_new(tables->stack_list, json);
  }
  free(frames);
  return number;
}

json_t *html_stack(struct html_tables *tables,
                   const struct fpost_place *place) {
  bool fresh = false;
  if (place->count == 0) {
    return json_integer(-1);
  }
  uint64_t key[2] = {(uintptr_t)place->frames, place->count};
  uint64_t hash = XXH3_64bits(key, sizeof key);
  uint32_t known = entry(&tables->places, hash, UINT32_MAX, &fresh);
  if (fresh) {
    known = stack_number(tables, place);
    hash += hash == 0;
    tables->places.numbers[slot_of(&tables->places, hash)] = known;
  }
  return json_integer(known);
}

void html_tables_take(struct html_tables *tables, json_t *data) {
  json_object_set(data, "strings", tables->string_list);
  json_object_set(data, "frames", tables->frame_list);
  json_object_set(data, "stacks", tables->stack_list);
}
