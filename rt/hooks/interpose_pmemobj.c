/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * libpmemobj's transactions, objects and pools, as the program calls them: what
 * they do is told to the rules of heap_rules.h, after the call where it can
 * fail. Stores, flushes and fences inside of libpmemobj are events of their own
 * (interpose_pmem.c).
 *
 * A function of a transaction may not return but jump to where the transaction
 * began. Nothing is held meanwhile, and what the thread is in afterwards is
 * asked of libpmemobj itself. Some of the functions call each other by way of
 * us: these calls are not told.
 */
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_heap.h"

#include <stdarg.h>
#include <string.h>

/* Flags and parameters: part of libpmemobj's ABI. */
#define XADD_NO_SNAPSHOT UINT64_C(4)
#define XADD_ASSUME_INITIALIZED UINT64_C(8)
enum { PARAM_NONE, PARAM_MUTEX, PARAM_RWLOCK, PARAM_CB };
/* Words of parameters that a begin may have: more than a dozen locks. */
#define PARAMS_MAX 40u
/* Objects of a pool that are looked up when it is opened. */
#define OBJECTS_MAX (UINT32_C(1) << 22)

struct action {
  uint32_t type; /* 0: of the heap */
  uint32_t data[3];
  uint64_t offset;
  uint64_t more[13];
};
_Static_assert(sizeof(struct action) == 128, "struct pobj_action");

#define HERE ((struct fpost_site){FPOST_CALLER_PC, FPOST_CALLER_CFA})

static __attribute__((noinline)) void real_find(const char *name,
                                                const void *field) {
  fpost_real_late();
  const void *found;
  memcpy(&found, field, sizeof(found));
  if (found == NULL) {
    fpost_refuse("the program calls libpmemobj, which is not loaded: ", name,
                 "link with -Wl,--no-as-needed -lpmemobj");
  }
}

/* The function behind ours. */
#define REAL(name)                                                             \
  ((FPOST_LIKELY(fpost_real.name != NULL)                                      \
        ? (void)0                                                              \
        : real_find(#name, &fpost_real.name)),                                 \
   fpost_real.name)

/* Enter, for a call from site, and take its stack. Null: nothing to tell; a
   call by libpmemobj itself is part of one that the program made. */
static struct fpost_thread_state *enter(struct fpost_site site,
                                        uint32_t *stack) {
  struct fpost_thread_state *self =
      fpost_context.heap.off ? NULL : fpost_enter();
  if (self == NULL) {
    return NULL;
  }
  uint16_t module = fpost_modules_find(&fpost_context.modules, site.pc);
  if (module != FPOST_MODULE_NONE &&
      fpost_context.modules.modules[module].library) {
    fpost_leave();
    return NULL;
  }
  *stack = fpost_stack_of(self, site.pc, site.cfa);
  return self;
}

/* ---- pools ---- */

/* The objects that are there; inside. */
static void objects_known(struct fpost_thread_state *self, void *pool) {
  uint32_t count = 0;
  struct fpost_oid oid = REAL(pmemobj_first)(pool);
  for (; oid.offset != 0 && count < OBJECTS_MAX; count++) {
    fpost_heap_made(self, (const char *)pool + oid.offset,
                    REAL(pmemobj_alloc_usable_size)(oid), FPOST_MADE_BEFORE, 0);
    oid = REAL(pmemobj_next)(oid);
  }
  if (count == OBJECTS_MAX) {
    fpost_note(
        "a pool holds more than 4 million objects: leaks in it are not "
        "looked for");
    fpost_heap_unknown(pool);
  }
}

static void opened(void *pool) {
  struct fpost_thread_state *self;
  if (fpost_recover_on && pool != NULL) {
    fpost_recover_heap_opened(pool);
  }
  if (pool != NULL && !fpost_context.heap.off &&
      (self = fpost_enter()) != NULL) {
    struct fpost_oid oid = REAL(pmemobj_oid)((const char *)pool + 8);
    fpost_heap_opened(pool, oid.pool);
    if (fpost_heap_wants(FPOST_CLASS_LEAK)) {
      objects_known(self, pool);
    }
    fpost_leave();
  }
}

FPOST_INTERPOSE void *pmemobj_open(const char *path, const char *layout);
void *pmemobj_open(const char *path, const char *layout) {
  void *pool = REAL(pmemobj_open)(path, layout);
  opened(pool);
  return pool;
}

FPOST_INTERPOSE void *pmemobj_create(const char *path, const char *layout,
                                     size_t size, mode_t mode);
void *pmemobj_create(const char *path, const char *layout, size_t size,
                     mode_t mode) {
  void *pool = REAL(pmemobj_create)(path, layout, size, mode);
  opened(pool);
  return pool;
}

FPOST_INTERPOSE void pmemobj_close(void *pool);
void pmemobj_close(void *pool) {
  struct fpost_thread_state *self = fpost_enter();
  if (self != NULL) {
    fpost_heap_closing(self, pool);
    fpost_leave();
  }
  if (fpost_recover_on) {
    fpost_recover_heap_closing(pool);
  }
  REAL(pmemobj_close)(pool);
}

/* ---- objects ---- */

/* An object was made; size 0: as large as libpmemobj says. */
static void made(struct fpost_oid oid, size_t size, enum fpost_made how,
                 struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self =
      oid.offset == 0 ? NULL : enter(site, &stack);
  if (self == NULL) {
    return;
  }
  const void *object = fpost_heap_direct(oid.pool, oid.offset);
  if (object != NULL) {
    size = size != 0 ? size : REAL(pmemobj_alloc_usable_size)(oid);
    fpost_heap_made(self, object, size, how, stack);
  }
  fpost_leave();
}

static void freed(struct fpost_oid oid, bool tx, struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self =
      oid.offset == 0 ? NULL : enter(site, &stack);
  if (self != NULL) {
    fpost_heap_freed(self, fpost_heap_direct(oid.pool, oid.offset), tx, stack);
    fpost_leave();
  }
}

/* About to be freed. */
static void freeing(struct fpost_oid oid, struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self =
      oid.offset == 0 ? NULL : enter(site, &stack);
  if (self != NULL) {
    fpost_heap_freeing(self, fpost_heap_direct(oid.pool, oid.offset), stack);
    fpost_leave();
  }
}

/* The program's constructor, and what we want to know before it runs: its
   stores are to an object that is being made. */
struct construction {
  fpost_constructor constructor;
  void *argument;
  size_t size;
  struct fpost_site site;
  void *object;
};

static int construct(void *pool, void *object, void *argument) {
  struct construction *construction = argument;
  uint32_t stack;
  struct fpost_thread_state *self = enter(construction->site, &stack);
  construction->object = object;
  if (self != NULL) {
    fpost_heap_made(self, object, construction->size, FPOST_MADE_RESERVED,
                    stack);
    fpost_leave();
  }
  return construction->constructor(pool, object, construction->argument);
}

/* The constructor to hand on, and its argument. */
#define CONSTRUCTOR(construction)                                              \
  ((construction).constructor != NULL ? construct : NULL), &(construction)

/* The call that constructs is over. oid: what it made, if known. */
static void constructed(const struct construction *construction, bool done,
                        struct fpost_oid oid) {
  uint32_t stack;
  struct fpost_thread_state *self;
  if (done && oid.offset != 0) {
    made(oid, 0, FPOST_MADE_NOW, construction->site);
  } else if (construction->object != NULL &&
             (self = enter(construction->site, &stack)) != NULL) {
    if (done) {
      fpost_heap_published(self, construction->object, false, stack);
    } else {
      fpost_heap_cancelled(construction->object);
    }
    fpost_leave();
  }
}

static struct fpost_oid oid_at(const struct fpost_oid *place) {
  return place != NULL ? *place : (struct fpost_oid){0, 0};
}

FPOST_INTERPOSE int pmemobj_alloc(void *pool, struct fpost_oid *oid,
                                  size_t size, uint64_t type,
                                  fpost_constructor constructor,
                                  void *argument);
int pmemobj_alloc(void *pool, struct fpost_oid *oid, size_t size, uint64_t type,
                  fpost_constructor constructor, void *argument) {
  struct construction with = {constructor, argument, size, HERE, NULL};
  int result = REAL(pmemobj_alloc)(pool, oid, size, type, CONSTRUCTOR(with));
  constructed(&with, result == 0, oid_at(oid));
  return result;
}

FPOST_INTERPOSE int pmemobj_xalloc(void *pool, struct fpost_oid *oid,
                                   size_t size, uint64_t type, uint64_t flags,
                                   fpost_constructor constructor,
                                   void *argument);
int pmemobj_xalloc(void *pool, struct fpost_oid *oid, size_t size,
                   uint64_t type, uint64_t flags, fpost_constructor constructor,
                   void *argument) {
  struct construction with = {constructor, argument, size, HERE, NULL};
  int result =
      REAL(pmemobj_xalloc)(pool, oid, size, type, flags, CONSTRUCTOR(with));
  constructed(&with, result == 0, oid_at(oid));
  return result;
}

FPOST_INTERPOSE int pmemobj_zalloc(void *pool, struct fpost_oid *oid,
                                   size_t size, uint64_t type);
int pmemobj_zalloc(void *pool, struct fpost_oid *oid, size_t size,
                   uint64_t type) {
  int result = REAL(pmemobj_zalloc)(pool, oid, size, type);
  if (result == 0) {
    made(oid_at(oid), 0, FPOST_MADE_NOW, HERE);
  }
  return result;
}

/* An object was reallocated: before is where it was. */
static void moved(struct fpost_oid before, struct fpost_oid after,
                  struct fpost_site site) {
  if (before.offset != after.offset) {
    freed(before, false, site);
  }
  made(after, 0, FPOST_MADE_NOW, site);
}

#define DEFINE_REALLOC(name)                                                   \
  FPOST_INTERPOSE int name(void *pool, struct fpost_oid *oid, size_t size,     \
                           uint64_t type);                                     \
  int name(void *pool, struct fpost_oid *oid, size_t size, uint64_t type) {    \
    struct fpost_oid before = oid_at(oid);                                     \
    freeing(before, HERE);                                                     \
    int result = REAL(name)(pool, oid, size, type);                            \
    if (result == 0) {                                                         \
      moved(before, oid_at(oid), HERE);                                        \
    }                                                                          \
    return result;                                                             \
  }
DEFINE_REALLOC(pmemobj_realloc)
DEFINE_REALLOC(pmemobj_zrealloc)

#define DEFINE_STRDUP(name, character)                                         \
  FPOST_INTERPOSE int name(void *pool, struct fpost_oid *oid,                  \
                           const character *string, uint64_t type);            \
  int name(void *pool, struct fpost_oid *oid, const character *string,         \
           uint64_t type) {                                                    \
    int result = REAL(name)(pool, oid, string, type);                          \
    if (result == 0) {                                                         \
      made(oid_at(oid), 0, FPOST_MADE_NOW, HERE);                              \
    }                                                                          \
    return result;                                                             \
  }
DEFINE_STRDUP(pmemobj_strdup, char)
DEFINE_STRDUP(pmemobj_wcsdup, wchar_t)

FPOST_INTERPOSE void pmemobj_free(struct fpost_oid *oid);
void pmemobj_free(struct fpost_oid *oid) {
  struct fpost_oid before = *oid;
  freeing(before, HERE);
  REAL(pmemobj_free)(oid);
  freed(before, false, HERE);
}

FPOST_INTERPOSE int pmemobj_defrag(void *pool, struct fpost_oid **oids,
                                   size_t count, void *result);
int pmemobj_defrag(void *pool, struct fpost_oid **oids, size_t count,
                   void *result) {
  if (fpost_enter() != NULL) {
    fpost_note(
        "the program defragments a pool: leaks in it are not looked for");
    fpost_heap_unknown(pool);
    fpost_leave();
  }
  return REAL(pmemobj_defrag)(pool, oids, count, result);
}

/* The root is asked for again and again. */
static void rooted(void *pool, struct fpost_oid oid, struct fpost_site site) {
  if (oid.offset == 0) {
    return;
  }
  made(oid, REAL(pmemobj_root_size)(pool), FPOST_MADE_ROOT, site);
}

FPOST_INTERPOSE struct fpost_oid pmemobj_root(void *pool, size_t size);
struct fpost_oid pmemobj_root(void *pool, size_t size) {
  struct fpost_oid oid = REAL(pmemobj_root)(pool, size);
  rooted(pool, oid, HERE);
  return oid;
}

FPOST_INTERPOSE struct fpost_oid
pmemobj_root_construct(void *pool, size_t size, fpost_constructor constructor,
                       void *argument);
struct fpost_oid pmemobj_root_construct(void *pool, size_t size,
                                        fpost_constructor constructor,
                                        void *argument) {
  struct construction with = {constructor, argument, size, HERE, NULL};
  struct fpost_oid oid =
      REAL(pmemobj_root_construct)(pool, size, CONSTRUCTOR(with));
  rooted(pool, oid, with.site);
  return oid;
}

/* Objects that the program finds by itself need no pointer to them. */
static struct fpost_oid found(struct fpost_oid oid) {
  if (oid.offset != 0 && fpost_recover_on) {
    fpost_recover_heap_found(oid);
  }
  struct fpost_thread_state *self = oid.offset == 0 ? NULL : fpost_enter();
  if (self != NULL) {
    const void *object = fpost_heap_direct(oid.pool, oid.offset);
    if (object != NULL && !fpost_heap_knows(object)) {
      /* It was allocated without a place for its address. */
      fpost_heap_made(self, object, REAL(pmemobj_alloc_usable_size)(oid),
                      FPOST_MADE_BEFORE, 0);
    }
    if (object != NULL) {
      fpost_heap_found(object);
    }
    fpost_leave();
  }
  return oid;
}

FPOST_INTERPOSE struct fpost_oid pmemobj_first(void *pool);
struct fpost_oid pmemobj_first(void *pool) {
  return found(REAL(pmemobj_first)(pool));
}
FPOST_INTERPOSE struct fpost_oid pmemobj_next(struct fpost_oid oid);
struct fpost_oid pmemobj_next(struct fpost_oid oid) {
  return found(REAL(pmemobj_next)(oid));
}

FPOST_INTERPOSE struct fpost_oid pmemobj_list_insert_new(
    void *pool, size_t entry, void *head, struct fpost_oid place, int before,
    size_t size, uint64_t type, fpost_constructor constructor, void *argument);
struct fpost_oid pmemobj_list_insert_new(void *pool, size_t entry, void *head,
                                         struct fpost_oid place, int before,
                                         size_t size, uint64_t type,
                                         fpost_constructor constructor,
                                         void *argument) {
  struct construction with = {constructor, argument, size, HERE, NULL};
  struct fpost_oid oid = REAL(pmemobj_list_insert_new)(
      pool, entry, head, place, before, size, type, CONSTRUCTOR(with));
  constructed(&with, oid.offset != 0, oid);
  return oid;
}

FPOST_INTERPOSE int pmemobj_list_remove(void *pool, size_t entry, void *head,
                                        struct fpost_oid oid, int free);
int pmemobj_list_remove(void *pool, size_t entry, void *head,
                        struct fpost_oid oid, int free) {
  if (free != 0) {
    freeing(oid, HERE);
  }
  int result = REAL(pmemobj_list_remove)(pool, entry, head, oid, free);
  if (result == 0 && free != 0) {
    freed(oid, false, HERE);
  }
  return result;
}

/* ---- reservations ---- */

FPOST_INTERPOSE struct fpost_oid pmemobj_reserve(void *pool, void *action,
                                                 size_t size, uint64_t type);
struct fpost_oid pmemobj_reserve(void *pool, void *action, size_t size,
                                 uint64_t type) {
  struct fpost_oid oid = REAL(pmemobj_reserve)(pool, action, size, type);
  made(oid, 0, FPOST_MADE_RESERVED, HERE);
  return oid;
}

FPOST_INTERPOSE struct fpost_oid pmemobj_xreserve(void *pool, void *action,
                                                  size_t size, uint64_t type,
                                                  uint64_t flags);
struct fpost_oid pmemobj_xreserve(void *pool, void *action, size_t size,
                                  uint64_t type, uint64_t flags) {
  struct fpost_oid oid =
      REAL(pmemobj_xreserve)(pool, action, size, type, flags);
  made(oid, 0, FPOST_MADE_RESERVED, HERE);
  return oid;
}

/* pool: null for that of the thread's transaction. */
static void published(const void *pool, const struct action *actions,
                      size_t count, struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self = enter(site, &stack);
  if (self == NULL) {
    return;
  }
  bool tx = pool == NULL;
  const char *base = tx ? self->tx.pool : pool;
  for (size_t i = 0; base != NULL && i < count; i++) {
    if (actions[i].type == 0) {
      fpost_heap_published(self, base + actions[i].offset, tx, stack);
    }
  }
  fpost_leave();
}

FPOST_INTERPOSE int pmemobj_publish(void *pool, void *actions, size_t count);
int pmemobj_publish(void *pool, void *actions, size_t count) {
  int result = REAL(pmemobj_publish)(pool, actions, count);
  if (result == 0) {
    published(pool, actions, count, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_publish(void *actions, size_t count);
int pmemobj_tx_publish(void *actions, size_t count) {
  int result = REAL(pmemobj_tx_xpublish)(actions, count, 0); /* the same */
  if (result == 0) {
    published(NULL, actions, count, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_xpublish(void *actions, size_t count,
                                        uint64_t flags);
int pmemobj_tx_xpublish(void *actions, size_t count, uint64_t flags) {
  int result = REAL(pmemobj_tx_xpublish)(actions, count, flags);
  if (result == 0) {
    published(NULL, actions, count, HERE);
  }
  return result;
}
FPOST_INTERPOSE void pmemobj_cancel(void *pool, void *actions, size_t count);
void pmemobj_cancel(void *pool, void *actions, size_t count) {
  const struct action *all = actions;
  if (fpost_enter() != NULL) {
    for (size_t i = 0; i < count; i++) {
      if (all[i].type == 0) {
        fpost_heap_cancelled((const char *)pool + all[i].offset);
      }
    }
    fpost_leave();
  }
  REAL(pmemobj_cancel)(pool, actions, count);
}

/* ---- stores ---- */

static void stored(const void *to, size_t size, struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self = size == 0 ? NULL : enter(site, &stack);
  if (self != NULL) {
    fpost_heap_stored(self, to, size, FENCEPOST_STORE_BLOCK, stack);
    fpost_leave();
  }
}

#define DEFINE_COPY(name)                                                      \
  FPOST_INTERPOSE void *name(void *pool, void *to, const void *from,           \
                             size_t size, unsigned flags);                     \
  void *name(void *pool, void *to, const void *from, size_t size,              \
             unsigned flags) {                                                 \
    void *result = REAL(name)(pool, to, from, size, flags);                    \
    stored(to, size, HERE);                                                    \
    return result;                                                             \
  }
DEFINE_COPY(pmemobj_memcpy)
DEFINE_COPY(pmemobj_memmove)

FPOST_INTERPOSE void *pmemobj_memset(void *pool, void *to, int byte,
                                     size_t size, unsigned flags);
void *pmemobj_memset(void *pool, void *to, int byte, size_t size,
                     unsigned flags) {
  void *result = REAL(pmemobj_memset)(pool, to, byte, size, flags);
  stored(to, size, HERE);
  return result;
}
FPOST_INTERPOSE void *pmemobj_memcpy_persist(void *pool, void *to,
                                             const void *from, size_t size);
void *pmemobj_memcpy_persist(void *pool, void *to, const void *from,
                             size_t size) {
  void *result = REAL(pmemobj_memcpy_persist)(pool, to, from, size);
  stored(to, size, HERE);
  return result;
}
FPOST_INTERPOSE void *pmemobj_memset_persist(void *pool, void *to, int byte,
                                             size_t size);
void *pmemobj_memset_persist(void *pool, void *to, int byte, size_t size) {
  void *result = REAL(pmemobj_memset_persist)(pool, to, byte, size);
  stored(to, size, HERE);
  return result;
}

/* A variable that is made anew whenever the pool is opened: nothing in it
   outlives the run. */
FPOST_INTERPOSE void *pmemobj_volatile(void *pool, void *state, void *variable,
                                       size_t size,
                                       int (*constructor)(void *, void *),
                                       void *argument);
void *pmemobj_volatile(void *pool, void *state, void *variable, size_t size,
                       int (*constructor)(void *, void *), void *argument) {
  if (fpost_enter() != NULL) {
    fpost_heap_exempt(state, sizeof(uint64_t));
    fpost_heap_exempt(variable, size);
    fpost_leave();
  }
  return REAL(pmemobj_volatile)(pool, state, variable, size, constructor,
                                argument);
}

/* ---- transactions ---- */

/* After a call that may have ended one. */
static void sync_state(void) {
  struct fpost_thread_state *self = fpost_tls.self;
  if (self != NULL && self->tx.depth != 0 && fpost_enter() != NULL) {
    fpost_tx_sync(self);
    fpost_leave();
  }
}

FPOST_INTERPOSE int pmemobj_tx_stage(void);
int pmemobj_tx_stage(void) {
  int stage = REAL(pmemobj_tx_stage)();
  sync_state();
  return stage;
}

FPOST_INTERPOSE int pmemobj_tx_begin(void *pool, void *environment, ...);
int pmemobj_tx_begin(void *pool, void *environment, ...) {
  uint64_t w[PARAMS_MAX] = {0};
  uint32_t count = 0;
  va_list list;
  va_start(list, environment);
  for (int type; (type = va_arg(list, int)) != PARAM_NONE;) {
    if (count + 3 >= PARAMS_MAX) {
      fpost_refuse("a transaction takes more than 18 locks", "",
                   "take the others by pmemobj_tx_lock");
    }
    w[count++] = (uint64_t)type;
    w[count++] = va_arg(list, uint64_t);
    if (type == PARAM_CB) {
      w[count++] = va_arg(list, uint64_t);
    }
  }
  va_end(list);
  struct fpost_site site = HERE;
  int result = REAL(pmemobj_tx_begin)(
      pool, environment, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8],
      w[9], w[10], w[11], w[12], w[13], w[14], w[15], w[16], w[17], w[18],
      w[19], w[20], w[21], w[22], w[23], w[24], w[25], w[26], w[27], w[28],
      w[29], w[30], w[31], w[32], w[33], w[34], w[35], w[36], w[37], w[38],
      w[39]);
  uint32_t stack;
  struct fpost_thread_state *self = result != 0 ? NULL : enter(site, &stack);
  if (self != NULL) {
    fpost_tx_begin(self, pool, stack);
    fpost_leave();
  }
  return result;
}

FPOST_INTERPOSE void pmemobj_tx_abort(int error);
void pmemobj_tx_abort(int error) {
  REAL(pmemobj_tx_abort)(error);
  sync_state();
}
FPOST_INTERPOSE void pmemobj_tx_commit(void);
void pmemobj_tx_commit(void) {
  REAL(pmemobj_tx_commit)();
  sync_state();
}
FPOST_INTERPOSE void pmemobj_tx_process(void);
void pmemobj_tx_process(void) {
  REAL(pmemobj_tx_process)();
  sync_state();
}
FPOST_INTERPOSE int pmemobj_tx_end(void);
int pmemobj_tx_end(void) {
  struct fpost_thread_state *self =
      fpost_context.heap.off ? NULL : fpost_enter();
  if (self != NULL) {
    fpost_tx_pop(self);
    fpost_leave();
  }
  int result = REAL(pmemobj_tx_end)();
  if (self != NULL && fpost_enter() != NULL) {
    fpost_tx_sync(self);
    fpost_leave();
  }
  return result;
}

static void added(const void *address, size_t size, uint64_t flags,
                  struct fpost_site site) {
  uint32_t stack;
  struct fpost_thread_state *self = enter(site, &stack);
  if (self != NULL) {
    enum fpost_tx_add how = FPOST_TX_ADD;
    if ((flags & XADD_NO_SNAPSHOT) != 0) {
      how = FPOST_TX_ADD_UNLOGGED;
    } else if ((flags & XADD_ASSUME_INITIALIZED) != 0) {
      how = FPOST_TX_ADD_AGAIN;
    }
    fpost_tx_add(self, address, size, how, site.pc, stack);
    fpost_leave();
  }
}

/* Where the range of an object is. */
static const void *range_of(struct fpost_oid oid, uint64_t offset) {
  return fpost_heap_direct(oid.pool, oid.offset + offset);
}

FPOST_INTERPOSE int pmemobj_tx_add_range(struct fpost_oid oid, uint64_t offset,
                                         size_t size);
int pmemobj_tx_add_range(struct fpost_oid oid, uint64_t offset, size_t size) {
  int result = REAL(pmemobj_tx_add_range)(oid, offset, size);
  if (result == 0) {
    added(range_of(oid, offset), size, 0, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_xadd_range(struct fpost_oid oid, uint64_t offset,
                                          size_t size, uint64_t flags);
int pmemobj_tx_xadd_range(struct fpost_oid oid, uint64_t offset, size_t size,
                          uint64_t flags) {
  int result = REAL(pmemobj_tx_xadd_range)(oid, offset, size, flags);
  if (result == 0) {
    added(range_of(oid, offset), size, flags, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_add_range_direct(const void *range, size_t size);
int pmemobj_tx_add_range_direct(const void *range, size_t size) {
  int result = REAL(pmemobj_tx_add_range_direct)(range, size);
  if (result == 0) {
    added(range, size, 0, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_xadd_range_direct(const void *range, size_t size,
                                                 uint64_t flags);
int pmemobj_tx_xadd_range_direct(const void *range, size_t size,
                                 uint64_t flags) {
  int result = REAL(pmemobj_tx_xadd_range_direct)(range, size, flags);
  if (result == 0) {
    added(range, size, flags, HERE);
  }
  return result;
}

/* A function of a transaction that returns a new object. */
#define DEFINE_TX_ALLOC(name, parameters, arguments)                           \
  FPOST_INTERPOSE struct fpost_oid name parameters;                            \
  struct fpost_oid name parameters {                                           \
    struct fpost_oid oid = REAL(name) arguments;                               \
    made(oid, 0, FPOST_MADE_TX, HERE);                                         \
    return oid;                                                                \
  }
DEFINE_TX_ALLOC(pmemobj_tx_alloc, (size_t size, uint64_t type), (size, type))
DEFINE_TX_ALLOC(pmemobj_tx_xalloc, (size_t size, uint64_t type, uint64_t flags),
                (size, type, flags))
DEFINE_TX_ALLOC(pmemobj_tx_zalloc, (size_t size, uint64_t type), (size, type))
DEFINE_TX_ALLOC(pmemobj_tx_strdup, (const char *string, uint64_t type),
                (string, type))
DEFINE_TX_ALLOC(pmemobj_tx_xstrdup,
                (const char *string, uint64_t type, uint64_t flags),
                (string, type, flags))
DEFINE_TX_ALLOC(pmemobj_tx_wcsdup, (const wchar_t *string, uint64_t type),
                (string, type))
DEFINE_TX_ALLOC(pmemobj_tx_xwcsdup,
                (const wchar_t *string, uint64_t type, uint64_t flags),
                (string, type, flags))

#define DEFINE_TX_REALLOC(name)                                                \
  FPOST_INTERPOSE struct fpost_oid name(struct fpost_oid old, size_t size,     \
                                        uint64_t type);                        \
  struct fpost_oid name(struct fpost_oid old, size_t size, uint64_t type) {    \
    freeing(old, HERE);                                                        \
    struct fpost_oid oid = REAL(name)(old, size, type);                        \
    if (oid.offset != old.offset) {                                            \
      made(oid, 0, FPOST_MADE_TX, HERE);                                       \
      if (oid.offset != 0 || size == 0) {                                      \
        freed(old, true, HERE);                                                \
      }                                                                        \
    }                                                                          \
    return oid;                                                                \
  }
DEFINE_TX_REALLOC(pmemobj_tx_realloc)
DEFINE_TX_REALLOC(pmemobj_tx_zrealloc)

FPOST_INTERPOSE int pmemobj_tx_free(struct fpost_oid oid);
int pmemobj_tx_free(struct fpost_oid oid) {
  freeing(oid, HERE);
  /* What pmemobj_tx_free does, by way of us. */
  int result = REAL(pmemobj_tx_xfree)(oid, 0);
  if (result == 0) {
    freed(oid, true, HERE);
  }
  return result;
}
FPOST_INTERPOSE int pmemobj_tx_xfree(struct fpost_oid oid, uint64_t flags);
int pmemobj_tx_xfree(struct fpost_oid oid, uint64_t flags) {
  freeing(oid, HERE);
  int result = REAL(pmemobj_tx_xfree)(oid, flags);
  if (result == 0) {
    freed(oid, true, HERE);
  }
  return result;
}
