/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/base/assert.h"
#include "rt/trace/format.h"
#include "rt/trace/trace.h"

#include <stdbool.h>

static uint8_t *put_varint(uint8_t *out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  *out++ = (uint8_t)value;
  return out;
}

static uint8_t *put_signed(uint8_t *out, uint64_t difference) {
  uint64_t sign = (uint64_t)0 - (difference >> 63);
  return put_varint(out, (difference << 1) ^ sign);
}

static uint8_t *put_bytes(uint8_t *out, const void *bytes, size_t size) {
  if (size != 0) {
    __builtin_memcpy(out, bytes, size);
  }
  return out + size;
}

static uint8_t *put_u16(uint8_t *out, uint32_t value) {
  out[0] = (uint8_t)value;
  out[1] = (uint8_t)(value >> 8);
  return out + 2;
}

/* One word after *context; *code says how. */
static uint8_t *put_word(struct fpost_trace_state *state, uint8_t *out,
                         uint64_t word, uint32_t *context, unsigned *code) {
  uint32_t index = 0;
  if (word == 0) {
    *context = fpost_trace_after_zero(*context);
    *code = FPOST_WORD_ZERO;
    return out;
  }
  uint16_t *next = &state->next[*context];
  if (state->words[*next] == word) {
    *context = *next;
    *code = FPOST_WORD_NEXT;
    return out;
  }
  if (fpost_trace_known(state, word, &index)) {
    *code = FPOST_WORD_KNOWN;
    out = put_u16(out, index);
  } else {
    index = fpost_trace_learn(state, word);
    *code = FPOST_WORD_LITERAL;
    __builtin_memcpy(out, &word, sizeof word);
    out += sizeof word;
  }
  *next = (uint16_t)index;
  *context = index;
  return out;
}

/* Data of at most a word. */
static uint8_t *put_short(struct fpost_trace_state *state, uint8_t *out,
                          const uint8_t *data, size_t size) {
  size_t kept = size;
  while (kept > 0 && data[kept - 1] == 0) {
    kept--;
  }
  if (size == sizeof(uint64_t) && kept > 2) {
    uint64_t word;
    __builtin_memcpy(&word, data, sizeof word);
    uint32_t index = 0;
    if (fpost_trace_known(state, word, &index)) {
      *out++ = FPOST_DATA_KNOWN;
      return put_u16(out, index);
    }
    (void)fpost_trace_learn(state, word);
  }
  *out++ = (uint8_t)((size - 1) << 4 | kept);
  return put_bytes(out, data, kept);
}

/* Size and data; the bytes of the record up to its end. */
static uint8_t *put_data(struct fpost_trace_state *state, uint8_t *out,
                         const struct fpost_record *record) {
  const uint8_t *data = record->data;
  size_t size = record->data_size;
  FPOST_ASSERT(size >= 1);
  FPOST_ASSERT(size <= FPOST_STORE_MAX);
  if (size <= sizeof(uint64_t)) {
    return put_short(state, out, data, size);
  }
  size_t kept = size;
  while (kept > 0 && data[kept - 1] == 0) {
    kept--;
  }
  *out++ = FPOST_DATA_WORDS;
  out = put_varint(out, size);
  out = put_varint(out, kept);
  uint8_t *codes = out;
  uint32_t context = fpost_trace_hash(record->address);
  for (size_t i = 0; i < kept / 8; i++) {
    unsigned code = 0;
    uint64_t word;
    if (i % 4 == 0) {
      codes = out++;
      *codes = 0;
    }
    __builtin_memcpy(&word, data + 8 * i, sizeof word);
    out = put_word(state, out, word, &context, &code);
    *codes = (uint8_t)(*codes | code << (2 * (i % 4)));
  }
  return put_bytes(out, data + kept / 8 * 8, kept % 8);
}

static void record_check(const struct fpost_record *record, unsigned fields) {
  FPOST_ASSERT((unsigned)record->kind < FPOST_RECORD_KINDS);
  if ((fields & FPOST_FIELD_TEXT) != 0) {
    FPOST_ASSERT(record->text_size <= FPOST_TEXT_MAX);
  }
  if ((fields & FPOST_FIELD_DATA) != 0) {
    FPOST_ASSERT(record->data_size <= FPOST_STORE_MAX);
  }
  if ((fields & FPOST_FIELD_BYTES) != 0) {
    FPOST_ASSERT(record->size == record->data_size);
  }
  if (record->kind == FPOST_RECORD_FLUSH) {
    FPOST_ASSERT(record->size >= 1);
  }
  if (record->kind == FPOST_RECORD_STACK) {
    FPOST_ASSERT(record->data_size % sizeof(uint64_t) == 0);
    FPOST_ASSERT(record->data_size / sizeof(uint64_t) <= FPOST_STACK_MAX);
  }
}

/* The fields that only records other than events have, and the data. */
static uint8_t *put_rest(struct fpost_trace_state *state, uint8_t *out,
                         const struct fpost_record *record, unsigned fields) {
  if ((fields & FPOST_FIELD_ID) != 0) {
    out = put_varint(out, record->id);
  }
  if ((fields & FPOST_FIELD_VALUE) != 0) {
    out = put_varint(out, record->value);
  }
  if ((fields & FPOST_FIELD_SIZE) != 0) {
    out = put_varint(out, record->size);
  }
  if ((fields & FPOST_FIELD_TEXT) != 0) {
    out = put_varint(out, record->text_size);
    out = put_bytes(out, record->text, record->text_size);
  }
  if ((fields & FPOST_FIELD_DATA) != 0) {
    out = put_varint(out, record->data_size);
    out = put_bytes(out, record->data, record->data_size);
  }
  if ((fields & FPOST_FIELD_BYTES) != 0) {
    out = put_data(state, out, record);
  }
  return out;
}

size_t fpost_trace_encode(struct fpost_trace_state *state,
                          const struct fpost_record *record, uint8_t *out) {
  unsigned fields = fpost_trace_fields(record->kind);
  uint8_t *begin = out;
  unsigned tag = record->kind;
  record_check(record, fields);
  out++;
  if ((fields & FPOST_FIELD_STATUS) != 0 && record->value != UINT64_MAX) {
    tag |= FPOST_TAG_STATUS;
    out = put_varint(out, record->value);
  }
  if ((fields & FPOST_FIELD_THREAD) != 0 && record->thread != state->thread) {
    tag |= FPOST_TAG_THREAD;
    out = put_varint(out, record->thread);
  }
  if ((fields & FPOST_FIELD_FLAGS) != 0 &&
      record->flags != state->flags[record->kind]) {
    tag |= FPOST_TAG_FLAGS;
    out = put_varint(out, record->flags);
  }
  if ((fields & FPOST_FIELD_STACK) != 0 &&
      record->stack != fpost_trace_predict(state)) {
    tag |= FPOST_TAG_STACK;
    out = put_signed(out, (uint64_t)record->stack - state->stack);
  }
  if ((fields & FPOST_FIELD_ADDRESS) != 0 &&
      record->address != state->address) {
    tag |= FPOST_TAG_ADDRESS;
    out = put_signed(out, record->address - state->address);
  }
  out = put_rest(state, out, record, fields);
  /* A process that is killed here leaves a zero: the end, not half a record. */
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *begin = (uint8_t)tag;
  fpost_trace_remember(state, record, fields);
  FPOST_ASSERT((size_t)(out - begin) <= FPOST_RECORD_MAX);
  return (size_t)(out - begin);
}
