/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/race.h"

#include "rt/base/assert.h"

/* Sync objects are found fast as long as a quarter of the table is free. */
#define SYNCS_FULL (FPOST_RACE_SYNCS / 4 * 3)
/* Places of the first clock of a sync object. */
#define CLOCK_MIN 8u

/* ---- clocks ---- */

static void *arena_get(struct fpost_race *race, uint64_t size) {
  if (race->arena_size - race->arena_used < size) {
    race->full = true;
    return NULL;
  }
  void *memory = race->arena + race->arena_used;
  race->arena_used += size;
  return memory;
}

/* to[i] = max(to[i], from[i]) */
static void times_join(uint32_t *to, const uint32_t *from, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    to[i] = from[i] > to[i] ? from[i] : to[i];
  }
}

static void clock_read(uint32_t *to, const struct fpost_race_clock *clock) {
  times_join(to, clock->at, clock->count);
}

/* Room for the slots that there are. What was there before is left behind. */
static bool clock_room(struct fpost_race *race,
                       struct fpost_race_clock *clock) {
  if (clock->count >= race->threads_count) {
    return true;
  }
  uint32_t count = CLOCK_MIN;
  while (count < race->threads_count) {
    count *= 2;
  }
  uint32_t *at = arena_get(race, count * sizeof(uint32_t));
  if (at == NULL) {
    return false;
  }
  times_join(at, clock->at, clock->count);
  clock->at = at;
  clock->count = count;
  return true;
}

static void clock_write(struct fpost_race *race, struct fpost_race_clock *clock,
                        const uint32_t *from) {
  if (clock_room(race, clock)) {
    times_join(clock->at, from, race->threads_count);
  }
}

/* Of the hard clock. A thread's own past comes before what it does, and is told
   to nobody by that alone. */
static void hard_join(struct fpost_race_thread *thread, const uint32_t *from,
                      uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (from[i] > thread->hard[i] && i != thread->slot) {
      thread->hard[i] = from[i];
    }
  }
}

static void hard_read(struct fpost_race_thread *thread,
                      const struct fpost_race_clock *clock) {
  hard_join(thread, clock->at, clock->count);
}

/* What the thread does from now on is after what others know of it. */
static void thread_tick(struct fpost_race_thread *thread) {
  uint32_t *own = &thread->hb[thread->slot];
  *own += *own != UINT32_MAX;
}

/* ---- threads ---- */

static struct fpost_race_thread *slot_get(struct fpost_race *race) {
  if (race->threads_count < FPOST_RACE_THREADS) {
    struct fpost_race_thread *fresh = &race->threads[race->threads_count];
    fresh->slot = race->threads_count++;
    return fresh;
  }
  for (uint32_t i = 0; i < FPOST_RACE_THREADS; i++) {
    uint32_t at = (race->next + i) % FPOST_RACE_THREADS;
    if (race->threads[at].life == FPOST_RACE_GONE) {
      race->next = (at + 1) % FPOST_RACE_THREADS;
      return &race->threads[at];
    }
  }
  return NULL;
}

/*
 * A slot that is used again goes on with its time: what its former thread did
 * counts as the new one's past.
 */
struct fpost_race_thread *fpost_race_begin(struct fpost_race *race,
                                           struct fpost_race_thread *creator) {
  struct fpost_race_thread *thread = slot_get(race);
  if (thread == NULL) {
    return NULL;
  }
  uint32_t slot = thread->slot;
  uint32_t now = thread->hb[slot];
  *thread = (struct fpost_race_thread){.slot = slot, .life = FPOST_RACE_ALIVE};
  for (uint32_t i = 0; i < race->threads_count; i++) {
    struct fpost_race_thread *before = &race->threads[i];
    if (before != thread && (creator == NULL || before == creator)) {
      times_join(thread->hb, before->hb, race->threads_count);
      thread_tick(before);
    }
  }
  times_join(thread->hard, thread->hb, race->threads_count);
  thread->hb[slot] = now;
  thread_tick(thread);
  return thread;
}

void fpost_race_joined(struct fpost_race *race, struct fpost_race_thread *by,
                       struct fpost_race_thread *thread) {
  if (by != NULL) {
    times_join(by->hb, thread->hb, race->threads_count);
    hard_join(by, thread->hb, race->threads_count);
    fpost_race_touch_all(by);
  }
  thread->tx = 0;
  thread->making_count = 0;
  thread->life = FPOST_RACE_GONE;
}

/* ---- sync objects ---- */

static struct fpost_race_sync *sync_find(struct fpost_race *race,
                                         uint64_t key) {
  uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
  uint64_t at = hash >> 40;
  for (;; at++) {
    struct fpost_race_sync *sync = &race->syncs[at & (FPOST_RACE_SYNCS - 1)];
    if (sync->key == key || sync->key == 0) {
      return sync;
    }
  }
}

/* The object of key, new or known; null if there is no room. */
static struct fpost_race_sync *sync_get(struct fpost_race *race, uint64_t key) {
  FPOST_ASSERT(key != 0);
  struct fpost_race_sync *sync = sync_find(race, key);
  if (sync->key == 0) {
    if (race->syncs_count == SYNCS_FULL) {
      race->full = true;
      return NULL;
    }
    race->syncs_count++;
    sync->key = key;
  }
  return sync;
}

/* Is the thread making the object of key? The place behind it among those that
   it makes; 0: no. */
static uint32_t making_find(const struct fpost_race_thread *thread,
                            uint64_t key) {
  uint32_t i = thread->making_count;
  while (i > 0 && thread->making[i - 1] != key) {
    i--;
  }
  return i;
}

/* The thread acquires from those that are making the object of key. */
static void makers_read(const struct fpost_race *race,
                        struct fpost_race_thread *thread, uint64_t key,
                        bool relaxed) {
  for (uint32_t i = 0; i < race->threads_count; i++) {
    const struct fpost_race_thread *maker = &race->threads[i];
    if (maker == thread || making_find(maker, key) == 0) {
      continue;
    }
    times_join(relaxed ? thread->relaxed : thread->hb, maker->hb,
               race->threads_count);
    if (relaxed) {
      thread->any_relaxed = true;
    } else {
      hard_join(thread, maker->hb, race->threads_count);
    }
  }
}

void fpost_race_acquire(struct fpost_race *race,
                        struct fpost_race_thread *thread, uint64_t key,
                        bool relaxed) {
  fpost_race_touch_all(thread);
  if (race->makes) {
    makers_read(race, thread, key, relaxed);
  }
  const struct fpost_race_sync *sync = sync_find(race, key);
  if (sync->key == 0) {
    return;
  }
  if (relaxed) {
    clock_read(thread->relaxed, &sync->clock);
    thread->any_relaxed = true;
    return;
  }
  clock_read(thread->hb, &sync->clock);
  hard_read(thread, &sync->clock);
}

void fpost_race_release(struct fpost_race *race,
                        struct fpost_race_thread *thread, uint64_t key,
                        bool relaxed) {
  fpost_race_touch_all(thread);
  if (relaxed && !thread->any_fenced) {
    return;
  }
  struct fpost_race_sync *sync = sync_get(race, key);
  if (sync == NULL) {
    return;
  }
  clock_write(race, &sync->clock, relaxed ? thread->fenced : thread->hb);
  thread_tick(thread);
}

void fpost_race_makes(struct fpost_race *race, struct fpost_race_thread *thread,
                      uint64_t key) {
  race->makes = true;
  if (thread->making_count == FPOST_RACE_MAKING) {
    /* The oldest one was most likely left by an exception. */
    for (uint32_t i = 1; i < FPOST_RACE_MAKING; i++) {
      thread->making[i - 1] = thread->making[i];
    }
    thread->making_count--;
  }
  thread->making[thread->making_count++] = key;
}

void fpost_race_made(struct fpost_race *race, struct fpost_race_thread *thread,
                     uint64_t key) {
  uint32_t at = making_find(thread, key);
  thread->making_count = at != 0 ? at - 1 : thread->making_count;
  fpost_race_release(race, thread, key, false);
  fpost_race_acquire(race, thread, key, false);
}

void fpost_race_barrier(struct fpost_race *race,
                        struct fpost_race_thread *thread, bool acquire) {
  if (acquire && thread->any_relaxed) {
    times_join(thread->hb, thread->relaxed, race->threads_count);
    hard_join(thread, thread->relaxed, race->threads_count);
  }
  times_join(thread->fenced, thread->hb, race->threads_count);
  thread->any_fenced = true;
}

void fpost_race_fence(struct fpost_race_thread *thread, bool acquire,
                      bool release) {
  fpost_race_touch_all(thread);
  if (acquire && thread->any_relaxed) {
    times_join(thread->hb, thread->relaxed, FPOST_RACE_THREADS);
    hard_join(thread, thread->relaxed, FPOST_RACE_THREADS);
  }
  if (release) {
    times_join(thread->fenced, thread->hb, FPOST_RACE_THREADS);
    thread->any_fenced = true;
    thread_tick(thread);
  }
}

/* ---- locks ---- */

/* The object of a lock's shared releases. */
static uint64_t shared_key(uint64_t key) {
  return key ^ UINT64_C(0x8000000000000000);
}

/* What the critical section does comes after the lock's earlier ones. */
static void held_order(struct fpost_race_thread *thread,
                       struct fpost_race_held *held) {
  if (!held->ordered) {
    held->ordered = true;
    hard_read(thread, &held->sync->clock);
    if (!held->shared && held->readers != NULL) {
      hard_read(thread, &held->readers->clock);
    }
  }
}

/* The chain of all that the thread holds. */
static uint32_t locks_of(const struct fpost_race_thread *thread) {
  return thread->held_count == 0 ? 0
                                 : thread->held[thread->held_count - 1].locks;
}

/* The locks from number at on are on top of others than before. */
static void locks_chain(struct fpost_race *race,
                        struct fpost_race_thread *thread, uint32_t at) {
  for (; at < thread->held_count; at++) {
    struct fpost_race_held *held = &thread->held[at];
    held->taken.below = at == 0 ? 0 : thread->held[at - 1].locks;
    held->locks = fpost_sites_lock(&race->sites, &held->taken);
  }
}

void fpost_race_lock(struct fpost_race *race, struct fpost_race_thread *thread,
                     const struct fpost_site_lock *lock,
                     enum fpost_race_section section) {
  uint64_t key = lock->key;
  bool shared = lock->kind == FPOST_LOCK_READ;
  struct fpost_race_sync *sync = sync_get(race, key);
  if (sync == NULL) {
    return;
  }
  bool room = thread->held_count < FPOST_RACE_HELD;
  struct fpost_race_held beyond;
  struct fpost_race_held *held =
      room ? &thread->held[thread->held_count] : &beyond;
  *held = (struct fpost_race_held){.sync = sync,
                                   .shared = shared,
                                   .apart = section == FPOST_RACE_APART,
                                   .taken = *lock};
  clock_read(thread->hb, &sync->clock);
  hard_read(thread, &sync->hard);
  struct fpost_race_sync *readers = sync_find(race, shared_key(key));
  if (!shared && readers->key != 0) {
    held->readers = readers;
    clock_read(thread->hb, &readers->clock);
    hard_read(thread, &readers->hard);
  }
  if (section == FPOST_RACE_TOLD && sync->touched == NULL) {
    sync->touched = arena_get(race, 2 * sizeof(*sync->touched));
  }
  if (section != FPOST_RACE_APART &&
      (section == FPOST_RACE_OPAQUE || !room || sync->touched == NULL)) {
    sync->all_touched = true;
    held_order(thread, held);
  }
  if (clock_room(race, &sync->begun)) {
    sync->begun.at[thread->slot] = thread->hb[thread->slot];
  }
  thread->held_count += room;
  locks_chain(race, thread, thread->held_count - room);
}

/*
 * If something in an earlier critical section of another thread is ordered
 * before something in this one, then the whole of it is. (What that thread knew
 * for sure came with the lock.)
 */
static void section_after(struct fpost_race_thread *thread,
                          const struct fpost_race_sync *sync) {
  uint32_t count = sync->begun.count < sync->ended.count ? sync->begun.count
                                                         : sync->ended.count;
  for (uint32_t i = 0; i < count; i++) {
    if (i != thread->slot && thread->hard[i] >= sync->begun.at[i] &&
        thread->hard[i] < sync->ended.at[i]) {
      thread->hard[i] = sync->ended.at[i];
    }
  }
}

/* What was touched is what later sections are compared with. */
static void section_end(struct fpost_race *race,
                        const struct fpost_race_thread *thread,
                        struct fpost_race_held *held) {
  struct fpost_race_set *all = held->sync->touched;
  if (clock_room(race, &held->sync->ended)) {
    held->sync->ended.at[thread->slot] = thread->hb[thread->slot];
  }
  for (uint32_t i = 0; all != NULL && i < FPOST_RACE_TOUCHED / 64; i++) {
    all[0].bits[i] |= held->touched[0].bits[i];
    all[1].bits[i] |= held->touched[1].bits[i];
  }
}

void fpost_race_unlock(struct fpost_race *race,
                       struct fpost_race_thread *thread, uint64_t key) {
  uint32_t at = thread->held_count;
  while (at > 0 && thread->held[at - 1].sync->key != key) {
    at--;
  }
  bool shared = at > 0 && thread->held[at - 1].shared;
  struct fpost_race_sync *sync = sync_get(race, shared ? shared_key(key) : key);
  if (at > 0) {
    struct fpost_race_held *held = &thread->held[at - 1];
    section_after(thread, held->sync);
    section_end(race, thread, held);
    thread->held_count--;
    for (uint32_t i = at; i <= thread->held_count; i++) {
      thread->held[i - 1] = thread->held[i];
    }
    locks_chain(race, thread, at - 1);
    if (sync != NULL) {
      clock_write(race, &sync->hard, thread->hard);
    }
  } else if (sync != NULL) {
    /* Taken by another thread, or one lock too many to remember. */
    clock_write(race, &sync->hard, thread->hb);
  }
  if (sync != NULL) {
    clock_write(race, &sync->clock, thread->hb);
  }
  thread_tick(thread);
}

static bool set_has(const struct fpost_race_set *set, uint32_t bit) {
  return (set->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

void fpost_race_touch(struct fpost_race_thread *thread, uint64_t address,
                      bool write) {
  uint64_t hash = (address / 8) * UINT64_C(0x9e3779b97f4a7c15);
  uint32_t bit = (uint32_t)(hash >> 32) & (FPOST_RACE_TOUCHED - 1);
  for (uint32_t i = 0; i < thread->held_count; i++) {
    struct fpost_race_held *held = &thread->held[i];
    struct fpost_race_set *sets = held->sync->touched;
    if (sets == NULL || held->apart) {
      continue;
    }
    if (held->sync->all_touched || set_has(&sets[1], bit) ||
        (write && set_has(&sets[0], bit))) {
      held_order(thread, held);
    }
    held->touched[write].bits[bit / 64] |= UINT64_C(1) << (bit % 64);
  }
}

void fpost_race_touch_all(struct fpost_race_thread *thread) {
  for (uint32_t i = 0; i < thread->held_count; i++) {
    struct fpost_race_held *held = &thread->held[i];
    if (!held->apart) {
      held->sync->all_touched = true;
      held_order(thread, held);
    }
  }
}

/* ---- accesses ---- */

/* An access in 64 bits: when it was is in the upper half. */
#define SLOT_SHIFT 16
#define BYTES_SHIFT 8

static uint64_t access_pack(const struct fpost_race_thread *thread,
                            uint32_t bytes, uint32_t flags) {
  return (uint64_t)thread->hb[thread->slot] << 32 |
         (uint64_t)thread->slot << SLOT_SHIFT | bytes << BYTES_SHIFT | flags;
}
static uint32_t access_time(uint64_t access) {
  return (uint32_t)(access >> 32);
}
static uint32_t access_slot(uint64_t access) {
  return (uint32_t)(access >> SLOT_SHIFT) & 0xff;
}
static uint32_t access_bytes(uint64_t access) {
  return (uint32_t)(access >> BYTES_SHIFT) & 0xff;
}
static uint32_t access_flags(uint64_t access) {
  return (uint32_t)access & 0xff;
}
_Static_assert(FPOST_RACE_THREADS <= 256, "a slot fits a byte");

/* Does an access of bytes and flags stand for an earlier one that it follows?
   Then whatever races with that one races with it. */
static bool access_covers(uint32_t bytes, uint32_t flags, uint64_t old) {
  uint32_t old_flags = access_flags(old);
  return (access_bytes(old) & ~bytes) == 0 &&
         ((flags & FPOST_RACE_WRITE) != 0 ||
          (old_flags & FPOST_RACE_WRITE) == 0) &&
         ((flags & FPOST_RACE_ATOMIC) == 0 ||
          (old_flags & FPOST_RACE_ATOMIC) != 0);
}

/* The address of the first byte of a set, and how far it extends. */
static void range_set(struct fpost_finding *finding, uint64_t address,
                      uint32_t bytes) {
  uint32_t first = (uint32_t)__builtin_ctz(bytes);
  finding->address = address + first;
  finding->size = 32 - (uint32_t)__builtin_clz(bytes) - first;
}

/* Tell of a finding by its sites. */
static void found_at(const struct fpost_race *race,
                     struct fpost_finding *finding) {
  finding->store_stack =
      fpost_sites_at(&race->sites, finding->store_site).stack;
  finding->other_stack =
      fpost_sites_at(&race->sites, finding->other_site).stack;
  race->found(race->context, finding);
}

uint32_t fpost_race_site(struct fpost_race *race,
                         const struct fpost_race_thread *thread,
                         uint32_t stack) {
  return fpost_sites_get(&race->sites, thread->person, stack, locks_of(thread));
}

/* The access described by *finding, so far, and an older one race. */
static void race_found(const struct fpost_race *race,
                       const struct fpost_race_thread *thread,
                       const struct fpost_race_word *word, uint32_t at,
                       struct fpost_finding *finding, uint32_t flags,
                       bool predicted) {
  uint64_t old = word->access[at];
  uint32_t site = finding->store_site;
  if ((race->enabled >> FPOST_CLASS_PM_DATA_RACE & 1) == 0 || race->full) {
    return;
  }
  bool both = (access_flags(old) & flags & FPOST_RACE_WRITE) != 0;
  finding->class_ = FPOST_CLASS_PM_DATA_RACE;
  finding->thread = thread->id;
  finding->other_site = word->site[at];
  if ((access_flags(old) & FPOST_RACE_WRITE) != 0) {
    finding->store_site = word->site[at];
    finding->thread = race->threads[access_slot(old)].id;
    finding->other_site = site;
  }
  if (both) {
    finding->detail = predicted ? FPOST_DETAIL_RACE_STORES_PREDICTED
                                : FPOST_DETAIL_RACE_STORES;
  } else {
    finding->detail =
        predicted ? FPOST_DETAIL_RACE_READ_PREDICTED : FPOST_DETAIL_RACE_READ;
  }
  found_at(race, finding);
}

/* The stores of an unfinished transaction. */
static void tx_access(const struct fpost_race *race,
                      const struct fpost_race_thread *thread,
                      struct fpost_race_word *word, uint64_t address,
                      uint32_t bytes, uint32_t flags, uint32_t site) {
  if ((flags & FPOST_RACE_WRITE) != 0) {
    word->writer = (uint16_t)(thread->slot + 1);
    word->store_site = site;
    if (thread->tx != 0 && (flags & FPOST_RACE_ATOMIC) == 0) {
      word->tx_bytes = word->tx == thread->tx
                           ? (uint8_t)(word->tx_bytes | bytes)
                           : (uint8_t)bytes;
      word->tx = thread->tx;
      word->tx_slot = (uint8_t)thread->slot;
      word->tx_site = site;
    }
    return;
  }
  const struct fpost_race_thread *writer = &race->threads[word->tx_slot];
  if (word->tx == 0 || writer == thread || writer->tx != word->tx ||
      (word->tx_bytes & bytes) == 0 || race->full ||
      (race->enabled >> FPOST_CLASS_ISOLATION & 1) == 0) {
    return;
  }
  struct fpost_finding finding = {.class_ = FPOST_CLASS_ISOLATION,
                                  .thread = writer->id,
                                  .store_site = word->tx_site,
                                  .other_site = site};
  range_set(&finding, address, word->tx_bytes & bytes);
  found_at(race, &finding);
}

void fpost_race_access(struct fpost_race *race,
                       struct fpost_race_thread *thread,
                       struct fpost_race_word *word, uint64_t address,
                       uint32_t bytes, uint32_t flags, uint32_t site) {
  FPOST_ASSERT(bytes - 1 < 0xff);
  tx_access(race, thread, word, address, bytes, flags, site);
  uint32_t place = FPOST_RACE_SLOTS;
  uint32_t read = FPOST_RACE_SLOTS;
  bool raced = false;
  for (uint32_t i = 0; i < FPOST_RACE_SLOTS; i++) {
    uint64_t old = word->access[i];
    uint32_t slot = access_slot(old);
    if (old == 0) {
      place = place < FPOST_RACE_SLOTS ? place : i;
      continue;
    }
    bool covers = access_covers(bytes, flags, old);
    if ((access_flags(old) & FPOST_RACE_WRITE) == 0) {
      read = i;
    }
    if (slot == thread->slot || access_time(old) <= thread->hard[slot]) {
      place = covers ? i : place;
      continue;
    }
    if (raced || (access_bytes(old) & bytes) == 0 ||
        ((access_flags(old) | flags) & FPOST_RACE_WRITE) == 0 ||
        (access_flags(old) & flags & FPOST_RACE_ATOMIC) != 0) {
      continue;
    }
    struct fpost_finding finding = {.store_site = site};
    range_set(&finding, address, access_bytes(old) & bytes);
    race_found(race, thread, word, i, &finding, flags,
               access_time(old) <= thread->hb[slot]);
    raced = true;
  }
  if (place == FPOST_RACE_SLOTS) {
    /* Forget a read before a store, else whatever is due. */
    place = read < FPOST_RACE_SLOTS
                ? read
                : thread->hb[thread->slot] % FPOST_RACE_SLOTS;
  }
  word->site[place] = site;
  __atomic_store_n(&word->access[place], access_pack(thread, bytes, flags),
                   __ATOMIC_RELEASE);
}

bool fpost_race_known(const struct fpost_race_thread *thread,
                      const struct fpost_race_word *word, uint32_t bytes,
                      bool write) {
  uint64_t mine = access_pack(thread, 0, 0) >> SLOT_SHIFT;
  for (uint32_t i = 0; i < FPOST_RACE_SLOTS; i++) {
    uint64_t old = __atomic_load_n(&word->access[i], __ATOMIC_RELAXED);
    if (old >> SLOT_SHIFT == mine && (bytes & ~access_bytes(old)) == 0 &&
        (access_flags(old) & FPOST_RACE_ATOMIC) == 0 &&
        (!write || (access_flags(old) & FPOST_RACE_WRITE) != 0)) {
      return !write || thread->tx == 0;
    }
  }
  return false;
}

void fpost_race_tx_begin(struct fpost_race *race,
                         struct fpost_race_thread *thread) {
  race->tx_count += race->tx_count != UINT32_MAX;
  thread->tx = race->tx_count;
}

void fpost_race_tx_end(struct fpost_race_thread *thread) {
  thread->tx = 0;
}
