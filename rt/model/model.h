/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The persistency model: which stores to a cache line survive every crash.
 *
 * Rule numbers (S3, F4, ...) are those of docs/MODEL.md.
 *
 * The model is fed with events in the order in which they become visible, and
 * keeps two numbers per line. Stores to a line are numbered from 1 in visibility
 * order; a crash leaves the first `cut` of them, for some cut with
 *
 *        guaranteed <= cut <= stores
 *
 *   line   s1   s2   s3   s4   s5
 *               ^              ^
 *               guaranteed=2   stores=5       a crash leaves 2, 3, 4 or 5 stores
 *
 * and the cuts of different lines are independent (S2). In torn-line mode the same
 * two numbers hold, but each word of the line has a cut of its own.
 *
 *   store    stores += 1                                                (S1, S2)
 *   clflush  guaranteed = stores; the thread's NT stores complete       (F1, N1)
 *   clwb     the thread's pending list gets (line, stores)          (F2, F3, F4)
 *   fence    each (line, n) in the thread's list: guaranteed = max(n, guaranteed)
 *   NT store a store with a flush of itself                                 (N1)
 *
 * A fence therefore costs what its own thread has flushed since its last fence,
 * however many lines are outstanding elsewhere.
 *
 * Pure: no I/O, allocation or globals. Lines, threads and their pending lists are
 * the caller's memory; a zeroed struct fpost_line is a line without stores.
 */
#ifndef FPOST_MODEL_MODEL_H
#define FPOST_MODEL_MODEL_H

#include "fencepost/events.h"
#include "rt/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Counters saturate at UINT32_MAX: further stores to that line then share the last
 * number (and may be taken for guaranteed when an earlier one is).
 */
struct fpost_line {
  uint32_t stores;     /* visible stores so far */
  uint32_t guaranteed; /* this many of them survive every crash; <= stores */
  uint32_t flushed;    /* largest count that a flush by `flusher` covers */
  uint32_t flusher;    /* 1 + thread of the last incomplete flush, 0: none */
};

/* A flush or NT store that the thread's next fence completes. */
struct fpost_pending {
  struct fpost_line *line;
  uint32_t stores; /* the line's stores it covers */
  uint32_t nt;     /* 1: an NT store, completed by the thread's clflush too */
};

/* A thread of the program, as far as persistence goes. */
struct fpost_thread {
  struct fpost_pending *pending; /* the caller's array */
  uint32_t pending_count;
  uint32_t pending_max;
  uint32_t nt_count; /* how many of the pending are NT stores */
  uint32_t id;
};

enum fpost_domain {
  FPOST_DOMAIN_ADR, /* flushed lines survive */
  FPOST_DOMAIN_EADR /* visible stores survive (A1) */
};

/* What a flush found. */
enum fpost_flush_result {
  FPOST_FLUSH_USEFUL,   /* it covers a store that nothing covered before */
  FPOST_FLUSH_REPEATED, /* covered already by an incomplete flush of this thread */
  FPOST_FLUSH_NOTHING   /* all stores of the line are guaranteed already */
};

/*
 * A store to line, 1 to 64 bytes of it, became visible. flags are enum
 * fencepost_store_flag. An NT store needs a free place in the pending list.
 *
 * Returns 0, or FPOST_ENOMEM with nothing changed.
 * Source: S1, S2, N1, A1.
 */
FPOST_MUST_USE int fpost_model_store(enum fpost_domain domain,
                                     struct fpost_thread *thread,
                                     struct fpost_line *line, uint32_t flags);

/*
 * The thread flushes line; kind is enum fencepost_flush_kind. *result may be null.
 *
 * Returns 0, or FPOST_ENOMEM with nothing changed (clwb and clflushopt only).
 * Source: F1, F2, F3, F4, F5, F6.
 */
FPOST_MUST_USE int fpost_model_flush(struct fpost_thread *thread,
                                     struct fpost_line *line, uint32_t kind,
                                     enum fpost_flush_result *result);

/*
 * The thread executes sfence, mfence or a locked RMW: everything on its pending
 * list is guaranteed and the list is empty. Before the call, the list says what
 * the fence completes.
 *
 * Returns how many pending entries raised a guarantee.
 * Source: F2, F3, F4, F7, N1.
 */
uint32_t fpost_model_fence(struct fpost_thread *thread);

/*
 * All stores to line are durable by other means (msync, fsync, a kernel write).
 */
void fpost_model_durable(struct fpost_line *line);

/* Would a fence of this thread guarantee anything new? */
bool fpost_model_fence_useful(const struct fpost_thread *thread);

#endif /* FPOST_MODEL_MODEL_H */
