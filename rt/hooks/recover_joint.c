/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Joint tests of a run (rt/model/choice.h): which have failed, and whether one
 * of their words is read all the same. The tables lie in the plan, where the
 * server's walk finds them.
 */
#include "rt/hooks/recover_run.h"

#include <string.h>

/* Tests that have failed in one run. */
#define FAILED_MAX 64u

static uint32_t failed[FAILED_MAX]; /* indices of tests */
static uint32_t failed_count;
static struct fpost_sum_scratch scratch;

void fpost_joint_hash(uint64_t hash[2], uint64_t number) {
  uint64_t z = (hash[0] ^ number) * UINT64_C(0x9e3779b97f4a7c15);
  hash[0] = (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (hash[1] + number) * UINT64_C(0x94d049bb133111eb);
  hash[1] = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
}

/* The words of a test: its facts, and behind them its first word. */
static const struct fpost_choice *words_of(const struct fpost_joint *test) {
  return &fpost_run.list.joints.facts[test->first];
}

static void note_failed(uint32_t index) {
  const struct fpost_joint *test = &fpost_run.list.joints.tests[index];
  const struct fpost_choice *words = words_of(test);
  for (uint32_t i = 0; i <= test->count; i++) {
    fpost_run.lazies[words[i].unit].joint |= words[i].read;
  }
  failed[failed_count++] = index;
}

void fpost_joint_begin(const struct fpost_choice *choice) {
  if (failed_count == FAILED_MAX) {
    /* Never more than fpost_joint_fail allowed when the choice was made. */
    fpost_run_overflow();
  }
  note_failed(choice->joint - 1);
}

void fpost_joint_opened(uint32_t unit, fpost_bytes bytes) {
  for (uint32_t i = 0; i < failed_count; i++) {
    struct fpost_joint *test = &fpost_run.list.joints.tests[failed[i]];
    const struct fpost_choice *words = words_of(test);
    for (uint32_t j = 0; j <= test->count; j++) {
      if (words[j].unit == unit && (words[j].read & bytes) != 0) {
        test->opened = 1;
      }
    }
  }
}

bool fpost_joint_failed(const uint64_t hash[2]) {
  for (uint32_t i = 0; i < failed_count; i++) {
    const struct fpost_joint *test = &fpost_run.list.joints.tests[failed[i]];
    if (test->hash[0] == hash[0] && test->hash[1] == hash[1]) {
      return true;
    }
  }
  return false;
}

/* validates: three words and more are not compared but summed up. */
static struct fpost_choice word_choice(const struct fpost_joint_word *word,
                                       bool new, bool validates) {
  struct fpost_choice choice = {.unit = word->unit,
                                .count = 1,
                                .read = word->bytes,
                                .valid = validates ? word->bytes : 0};
  for (fpost_bytes left = word->bytes; left != 0; left &= left - 1) {
    int i = __builtin_ctzll(left);
    choice.value[i] = word->contents[new ? 1 : 0][i];
  }
  return choice;
}

static bool in(const uint64_t *set, uint32_t i) {
  return (set[i / 64] >> (i % 64) & 1) != 0;
}

bool fpost_joint_fail(const struct fpost_joint_word *words, uint32_t count,
                      const uint64_t *subset, const uint64_t hash[2],
                      uint64_t pc) {
  struct fpost_plan *plan = fpost_run.plan;
  struct fpost_choice_list *list = &fpost_run.list;
  if (failed_count == FAILED_MAX || list->count == list->max ||
      plan->joints_used == FPOST_PLAN_JOINTS_MAX ||
      count > FPOST_PLAN_FACTS_MAX - plan->facts_used) {
    return false;
  }
  /* A word that passes when it is new: failing is then its first value. */
  uint32_t chosen = 0;
  while (chosen < count && !in(subset, chosen)) {
    chosen++;
  }
  bool passes_new = chosen < count;
  bool sum = count >= FPOST_SUM_WORDS_MIN;
  chosen = passes_new ? chosen : 0;
  uint32_t index = plan->joints_used++;
  struct fpost_joint *test = &list->joints.tests[index];
  *test = (struct fpost_joint){.hash = {hash[0], hash[1]},
                               .first = plan->facts_used,
                               .count = count - 1,
                               .flipped = !passes_new};
  struct fpost_choice *facts = &list->joints.facts[test->first];
  for (uint32_t i = 0; i < count; i++) {
    if (i != chosen) {
      *facts++ = word_choice(&words[i], in(subset, i), sum);
    }
  }
  *facts = word_choice(&words[chosen], passes_new, sum);
  plan->facts_used += count;
  struct fpost_choice *choice = &list->choices[list->count++];
  *choice = word_choice(&words[chosen], !passes_new, sum);
  choice->count = 2;
  choice->joint = index + 1;
  choice->pc = pc;
  fpost_choice_apply(choice, &fpost_run.lazies[choice->unit]);
  note_failed(index);
  plan->choices_count = list->count;
  return true;
}

enum fpost_sum_result fpost_joint_solve(const uint64_t *terms, uint32_t count,
                                        uint64_t target, uint64_t *subset) {
  uint64_t hash[2] = {count, target | 1};
  fpost_joint_hash(hash, target);
  for (uint32_t i = 0; i < count; i++) {
    fpost_joint_hash(hash, terms[i]);
  }
  struct fpost_plan_sum *sums =
      fpost_plan_table(fpost_run.plan, fpost_run.plan->sums_at);
  struct fpost_plan_sum *known = &sums[hash[0] % FPOST_PLAN_SUMS_MAX];
  if (memcmp(known->hash, hash, sizeof hash) != 0) {
    uint64_t found = 0;
    fpost_run.plan->solving = 1;
    enum fpost_sum_result result =
        fpost_sum_solve(terms, count, target, &scratch, &found);
    fpost_run.plan->solving = 0;
    known->hash[0] = 0; /* the run may be killed meanwhile */
    known->subset = found;
    known->result = result;
    known->hash[1] = hash[1];
    __atomic_store_n(&known->hash[0], hash[0], __ATOMIC_RELEASE);
  }
  *subset = known->subset;
  return (enum fpost_sum_result)known->result;
}
