/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/site.h"

#include "rt/base/assert.h"

/* Entries are found fast as long as a quarter of a table is free. */
#define SITES_FULL (FPOST_SITES / 4 * 3)
#define LOCKS_FULL (FPOST_SITE_LOCKS / 4 * 3)

static uint64_t hash_add(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ hash >> 32;
}

/* A number is that of a stack, or, behind these, that of an entry. */
uint32_t fpost_sites_get(struct fpost_sites *sites, uint32_t thread,
                         uint32_t stack, uint32_t locks) {
  FPOST_ASSERT(stack < FPOST_SITE_STACKS);
  if (stack == 0) {
    return 0;
  }
  uint64_t hash = hash_add(hash_add(hash_add(0, thread), stack), locks);
  for (uint64_t at = hash;; at++) {
    uint32_t place = (uint32_t)at & (FPOST_SITES - 1);
    struct fpost_race_site *site = &sites->sites[place];
    if (site->stack == stack && site->thread == thread &&
        site->locks == locks) {
      return FPOST_SITE_STACKS + place;
    }
    if (site->stack != 0) {
      continue;
    }
    if (sites->sites_count == SITES_FULL) {
      return stack;
    }
    sites->sites_count++;
    *site = (struct fpost_race_site){
        .thread = thread, .stack = stack, .locks = locks};
    return FPOST_SITE_STACKS + place;
  }
}

struct fpost_race_site fpost_sites_at(const struct fpost_sites *sites,
                                      uint32_t number) {
  if (number < FPOST_SITE_STACKS) {
    return (struct fpost_race_site){.stack = number,
                                    .locks = FPOST_LOCKS_UNKNOWN};
  }
  return sites->sites[number - FPOST_SITE_STACKS];
}

uint32_t fpost_sites_lock(struct fpost_sites *sites,
                          const struct fpost_site_lock *lock) {
  FPOST_ASSERT(lock->key != 0);
  if (lock->below == FPOST_LOCKS_UNKNOWN) {
    return FPOST_LOCKS_UNKNOWN;
  }
  uint64_t hash = hash_add(hash_add(0, lock->key), lock->below);
  hash = hash_add(hash_add(hash, lock->stack), lock->kind);
  for (uint64_t at = hash;; at++) {
    uint32_t place = (uint32_t)at & (FPOST_SITE_LOCKS - 1);
    struct fpost_site_lock *known = &sites->locks[place];
    if (place == 0) {
      continue; /* the number of no chain */
    }
    if (known->key == lock->key && known->below == lock->below &&
        known->stack == lock->stack && known->kind == lock->kind) {
      return place;
    }
    if (known->key != 0) {
      continue;
    }
    if (sites->locks_count == LOCKS_FULL) {
      return FPOST_LOCKS_UNKNOWN;
    }
    sites->locks_count++;
    *known = *lock;
    return place;
  }
}
