/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The rules of docs/RACES.md, fed while the program runs. Who feeds them asks
 * fpost_races_on first; everything here does nothing, or must not be called, if
 * it is false.
 */
#ifndef FPOST_HOOKS_RACES_H
#define FPOST_HOOKS_RACES_H

#include "rt/hooks/context.h"
#include "rt/hooks/regions.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Set at the start, cleared in a child of fork and at the end of the run. */
extern bool fpost_races_on;

/* Begin, if a class of ours is wanted. Ends the process if there is no room. */
void fpost_races_start(void);
/* In the child of a fork. */
void fpost_races_stop(void);

/* ---- inside the context ---- */

/* The thread stored; after fpost_event_store or with it. stack tells by its
   module whether it was code with hooks. */
void fpost_races_store(struct fpost_thread_state *self,
                       const struct fpost_region *region, const void *address,
                       uint64_t size, uint32_t flags, uint32_t stack);
/* The lines of a range of pool were flushed; the thread fenced. */
void fpost_races_flush(const struct fpost_pool *pool, uint64_t offset,
                       uint64_t size, uint32_t kind);
void fpost_races_fence(void);
/* The same for the order of threads; kind is enum fencepost_fence_kind. */
void fpost_races_barrier(uint32_t kind);
/* The range was freed, or is new to the program: who used it before has nothing
   to do with who uses it next. */
void fpost_races_forget(const void *address, uint64_t size);
/* Which memory is PM has changed. */
void fpost_races_mapped(void);
/* The thread of self goes. */
void fpost_races_gone(void);
/* The calling thread's outermost transaction begins or ends. */
void fpost_races_tx(bool begins);

/* ---- outside of it ---- */

/* The program is about to read, or has read, if atomic. */
void fpost_races_load(const void *address, uint64_t size, bool atomic,
                      uintptr_t pc, uintptr_t cfa);
/* A store to any memory, for locks: is it of interest? */
void fpost_races_touch(const void *address, bool write);
/* The same of code that is not told in detail. */
void fpost_races_touch_any(void);
/* enum fencepost_sync_flag, at the word of address, or at a fence. */
void fpost_races_sync(const void *address, uint32_t flags);
/* Code with hooks calls code that has none, or returns to it. */
void fpost_races_leave(void);

/* The thread comes behind all that has released the object, whose address
   stands for it; it releases the object to whoever acquires it next. */
void fpost_races_acquire(const volatile void *object);
void fpost_races_release(const volatile void *object);
/* Called by code at pc, whose stack pointer was cfa before the call; kind is
   enum fpost_lock_kind. */
void fpost_races_lock(const volatile void *object, uint32_t kind, uintptr_t pc,
                      uintptr_t cfa);
void fpost_races_unlock(const volatile void *object, uintptr_t pc);

/* fd is about to be written to, or was read from; errno stays. */
void fpost_races_sent(int fd);
void fpost_races_received(int fd);
/* The same of what comes by no descriptor that is known; each kind is one. */
enum fpost_races_heard {
  FPOST_HEARD_READY, /* a descriptor was written to: said by fpost_races_sent */
  FPOST_HEARD_QUEUE,
  FPOST_HEARD_SIGNAL
};
void fpost_races_said(enum fpost_races_heard kind);
void fpost_races_heard(enum fpost_races_heard kind);

/* ---- threads ---- */

struct fpost_races_birth;

/* A thread; birth is null if it takes no part, or is not known. */
struct fpost_races_ticket {
  struct fpost_races_birth *birth;
  uint32_t serial; /* births are used again */
};
/* What a thread is to run. */
struct fpost_races_start {
  void *(*run)(void *);
  void *argument;
};

/* A thread is about to be created, by code at pc and cfa; it has to begin by
   fpost_races_run. */
struct fpost_races_ticket fpost_races_create(struct fpost_races_start start,
                                             bool detached, uintptr_t pc,
                                             uintptr_t cfa);
/* It has begun. */
struct fpost_races_start fpost_races_run(struct fpost_races_birth *birth);
/* There is no such thread after all; it is known as thread. */
void fpost_races_not_created(struct fpost_races_ticket ticket);
void fpost_races_created(struct fpost_races_ticket ticket, pthread_t thread);
/* The thread is given a name. */
void fpost_races_named(pthread_t thread, const char *name);
/* The thread of this name, which has not been joined. */
struct fpost_races_ticket fpost_races_find(pthread_t thread);
void fpost_races_joined(struct fpost_races_ticket ticket);
void fpost_races_detached(struct fpost_races_ticket ticket);

#endif /* FPOST_HOOKS_RACES_H */
