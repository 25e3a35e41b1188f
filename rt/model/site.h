/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Who accessed PM, from where, and holding what, as one number that fits where
 * a stack's number would: docs/RACES.md. A site is (thread, stack, locks);
 * locks is the number of a chain of locks, the one taken last first:
 *
 *   site {thread 2, stack 17, locks 5} --> {mutex B, taken at 11, below 3}
 *                                      --> {mutex A, taken at 9, below 0}
 *
 * Equal sites, and equal chains, have one number. When a table is full, a site
 * is known by its stack alone, and a chain is not known: less is said then.
 *
 * Pure: no I/O, allocation or globals. The tables are the caller's, zeroed.
 */
#ifndef FPOST_MODEL_SITE_H
#define FPOST_MODEL_SITE_H

#include <stdbool.h>
#include <stdint.h>

/* Entries of the tables; powers of two. */
#define FPOST_SITES (UINT32_C(1) << 18)
#define FPOST_SITE_LOCKS (UINT32_C(1) << 18)
/* A chain that did not fit. */
#define FPOST_LOCKS_UNKNOWN UINT32_MAX
/* Numbers of stacks are below. */
#define FPOST_SITE_STACKS (UINT32_C(1) << 24)

/* How a lock is held; append only, part of the trace format. */
enum fpost_lock_kind {
  FPOST_LOCK_MUTEX = 0,
  FPOST_LOCK_WRITE = 1, /* a read-write lock */
  FPOST_LOCK_READ = 2,
  FPOST_LOCK_SPIN = 3,
  FPOST_LOCK_C11 = 4, /* mtx_t */
  FPOST_LOCK_KINDS
};

struct fpost_race_site {
  uint32_t thread; /* the caller's number, from 1; 0: not known */
  uint32_t stack;  /* where the access is; 0: a free entry */
  uint32_t locks;  /* held: 0, the number of a chain, or FPOST_LOCKS_UNKNOWN */
};

struct fpost_site_lock {
  uint64_t key;   /* the lock; 0: a free entry */
  uint32_t below; /* the chain of those that were held before */
  uint32_t stack; /* where it was taken */
  uint32_t kind;  /* enum fpost_lock_kind */
};

struct fpost_sites {
  struct fpost_race_site *sites; /* FPOST_SITES */
  uint32_t sites_count;
  struct fpost_site_lock *locks; /* FPOST_SITE_LOCKS; place 0 stays free */
  uint32_t locks_count;
};

/* The number of a site; 0 if stack is 0, which stands for none. */
uint32_t fpost_sites_get(struct fpost_sites *sites, uint32_t thread,
                         uint32_t stack, uint32_t locks);
/* What a number of fpost_sites_get stands for. */
struct fpost_race_site fpost_sites_at(const struct fpost_sites *sites,
                                      uint32_t number);

/* The chain of lock, whose key is not 0, on top of the chain lock->below. */
uint32_t fpost_sites_lock(struct fpost_sites *sites,
                          const struct fpost_site_lock *lock);

#endif /* FPOST_MODEL_SITE_H */
