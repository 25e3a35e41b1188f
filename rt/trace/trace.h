/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A trace: one run of a program as a sequence of records. docs/TRACE.md has the
 * bytes; this header the meaning, with encoder and decoder. Pure: the caller
 * moves the bytes.
 *
 * PM addresses. Records never name virtual addresses of PM but pm addresses:
 * (pool index << FPOST_POOL_SHIFT) | offset in the pool file. Two mappings of
 * one file are thus one memory, and a pool mapped elsewhere in recovery is the
 * same.
 */
#ifndef FPOST_TRACE_TRACE_H
#define FPOST_TRACE_TRACE_H

#include "rt/base/err.h"

#include "fencepost/events.h"

#include <stddef.h>
#include <stdint.h>

#define FPOST_TRACE_MAGIC "fpostrc\n"
#define FPOST_TRACE_VERSION 3u

/* A pool is at most 2^40 bytes; a trace has at most FPOST_POOLS_MAX of them. */
#define FPOST_POOL_SHIFT 40
#define FPOST_POOLS_MAX 64u
/* Frames kept of a stack, innermost first. */
#define FPOST_STACK_MAX 16u
/* The most bytes that one store record carries; wider stores are split. */
#define FPOST_STORE_MAX 4096u

static inline uint64_t fpost_pm_address(uint32_t pool, uint64_t offset) {
  return ((uint64_t)pool << FPOST_POOL_SHIFT) | offset;
}
static inline uint32_t fpost_pm_pool(uint64_t address) {
  return (uint32_t)(address >> FPOST_POOL_SHIFT);
}
static inline uint64_t fpost_pm_offset(uint64_t address) {
  return address & ((UINT64_C(1) << FPOST_POOL_SHIFT) - 1);
}

/* Flag of a pool: its file was there before the run began. */
#define FPOST_POOL_BEFORE 1u
/* Flag of a module: it was compiled by the pass, in part or whole. */
#define FPOST_MODULE_HOOKS 1u

enum fpost_record_kind {
  FPOST_RECORD_END = 0, /* the run is over; value: wait status as of waitpid, or
                           UINT64_MAX if the end was not seen */
  FPOST_RECORD_MODULE,  /* id: index; text: path; data: build id; value: load
                           bias; size: bytes mapped;
                            flags: 1 if a part of it has hooks */
  FPOST_RECORD_STACK,   /* id: stack id, from 1; data: uint64_t[] of pcs, each
                           (module index << 48 | pc - load bias); a return
                           address is given as the address of its call (pc - 1) */
  FPOST_RECORD_POOL,    /* id: pool index; text: path ("" if it has no file);
                           size: bytes; value: virtual address of first mapping;
                           flags: FPOST_POOL_BEFORE */
  FPOST_RECORD_IMAGE,   /* address, data: content of a pool when it was mapped
                           first, where not zero; at most FPOST_STORE_MAX bytes a
                           record; they follow the POOL at once */
  FPOST_RECORD_RESIZE,  /* id: pool; size: new size in bytes */
  FPOST_RECORD_UNMAP,   /* address, size: no longer mapped */
  FPOST_RECORD_STORE,   /* thread, address, size, flags, stack, data: the bytes.
                           With FENCEPOST_STORE_FOUND: words that may each have
                           been stored by themselves, at any time before */
  FPOST_RECORD_FLUSH,   /* thread, address, size, flags: kind, stack: the lines
                           that [address, address + size) touches are flushed, by
                           one instruction (size 1) or by one call */
  FPOST_RECORD_FENCE,   /* thread, flags: kind, stack */
  FPOST_RECORD_DURABLE, /* thread, address, size, stack: msync, fsync and
                           friends */
  FPOST_RECORD_OP_BEGIN, /* thread, text: name and arguments, stack */
  FPOST_RECORD_OP_END,   /* thread, stack */
  FPOST_RECORD_IGNORE,   /* address, size, flags: what is stored there does not
                            matter; 0: never (fencepost_ignore), 1: what was
                            stored up to now (freed) */
  FPOST_RECORD_NOTE, /* text: something a reader of the report should know */
  FPOST_RECORD_MARK, /* thread, stack, flags: enum fpost_mark, and what it says
                      */
  FPOST_RECORD_KINDS
};

/* What a MARK says; append only. */
enum fpost_mark {
  FPOST_MARK_FINDING = 0, /* something that the runtime found while the program
                            ran, by rules that need more than the trace. id:
                            enum fpost_class; stack: the store's; value: the
                            other stack, and enum fpost_detail from bit 32 on;
                            address, size */
  FPOST_MARK_BUFFERED, /* the operation under way in the thread is of buffered
                         durability */
  FPOST_MARK_THREAD,   /* a thread of a race. id: its number; value: 1 + that of
                          the one that created it, 0 if not known; stack: where;
                          text: its name, "" if it has none */
  FPOST_MARK_LOCK, /* a lock of a race. id: a number, from 1 on; value: that of
                      the one taken before it and held, 0 if none; enum
                      fpost_lock_kind from bit 32 on; bit 40: it lies in PM;
                      address: virtual, or a pm address; stack: where it was
                      taken */
  FPOST_MARK_WHO,  /* of the next finding: who made the store, or, with bit 33
                      of value, the other access. id: number of the thread;
                      value: of the lock taken last, 0 if none; bit 32: that
                      is known */
  FPOST_MARK_UNCALLED, /* text: which pattern of op= names functions that were
                         not called; the trace lacks nothing */
  FPOST_MARK_MADE,  /* an object of a persistent heap was allocated or reserved:
                       address, size, stack */
  FPOST_MARK_FREED, /* ... or freed, by a transaction when it had committed, or
                       undone: the same */
  FPOST_MARK_FOUND, /* the program needs no pointer to the object: address */
  FPOST_MARK_TX,    /* the thread begins a transaction, not inside another */
  FPOST_MARK_COMPARED, /* all PM is compared with what is known of it at each
                          fence, at the end and before an unmap */
  FPOST_MARK_UNSEEN,   /* value: words of PM that nothing in the trace stored,
                          at the end or before an unmap; only if there are */
  FPOST_MARK_GONE      /* id: a pool, whose file was renamed, or has lost the
                          name to another file or altogether */
};

struct fpost_record {
  enum fpost_record_kind kind;
  uint32_t thread; /* 0: the first thread that touched PM */
  uint32_t flags;
  uint32_t stack; /* 0: none */
  uint32_t id;
  uint64_t address;
  uint64_t size;
  uint64_t value;
  const char *text; /* text_size bytes, not terminated */
  size_t text_size;
  const uint8_t *data; /* data_size bytes */
  size_t data_size;
};

/* What opens a trace file, before the first record. */
struct fpost_trace_header {
  char magic[8];
  uint32_t version;
  uint32_t header_size;  /* of this struct */
  uint32_t domain;       /* enum fpost_domain */
  uint32_t command_size; /* bytes that follow the header: the program's
                            arguments, each terminated by NUL */
  uint64_t id;           /* random; names the trace in databases */
};

/* The most bytes of a path, name or note in a record. */
#define FPOST_TEXT_MAX 4096u

/*
 * What the encoder and the decoder remember of the records so far: each record
 * is written relative to it. Zeroed before the first record; the caller reads
 * none of it.
 */
#define FPOST_TRACE_FOLLOW 256u
#define FPOST_TRACE_WORDS 65536u
struct fpost_trace_state {
  uint64_t address; /* where the last store or flush ended */
  uint32_t thread;
  uint32_t stack;
  uint32_t flags[FPOST_RECORD_KINDS]; /* of the last record of that kind */
  uint32_t
      follow[FPOST_TRACE_FOLLOW]; /* stack that came after stack i, mod 256 */
  uint64_t words[FPOST_TRACE_WORDS]; /* words stored lately, by their hash: logs
                                        and moves store words again */
  uint16_t next[FPOST_TRACE_WORDS];  /* index in words of what came next */
  uint8_t turns[FPOST_TRACE_WORDS / 8]; /* per set of words: next to replace */
  uint8_t data[FPOST_STORE_MAX];        /* decoder: data put together again */
};

/* No record is longer than this, in bytes. */
#define FPOST_RECORD_MAX (FPOST_STORE_MAX + FPOST_TEXT_MAX + 64u)

/*
 * Encode record at out, which has room for FPOST_RECORD_MAX bytes. Fields that
 * the kind does not use are ignored. A store has size == data_size, 1 to
 * FPOST_STORE_MAX; texts are at most FPOST_TEXT_MAX bytes. out[0] is written
 * last: if it was 0, and the process is killed in between, the record is an
 * END. Returns the bytes written, at least 1. Cannot fail: limits are asserted.
 */
size_t fpost_trace_encode(struct fpost_trace_state *state,
                          const struct fpost_record *record, uint8_t *out);

/*
 * Decode one record from the size bytes at in; text and data point into in or
 * into state, until the next call. Data is not aligned. *used is set to the
 * bytes it took. Zero bytes (a file that was preallocated and not filled)
 * decode as an END whose value is UINT64_MAX.
 *
 * Returns 0, FPOST_EINVAL if the bytes are no record, or FPOST_ENOENT if they
 * end before the record does; then nothing that the caller can see has changed.
 */
FPOST_MUST_USE int fpost_trace_decode(struct fpost_trace_state *state,
                                      const uint8_t *in, size_t size,
                                      struct fpost_record *record,
                                      size_t *used);

#endif /* FPOST_TRACE_TRACE_H */
