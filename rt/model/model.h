/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The persistency model: which stores to a cache line survive every crash.
 *
 * Rule numbers (S3, F4, ...) are those of docs/MODEL.md.
 *
 * The model is fed with events in the order in which they become visible, and
 * keeps two numbers per line. Stores to a line are numbered from 1 in
 * visibility order; a crash leaves the first `cut` of them, for some cut with
 *
 *        guaranteed <= cut <= stores
 *
 *   line   s1   s2   s3   s4   s5          a crash leaves 2, 3, 4 or 5
 *               ^              ^             stores
 *    guaranteed=2              stores=5
 *
 * and the cuts of different lines are independent (S2).
 *
 *   store    stores += 1                                            (S1, S2)
 *   clflush  guaranteed = stores; the thread's NT stores complete   (F1, N1)
 *   clwb     the thread's pending list gets (line, stores)      (F2, F3, F4)
 *   fence    each (line, n) of the thread's list: guaranteed >= n   (F3, F4)
 *   NT store a store with a flush of itself; a later ordinary store of the
 *            thread to the line completes it, and until it is complete a flush
 *            of another thread covers only the stores before it        (N1)
 *
 * In torn-line mode each word of a line has a cut of its own: the caller keeps
 * eight struct fpost_line for a line instead of one, the functions get the
 * first of them, and what is said of a line above holds for each word by
 * itself.
 *
 * A fence costs what its own thread has flushed since its last fence, however
 * many lines are outstanding elsewhere; everything else takes constant time.
 *
 * Pure: no I/O, allocation or globals. Lines, threads and their pending lists
 * are the caller's memory; a zeroed struct fpost_line is a line without stores.
 */
#ifndef FPOST_MODEL_MODEL_H
#define FPOST_MODEL_MODEL_H

#include "rt/base/err.h"

#include "fencepost/events.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fpost_domain {
  FPOST_DOMAIN_ADR, /* flushed lines survive */
  FPOST_DOMAIN_EADR /* visible stores survive (A1) */
};

/* The words of a line, and so the number of cuts it has in torn-line mode. */
#define FPOST_LINE_WORDS (FENCEPOST_LINE_SIZE / FENCEPOST_WORD_SIZE)

/* The hardware that is modelled. */
struct fpost_mode {
  enum fpost_domain domain;
  bool torn; /* false: rule S3; true: each word of a line has its own cut */
  /* Not of the hardware: for who keeps a line as a whole even if threads meet
     in it, and could not say whose fence its words wait for. A flush covers NT
     stores of other threads as well, which may not have left. */
  bool coarse;
};

/* How many struct fpost_line the caller keeps for a line. */
static inline uint32_t fpost_mode_cuts(const struct fpost_mode *mode) {
  return mode->torn ? FPOST_LINE_WORDS : 1;
}

/*
 * A line, or a word in torn-line mode. Counters saturate at UINT32_MAX: further
 * stores then share the last number (and may be taken for guaranteed when an
 * earlier one is).
 */
struct fpost_line {
  uint32_t stores;       /* visible stores so far */
  uint32_t guaranteed;   /* this many of them survive every crash; <= stores */
  uint32_t flushed;      /* what the last flush covers; <= stores. If nt, and it
                            is not guaranteed: the first NT store of the flusher
                            that may not have left (if coarse, the last) */
  uint32_t flusher : 31; /* 1 + thread of that flush; 0: there was none */
  uint32_t nt : 1;       /* it was an NT store */
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
  uint32_t nt_count;  /* how many of the pending are NT stores */
  uint32_t id;        /* below 2^31 - 1 */
  uint32_t fence_due; /* for the rules: 1 if an sfence has a purpose now */
};

/* What a flush found. */
enum fpost_flush_result {
  FPOST_FLUSH_NOTHING,  /* all stores of the line are guaranteed already */
  FPOST_FLUSH_REPEATED, /* covered already by an incomplete flush of this thread
                         */
  FPOST_FLUSH_USEFUL    /* it covers a store that nothing covered before */
};

/*
 * A store to the words in a bit set (not empty, bits 0 to 7) of line became
 * visible. flags are enum fencepost_store_flag. An NT store needs a free place
 * in the pending list, in torn-line mode one per word.
 *
 * Returns 0, or FPOST_ENOMEM with nothing changed.
 * Source: S1, S2, N1, A1.
 */
FPOST_MUST_USE int fpost_model_store(const struct fpost_mode *mode,
                                     struct fpost_thread *thread,
                                     struct fpost_line *line, uint32_t words,
                                     uint32_t flags);

/*
 * The thread flushes line; kind is enum fencepost_flush_kind. clwb and
 * clflushopt need a free place in the pending list, in torn-line mode eight.
 * *result may be null.
 *
 * Returns 0, or FPOST_ENOMEM with nothing changed.
 * Source: F1, F2, F3, F4, F5, F6.
 */
FPOST_MUST_USE int fpost_model_flush(const struct fpost_mode *mode,
                                     struct fpost_thread *thread,
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
void fpost_model_durable(const struct fpost_mode *mode,
                         struct fpost_line *line);

/*
 * NT stores to line are known to have left the write-combining buffer, because
 * another thread has found them in memory. Only who sees loads can know.
 *
 * Source: N1.
 */
void fpost_model_drained(const struct fpost_mode *mode,
                         struct fpost_line *line);

/*
 * May an NT store of another thread to line still be in its write-combining
 * buffer? Then it is not known which stores to the line it comes before, and
 * whoever keeps lines as a whole has to let go of their order: of rule S3.
 *
 * Source: N1.
 */
bool fpost_model_nt_awaited(const struct fpost_thread *thread,
                            const struct fpost_line *line);

/* Would a fence of this thread guarantee anything new? */
bool fpost_model_fence_useful(const struct fpost_thread *thread);

#endif /* FPOST_MODEL_MODEL_H */
