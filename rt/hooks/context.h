/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The one mutable global of the runtime, what each thread has of its own, and
 * the way in and out of them.
 *
 * Whoever wants to touch the context enters it: fpost_enter marks the thread
 * (depth), takes the lock if there are other threads, and returns the thread's
 * state; fpost_leave undoes it. An event that comes while the thread is inside
 * (a signal handler) is put aside and handled by fpost_leave. Interposed
 * functions that are called while the thread is inside go straight to libc.
 */
#ifndef FPOST_HOOKS_CONTEXT_H
#define FPOST_HOOKS_CONTEXT_H

#include "rt/hooks/findings.h"
#include "rt/hooks/flags.h"
#include "rt/hooks/heap_state.h"
#include "rt/hooks/modules.h"
#include "rt/hooks/record.h"
#include "rt/hooks/regions.h"
#include "rt/hooks/stacks.h"
#include "rt/model/rules.h"

#include "fencepost/module.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/single_threaded.h>

#define FPOST_THREADS_MAX 65536u
#define FPOST_LOCK_AWAITED 2u
#define FPOST_DEFERRED_MAX 64u
/* Places in a thread's first list of pending flushes; it doubles when full. */
#define FPOST_PENDING_MIN 4096u

#define FPOST_LIKELY(condition) __builtin_expect((condition), 1)
#define FPOST_UNLIKELY(condition) __builtin_expect((condition), 0)

/* What a thread does to PM. Kept aside as it is, when it comes at a bad time.
 */
enum fpost_event_kind {
  FPOST_EVENT_STORE,
  FPOST_EVENT_FLUSH,
  FPOST_EVENT_FENCE
};

struct fpost_deferred {
  const void *address;
  uint64_t size;
  uintptr_t pc;
  uint32_t kind; /* enum fpost_event_kind */
  uint32_t flags;
};

/* The operation under way in a thread (operations.h). */
struct fpost_open_operation {
  bool open;
  bool handed_on;  /* its frame, to a function that it jumped to */
  uint32_t stack;  /* of its begin; of the last end if it is not open */
  uint32_t nested; /* marked operations begun within a function's */
  const struct fencepost_function *function; /* null: marked in the source */
  uintptr_t frame;                           /* of the function; 0: none */
  uint64_t instance; /* which call in that frame, see fencepost/module.h */
};

struct fpost_thread_state {
  struct fpost_thread model;
  struct fpost_open_operation operation;
  struct fpost_stack_cache *cache;
  struct fpost_thread_state *next_free;
  uintptr_t stack_top; /* one past the highest address of its stack */
  uint64_t stores;     /* events so far */
  uint64_t flushes;
  uint64_t fences;
  const void *atomic_address; /* between atomic_begin and atomic_end */
  /* What was there, if it cannot be told whether it will be stored to. */
  uint8_t atomic_before[16];
  uint32_t atomic_size;
  uint32_t atomic_nested; /* begins without end by signal handlers in between */
  bool atomic_pointer;    /* what is stored in between is a pointer */
  struct fpost_tx tx;
};

struct fpost_tls {
  struct fpost_thread_state *self; /* null until its first event */
  uint32_t depth;                  /* how often inside, see above */
  uint32_t deferred_count;
  uint64_t deferred_lost;
  struct fpost_deferred deferred[FPOST_DEFERRED_MAX];
};

enum fpost_phase {
  FPOST_PHASE_NONE = 0, /* not started */
  FPOST_PHASE_RUN,
  FPOST_PHASE_OVER /* the end of the run has been dealt with */
};

struct fpost_context {
  _Atomic uint32_t lock; /* 1: held; FPOST_LOCK_AWAITED: and somebody sleeps */
  enum fpost_phase phase;
  enum fpost_mode_of_run {
    FPOST_RUN_CHECK,
    FPOST_RUN_RECORD,
    FPOST_RUN_RECOVER,
    FPOST_RUN_QUIET /* nothing: a trace that cannot go on, a child of record */
  } run;
  bool dax;         /* a pool of real PM was mapped */
  uint64_t unseen;  /* record: words that nobody was seen to store */
  uint32_t process; /* whose memory this is: a vfork child has another pid */
  uint64_t started; /* the start of the run, fpost_os_clock */
  /* Copy of the region of the last event: most events are to one pool. */
  struct fpost_region last;
  struct fpost_rules rules;
  struct fpost_regions regions;
  struct fpost_stacks stacks;
  struct fpost_modules modules;
  struct fpost_findings findings;
  struct fpost_heap heap;
  struct fpost_record_file record;
  struct fpost_results *results;
  int results_fd; /* -1 unless the runtime made the file itself */
  struct fpost_thread_state *threads; /* FPOST_THREADS_MAX, as threads come */
  uint32_t threads_count;
  struct fpost_thread_state *threads_free; /* check: of threads that are gone */
  struct fpost_stack_cache *caches_free; /* of threads that are gone; linked by
                                            their first word */
  pthread_key_t thread_key; /* whose destructor tells that a thread goes */
  char **environment;
  int argument_count;
  char **arguments;
  struct fpost_flags flags;
};

extern struct fpost_context fpost_context;
extern __thread struct fpost_tls fpost_tls
    __attribute__((tls_model("initial-exec")));

/* Options, tables, results file; first thing in the process. */
void fpost_context_start(int argc, char **argv, char **environment);

/* The end of the run: what is still unflushed is found. status is as of
   waitpid. Does nothing the second time, nor in a child of vfork. */
void fpost_context_end(int status);

/* Slow parts of enter and leave. */
void fpost_lock_wait(void);
void fpost_lock_wake(void);
void fpost_deferred_late(void);
struct fpost_thread_state *fpost_thread_start(void);
void fpost_deferred_run(void);

/* Something a reader of the report should know. Inside only. */
void fpost_note(const char *text);

/*
 * Report what a rule found: into the results file in check mode, as a mark in
 * the trace in record mode. Inside only. hook-safe
 */
void fpost_found(const struct fpost_finding *finding);

/* Say why and end the process with code 2: its options or environment are bad.
 */
_Noreturn void fpost_refuse(const char *what, const char *detail,
                            const char *advice);

/* ThreadSanitizer's, if the program has it: it sees what the runtime does by
   memcpy and its kind, and has to be told of the lock. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

/* Take the lock. hook-safe */
static inline void fpost_lock(void) {
  uint32_t expected = 0;
  if (FPOST_UNLIKELY(!atomic_compare_exchange_strong_explicit(
          &fpost_context.lock, &expected, 1, memory_order_acquire,
          memory_order_relaxed))) {
    fpost_lock_wait();
  }
  if (FPOST_UNLIKELY(&__tsan_acquire != NULL)) {
    __tsan_acquire(&fpost_context);
  }
}

/*
 * Enter. Returns null, with nothing to undo, if the thread is inside already
 * (the caller may defer), or there is nothing to do. hook-safe
 */
static inline struct fpost_thread_state *fpost_enter(void) {
  struct fpost_tls *tls = &fpost_tls;
  if (FPOST_UNLIKELY(tls->depth != 0)) {
    return NULL;
  }
  tls->depth = 1;
  atomic_signal_fence(memory_order_seq_cst);
  if (FPOST_UNLIKELY(!__libc_single_threaded)) {
    fpost_lock();
  }
  if (FPOST_UNLIKELY(tls->self == NULL)) {
    return fpost_thread_start();
  }
  return tls->self;
}

/* Leave. hook-safe */
static inline void fpost_leave(void) {
  struct fpost_tls *tls = &fpost_tls;
  if (FPOST_UNLIKELY(tls->deferred_count != 0)) {
    fpost_deferred_run();
  }
  if (FPOST_UNLIKELY(atomic_load_explicit(&fpost_context.lock,
                                          memory_order_relaxed) != 0)) {
    if (FPOST_UNLIKELY(&__tsan_release != NULL)) {
      __tsan_release(&fpost_context);
    }
    if (FPOST_UNLIKELY(atomic_exchange_explicit(&fpost_context.lock, 0,
                                                memory_order_release) ==
                       FPOST_LOCK_AWAITED)) {
      fpost_lock_wake();
    }
  }
  atomic_signal_fence(memory_order_seq_cst);
  tls->depth = 0;
  atomic_signal_fence(memory_order_seq_cst);
  if (FPOST_UNLIKELY(tls->deferred_count != 0)) {
    /* Of a signal handler that came after the look at it above. */
    fpost_deferred_late();
  }
}

/* Put an event aside. Only when fpost_enter returned null because of depth. */
void fpost_defer(enum fpost_event_kind kind, const void *address, uint64_t size,
                 uint32_t flags, uintptr_t pc);

/* The function that is the thread's operation was left without its return: by
   an exception, or by longjmp. hook-safe */
void fpost_operation_left(struct fpost_thread_state *self);

/* The number of the stack of a function of the runtime that the program called:
   its return address and the stack pointer after its return. hook-safe */
static inline uint32_t fpost_stack_of(struct fpost_thread_state *self,
                                      uintptr_t pc, uintptr_t cfa) {
  if (FPOST_UNLIKELY(self->operation.frame != 0 &&
                     cfa > self->operation.frame)) {
    fpost_operation_left(self);
  }
  return fpost_stacks_get(&fpost_context.stacks, self->cache, pc, cfa,
                          self->stack_top);
}

/* In a function that the program calls: where from. */
#define FPOST_CALLER_PC ((uintptr_t)__builtin_return_address(0))
#define FPOST_CALLER_CFA ((uintptr_t)__builtin_frame_address(0) + 16)
#define FPOST_CALLER_STACK(self)                                               \
  fpost_stack_of((self), FPOST_CALLER_PC, FPOST_CALLER_CFA)

#endif /* FPOST_HOOKS_CONTEXT_H */
