/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Writing the trace (rt/trace/trace.h). The file grows by chunks whose blocks
 * are allocated before they are mapped and filled:
 *
 *   0            at                      end            end + chunk
 *   | records    | zeros                 | not there    |
 *   |      |<--------- window ---------->|
 *
 * so that a program that is killed leaves all its records, followed by zeros,
 * and a full disk is an error here instead of a signal. The file is made when
 * PM is mapped first: a process without PM leaves none.
 */
#ifndef FPOST_HOOKS_RECORD_H
#define FPOST_HOOKS_RECORD_H

#include "rt/base/err.h"
#include "rt/hooks/regions.h"
#include "rt/hooks/stacks.h"
#include "rt/trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_RECORD_CHUNK (UINT64_C(4) << 20)

struct fpost_record_file {
  int fd; /* -1: none */
  uint8_t *window;
  uint64_t window_start; /* file offset of window */
  uint64_t window_size;
  uint64_t at;  /* file offset behind the last record */
  uint64_t end; /* size of the file */
  bool failed;  /* a write failed: nothing is recorded any more */
  int error;    /* negative errno of that */
  struct fpost_stacks *stacks;
  struct fpost_trace_state *state;
};

/*
 * Make the trace at path, which must not exist, with the header. Returns 0 or a
 * negative errno (-EEXIST: a process before this one made it).
 */
FPOST_MUST_USE int fpost_record_open(struct fpost_record_file *file,
                                     const char *path, uint32_t domain,
                                     int argc, char **argv,
                                     struct fpost_stacks *stacks);

/* Append a record; its stack, if new, goes before it. hook-safe */
void fpost_record_put(struct fpost_record_file *file,
                      const struct fpost_record *record);

/* Append what the pool's file holds before the run: fd is open for reading. */
void fpost_record_image(struct fpost_record_file *file,
                        const struct fpost_pool *pool, int fd);

/* The run is over: append the end, cut the file to its size. */
void fpost_record_close(struct fpost_record_file *file, uint64_t status);

/* In the child of a fork: the trace is the parent's. */
void fpost_record_drop(struct fpost_record_file *file);

#endif /* FPOST_HOOKS_RECORD_H */
