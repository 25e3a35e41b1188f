/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The decoder on bytes that nobody wrote.
 *
 * Invariants checked: fpost_trace_decode never reads outside of its input (each
 * input ends at a page that cannot be read) and never breaks an assertion; a
 * record that it returns is within the limits of trace.h, encodes, and decodes
 * to the same; an error leaves the record and the count alone, and the state
 * such that decoding goes on as if nothing had been.
 *
 *     fuzz_decode [-n ROUNDS] [-s SEED]
 */
#include "tests/fuzz/random.h"

#include "rt/base/assert.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define INPUT_MAX 16384u

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
  abort();
}

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fpost_panic(__FILE__, __LINE__, #condition);                             \
    }                                                                          \
  } while (0)

static struct fpost_trace_state state;    /* of the decoder under test */
static struct fpost_trace_state encoding; /* what is decoded, encoded again */
static struct fpost_trace_state again;    /* and decoded again */
static struct fpost_trace_state
    before; /* state, before a decoding that failed */

static bool same(const struct fpost_record *a, const struct fpost_record *b) {
  return a->kind == b->kind && a->thread == b->thread && a->flags == b->flags &&
         a->stack == b->stack && a->id == b->id && a->address == b->address &&
         a->size == b->size && a->value == b->value &&
         a->text_size == b->text_size && a->data_size == b->data_size &&
         (a->text_size == 0 || memcmp(a->text, b->text, a->text_size) == 0) &&
         (a->data_size == 0 || memcmp(a->data, b->data, a->data_size) == 0);
}

static void record_try(const struct fpost_record *record) {
  static uint8_t out[FPOST_RECORD_MAX];
  struct fpost_record back;
  size_t used = 0;
  CHECK(record->kind < FPOST_RECORD_KINDS);
  CHECK(record->text_size <= FPOST_TEXT_MAX);
  CHECK(record->data_size <= FPOST_STORE_MAX);
  size_t size = fpost_trace_encode(&encoding, record, out);
  CHECK(fpost_trace_decode(&again, out, size, &back, &used) == FPOST_OK);
  CHECK(used == size);
  CHECK(same(record, &back));
}

/* Decode all of the input; it may end anywhere. */
static void input_try(const uint8_t *in, size_t size) {
  struct fpost_record record;
  while (size > 0) {
    size_t used = 0;
    record = (struct fpost_record){.id = 7};
    int err = fpost_trace_decode(&state, in, size, &record, &used);
    if (err != FPOST_OK) {
      CHECK(err == FPOST_EINVAL || err == FPOST_ENOENT);
      CHECK(used == 0 && record.id == 7);
      return;
    }
    CHECK(used >= 1 && used <= size);
    record_try(&record);
    in += used;
    size -= used;
  }
}

/* A failed decoding changes nothing: cut each record short first. */
static void cut_try(const uint8_t *in, size_t size) {
  struct fpost_record record;
  size_t used = 0;
  while (size > 0) {
    memcpy(&before, &state, sizeof state);
    if (fpost_trace_decode(&state, in, size, &record, &used) != FPOST_OK) {
      return;
    }
    memcpy(&state, &before, sizeof state);
    size_t cut = (size_t)(in[0] * 31u) % used;
    CHECK(fpost_trace_decode(&state, in, cut, &record, &used) == FPOST_ENOENT);
    CHECK(memcmp(&before, &state, offsetof(struct fpost_trace_state, data)) ==
          0);
    CHECK(fpost_trace_decode(&state, in, size, &record, &used) == FPOST_OK);
    in += used;
    size -= used;
  }
}

/* Bytes that look like records more often than chance would have it. */
static size_t input_draw(struct random *random, uint8_t *in) {
  size_t size = random_below(random, 400);
  bool long_one = random_below(random, 50) == 0;
  size = long_one ? random_below(random, INPUT_MAX) : size;
  for (size_t i = 0; i < size; i++) {
    switch (random_below(random, 4)) {
    case 0:
      in[i] = (uint8_t)random_below(random, 256);
      break;
    case 1:
      in[i] = (uint8_t)random_below(random, 16);
      break;
    case 2:
      in[i] = (uint8_t)(FPOST_RECORD_STORE | random_below(random, 16) << 4);
      break;
    default:
      in[i] = (uint8_t)(0x70 + random_below(random, 17));
      break;
    }
  }
  return size;
}

int main(int argc, char **argv) {
  uint64_t rounds = 20000;
  uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "-n") == 0) {
      rounds = strtoull(argv[i + 1], NULL, 10);
    } else if (strcmp(argv[i], "-s") == 0) {
      seed = strtoull(argv[i + 1], NULL, 10);
    }
  }
  (void)printf("seed %llu, %llu rounds\n", (unsigned long long)seed,
               (unsigned long long)rounds);
  struct random random = {.state = seed};
  uint8_t *pages = mmap(NULL, INPUT_MAX + 4096, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED);
  CHECK(mprotect(pages + INPUT_MAX, 4096, PROT_NONE) == 0);
  static uint8_t drawn[INPUT_MAX];
  for (uint64_t i = 0; i < rounds; i++) {
    size_t size = input_draw(&random, drawn);
    uint8_t *in = pages + INPUT_MAX - size;
    memcpy(in, drawn, size);
    input_try(in, size);
    if (i % 64 == 0) {
      cut_try(in, size);
    }
  }
  return 0;
}
