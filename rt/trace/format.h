/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the encoder and the decoder agree on, besides trace.h: the bits of a tag
 * and the fields of each kind. docs/TRACE.md says the same in words.
 */
#ifndef FPOST_TRACE_FORMAT_H
#define FPOST_TRACE_FORMAT_H

#include "rt/trace/trace.h"

#include <stdbool.h>

/* A record begins with a tag: its kind in the low four bits, and: */
#define FPOST_TAG_KIND 0x0fu
#define FPOST_TAG_THREAD                                                       \
  0x10u /* a thread follows: not that of the last record */
#define FPOST_TAG_FLAGS                                                        \
  0x20u /* flags follow: not those of the last such record */
#define FPOST_TAG_STACK 0x40u /* a stack follows: not the one predicted */
#define FPOST_TAG_ADDRESS                                                      \
  0x80u /* an address follows: not where the last ended */
/* Of END: the wait status follows. */
#define FPOST_TAG_STATUS 0x10u

/* The byte that opens data: up to a word, size - 1 above the bytes kept; or: */
#define FPOST_DATA_KNOWN 0x79u /* a word of the table; its index follows */
#define FPOST_DATA_WORDS                                                       \
  0x80u /* size, bytes kept, words by codes, odd bytes                         \
         */

/* Codes of words, two bits each, four to a byte, the first in the low bits. */
enum fpost_word_code {
  FPOST_WORD_ZERO = 0,
  FPOST_WORD_NEXT = 1,   /* the word of the table that is expected here */
  FPOST_WORD_KNOWN = 2,  /* of the table: the two bytes of its index follow */
  FPOST_WORD_LITERAL = 3 /* eight bytes follow; goes into the table */
};

/*
 * The table of words is one of sets of 8, a cache line each: a word's hash
 * gives its set, and in a full set the words are replaced in turn.
 */
#define FPOST_WORD_WAYS 8u

static inline uint32_t fpost_trace_hash(uint64_t word) {
  _Static_assert(FPOST_TRACE_WORDS == 1u << 16, "an index has two bytes");
  return (uint32_t)((word * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

/* Is the word in the table? Then *index is its place. */
static inline bool fpost_trace_known(const struct fpost_trace_state *state,
                                     uint64_t word, uint32_t *index) {
  uint32_t set = fpost_trace_hash(word) & ~(FPOST_WORD_WAYS - 1);
  for (uint32_t i = 0; i < FPOST_WORD_WAYS; i++) {
    if (state->words[set + i] == word) {
      *index = set + i;
      return true;
    }
  }
  return false;
}

/* Put a word that is not in it into the table; returns its place. */
static inline uint32_t fpost_trace_learn(struct fpost_trace_state *state,
                                         uint64_t word) {
  uint32_t set = fpost_trace_hash(word) & ~(FPOST_WORD_WAYS - 1);
  uint32_t index = set + state->turns[set / FPOST_WORD_WAYS] % FPOST_WORD_WAYS;
  state->turns[set / FPOST_WORD_WAYS]++;
  state->words[index] = word;
  return index;
}

/* What the next word is expected by, after a zero. */
static inline uint32_t fpost_trace_after_zero(uint32_t context) {
  return (context + 0x9e37) & 0xffff;
}

_Static_assert(FPOST_RECORD_KINDS <= 16, "the kind has four bits of the tag");

/* Which fields a kind has, in the order in which they are written. */
enum fpost_field {
  FPOST_FIELD_THREAD = 1,
  FPOST_FIELD_FLAGS = 2,
  FPOST_FIELD_STACK = 4,
  FPOST_FIELD_ADDRESS = 8,
  FPOST_FIELD_ID = 16,
  FPOST_FIELD_VALUE = 32,
  FPOST_FIELD_SIZE = 64,
  FPOST_FIELD_TEXT = 128,
  FPOST_FIELD_DATA = 256,  /* as it is */
  FPOST_FIELD_BYTES = 512, /* size and data, made short */
  FPOST_FIELD_STATUS = 1024
};

#define FPOST_FIELDS_EVENT (FPOST_FIELD_THREAD | FPOST_FIELD_STACK)

static inline unsigned fpost_trace_fields(unsigned kind) {
  switch (kind) {
  case FPOST_RECORD_END:
    return FPOST_FIELD_STATUS;
  case FPOST_RECORD_MODULE:
    return FPOST_FIELD_FLAGS | FPOST_FIELD_ID | FPOST_FIELD_VALUE |
           FPOST_FIELD_SIZE | FPOST_FIELD_TEXT | FPOST_FIELD_DATA;
  case FPOST_RECORD_STACK:
    return FPOST_FIELD_ID | FPOST_FIELD_DATA;
  case FPOST_RECORD_POOL:
    return FPOST_FIELD_FLAGS | FPOST_FIELD_ID | FPOST_FIELD_VALUE |
           FPOST_FIELD_SIZE | FPOST_FIELD_TEXT;
  case FPOST_RECORD_IMAGE:
    return FPOST_FIELD_ADDRESS | FPOST_FIELD_BYTES;
  case FPOST_RECORD_RESIZE:
    return FPOST_FIELD_ID | FPOST_FIELD_SIZE;
  case FPOST_RECORD_UNMAP:
    return FPOST_FIELD_ADDRESS | FPOST_FIELD_SIZE;
  case FPOST_RECORD_IGNORE:
    return FPOST_FIELD_FLAGS | FPOST_FIELD_ADDRESS | FPOST_FIELD_SIZE;
  case FPOST_RECORD_STORE:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_FLAGS | FPOST_FIELD_ADDRESS |
           FPOST_FIELD_BYTES;
  case FPOST_RECORD_FLUSH:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_FLAGS | FPOST_FIELD_ADDRESS |
           FPOST_FIELD_SIZE;
  case FPOST_RECORD_FENCE:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_FLAGS;
  case FPOST_RECORD_DURABLE:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_ADDRESS | FPOST_FIELD_SIZE;
  case FPOST_RECORD_OP_BEGIN:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_TEXT;
  case FPOST_RECORD_OP_END:
    return FPOST_FIELDS_EVENT;
  case FPOST_RECORD_NOTE:
    return FPOST_FIELD_TEXT;
  case FPOST_RECORD_MARK:
    return FPOST_FIELDS_EVENT | FPOST_FIELD_FLAGS | FPOST_FIELD_ADDRESS |
           FPOST_FIELD_ID | FPOST_FIELD_VALUE | FPOST_FIELD_SIZE |
           FPOST_FIELD_TEXT;
  default:
    return 0;
  }
}

/* The stack expected after the last one: what came after it the last time. */
static inline uint32_t
fpost_trace_predict(const struct fpost_trace_state *state) {
  return state->follow[state->stack % FPOST_TRACE_FOLLOW];
}

/* Remember a record that was encoded or decoded. */
static inline void fpost_trace_remember(struct fpost_trace_state *state,
                                        const struct fpost_record *record,
                                        unsigned fields) {
  if ((fields & FPOST_FIELD_THREAD) != 0) {
    state->thread = record->thread;
  }
  if ((fields & FPOST_FIELD_FLAGS) != 0) {
    state->flags[record->kind] = record->flags;
  }
  if ((fields & FPOST_FIELD_STACK) != 0) {
    state->follow[state->stack % FPOST_TRACE_FOLLOW] = record->stack;
    state->stack = record->stack;
  }
  if ((fields & FPOST_FIELD_ADDRESS) != 0) {
    state->address = record->address + record->size;
  }
}

#endif /* FPOST_TRACE_FORMAT_H */
