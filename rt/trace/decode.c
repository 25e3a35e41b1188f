/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The bytes come from a file and are never trusted: every length and number is
 * checked before it is used, and the first error found is kept in the cursor,
 * where it stops all further reading.
 */
#include "rt/base/assert.h"
#include "rt/trace/format.h"
#include "rt/trace/trace.h"

#include <stdbool.h>

struct cursor {
  const uint8_t *at;
  size_t left; /* bytes */
  int err;     /* the first error, or 0 */
};

static void cursor_fail(struct cursor *cursor, int err) {
  FPOST_ASSERT(err < 0);
  if (cursor->err == 0) {
    cursor->err = err;
  }
  cursor->left = 0;
}

static uint8_t get_byte(struct cursor *cursor) {
  if (cursor->left == 0) {
    cursor_fail(cursor, FPOST_ENOENT);
    return 0;
  }
  cursor->left--;
  return *cursor->at++;
}

static uint64_t get_varint(struct cursor *cursor) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint64_t byte = get_byte(cursor);
    if (shift == 63 && byte > 1) {
      break;
    }
    value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  cursor_fail(cursor, FPOST_EINVAL);
  return 0;
}

/* A varint that is at most max. */
static uint64_t get_bounded(struct cursor *cursor, uint64_t max) {
  uint64_t value = get_varint(cursor);
  if (value > max) {
    cursor_fail(cursor, FPOST_EINVAL);
    return 0;
  }
  return value;
}

static uint64_t get_signed(struct cursor *cursor) {
  uint64_t value = get_varint(cursor);
  return (value >> 1) ^ ((uint64_t)0 - (value & 1));
}

static const uint8_t *get_bytes(struct cursor *cursor, size_t size) {
  const uint8_t *at = cursor->at;
  if (size > cursor->left) {
    cursor_fail(cursor, FPOST_ENOENT);
    return at;
  }
  cursor->at += size;
  cursor->left -= size;
  return at;
}

/* Bytes that follow for a word of each code. */
static const uint8_t word_bytes[4] = {
    [FPOST_WORD_ZERO] = 0,
    [FPOST_WORD_NEXT] = 0,
    [FPOST_WORD_KNOWN] = 2,
    [FPOST_WORD_LITERAL] = 8,
};

/* Move over `kept` bytes of data in words; fails if they are not all there. */
static void skip_words(struct cursor *cursor, size_t kept) {
  unsigned codes = 0;
  for (size_t i = 0; i < kept / 8 && cursor->err == 0; i++) {
    codes = i % 4 == 0 ? get_byte(cursor) : codes >> 2;
    (void)get_bytes(cursor, word_bytes[codes & 3]);
  }
  (void)get_bytes(cursor, kept % 8);
}

static uint32_t word_index(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

/* The reverse of put_word in encode.c; the bytes at `at` were checked. */
static uint64_t word_expand(struct fpost_trace_state *state, unsigned code,
                            const uint8_t *at, uint32_t *context) {
  uint64_t word = 0;
  uint16_t *next = &state->next[*context];
  if (code == FPOST_WORD_ZERO) {
    *context = fpost_trace_after_zero(*context);
    return 0;
  }
  if (code == FPOST_WORD_KNOWN) {
    *next = (uint16_t)word_index(at);
  } else if (code == FPOST_WORD_LITERAL) {
    __builtin_memcpy(&word, at, sizeof word);
    *next = (uint16_t)fpost_trace_learn(state, word);
  }
  *context = *next;
  return state->words[*next];
}

/* The reverse of the loop in put_data; the bytes at `at` were checked. */
static void words_expand(struct fpost_trace_state *state, const uint8_t *at,
                         uint64_t address, size_t kept) {
  uint32_t context = fpost_trace_hash(address);
  unsigned codes = 0;
  size_t i = 0;
  for (; i < kept / 8; i++) {
    codes = i % 4 == 0 ? *at++ : codes >> 2;
    uint64_t word = word_expand(state, codes & 3, at, &context);
    __builtin_memcpy(state->data + 8 * i, &word, sizeof word);
    at += word_bytes[codes & 3];
  }
  __builtin_memcpy(state->data + 8 * i, at, kept % 8);
}

static void get_words(struct cursor *cursor, struct fpost_trace_state *state,
                      struct fpost_record *record) {
  size_t size = get_bounded(cursor, FPOST_STORE_MAX);
  size_t kept = get_bounded(cursor, FPOST_STORE_MAX);
  const uint8_t *at = cursor->at;
  if (size <= sizeof(uint64_t) || kept > size) {
    cursor_fail(cursor, FPOST_EINVAL);
  }
  skip_words(cursor, kept);
  if (cursor->err == 0) {
    FPOST_ASSERT(size <= sizeof state->data);
    words_expand(state, at, record->address, kept);
    __builtin_memset(state->data + kept, 0, size - kept);
    record->data = state->data;
    record->data_size = size;
  }
}

/* Up to a word, in `kept` bytes. */
static void get_short(struct cursor *cursor, struct fpost_trace_state *state,
                      unsigned shape, struct fpost_record *record) {
  size_t size = (shape >> 4) + 1;
  size_t kept = shape & 0x0f;
  if (kept > size) {
    cursor_fail(cursor, FPOST_EINVAL);
  }
  const uint8_t *at = get_bytes(cursor, kept);
  if (cursor->err != 0) {
    return;
  }
  uint64_t word = 0;
  __builtin_memcpy(&word, at, kept);
  if (size == sizeof word && kept > 2) {
    (void)fpost_trace_learn(state, word);
  }
  __builtin_memcpy(state->data, &word, sizeof word);
  record->data = state->data;
  record->data_size = size;
}

/* The reverse of put_data in encode.c. The state changes only if all is well.
 */
static void get_data(struct cursor *cursor, struct fpost_trace_state *state,
                     struct fpost_record *record) {
  unsigned shape = get_byte(cursor);
  if (cursor->err != 0) {
    return;
  }
  if (shape == FPOST_DATA_WORDS) {
    get_words(cursor, state, record);
  } else if (shape == FPOST_DATA_KNOWN) {
    const uint8_t *at = get_bytes(cursor, 2);
    if (cursor->err == 0) {
      uint64_t word = state->words[word_index(at)];
      __builtin_memcpy(state->data, &word, sizeof word);
      record->data = state->data;
      record->data_size = sizeof word;
    }
  } else if (shape < FPOST_DATA_WORDS) {
    get_short(cursor, state, shape, record);
  } else {
    cursor_fail(cursor, FPOST_EINVAL);
  }
  record->size = record->data_size;
}

/* Thread, flags, stack and address, as far as the kind has them. */
static void get_event(struct cursor *cursor,
                      const struct fpost_trace_state *state, unsigned tag,
                      unsigned fields, struct fpost_record *record) {
  if ((fields & FPOST_FIELD_THREAD) != 0) {
    record->thread = (tag & FPOST_TAG_THREAD) == 0
                         ? state->thread
                         : (uint32_t)get_bounded(cursor, UINT32_MAX);
  }
  if ((fields & FPOST_FIELD_FLAGS) != 0) {
    record->flags = (tag & FPOST_TAG_FLAGS) == 0
                        ? state->flags[record->kind]
                        : (uint32_t)get_bounded(cursor, UINT32_MAX);
  }
  if ((fields & FPOST_FIELD_STACK) != 0) {
    record->stack = (tag & FPOST_TAG_STACK) == 0
                        ? fpost_trace_predict(state)
                        : (uint32_t)(state->stack + get_signed(cursor));
  }
  if ((fields & FPOST_FIELD_ADDRESS) != 0) {
    record->address = state->address;
    if ((tag & FPOST_TAG_ADDRESS) != 0) {
      record->address += get_signed(cursor);
    }
  }
}

/* What the tag says that its kind cannot have? */
static bool tag_valid(unsigned tag, unsigned fields) {
  unsigned may = FPOST_TAG_KIND;
  may |= (fields & FPOST_FIELD_THREAD) != 0 ? FPOST_TAG_THREAD : 0;
  may |= (fields & FPOST_FIELD_FLAGS) != 0 ? FPOST_TAG_FLAGS : 0;
  may |= (fields & FPOST_FIELD_STACK) != 0 ? FPOST_TAG_STACK : 0;
  may |= (fields & FPOST_FIELD_ADDRESS) != 0 ? FPOST_TAG_ADDRESS : 0;
  may |= (fields & FPOST_FIELD_STATUS) != 0 ? FPOST_TAG_STATUS : 0;
  return (tag & ~may) == 0 && (tag & FPOST_TAG_KIND) < FPOST_RECORD_KINDS;
}

static void get_rest(struct cursor *cursor, struct fpost_trace_state *state,
                     unsigned fields, struct fpost_record *record) {
  if ((fields & FPOST_FIELD_ID) != 0) {
    record->id = (uint32_t)get_bounded(cursor, UINT32_MAX);
  }
  if ((fields & FPOST_FIELD_VALUE) != 0) {
    record->value = get_varint(cursor);
  }
  if ((fields & FPOST_FIELD_SIZE) != 0) {
    record->size = get_varint(cursor);
    if (record->kind == FPOST_RECORD_FLUSH && record->size == 0) {
      cursor_fail(cursor, FPOST_EINVAL);
    }
  }
  if ((fields & FPOST_FIELD_TEXT) != 0) {
    record->text_size = get_bounded(cursor, FPOST_TEXT_MAX);
    record->text = (const char *)get_bytes(cursor, record->text_size);
  }
  if ((fields & FPOST_FIELD_DATA) != 0) {
    size_t max = record->kind == FPOST_RECORD_STACK
                     ? FPOST_STACK_MAX * sizeof(uint64_t)
                     : FPOST_STORE_MAX;
    record->data_size = get_bounded(cursor, max);
    if (record->kind == FPOST_RECORD_STACK &&
        record->data_size % sizeof(uint64_t) != 0) {
      cursor_fail(cursor, FPOST_EINVAL);
    }
    record->data = get_bytes(cursor, record->data_size);
  }
  if ((fields & FPOST_FIELD_BYTES) != 0) {
    get_data(cursor, state, record);
  }
}

int fpost_trace_decode(struct fpost_trace_state *state, const uint8_t *in,
                       size_t size, struct fpost_record *record, size_t *used) {
  struct cursor cursor = {.at = in, .left = size};
  unsigned tag = get_byte(&cursor);
  unsigned fields = fpost_trace_fields(tag & FPOST_TAG_KIND);
  if (cursor.err != 0) {
    return cursor.err;
  }
  if (!tag_valid(tag, fields)) {
    return FPOST_EINVAL;
  }
  struct fpost_record found = {.kind = tag & FPOST_TAG_KIND};
  if ((fields & FPOST_FIELD_STATUS) != 0) {
    found.value =
        (tag & FPOST_TAG_STATUS) == 0 ? UINT64_MAX : get_varint(&cursor);
  }
  get_event(&cursor, state, tag, fields, &found);
  get_rest(&cursor, state, fields, &found);
  if (cursor.err != 0) {
    return cursor.err;
  }
  fpost_trace_remember(state, &found, fields);
  *record = found;
  *used = (size_t)(cursor.at - in);
  FPOST_ASSERT(*used <= size);
  FPOST_ASSERT(*used <= FPOST_RECORD_MAX);
  return FPOST_OK;
}
