/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Random events of one or two threads through rt/model/rules.c, and through a
 * bookkeeping of every store to every word.
 *
 * Invariants checked, after each event: which words are dirty; which are
 * flushed and wait for a fence, and whether a flush or fence is reported as
 * redundant (exactly with one thread; with two, the rules remember the last
 * flush of a line only, and may keep a word waiting too long or take a flush
 * for useful); that no line with stores that are not guaranteed is without a
 * word to report.
 *
 *   fuzz_rules [-n RUNS] [-s SEED]
 */
#include "rt/base/assert.h"
#include "rt/model/rules.h"
#include "tests/fuzz/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 3u
#define WORDS (LINES * FPOST_LINE_WORDS)
#define THREADS 2u
#define EVENTS 40u
#define PENDING_MAX (EVENTS * LINES)
#define BASE UINT64_C(0x10000000000)

_Noreturn void fpost_panic(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: %s\n", file, line, condition);
  abort();
}

/* A word's stores are numbered from 1. */
struct word {
  uint32_t stores;
  uint32_t guaranteed;
  uint32_t covered[THREADS]; /* by a flush that the thread has not fenced */
  uint32_t nt[THREADS];      /* the part of that which is NT stores */
};

struct run {
  struct fpost_rules rules;
  struct fpost_thread threads[THREADS];
  struct fpost_pending pending[THREADS][PENDING_MAX];
  struct fpost_cell cells[LINES];
  struct word words[WORDS];
  bool fence_due[THREADS];
  uint32_t threads_count;
  uint32_t redundant_flushes; /* found by the rules */
  uint32_t redundant_fences;
};

static void on_found(void *context, const struct fpost_finding *finding) {
  struct run *run = context;
  run->redundant_flushes += finding->class_ == FPOST_CLASS_REDUNDANT_FLUSH;
  run->redundant_fences += finding->class_ == FPOST_CLASS_REDUNDANT_FENCE;
}

static bool fail(const char *what) {
  printf("fuzz_rules: %s\n", what);
  return false;
}

static bool is_dirty(const struct word *word) {
  bool covered = false;
  for (uint32_t t = 0; t < THREADS; t++) {
    covered |= word->covered[t] == word->stores;
  }
  return word->guaranteed < word->stores && !covered;
}

static bool is_flushed(const struct word *word) {
  return word->guaranteed < word->stores && !is_dirty(word);
}

static void word_guarantee(struct word *word, uint32_t stores) {
  word->guaranteed = word->guaranteed < stores ? stores : word->guaranteed;
}

static bool check_words(const struct run *run) {
  for (uint32_t line = 0; line < LINES; line++) {
    const struct fpost_cell *cell = &run->cells[line];
    uint32_t dirty = 0;
    uint32_t flushed = 0;
    for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
      const struct word *word = &run->words[line * FPOST_LINE_WORDS + w];
      dirty |= is_dirty(word) ? UINT32_C(1) << w : 0u;
      flushed |= is_flushed(word) ? UINT32_C(1) << w : 0u;
    }
    if (cell->dirty != dirty) {
      return fail("dirty words differ");
    }
    if ((flushed & ~(uint32_t)cell->flushed) != 0 ||
        ((dirty | flushed) == 0 && cell->flushed != 0)) {
      return fail("flushed words differ");
    }
    uint32_t waiting = dirty | cell->flushed;
    if (cell->line.guaranteed < cell->line.stores && waiting == 0) {
      return fail("a line with undecided stores has nothing to report");
    }
  }
  return true;
}

/* An NT store is of a whole line: else prefixes guarantee what words do not. */
static bool do_store(struct run *run, struct random *random, uint32_t t) {
  uint32_t line = random_below(random, LINES);
  bool nt = random_below(random, 5) == 0;
  uint32_t offset = nt ? 0 : random_below(random, FENCEPOST_LINE_SIZE);
  uint32_t size = nt ? FENCEPOST_LINE_SIZE
                     : 1 + random_below(random, FENCEPOST_LINE_SIZE - offset);
  if (fpost_rules_store(&run->rules, &run->threads[t], &run->cells[line],
                        BASE + line * FENCEPOST_LINE_SIZE + offset, size,
                        nt ? FENCEPOST_STORE_NT : 0, 1) != FPOST_OK) {
    return fail("no room for a store");
  }
  bool eadr = run->rules.domain == FPOST_DOMAIN_EADR;
  for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
    struct word *word = &run->words[line * FPOST_LINE_WORDS + w];
    if (w >= offset / 8 && w <= (offset + size - 1) / 8) {
      word->stores++;
      if (nt) {
        word->covered[t] = word->stores;
        word->nt[t] = word->stores;
      }
    }
    if (!nt) {
      word_guarantee(word, word->nt[t]);
    }
    if (eadr && !nt) {
      word_guarantee(word, word->stores);
    }
  }
  run->fence_due[t] |= nt;
  return true;
}

static bool do_flush(struct run *run, struct random *random, uint32_t t) {
  uint32_t kind = random_below(random, 3);
  uint32_t size = 1 + random_below(random, 2 * FENCEPOST_LINE_SIZE);
  uint32_t offset =
      random_below(random, LINES * FENCEPOST_LINE_SIZE + 1 - size);
  uint32_t first = offset / FENCEPOST_LINE_SIZE;
  uint32_t last = (offset + size - 1) / FENCEPOST_LINE_SIZE;
  uint32_t found = run->redundant_flushes;
  if (fpost_rules_flush(&run->rules, &run->threads[t], &run->cells[first],
                        BASE + offset, size, kind, 2) != FPOST_OK) {
    return fail("no room for a flush");
  }
  bool useful = false;
  for (uint32_t w = 0; w < WORDS; w++) {
    struct word *word = &run->words[w];
    uint32_t line = w / FPOST_LINE_WORDS;
    if (line >= first && line <= last && word->guaranteed < word->stores) {
      useful |= word->covered[t] < word->stores;
      word->covered[t] = word->stores;
      if (kind == FENCEPOST_CLFLUSH) {
        word->guaranteed = word->stores;
      }
    }
    if (kind == FENCEPOST_CLFLUSH) {
      word_guarantee(word, word->nt[t]); /* to whichever line */
    }
  }
  bool reported = run->redundant_flushes != found;
  run->fence_due[t] |= kind != FENCEPOST_CLFLUSH || reported;
  if (reported == useful && (run->threads_count == 1 || reported)) {
    return fail("redundant flush differs");
  }
  return true;
}

static bool do_fence(struct run *run, struct random *random, uint32_t t) {
  uint32_t kind = random_below(random, 3);
  uint32_t found = run->redundant_fences;
  fpost_rules_fence(&run->rules, &run->threads[t], kind, 3);
  for (uint32_t w = 0; w < WORDS; w++) {
    word_guarantee(&run->words[w], run->words[w].covered[t]);
    run->words[w].covered[t] = 0;
    run->words[w].nt[t] = 0;
  }
  bool redundant = kind != FENCEPOST_LOCKED && !run->fence_due[t];
  run->fence_due[t] &= kind == FENCEPOST_LOCKED;
  return (run->redundant_fences != found) == redundant
             ? true
             : fail("redundant fence differs");
}

static bool do_event(struct run *run, struct random *random) {
  uint32_t t = random_below(random, run->threads_count);
  switch (random_below(random, 16)) {
  case 0: {
    uint32_t line = random_below(random, LINES);
    fpost_rules_durable(&run->cells[line]);
    for (uint32_t w = 0; w < FPOST_LINE_WORDS; w++) {
      struct word *word = &run->words[line * FPOST_LINE_WORDS + w];
      word->guaranteed = word->stores;
    }
    return true;
  }
  case 1:
  case 2:
  case 3:
  case 4:
  case 5:
    return do_flush(run, random, t);
  case 6:
  case 7:
  case 8:
    return do_fence(run, random, t);
  default:
    return do_store(run, random, t);
  }
}

static bool do_run(struct random *random) {
  static struct run run;
  memset(&run, 0, sizeof(run));
  run.rules = (struct fpost_rules){.domain = random_below(random, 4) == 0
                                                 ? FPOST_DOMAIN_EADR
                                                 : FPOST_DOMAIN_ADR,
                                   .enabled = UINT32_MAX,
                                   .found = on_found,
                                   .context = &run};
  run.threads_count = 1 + random_below(random, THREADS);
  for (uint32_t t = 0; t < THREADS; t++) {
    run.threads[t] = (struct fpost_thread){
        .pending = run.pending[t], .pending_max = PENDING_MAX, .id = t};
  }
  for (uint32_t event = 0; event < EVENTS; event++) {
    if (!do_event(&run, random) || !check_words(&run)) {
      printf("  at event %u, %u threads, domain %u\n", event, run.threads_count,
             (unsigned)run.rules.domain);
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  uint64_t runs = 20000;
  uint64_t seed = 1;
  int option = 0;
  while ((option = getopt(argc, argv, "n:s:")) != -1) {
    uint64_t value = strtoull(optarg, NULL, 0);
    if (option == 'n') {
      runs = value;
    } else if (option == 's') {
      seed = value;
    } else {
      fputs("usage: fuzz_rules [-n RUNS] [-s SEED]\n", stderr);
      return 2;
    }
  }
  struct random random = {.state = seed};
  for (uint64_t i = 0; i < runs; i++) {
    if (!do_run(&random)) {
      printf("fuzz_rules: seed %llu, run %llu\n", (unsigned long long)seed,
             (unsigned long long)i);
      return 1;
    }
  }
  printf("fuzz_rules: seed %llu: %llu runs of %u events, none differs\n",
         (unsigned long long)seed, (unsigned long long)runs, EVENTS);
  return 0;
}
