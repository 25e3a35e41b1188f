/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random undecided units and random reads of them, through rt/model/crash.c and
 * through an enumeration of all cuts, byte by byte.
 *
 * Invariants checked: the number of cuts; the content at each; for a sequence
 * of reads, of which each narrows what is known: the distinct values and their
 * order, the error when there is no room for them, the first and the last cut
 * that agree.
 *
 *   fuzz_crash [-n UNITS] [-s SEED]
 */
#include "rt/base/assert.h"
#include "rt/model/crash.h"
#include "tests/fuzz/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_MAX 4u
#define CUTS_MAX (1u + STEPS_MAX * 255u)
#define READS_MAX 6u

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

/* All cuts of a unit, in order, as an enumeration finds them. */
struct every_cut {
  uint32_t count;
  uint8_t content[CUTS_MAX][64];
};

struct sample {
  struct fpost_unit unit;
  struct fpost_step steps[STEPS_MAX];
  struct every_cut cuts;
};

static bool has(fpost_bytes bytes, uint32_t i) {
  return (bytes >> i & 1) != 0;
}

/* The piece of the step that byte i is in, counted from 0. */
static uint32_t piece_of(const struct fpost_step *step, uint32_t i) {
  uint32_t piece = 0;
  for (uint32_t w = 0; w < i / 8 && step->whole == 0; w++) {
    bool any = false;
    for (uint32_t b = 0; b < 8; b++) {
      any |= has(step->written, w * 8 + b);
    }
    piece += any;
  }
  return piece;
}

static uint32_t pieces_of(const struct fpost_step *step) {
  uint32_t last = 63;
  while (!has(step->written, last)) {
    last--;
  }
  return piece_of(step, last) + 1;
}

static void enumerate(struct sample *sample) {
  struct every_cut *cuts = &sample->cuts;
  memcpy(cuts->content[0], sample->unit.base, 64);
  cuts->count = 1;
  for (uint32_t s = 0; s < sample->unit.steps_count; s++) {
    const struct fpost_step *step = &sample->steps[s];
    uint8_t before[64];
    memcpy(before, cuts->content[cuts->count - 1], 64);
    for (uint32_t set = 1; set < 1u << pieces_of(step); set++) {
      uint8_t *content = cuts->content[cuts->count++];
      memcpy(content, before, 64);
      for (uint32_t i = 0; i < 64; i++) {
        if (has(step->written, i) && (set >> piece_of(step, i) & 1) != 0) {
          content[i] = step->content[i];
        }
      }
    }
  }
}

/* A set of bytes within all: anything, a word, a few bytes, or everything. */
static fpost_bytes draw_bytes(struct random *random, fpost_bytes all) {
  for (;;) {
    fpost_bytes bytes = UINT64_MAX;
    switch (random_below(random, 5)) {
    case 0:
      bytes = random_next(random);
      break;
    case 1:
      bytes = UINT64_C(0xff) << (random_below(random, 8) * 8);
      break;
    case 2:
      bytes = (UINT64_C(2) << random_below(random, 16)) - 1;
      bytes <<= random_below(random, 60);
      break;
    case 3:
      bytes = random_next(random) & random_next(random) & random_next(random);
      break;
    default:
      break;
    }
    if ((bytes & all) != 0) {
      return bytes & all;
    }
  }
}

static void draw_sample(struct random *random, struct sample *sample) {
  memset(&sample->unit, 0, sizeof(sample->unit));
  struct fpost_unit *unit = &sample->unit;
  bool word = random_below(random, 3) == 0;
  unit->all =
      word ? UINT64_C(0xff) << (random_below(random, 8) * 8) : UINT64_MAX;
  unit->steps_count = random_below(random, STEPS_MAX + 1);
  /* Few values, so that different cuts give equal bytes. */
  uint32_t values = 1 + random_below(random, 3);
  for (uint32_t i = 0; i < 64; i++) {
    unit->base[i] = (uint8_t)random_below(random, values);
  }
  for (uint32_t s = 0; s < unit->steps_count; s++) {
    struct fpost_step *step = &sample->steps[s];
    memset(step, 0, sizeof(*step));
    step->written = draw_bytes(random, unit->all);
    step->whole = random_below(random, 6) == 0;
    unit->touched |= step->written;
    uint8_t value = (uint8_t)random_below(random, values + 1);
    bool same = random_below(random, 2) == 0;
    for (uint32_t i = 0; i < 64; i++) {
      if (has(step->written, i)) {
        step->content[i] =
            same ? value : (uint8_t)random_below(random, values + 1);
      }
    }
  }
}

static bool agrees(const uint8_t content[64], const struct fpost_known *known) {
  for (uint32_t i = 0; i < 64; i++) {
    if (has(known->fixed, i) && content[i] != known->content[i]) {
      return false;
    }
  }
  return true;
}

static bool fail(const char *what) {
  printf("fuzz_crash: %s\n", what);
  return false;
}

static bool check_cuts(const struct sample *sample) {
  const struct fpost_unit *unit = &sample->unit;
  if (fpost_unit_cuts(unit, sample->steps) != sample->cuts.count) {
    return fail("number of cuts differs");
  }
  for (uint32_t cut = 0; cut < sample->cuts.count; cut++) {
    uint8_t out[64];
    memset(out, 0xee, sizeof(out));
    fpost_unit_at(unit, sample->steps, cut, out);
    for (uint32_t i = 0; i < 64; i++) {
      uint8_t wanted = has(unit->all, i) ? sample->cuts.content[cut][i] : 0xee;
      if (out[i] != wanted) {
        return fail("content at a cut differs");
      }
    }
  }
  return true;
}

/* The distinct values of a read, by going through all cuts. */
static uint32_t values_enumerate(const struct sample *sample,
                                 const struct fpost_known *known,
                                 fpost_bytes read,
                                 uint8_t values[CUTS_MAX][64]) {
  uint32_t count = 0;
  for (uint32_t cut = 0; cut < sample->cuts.count; cut++) {
    if (!agrees(sample->cuts.content[cut], known)) {
      continue;
    }
    uint8_t value[64] = {0};
    for (uint32_t i = 0; i < 64; i++) {
      value[i] =
          has(read & sample->unit.all, i) ? sample->cuts.content[cut][i] : 0;
    }
    uint32_t v = 0;
    while (v < count && memcmp(values[v], value, 64) != 0) {
      v++;
    }
    if (v == count) {
      memcpy(values[count++], value, 64);
    }
  }
  return count;
}

static bool check_ends(const struct sample *sample,
                       const struct fpost_known *known) {
  uint32_t first = 0;
  while (!agrees(sample->cuts.content[first], known)) {
    first++;
  }
  uint32_t last = sample->cuts.count - 1;
  while (!agrees(sample->cuts.content[last], known)) {
    last--;
  }
  if (fpost_unit_first_cut(&sample->unit, sample->steps, known) != first) {
    return fail("first cut differs");
  }
  if (fpost_unit_last_cut(&sample->unit, sample->steps, known) != last) {
    return fail("last cut differs");
  }
  return true;
}

static bool check_reads(struct random *random, const struct sample *sample) {
  static uint8_t wanted[CUTS_MAX][64];
  static uint8_t values[CUTS_MAX][64];
  struct fpost_known known = {.fixed = 0};
  for (uint32_t r = 0; r < READS_MAX; r++) {
    if (!check_ends(sample, &known)) {
      return false;
    }
    fpost_bytes read = draw_bytes(random, UINT64_MAX);
    uint32_t wanted_count = values_enumerate(sample, &known, read, wanted);
    uint32_t max = random_below(random, 3) != 0
                       ? CUTS_MAX
                       : random_below(random, wanted_count + 2);
    bool fits = wanted_count <= max;
    uint32_t count = 0;
    int err = fpost_unit_values(&sample->unit, sample->steps, &known, read,
                                values, max, &count);
    if (err != (fits ? FPOST_OK : FPOST_ENOMEM)) {
      return fail("result of fpost_unit_values differs");
    }
    if (count != (fits ? wanted_count : max) ||
        memcmp(values, wanted, (size_t)count * 64) != 0) {
      return fail("values of a read differ");
    }
    uint32_t taken = random_below(random, wanted_count);
    for (uint32_t i = 0; i < 64; i++) {
      if (has(read & sample->unit.all, i)) {
        known.fixed |= UINT64_C(1) << i;
        known.content[i] = wanted[taken][i];
      }
    }
  }
  return check_ends(sample, &known);
}

int main(int argc, char **argv) {
  uint64_t units = 20000;
  uint64_t seed = 1;
  int option = 0;
  while ((option = getopt(argc, argv, "n:s:")) != -1) {
    uint64_t value = strtoull(optarg, NULL, 0);
    if (option == 'n') {
      units = value;
    } else if (option == 's') {
      seed = value;
    } else {
      fputs("usage: fuzz_crash [-n UNITS] [-s SEED]\n", stderr);
      return 2;
    }
  }
  static struct sample sample;
  struct random random = {.state = seed};
  uint64_t cuts = 0;
  for (uint64_t i = 0; i < units; i++) {
    draw_sample(&random, &sample);
    enumerate(&sample);
    cuts += sample.cuts.count;
    if (!check_cuts(&sample) || !check_reads(&random, &sample)) {
      printf("fuzz_crash: seed %llu, unit %llu\n", (unsigned long long)seed,
             (unsigned long long)i);
      return 1;
    }
  }
  printf("fuzz_crash: seed %llu: %llu units with %llu cuts, none differs\n",
         (unsigned long long)seed, (unsigned long long)units,
         (unsigned long long)cuts);
  return 0;
}
