/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Transactions, pointers and objects, watched while the program runs
 * (docs/HEAP.md): what interposed functions and annotations say comes in here,
 * findings go to fpost_found. All functions are called inside the context, in
 * check and record mode. Addresses are the program's; what lies outside all
 * regions is passed over.
 */
#ifndef FPOST_HOOKS_HEAP_RULES_H
#define FPOST_HOOKS_HEAP_RULES_H

#include "rt/hooks/context.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- stores ---- */

/* fpost_heap_stored, behind its test. hook-safe */
void fpost_heap_stored_slow(struct fpost_thread_state *self,
                            const void *address, uint64_t size, uint32_t flags,
                            uint32_t stack);

/*
 * The program stored size bytes at address; flags are enum
 * fencepost_store_flag. Stores of libraries without hooks, found by comparison,
 * are not told. hook-safe
 */
static inline void fpost_heap_stored(struct fpost_thread_state *self,
                                     const void *address, uint64_t size,
                                     uint32_t flags, uint32_t stack) {
  if (((flags & FENCEPOST_STORE_POINTER) != 0 && !fpost_context.heap.off) ||
      self->tx.active || fpost_context.heap.watch) {
    fpost_heap_stored_slow(self, address, size, flags, stack);
  }
}

/* After the flags are known, and whether races are looked for: does anybody ask
   for anything of this part? */
void fpost_heap_start(void);

/* ---- transactions ---- */

/* The thread begins a transaction, or one inside the other. pool: libpmemobj's
   pool, or null for an annotation. */
void fpost_tx_begin(struct fpost_thread_state *self, const void *pool,
                    uint32_t stack);
/* An annotated transaction ends, or one inside another. */
void fpost_tx_end(struct fpost_thread_state *self, bool committed);
/* The innermost part of libpmemobj's transaction is about to end. */
void fpost_tx_pop(struct fpost_thread_state *self);
/* What libpmemobj says about the thread's transaction is what holds. */
void fpost_tx_sync(struct fpost_thread_state *self);

enum fpost_tx_add {
  FPOST_TX_ADD,         /* logged */
  FPOST_TX_ADD_AGAIN,   /* logged, if it is not yet */
  FPOST_TX_ADD_UNLOGGED /* the old content does not matter */
};
/* pc: of the place that logs. */
void fpost_tx_add(struct fpost_thread_state *self, const void *address,
                  uint64_t size, enum fpost_tx_add how, uintptr_t pc,
                  uint32_t stack);
/* Stores to the range need a log again. */
void fpost_tx_remove(struct fpost_thread_state *self, const void *address,
                     uint64_t size);

/* Stores to the range are nobody's affair; pointers there may be volatile. */
void fpost_heap_exempt(const void *address, uint64_t size);
/* Volatile pointers in the range are meant. */
void fpost_heap_volatile_ok(const void *address, uint64_t size);

/* ---- objects ---- */

enum fpost_made {
  FPOST_MADE_NOW,      /* allocated */
  FPOST_MADE_TX,       /* by the thread's transaction */
  FPOST_MADE_RESERVED, /* until it is published */
  FPOST_MADE_BEFORE,   /* was there before the run */
  FPOST_MADE_ROOT      /* the root: needs no pointer to it */
};
void fpost_heap_made(struct fpost_thread_state *self, const void *address,
                     uint64_t size, enum fpost_made how, uint32_t stack);
/* What was reserved or deferred is done: published. tx: with the thread's
   transaction. */
void fpost_heap_published(struct fpost_thread_state *self, const void *address,
                          bool tx, uint32_t stack);
/* A reservation is given back. */
void fpost_heap_cancelled(const void *address);
/* Is about to be freed: is it a mistake? */
void fpost_heap_freeing(struct fpost_thread_state *self, const void *address,
                        uint32_t stack);
/* Was freed. tx: when the thread's transaction commits. */
void fpost_heap_freed(struct fpost_thread_state *self, const void *address,
                      bool tx, uint32_t stack);
/* Is an object that begins at address known? */
bool fpost_heap_knows(const void *address);
/* The program knows how to find the object at address, whatever points to it.
 */
void fpost_heap_found(const void *address);

/* What was stored at field stands for the address target. */
void fpost_heap_pointer(struct fpost_thread_state *self, const void *field,
                        const void *target, uint32_t stack);

/* ---- pools of libpmemobj ---- */

/* The pool at base was opened; id is the first half of its PMEMoids, 0 if it is
   not libpmemobj's. */
void fpost_heap_opened(const void *base, uint64_t id);
/* All objects of the pool at base cannot be told: look for no leaks. */
void fpost_heap_unknown(const void *base);
/* It is about to be closed. */
void fpost_heap_closing(struct fpost_thread_state *self, const void *base);
/* The end of the run, with pools open. */
void fpost_heap_end(struct fpost_thread_state *self);
/* Where offset of the pool with this id is mapped, or null. */
const void *fpost_heap_direct(uint64_t id, uint64_t offset);

/* ---- for the files of this part ---- */

/* The thread is in a transaction now, the first of those that it is in. */
void fpost_tx_open(struct fpost_thread_state *self, const void *pool,
                   uint32_t stack);
/* It has left an annotated one: if that was the last one, they are over. */
void fpost_tx_left(struct fpost_thread_state *self);
/* Add, or take away, size bytes from start on; the table grows. */
void fpost_heap_ranges_add(struct fpost_ranges *ranges, uint64_t start,
                           uint64_t size, uint32_t stack, uint32_t kind);
void fpost_heap_ranges_remove(struct fpost_ranges *ranges, uint64_t start,
                              uint64_t size);

/* Report, if the class is wanted. */
void fpost_heap_report(struct fpost_thread_state *self,
                       struct fpost_finding finding);
bool fpost_heap_wants(enum fpost_class class_);
#define FPOST_NO_PM UINT64_MAX
/* pm address of address, or FPOST_NO_PM. */
uint64_t fpost_heap_pm(const void *address);
/* Where the byte at the pm address is mapped, or null. */
const uint8_t *fpost_heap_at(uint64_t pm);
/* Has the word at the pm address been freed, and not been allocated since? */
bool fpost_heap_is_freed(uint64_t pm);
/* reach.c: find what the pool at base cannot reach. */
void fpost_reach_scan(struct fpost_thread_state *self,
                      const struct fpost_heap_pool *pool);
/* A visitor, if one is under way in this thread, says that what it looks at
   points to address: true. */
bool fpost_reach_visited(const void *address);

/* pointers.c: the words of a store whose type is a pointer. */
void fpost_pointers_stored(struct fpost_thread_state *self,
                           const struct fpost_region *region,
                           const void *address, uint64_t size, uint32_t stack);
/* pointers.c: value was stored at pm, as a pointer. */
void fpost_pointers_value(struct fpost_thread_state *self,
                          const struct fpost_region *from, uint64_t pm,
                          uintptr_t value, uint32_t stack);
/* pointers.c: are words of the store halves of PMEMoids that are wrong? */
void fpost_pointers_ids(struct fpost_thread_state *self,
                        const struct fpost_region *region, const void *address,
                        uint64_t size, uint32_t flags, uint32_t stack);

#endif /* FPOST_HOOKS_HEAP_RULES_H */
