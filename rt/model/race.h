/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Data races on PM, and reads of uncommitted updates: docs/RACES.md.
 *
 * Each thread has a slot and two vector clocks. `hb` is happens-before; `hard`
 * is happens-before without the edges that a lock makes by accident. A race
 * under `hb` was seen, one under `hard` alone is predicted.
 *
 *             release: sync.clock |= hb, hb[own]++
 *   thread <------------------------------------------> sync object (by key)
 *             acquire: hb |= sync.clock
 *
 * Per 8-byte word of PM the caller keeps a struct fpost_race_word, zeroed at
 * the start. Findings come back through a callback, one per occurrence.
 *
 * Pure: no I/O, allocation or globals. All memory is the caller's; reserved
 * address space will do, since it is touched only as needed. Not thread-safe,
 * except fpost_race_known.
 */
#ifndef FPOST_MODEL_RACE_H
#define FPOST_MODEL_RACE_H

#include "rt/model/rules.h"
#include "rt/model/site.h"

#define FPOST_RACE_THREADS 256u /* at a time */
#define FPOST_RACE_SLOTS 4u     /* accesses remembered per word */
/* Locks held at a time; further ones order as atomics do. */
#define FPOST_RACE_HELD 16u
#define FPOST_RACE_TOUCHED                                                     \
  2048u /* bits of a set of addresses, a power of 2                            \
         */
/* Objects that a thread is making, one within another. */
#define FPOST_RACE_MAKING 8u
/* Sync objects that there is room for; a power of two. */
#define FPOST_RACE_SYNCS (UINT32_C(1) << 20)

/* An access; a bit set. */
enum fpost_race_flag { FPOST_RACE_WRITE = 1, FPOST_RACE_ATOMIC = 2 };

/* One word of PM. */
struct fpost_race_word {
  uint64_t access[FPOST_RACE_SLOTS]; /* packed, race.c; 0: none */
  uint32_t site[FPOST_RACE_SLOTS];
  uint32_t tx;         /* number of the transaction that stored here last */
  uint32_t tx_site;    /* its last store */
  uint32_t store_site; /* of the last store */
  uint16_t writer;     /* 1 + slot of its thread; 0: none */
  uint8_t tx_bytes;    /* bytes that tx stored, a bit each */
  uint8_t tx_slot;     /* of its thread */
};
_Static_assert(sizeof(struct fpost_race_word) == 64, "a line per word");

/* A set of addresses, of a word each; never misses one that is in it. */
struct fpost_race_set {
  uint64_t bits[FPOST_RACE_TOUCHED / 64];
};

/* A clock of a sync object: as long as there have been threads. */
struct fpost_race_clock {
  uint32_t *at;
  uint32_t count; /* places; what is beyond is 0 */
};

struct fpost_race_sync {
  uint64_t key;                   /* 0: free */
  struct fpost_race_clock clock;  /* of all releases */
  struct fpost_race_clock hard;   /* locks: the hard clocks of the releases */
  struct fpost_race_clock begun;  /* locks: each thread's last acquisition */
  struct fpost_race_clock ended;  /* locks: and release */
  struct fpost_race_set *touched; /* locks: [0] read, [1] written in critical
                                     sections; null: none with hooks yet */
  bool all_touched;               /* locks: some section did what is unknown */
};

/* A lock that a thread holds. */
struct fpost_race_held {
  struct fpost_race_sync *sync;
  struct fpost_race_sync *readers; /* exclusive: that of shared releases */
  bool shared;
  bool apart;   /* FPOST_RACE_APART */
  bool ordered; /* its earlier sections come before what follows, for sure */
  struct fpost_site_lock taken;     /* .below: the chain of those held before */
  uint32_t locks;                   /* the chain that it is the top of */
  struct fpost_race_set touched[2]; /* in this section */
};

struct fpost_race_thread {
  uint32_t hb[FPOST_RACE_THREADS];
  uint32_t hard[FPOST_RACE_THREADS];
  uint32_t relaxed[FPOST_RACE_THREADS]; /* read by relaxed loads, for the next
                                           acquire fence */
  uint32_t fenced[FPOST_RACE_THREADS];  /* as of the last release fence */
  bool any_relaxed;
  bool any_fenced;
  uint32_t slot;
  uint32_t id;     /* for findings; the caller's */
  uint32_t person; /* of its sites; the caller's */
  uint32_t tx;     /* number of its transaction; 0: none */
  uint32_t making_count;
  uint64_t making[FPOST_RACE_MAKING]; /* keys */
  uint32_t held_count;
  struct fpost_race_held held[FPOST_RACE_HELD];
  enum fpost_race_life {
    FPOST_RACE_FREE,
    FPOST_RACE_ALIVE,
    FPOST_RACE_GONE /* joined, or detached and ended: the slot may be reused */
  } life;
};

struct fpost_race {
  struct fpost_race_thread *threads; /* FPOST_RACE_THREADS, zeroed */
  uint32_t threads_count;            /* slots ever used */
  uint32_t next;                     /* where the search for a slot begins */
  struct fpost_race_sync *syncs;     /* FPOST_RACE_SYNCS, zeroed */
  uint32_t syncs_count;
  uint8_t *arena; /* for clocks and sets, zeroed; used from its front */
  uint64_t arena_size;
  uint64_t arena_used;
  struct fpost_sites sites;
  bool full;         /* a table ran out: nothing is reported any more */
  bool makes;        /* some thread has had an object to make */
  uint32_t tx_count; /* transactions so far */
  uint32_t enabled;  /* bit per enum fpost_class */
  void (*found)(void *context, const struct fpost_finding *finding);
  void *context;
};

/*
 * A thread begins: behind everything that creator has done, or, if it is null,
 * that anybody has. Returns null if FPOST_RACE_THREADS are alive.
 */
struct fpost_race_thread *fpost_race_begin(struct fpost_race *race,
                                           struct fpost_race_thread *creator);
/* thread was joined by another (null: it was detached, and has ended). */
void fpost_race_joined(struct fpost_race *race, struct fpost_race_thread *by,
                       struct fpost_race_thread *thread);

/* The thread acquires from, or releases to, the sync object of key (not 0).
   relaxed: it takes fences to make an edge of it. */
void fpost_race_acquire(struct fpost_race *race,
                        struct fpost_race_thread *thread, uint64_t key,
                        bool relaxed);
void fpost_race_release(struct fpost_race *race,
                        struct fpost_race_thread *thread, uint64_t key,
                        bool relaxed);
/*
 * Between the two the thread releases to the sync object at a moment that is
 * not told: whoever acquires from it in the meantime is behind all that the
 * thread has done so far. The second acquires as well. A thread that is thrown
 * out of it is at it until it is through with something that it began before.
 */
void fpost_race_makes(struct fpost_race *race, struct fpost_race_thread *thread,
                      uint64_t key);
void fpost_race_made(struct fpost_race *race, struct fpost_race_thread *thread,
                     uint64_t key);
void fpost_race_fence(struct fpost_race_thread *thread, bool acquire,
                      bool release);
/*
 * A fence instruction: sfence, or mfence, which acquires as well. Persisting
 * takes one, so that a critical section with one still is what it was, and its
 * end is the atomic store that follows.
 */
void fpost_race_barrier(struct fpost_race *race,
                        struct fpost_race_thread *thread, bool acquire);

/* What is known of what a thread does while it holds a lock. */
enum fpost_race_section {
  FPOST_RACE_TOLD,   /* fpost_race_touch tells */
  FPOST_RACE_OPAQUE, /* nothing: code without hooks took the lock */
  FPOST_RACE_APART   /* whatever it is, the lock does not protect it: it is of a
                        library that protects what is its own */
};

/* A lock was taken, or is about to be given up. It has key, kind and stack;
   below is not looked at. */
void fpost_race_lock(struct fpost_race *race, struct fpost_race_thread *thread,
                     const struct fpost_site_lock *lock,
                     enum fpost_race_section section);
void fpost_race_unlock(struct fpost_race *race,
                       struct fpost_race_thread *thread, uint64_t key);

/* A thread that holds a lock is about to access the word of memory (of any
   kind) at address; or does something, who knows what. */
void fpost_race_touch(struct fpost_race_thread *thread, uint64_t address,
                      bool write);
void fpost_race_touch_all(struct fpost_race_thread *thread);

/* The site of what the thread does now at stack. */
uint32_t fpost_race_site(struct fpost_race *race,
                         const struct fpost_race_thread *thread,
                         uint32_t stack);

/*
 * The thread accesses bytes (a bit each, not 0) of the word of PM at pm address
 * address, a multiple of 8. flags are enum fpost_race_flag, site is of
 * fpost_race_site.
 */
void fpost_race_access(struct fpost_race *race,
                       struct fpost_race_thread *thread,
                       struct fpost_race_word *word, uint64_t address,
                       uint32_t bytes, uint32_t flags, uint32_t site);

/*
 * Is there nothing to learn from this plain access: did the thread make it, or
 * a stronger one, since its last release? May be called while another thread
 * changes the word.
 */
bool fpost_race_known(const struct fpost_race_thread *thread,
                      const struct fpost_race_word *word, uint32_t bytes,
                      bool write);

/* The thread's outermost transaction begins, or has been committed or aborted.
 */
void fpost_race_tx_begin(struct fpost_race *race,
                         struct fpost_race_thread *thread);
void fpost_race_tx_end(struct fpost_race_thread *thread);

#endif /* FPOST_MODEL_RACE_H */
