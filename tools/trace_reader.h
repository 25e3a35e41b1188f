/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Trace files, read and packed. A trace is raw while the program runs (header
 * and records) and packed afterwards (the same bytes in checked zstd frames);
 * docs/TRACE.md. The reader takes both, and vouches for what it returns:
 *
 *   pool indexes are below FPOST_POOLS_MAX and were introduced by a POOL
 * record; [address, address + size) lies in its pool, whose size is rounded up
 * to 4096; stack ids are 0 or were introduced by a STACK record; threads are
 * below FPOST_TRACE_THREADS_MAX, modules below 0xffff.
 */
#ifndef FPOST_TOOLS_TRACE_READER_H
#define FPOST_TOOLS_TRACE_READER_H

#include "rt/trace/trace.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FPOST_TRACE_THREADS_MAX 65536u
#define FPOST_TRACE_STACKS_MAX (1u << 24)
#define FPOST_TRACE_MODULES_MAX 0xffffu

struct fpost_reader_file;

struct fpost_reader {
  struct fpost_trace_header header;
  const char *command; /* the program's arguments, each ended by NUL */
  uint64_t index;      /* number of the record that was read last, from 0: the
                          EVENT of crash states */
  size_t size;         /* of that record, bytes before packing */
  double packed_share; /* what of its frame's packed bytes falls to that record,
                          by size; its size in a raw trace */
  uint64_t file_size;  /* of the file, bytes */
  const uint8_t *bytes; /* the record that was read last, as it is encoded; null
                           for an END that was added. Lives as its data does */
  size_t bytes_size;
  bool packed;
  char error[640]; /* after an error: what, where, what to do; a sentence */
  struct fpost_reader_file *file;
};

/*
 * Open a trace. On an error reader->error says why; the reader needs no
 * closing. Returns 0, FPOST_ENOENT, FPOST_EIO, FPOST_EINVAL (no trace, or
 * damaged), FPOST_EVERSION or FPOST_ENOMEM.
 */
FPOST_MUST_USE int fpost_reader_open(struct fpost_reader *reader,
                                     const char *path);

/*
 * Open a raw trace that is perhaps still being written, by a program that ends
 * before *over becomes true: fpost_reader_next waits for records until then.
 * Waits for the file too. Returns as fpost_reader_open; FPOST_ENOENT if no file
 * came.
 */
FPOST_MUST_USE int fpost_reader_follow(struct fpost_reader *reader,
                                       const char *path,
                                       const atomic_bool *over);

/*
 * Read the next record; its text and data live until the next call. The last
 * record is always an END, added if the file ends without one.
 *
 * Returns 0, FPOST_ENOENT after END, or FPOST_EINVAL with reader->error set.
 */
FPOST_MUST_USE int fpost_reader_next(struct fpost_reader *reader,
                                     struct fpost_record *record);

/* Go back to before the first record. Returns 0 or as fpost_reader_open. */
FPOST_MUST_USE int fpost_reader_rewind(struct fpost_reader *reader);

void fpost_reader_close(struct fpost_reader *reader);

/* What a trace holds, counted while it was packed. */
struct fpost_pack_counts {
  uint64_t records;
  uint64_t stores;
  uint64_t flushes;
  uint64_t fences;
  uint64_t raw_bytes; /* header and records */
  uint64_t packed_bytes;
  uint64_t run_bytes;  /* of STORE, FLUSH and FENCE records */
  uint64_t end_status; /* of END */
};

/*
 * May a trace be written to path: is nothing there, nothing in it, or an older
 * trace? A pool or a device is never replaced. If not, error says so.
 */
FPOST_MUST_USE bool fpost_trace_replaces(const char *path, char error[640]);

/*
 * Pack the trace at raw_path (raw or packed) into packed_path, which is written
 * beside and put in place when complete. Unless over is null the trace is
 * followed (fpost_reader_follow).
 * Returns 0, or an error with a sentence in error.
 */
FPOST_MUST_USE int fpost_trace_pack(const char *raw_path,
                                    const char *packed_path,
                                    const atomic_bool *over,
                                    struct fpost_pack_counts *counts,
                                    char error[640]);

#endif /* FPOST_TOOLS_TRACE_READER_H */
