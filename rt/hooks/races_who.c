/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/races_who.h"

#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <string.h>

/* Threads that are told apart, from the start of the run on. */
#define PERSONS_MAX 65536u

struct person {
  uint32_t creator; /* number of another; 0: not known */
  uint32_t stack;   /* where it was created; 0: not known */
  uint32_t number;  /* for readers */
  uint32_t shared;  /* 1 + index in the results; record: 1 if told */
  char name[FPOST_RESULTS_NAME_MAX];
};

static struct {
  struct person *persons; /* index is the number; 0 is nobody's */
  uint32_t persons_count; /* with 0 */
  uint32_t *locks;        /* per chain: 1 + index in the results, or in the
                             trace */
  uint32_t locks_told;    /* in the trace */
} who;

bool fpost_who_start(void) {
  who.persons = fpost_os_reserve(sizeof(*who.persons) * PERSONS_MAX);
  who.locks = fpost_os_reserve(sizeof(*who.locks) * FPOST_SITE_LOCKS);
  who.persons_count = 1;
  return (void *)who.persons != FPOST_OS_FAILED &&
         (void *)who.locks != FPOST_OS_FAILED;
}

uint32_t fpost_who_new(uint32_t creator, uint32_t stack) {
  if (who.persons_count == PERSONS_MAX) {
    return 0;
  }
  uint32_t person = who.persons_count++;
  who.persons[person] =
      (struct person){.creator = creator, .stack = stack, .number = person - 1};
  return person;
}

void fpost_who_runs(uint32_t person, uint32_t number) {
  /* In a checked run a number is used again when its thread is gone. */
  if (person != 0 && fpost_context.run == FPOST_RUN_RECORD) {
    who.persons[person].number = number;
  }
}

/* The locks of a chain, the one taken first at the front. */
static uint32_t chain_of(const struct fpost_sites *sites, uint32_t locks,
                         uint32_t chain[FPOST_RACE_HELD]) {
  uint32_t count = 0;
  for (uint32_t at = locks; at != 0 && at != FPOST_LOCKS_UNKNOWN;
       at = sites->locks[at].below) {
    count++;
  }
  uint32_t place = count;
  for (uint32_t at = locks; place != 0; at = sites->locks[at].below) {
    chain[--place] = at;
  }
  return count;
}

/* ---- check ---- */

/* With all that it goes back to, in a loop: these may be many, and stacks be
   small. */
static uint32_t person_share(uint32_t person) {
  struct fpost_findings *findings = &fpost_context.findings;
  uint32_t result = 0;
  uint32_t *to = &result;
  for (;;) {
    struct person *one = &who.persons[person];
    struct fpost_results_thread *out =
        person == 0 || one->shared != 0
            ? NULL
            : fpost_findings_thread(findings, &one->shared);
    *to = one->shared;
    if (out == NULL) {
      return result;
    }
    out->number = one->number;
    out->stack = fpost_findings_stack(findings, one->stack);
    memcpy(out->name, one->name, sizeof(out->name));
    atomic_store(&out->ready, 1);
    to = &out->creator;
    person = one->creator;
  }
}

static uint32_t locks_share(const struct fpost_sites *sites, uint32_t locks) {
  struct fpost_findings *findings = &fpost_context.findings;
  uint32_t chain[FPOST_RACE_HELD];
  uint32_t count = chain_of(sites, locks, chain);
  uint32_t below = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_site_lock *lock = &sites->locks[chain[i]];
    uint32_t *shared = &who.locks[chain[i]];
    struct fpost_results_lock *out =
        *shared == 0 ? fpost_findings_lock(findings, shared) : NULL;
    if (out != NULL) {
      const struct fpost_region *region =
          fpost_region_at((const void *)(uintptr_t)lock->key);
      out->kind = lock->kind;
      out->address = lock->key;
      if (region != NULL) {
        out->address = lock->key - region->start + region->offset;
        out->pool = region->pool->shared_index;
      }
      out->stack = fpost_findings_stack(findings, lock->stack);
      out->below = below;
      atomic_store(&out->ready, 1);
    }
    below = *shared;
  }
  return below;
}

static struct fpost_results_who who_share(const struct fpost_sites *sites,
                                          uint32_t number) {
  struct fpost_race_site site = fpost_sites_at(sites, number);
  struct fpost_results_who out = {.thread = person_share(site.thread)};
  if (out.thread != 0 && site.locks != FPOST_LOCKS_UNKNOWN) {
    out.locks = locks_share(sites, site.locks);
    out.locks_known = site.locks == 0 || out.locks != 0;
  }
  return out;
}

/* ---- record ---- */

static void mark_put(const struct fpost_record *mark) {
  struct fpost_record record = *mark;
  record.kind = FPOST_RECORD_MARK;
  fpost_record_put(&fpost_context.record, &record);
}

static void person_mark(const struct person *one) {
  mark_put(&(struct fpost_record){
      .flags = FPOST_MARK_THREAD,
      .id = one->number,
      .value = one->creator == 0
                   ? 0
                   : 1 + (uint64_t)who.persons[one->creator].number,
      .stack = one->stack,
      .text = one->name,
      .text_size = strlen(one->name)});
}

static void person_tell(uint32_t person) {
  while (person != 0 && who.persons[person].shared == 0) {
    struct person *one = &who.persons[person];
    one->shared = 1;
    person_mark(one);
    person = one->creator;
  }
}

static uint32_t locks_tell(const struct fpost_sites *sites, uint32_t locks) {
  uint32_t chain[FPOST_RACE_HELD];
  uint32_t count = chain_of(sites, locks, chain);
  uint32_t below = 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct fpost_site_lock *lock = &sites->locks[chain[i]];
    if (who.locks[chain[i]] == 0) {
      const struct fpost_region *region =
          fpost_region_at((const void *)(uintptr_t)lock->key);
      who.locks[chain[i]] = ++who.locks_told;
      mark_put(&(struct fpost_record){
          .flags = FPOST_MARK_LOCK,
          .id = who.locks_told,
          .value = (uint64_t)(region != NULL) << 40 |
                   (uint64_t)lock->kind << 32 | below,
          .address = region == NULL
                         ? lock->key
                         : fpost_pm_address(region->pool->index,
                                            lock->key - region->start +
                                                region->offset),
          .stack = lock->stack});
    }
    below = who.locks[chain[i]];
  }
  return below;
}

static void who_tell(const struct fpost_sites *sites, uint32_t number,
                     bool other) {
  struct fpost_race_site site = fpost_sites_at(sites, number);
  if (site.thread == 0) {
    return;
  }
  bool known = site.locks != FPOST_LOCKS_UNKNOWN;
  person_tell(site.thread);
  uint32_t locks = known ? locks_tell(sites, site.locks) : 0;
  mark_put(&(struct fpost_record){.flags = FPOST_MARK_WHO,
                                  .id = who.persons[site.thread].number,
                                  .value = (uint64_t)other << 33 |
                                           (uint64_t)known << 32 | locks});
}

void fpost_who_found(const struct fpost_sites *sites,
                     const struct fpost_finding *finding) {
  if (fpost_context.run == FPOST_RUN_CHECK) {
    struct fpost_results_finding *entry =
        fpost_findings_add(&fpost_context.findings, finding);
    if (entry != NULL) {
      entry->store_who = who_share(sites, finding->store_site);
      entry->other_who = who_share(sites, finding->other_site);
    }
  } else if (fpost_context.run == FPOST_RUN_RECORD) {
    who_tell(sites, finding->store_site, false);
    who_tell(sites, finding->other_site, true);
    fpost_found(finding);
  }
}

void fpost_who_named(uint32_t person, const char *name) {
  struct person *one = &who.persons[person];
  if (person == 0) {
    return;
  }
  struct fpost_text text = fpost_text_in(one->name, sizeof(one->name));
  fpost_text_add(&text, name);
  if (one->shared != 0 && fpost_context.run == FPOST_RUN_CHECK) {
    memcpy(fpost_context.results->threads[one->shared - 1].name, one->name,
           sizeof(one->name));
  } else if (one->shared != 0 && fpost_context.run == FPOST_RUN_RECORD) {
    person_mark(one);
  }
}
