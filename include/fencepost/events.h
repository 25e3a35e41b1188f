/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The vocabulary shared by the pass, the runtime, the model and the trace: what
 * kinds of store, flush and fence exist. The values are part of the ABI between
 * instrumented code and the runtime and of the trace format: never renumber.
 */
#ifndef FENCEPOST_EVENTS_H
#define FENCEPOST_EVENTS_H

#include <stdint.h>

/* The persistence granule of the hardware, in bytes. */
#define FENCEPOST_LINE_SIZE 64u
/* The largest aligned store that is all or nothing, in bytes (rule S4). */
#define FENCEPOST_WORD_SIZE 8u

/* Properties of a store; a bit set. */
enum fencepost_store_flag {
  FENCEPOST_STORE_NT = 1,       /* non-temporal: needs no flush (rule N1) */
  FENCEPOST_STORE_WHOLE = 2,    /* movdir64b: all 64 bytes or none (rule S5) */
  FENCEPOST_STORE_ATOMIC = 4,   /* atomic or volatile in the source (rule S6) */
  FENCEPOST_STORE_FOUND = 8,    /* by code without hooks, found by comparison */
  FENCEPOST_STORE_POINTER = 16, /* of a value whose type is a pointer */
  FENCEPOST_STORE_BLOCK = 32    /* a copy of a block of bytes: what they mean is
                                   not known */
};

/* The flush instructions (rules F1, F2). */
enum fencepost_flush_kind {
  FENCEPOST_CLFLUSH = 0,
  FENCEPOST_CLFLUSHOPT = 1,
  FENCEPOST_CLWB = 2
};

/* What completes flushes (rules F2, F7). */
enum fencepost_fence_kind {
  FENCEPOST_SFENCE = 0,
  FENCEPOST_MFENCE = 1,
  FENCEPOST_LOCKED = 2 /* locked RMW, seq_cst store or fence: not a persist
                          barrier by intent, so never reported as redundant */
};

/* What an access, or a fence, means to other threads; a bit set. */
enum fencepost_sync_flag {
  FENCEPOST_SYNC_READ = 1,    /* told behind a load, of `size` bytes */
  FENCEPOST_SYNC_ACQUIRE = 2, /* behind the operation */
  FENCEPOST_SYNC_RELEASE = 4, /* before it */
  FENCEPOST_SYNC_RELAXED = 8, /* only together with fences */
  /* Before, and behind, a call that releases somewhere in between, having run
     what the program gave it; behind it acquires as well. */
  FENCEPOST_SYNC_MAKES = 16,
  FENCEPOST_SYNC_MADE = 32
};

/* In place of an address: what a thread of Rust that is parked waits for. */
#define FENCEPOST_SYNC_PARKED 8

#endif /* FENCEPOST_EVENTS_H */
