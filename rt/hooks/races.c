/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From the program's addresses and threads to the words and slots of
 * rt/model/race.h. Most loads are of words that the thread knows already: they
 * are recognised without the context's lock, by a copy of the region that the
 * thread looked at last.
 */
#include "rt/hooks/races.h"

#include "rt/hooks/events.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/races_who.h"
#include "rt/model/depend.h"
#include "rt/model/race.h"
#include "rt/os/os.h"

#include <string.h>

#define WORD ((uint64_t)FENCEPOST_WORD_SIZE)
/* For the clocks of sync objects, in bytes of address space. */
#define ARENA_SIZE (UINT64_C(4) << 30)
/* Ranges from this size on are forgotten by the page. */
#define BY_PAGE_MIN (UINT64_C(64) << 10)

bool fpost_races_on;

struct fpost_races_birth {
  struct fpost_races_start start;
  struct fpost_race_thread *thread;
  uint32_t serial;
  pthread_t id;
  bool known;    /* by id, to whom wants to join it */
  bool detached; /* nobody will */
  bool ended;
};

static struct {
  struct fpost_race race;
  struct fpost_rules rules; /* what a finding of rt/model/depend.h goes to */
  struct fpost_race_word *words[FPOST_POOLS_MAX]; /* null: no access yet */
  struct fpost_depend *depends;                   /* per slot */
  struct fpost_races_birth *births;               /* per slot */
  _Atomic uint32_t generation; /* how often it changed which memory is PM */
  uint32_t serial;             /* threads created so far */
  bool noted;
} races;

static __thread struct {
  struct fpost_race_thread *thread; /* null until its first event */
  /* It has called code without hooks, and no event has come since. */
  bool away;
  /* The region looked at last, good while generation is that of races. */
  uint32_t generation;
  uintptr_t start;
  uintptr_t end;
  struct fpost_race_word *words; /* of the byte at start */
} tls __attribute__((tls_model("initial-exec")));

static void found(void *context, const struct fpost_finding *finding) {
  (void)context;
  fpost_who_found(&races.race.sites, finding);
}

void fpost_races_start(void) {
  const uint32_t ours = UINT32_C(1) << FPOST_CLASS_PM_DATA_RACE |
                        UINT32_C(1) << FPOST_CLASS_ISOLATION |
                        UINT32_C(1) << FPOST_CLASS_UNPERSISTED_READ;
  const struct fpost_flags *flags = &fpost_context.flags;
  bool wanted = flags->races == FPOST_RACES_AUTO ? (flags->only & ours) != 0
                                                 : flags->races != 0;
  if (!wanted || fpost_context.run == FPOST_RUN_RECOVER) {
    return;
  }
  struct fpost_race *race = &races.race;
  race->threads = fpost_os_reserve(sizeof(*race->threads) * FPOST_RACE_THREADS);
  race->syncs = fpost_os_reserve(sizeof(*race->syncs) * FPOST_RACE_SYNCS);
  race->arena = fpost_os_reserve(ARENA_SIZE);
  race->arena_size = ARENA_SIZE;
  race->sites.sites =
      fpost_os_reserve(sizeof(struct fpost_race_site) * FPOST_SITES);
  race->sites.locks =
      fpost_os_reserve(sizeof(struct fpost_site_lock) * FPOST_SITE_LOCKS);
  races.depends = fpost_os_reserve(sizeof(*races.depends) * FPOST_RACE_THREADS);
  races.births = fpost_os_reserve(sizeof(*races.births) * FPOST_RACE_THREADS);
  if ((void *)race->threads == FPOST_OS_FAILED ||
      (void *)race->syncs == FPOST_OS_FAILED ||
      (void *)race->arena == FPOST_OS_FAILED ||
      (void *)race->sites.sites == FPOST_OS_FAILED ||
      (void *)race->sites.locks == FPOST_OS_FAILED || !fpost_who_start() ||
      (void *)races.depends == FPOST_OS_FAILED ||
      (void *)races.births == FPOST_OS_FAILED) {
    fpost_refuse("no address space to look for races", "",
                 "raise the limit (ulimit -v), or leave out --races");
  }
  race->found = found;
  race->enabled = fpost_flags_classes(flags) & ours;
  if (flags->domain == FPOST_DOMAIN_EADR) {
    /* What is visible is guaranteed. */
    race->enabled &= ~(UINT32_C(1) << FPOST_CLASS_UNPERSISTED_READ);
  }
  races.rules = (struct fpost_rules){
      .domain = flags->domain, .enabled = race->enabled, .found = found};
  fpost_races_on = true;
}

void fpost_races_stop(void) {
  fpost_races_on = false;
}

static void note_once(const char *text) {
  if (!races.noted) {
    races.noted = true;
    fpost_note(text);
  }
}

/* The calling thread; null if there is no slot for it. Inside. */
static struct fpost_race_thread *self_get(void) {
  if (FPOST_LIKELY(tls.thread != NULL)) {
    return tls.thread;
  }
  struct fpost_race_thread *thread = fpost_race_begin(&races.race, NULL);
  if (thread == NULL) {
    note_once(
        "more than 256 threads at a time: races of the others are not "
        "looked for");
    return NULL;
  }
  races.births[thread->slot] = (struct fpost_races_birth){.thread = thread};
  memset(&races.depends[thread->slot], 0, sizeof(*races.depends));
  thread->id = fpost_tls.self->model.id;
  thread->person = fpost_who_new(0, 0);
  fpost_who_runs(thread->person, thread->id);
  tls.thread = thread;
  return thread;
}

/* ---- memory ---- */

/* The words of pool from its first byte on; null if there is no room. */
static struct fpost_race_word *pool_words(const struct fpost_pool *pool) {
  struct fpost_race_word **words = &races.words[pool->index];
  if (FPOST_UNLIKELY(*words == NULL)) {
    void *memory = fpost_os_reserve(pool->reserved / WORD *
                                    sizeof(struct fpost_race_word));
    if (memory == FPOST_OS_FAILED) {
      note_once("no address space to look for races in a pool (ulimit -v)");
      return NULL;
    }
    *words = memory;
  }
  return *words;
}

static uint64_t pool_offset(const struct fpost_region *region,
                            const void *address) {
  return (uintptr_t)address - region->start + region->offset;
}

/* The bytes of the word that offset lies in, up to end, a bit each. */
static uint32_t word_bytes(uint64_t offset, uint64_t end) {
  uint64_t first = offset % WORD;
  uint64_t last = end - (offset - first);
  last = last < WORD ? last : WORD;
  return (uint32_t)((1u << last) - (1u << first));
}

/* An access to [address, address + size), which lies in region. */
static void region_access(struct fpost_race_thread *thread,
                          const struct fpost_region *region,
                          const void *address, uint64_t size, uint32_t flags,
                          uint32_t stack) {
  const struct fpost_pool *pool = region->pool;
  struct fpost_race_word *words = pool_words(pool);
  uint64_t offset = pool_offset(region, address);
  uint64_t end = offset + size;
  if (words == NULL) {
    return;
  }
  uint32_t site = fpost_race_site(&races.race, thread, stack);
  while (offset < end) {
    struct fpost_race_word *word = &words[offset / WORD];
    uint64_t start = offset - offset % WORD;
    uint64_t pm = fpost_pm_address(pool->index, start);
    if ((flags & FPOST_RACE_WRITE) == 0 && word->writer != 0 &&
        word->writer != thread->slot + 1) {
      fpost_depend_read(&races.depends[thread->slot],
                        &(struct fpost_depend_access){
                            .cell = &pool->cells[offset / FENCEPOST_LINE_SIZE],
                            .address = pm,
                            .writer = races.race.threads[word->writer - 1].id,
                            .store_site = word->store_site,
                            .read_site = site,
                            .stack = stack});
    }
    fpost_race_access(&races.race, thread, word, pm, word_bytes(offset, end),
                      flags, site);
    offset = start + WORD;
  }
}

void fpost_races_store(struct fpost_thread_state *self,
                       const struct fpost_region *region, const void *address,
                       uint64_t size, uint32_t flags, uint32_t stack) {
  (void)self;
  struct fpost_race_thread *thread = self_get();
  const struct fpost_stack *from = &fpost_context.stacks.stacks[stack];
  if (thread == NULL || stack == 0 || from->modules[0] == FPOST_MODULE_NONE ||
      !fpost_context.modules.modules[from->modules[0]].hooks) {
    return;
  }
  if (thread->held_count != 0) {
    fpost_race_touch(thread, (uintptr_t)address, true);
  }
  bool atomic = (flags & FENCEPOST_STORE_ATOMIC) != 0;
  region_access(thread, region, address, size,
                FPOST_RACE_WRITE | (atomic ? (uint32_t)FPOST_RACE_ATOMIC : 0u),
                stack);
  struct fpost_depend *depend = &races.depends[thread->slot];
  if (depend->words_count == 0) {
    return;
  }
  uint64_t offset = pool_offset(region, address);
  uint64_t line = offset / FENCEPOST_LINE_SIZE;
  for (; line * FENCEPOST_LINE_SIZE < offset + size; line++) {
    fpost_depend_store(depend, &region->pool->cells[line], flags);
  }
}

void fpost_races_flush(const struct fpost_pool *pool, uint64_t offset,
                       uint64_t size, uint32_t kind) {
  if (tls.thread == NULL) {
    return;
  }
  struct fpost_depend *depend = &races.depends[tls.thread->slot];
  uint64_t end = offset + (size != 0 ? size : 1);
  uint64_t line = offset / FENCEPOST_LINE_SIZE;
  for (; depend->lines_count != 0 && line * FENCEPOST_LINE_SIZE < end; line++) {
    fpost_depend_flush(depend, &pool->cells[line]);
  }
  if (kind == FENCEPOST_CLFLUSH) {
    fpost_races_fence();
  }
}

void fpost_races_fence(void) {
  if (tls.thread != NULL) {
    struct fpost_depend *depend = &races.depends[tls.thread->slot];
    if (depend->words_count != 0) {
      fpost_depend_fence(depend, &races.rules);
    }
  }
}

void fpost_races_barrier(uint32_t kind) {
  struct fpost_race_thread *thread = self_get();
  if (thread != NULL && kind != FENCEPOST_LOCKED) {
    fpost_race_barrier(&races.race, thread, kind == FENCEPOST_MFENCE);
  }
}

void fpost_races_forget(const void *address, uint64_t size) {
  uintptr_t at = (uintptr_t)address;
  uintptr_t end = at + size;
  const struct fpost_region *region;
  while (at < end &&
         (region = fpost_regions_after(&fpost_context.regions, at)) != NULL &&
         region->start < end) {
    at = at < region->start ? region->start : at;
    uint64_t first = at - region->start + region->offset;
    uint64_t last = (end < region->end ? end : region->end) - region->start +
                    region->offset;
    struct fpost_race_word *words = races.words[region->pool->index];
    at = region->end;
    if (words == NULL) {
      continue;
    }
    void *from = &words[first / WORD];
    uint64_t bytes = ((last + WORD - 1) / WORD - first / WORD) * sizeof(*words);
    if (bytes < BY_PAGE_MIN * sizeof(*words) / WORD) {
      memset(from, 0, bytes);
    } else {
      uint64_t head = (0 - (uintptr_t)from) % FPOST_POOL_PAGE;
      uint64_t middle = (bytes - head) & ~(uint64_t)(FPOST_POOL_PAGE - 1);
      memset(from, 0, head);
      fpost_os_empty((char *)from + head, middle);
      memset((char *)from + head + middle, 0, bytes - head - middle);
    }
  }
}

void fpost_races_mapped(void) {
  atomic_fetch_add(&races.generation, 1);
}

/* ---- loads ---- */

/* Is every word of the access one that the thread knows? */
static bool load_known(uintptr_t at, uint64_t size) {
  const struct fpost_race_thread *thread = tls.thread;
  if (thread == NULL || at - tls.start >= tls.end - tls.start ||
      size > tls.end - at ||
      tls.generation !=
          atomic_load_explicit(&races.generation, memory_order_relaxed)) {
    return false;
  }
  uint64_t offset = at - tls.start;
  uint64_t end = offset + size;
  for (; offset < end; offset = offset - offset % WORD + WORD) {
    if (!fpost_race_known(thread, &tls.words[offset / WORD],
                          word_bytes(offset, end), false)) {
      return false;
    }
  }
  return true;
}

static void region_remember(const struct fpost_region *region) {
  struct fpost_race_word *words = pool_words(region->pool);
  if (words == NULL || region->offset % WORD != 0) {
    return;
  }
  tls.start = region->start;
  tls.end = region->end;
  tls.words = words + region->offset / WORD;
  tls.generation =
      atomic_load_explicit(&races.generation, memory_order_relaxed);
}

void fpost_races_load(const void *address, uint64_t size, bool atomic,
                      uintptr_t pc, uintptr_t cfa) {
  uintptr_t at = (uintptr_t)address;
  if (size == 0 ||
      at - __fencepost_state.pm_base >= __fencepost_state.pm_size ||
      (!atomic && load_known(at, size))) {
    return;
  }
  struct fpost_thread_state *self = fpost_enter();
  if (self == NULL) {
    return;
  }
  const struct fpost_region *region = fpost_region_at(address);
  struct fpost_race_thread *thread = self_get();
  if (region != NULL && thread != NULL) {
    uint64_t room = region->end - at;
    region_access(thread, region, address, size < room ? size : room,
                  atomic ? (uint32_t)FPOST_RACE_ATOMIC : 0u,
                  fpost_stack_of(self, pc, cfa));
    region_remember(region);
  }
  fpost_leave();
}

/* ---- what orders ---- */

void fpost_races_touch(const void *address, bool write) {
  struct fpost_race_thread *thread = tls.thread;
  if (thread == NULL || thread->held_count == 0) {
    return;
  }
  if (tls.away) {
    tls.away = false;
    fpost_race_touch_all(thread);
  }
  fpost_race_touch(thread, (uintptr_t)address, write);
}

void fpost_races_touch_any(void) {
  if (tls.thread != NULL) {
    fpost_race_touch_all(tls.thread);
  }
}

void fpost_races_leave(void) {
  struct fpost_race_thread *thread = tls.thread;
  if (thread != NULL && thread->held_count != 0) {
    if (tls.away) {
      fpost_race_touch_all(thread);
    }
    tls.away = true;
  }
}

/* Inside, as a thread with a slot; null: nothing to undo. */
static struct fpost_race_thread *enter(void) {
  if (!fpost_races_on || fpost_enter() == NULL) {
    return NULL;
  }
  struct fpost_race_thread *thread = self_get();
  if (thread == NULL) {
    fpost_leave();
  }
  return thread;
}

static void leave(void) {
  if (FPOST_UNLIKELY(races.race.full)) {
    note_once(
        "too many objects that order threads: from some point on no "
        "more races were looked for");
  }
  fpost_leave();
}

void fpost_races_sync(const void *address, uint32_t flags) {
  bool relaxed = (flags & FENCEPOST_SYNC_RELAXED) != 0;
  bool acquires = (flags & FENCEPOST_SYNC_ACQUIRE) != 0;
  bool releases = (flags & FENCEPOST_SYNC_RELEASE) != 0;
  if (relaxed && !acquires && tls.thread != NULL && !tls.thread->any_fenced &&
      tls.thread->held_count == 0) {
    return;
  }
  struct fpost_race_thread *thread = enter();
  if (thread == NULL) {
    return;
  }
  uint64_t key = (uintptr_t)address & ~(WORD - 1);
  if (address == NULL) {
    fpost_race_fence(thread, acquires, releases);
  } else if ((flags & FENCEPOST_SYNC_MAKES) != 0) {
    fpost_race_makes(&races.race, thread, key);
  } else if ((flags & FENCEPOST_SYNC_MADE) != 0) {
    fpost_race_made(&races.race, thread, key);
  } else if (releases) {
    fpost_race_release(&races.race, thread, key, relaxed);
  } else {
    fpost_race_acquire(&races.race, thread, key, relaxed);
  }
  leave();
}

void fpost_races_acquire(const volatile void *object) {
  struct fpost_race_thread *thread = enter();
  if (thread != NULL) {
    fpost_race_acquire(&races.race, thread, (uintptr_t)object, false);
    leave();
  }
}

void fpost_races_release(const volatile void *object) {
  struct fpost_race_thread *thread = enter();
  if (thread != NULL) {
    fpost_race_release(&races.race, thread, (uintptr_t)object, false);
    leave();
  }
}

/*
 * What is known of what the lock of the code at pc protects? Code with hooks
 * tells; it was not away, then. libpmemobj's own locks protect what is its own,
 * and nobody hands anything over by them; those in PM are the program's, which
 * tells what it does.
 */
static enum fpost_race_section section_of(const volatile void *object,
                                          uintptr_t pc) {
  uint16_t index = fpost_modules_find(&fpost_context.modules, pc);
  if (index == FPOST_MODULE_NONE) {
    return FPOST_RACE_OPAQUE;
  }
  const struct fpost_module *module = &fpost_context.modules.modules[index];
  if (module->hooks) {
    tls.away = false;
    return FPOST_RACE_TOLD;
  }
  if (module->library) {
    return fpost_region_at((const void *)(uintptr_t)object) != NULL
               ? FPOST_RACE_TOLD
               : FPOST_RACE_APART;
  }
  return FPOST_RACE_OPAQUE;
}

void fpost_races_lock(const volatile void *object, uint32_t kind, uintptr_t pc,
                      uintptr_t cfa) {
  struct fpost_race_thread *thread = enter();
  if (thread != NULL) {
    tls.away = tls.away && thread->held_count != 0;
    fpost_race_lock(&races.race, thread,
                    &(struct fpost_site_lock){
                        .key = (uintptr_t)object,
                        .kind = kind,
                        .stack = fpost_stack_of(fpost_tls.self, pc, cfa)},
                    section_of(object, pc));
    leave();
  }
}

void fpost_races_unlock(const volatile void *object, uintptr_t pc) {
  struct fpost_race_thread *thread = enter();
  if (thread != NULL) {
    if (section_of(object, pc) == FPOST_RACE_OPAQUE) {
      fpost_race_touch_all(thread);
    }
    fpost_race_unlock(&races.race, thread, (uintptr_t)object);
    leave();
  }
}

void fpost_races_tx(bool begins) {
  struct fpost_race_thread *thread = self_get();
  if (thread != NULL && begins) {
    fpost_race_tx_begin(&races.race, thread);
  } else if (thread != NULL) {
    fpost_race_tx_end(thread);
  }
}

/* ---- threads ---- */

struct fpost_races_ticket fpost_races_create(struct fpost_races_start start,
                                             bool detached, uintptr_t pc,
                                             uintptr_t cfa) {
  struct fpost_races_ticket ticket = {NULL, 0};
  struct fpost_race_thread *creator = enter();
  if (creator == NULL) {
    return ticket;
  }
  struct fpost_race_thread *thread = fpost_race_begin(&races.race, creator);
  if (thread != NULL) {
    ticket.birth = &races.births[thread->slot];
    ticket.serial = ++races.serial;
    *ticket.birth = (struct fpost_races_birth){.start = start,
                                               .thread = thread,
                                               .serial = ticket.serial,
                                               .detached = detached};
    thread->person =
        fpost_who_new(creator->person, fpost_stack_of(fpost_tls.self, pc, cfa));
    memset(&races.depends[thread->slot], 0, sizeof(*races.depends));
  }
  fpost_race_touch_all(creator);
  leave();
  return ticket;
}

struct fpost_races_start fpost_races_run(struct fpost_races_birth *birth) {
  struct fpost_races_start start = birth->start;
  tls.thread = birth->thread;
  struct fpost_thread_state *self = fpost_enter();
  if (self != NULL) {
    birth->thread->id = self->model.id;
    fpost_who_runs(birth->thread->person, self->model.id);
    fpost_leave();
  }
  return start;
}

/* Inside, with a ticket that is good; null: nothing to undo. */
static struct fpost_race_thread *enter_for(struct fpost_races_ticket ticket) {
  struct fpost_race_thread *thread = ticket.birth == NULL ? NULL : enter();
  if (thread != NULL && ticket.birth->serial != ticket.serial) {
    leave();
    return NULL;
  }
  return thread;
}

static void birth_end(struct fpost_races_birth *birth,
                      struct fpost_race_thread *by) {
  birth->known = false;
  fpost_race_joined(&races.race, by, birth->thread);
}

void fpost_races_not_created(struct fpost_races_ticket ticket) {
  if (enter_for(ticket) != NULL) {
    birth_end(ticket.birth, NULL);
    leave();
  }
}

void fpost_races_created(struct fpost_races_ticket ticket, pthread_t thread) {
  if (enter_for(ticket) != NULL) {
    ticket.birth->id = thread;
    ticket.birth->known = true;
    leave();
  }
}

struct fpost_races_ticket fpost_races_find(pthread_t thread) {
  struct fpost_races_ticket ticket = {NULL, 0};
  if (enter() == NULL) {
    return ticket;
  }
  for (uint32_t i = 0; i < races.race.threads_count; i++) {
    struct fpost_races_birth *birth = &races.births[i];
    if (birth->known && pthread_equal(birth->id, thread) != 0) {
      ticket.birth = birth;
      ticket.serial = birth->serial;
    }
  }
  leave();
  return ticket;
}

void fpost_races_named(pthread_t thread, const char *name) {
  struct fpost_races_ticket ticket = {NULL, 0};
  bool own = pthread_equal(thread, pthread_self()) != 0;
  if (!own) {
    ticket = fpost_races_find(thread);
  }
  struct fpost_race_thread *self = own ? enter() : enter_for(ticket);
  if (self != NULL) {
    fpost_who_named(own ? self->person : ticket.birth->thread->person, name);
    leave();
  }
}

void fpost_races_joined(struct fpost_races_ticket ticket) {
  struct fpost_race_thread *by = enter_for(ticket);
  if (by != NULL) {
    birth_end(ticket.birth, by);
    leave();
  }
}

void fpost_races_detached(struct fpost_races_ticket ticket) {
  if (enter_for(ticket) != NULL) {
    ticket.birth->detached = true;
    ticket.birth->known = false;
    if (ticket.birth->ended) {
      birth_end(ticket.birth, NULL);
    }
    leave();
  }
}

/* A joinable one keeps its slot until it is joined, or detached after its end.
 */
void fpost_races_gone(void) {
  if (tls.thread == NULL) {
    return;
  }
  struct fpost_race_thread *thread = tls.thread;
  while (thread->held_count != 0) {
    /* A robust mutex goes to whom is told that its owner died. */
    fpost_race_unlock(&races.race, thread,
                      thread->held[thread->held_count - 1].sync->key);
  }
  struct fpost_races_birth *birth = &races.births[thread->slot];
  birth->ended = true;
  if (birth->detached) {
    birth_end(birth, NULL);
    tls.thread = NULL;
  }
}
