/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The results file: what the runtime found, in a file that it maps shared, so
 * that a program that is killed loses nothing. `fencepost` makes the file
 * (sparse, FPOST_RESULTS_SIZE bytes, zeroed) and reads it when the program is
 * gone; it names it to the program by FENCEPOST_OPTIONS=results=PATH.
 *
 *   +--------+---------+--------+----------+-------+-------+---------+-------+
 *   | header | modules | stacks | findings | pools | notes | threads | locks |
 *   +--------+---------+--------+----------+-------+-------+---------+-------+
 *
 * All tables are arrays of fixed size that only grow. Several processes (a
 * child of fork, a program started by exec) append to one file: an entry is
 * claimed by an atomic increment of the table's count, filled, and then
 * published by setting its `ready` to 1. A count may exceed its table's
 * maximum: then the rest was lost for want of room. An entry that is not ready
 * was being written when its process died. The same finding may occur once per
 * process.
 *
 * Times and orders: none. All integers are in the byte order of the machine.
 */
#ifndef FPOST_OS_RESULTS_H
#define FPOST_OS_RESULTS_H

#include <stdatomic.h>
#include <stdint.h>

#define FPOST_RESULTS_MAGIC "fposres\n"
#define FPOST_RESULTS_VERSION 3u

#define FPOST_RESULTS_PATH_MAX 512u    /* bytes, with the terminating NUL */
#define FPOST_RESULTS_TEXT_MAX 480u    /* bytes of a note, with the NUL */
#define FPOST_RESULTS_BUILD_ID_MAX 20u /* bytes */
#define FPOST_RESULTS_FRAMES_MAX 16u   /* = FPOST_STACK_MAX */
#define FPOST_RESULTS_MODULES_MAX 1024u
#define FPOST_RESULTS_STACKS_MAX 65536u
#define FPOST_RESULTS_FINDINGS_MAX 4096u
#define FPOST_RESULTS_POOLS_MAX 256u
#define FPOST_RESULTS_NOTES_MAX 256u
#define FPOST_RESULTS_THREADS_MAX 4096u
#define FPOST_RESULTS_LOCKS_MAX 16384u
#define FPOST_RESULTS_NAME_MAX 16u /* of a thread, with the NUL */

/*
 * A loaded object. An address pc in it is at pc - bias in the file at path, in
 * the terms of its program headers and debug information.
 */
struct fpost_results_module {
  _Atomic uint32_t ready;
  uint32_t process; /* pid */
  uint64_t bias;    /* load bias, bytes */
  uint64_t start;   /* first and one past the last address mapped */
  uint64_t end;
  uint32_t build_id_size; /* bytes; 0: has none */
  uint8_t build_id[FPOST_RESULTS_BUILD_ID_MAX];
  char path[FPOST_RESULTS_PATH_MAX]; /* absolute; "[vdso]" for the kernel's */
};

/* A call stack, innermost first, in the form of FPOST_RECORD_STACK. */
struct fpost_results_stack {
  _Atomic uint32_t ready;
  uint32_t count; /* frames */
  uint64_t
      frames[FPOST_RESULTS_FRAMES_MAX]; /* module index << 48 | pc - bias; a
                                           return address minus 1. Module
                                           0xffff: in no module, pc itself */
};

#define FPOST_RESULTS_NO_MODULE 0xffffu

/* A thread of a race. */
struct fpost_results_thread {
  _Atomic uint32_t ready;
  uint32_t process; /* pid */
  uint32_t number;  /* as its process counts them; 0: the first */
  uint32_t creator; /* index into threads + 1; 0: not known */
  uint32_t stack;   /* where it was created: index into stacks + 1, or 0 */
  char name[FPOST_RESULTS_NAME_MAX]; /* "" if it was given none */
};

/* A lock that a thread held. */
struct fpost_results_lock {
  _Atomic uint32_t ready;
  uint32_t process; /* pid */
  uint32_t kind;    /* enum fpost_lock_kind */
  uint32_t pool;    /* it lies in: index into pools + 1; 0: in none */
  uint64_t address; /* in its pool, or virtual */
  uint32_t stack;   /* where it was taken: index into stacks + 1, or 0 */
  uint32_t below;   /* the lock taken before it and held: index into locks + 1,
                       smaller than its own; 0: none */
};

/* Who made an access of a race. */
struct fpost_results_who {
  uint32_t thread;      /* index into threads + 1; 0: not known */
  uint32_t locks;       /* the one taken last: index into locks + 1; 0: none */
  uint32_t locks_known; /* 0: it may have held any */
};

/* What the rules found: one entry per class and stacks, with a count. */
struct fpost_results_finding {
  _Atomic uint32_t ready;
  uint32_t class_;      /* enum fpost_class */
  uint32_t process;     /* pid */
  uint32_t thread;      /* of the first occurrence; 0: first to touch PM */
  uint32_t store_stack; /* index into stacks + 1; 0: does not apply */
  uint32_t other_stack; /* the same */
  uint64_t address;     /* pm address of the first occurrence */
  uint32_t size;        /* bytes */
  uint32_t pool;        /* index into pools */
  uint32_t detail;      /* enum fpost_detail */
  struct fpost_results_who store_who; /* races: of store_stack */
  struct fpost_results_who other_who;
  _Atomic uint64_t count; /* occurrences, at least 1 */
};

/* A file (or memory) that was taken for PM. */
struct fpost_results_pool {
  _Atomic uint32_t ready;
  uint32_t process;                  /* pid */
  uint32_t index;                    /* as in pm addresses of that process */
  uint32_t why;                      /* enum fpost_pool_why */
  uint64_t size;                     /* bytes, the largest seen */
  uint64_t address;                  /* of the first mapping */
  char path[FPOST_RESULTS_PATH_MAX]; /* "" if it has no file */
};

enum fpost_pool_why {
  FPOST_POOL_DAX = 0,     /* mapped with MAP_SYNC, or of a DAX file */
  FPOST_POOL_LIBRARY = 1, /* mapped by libpmem, libpmem2 or libpmemobj */
  FPOST_POOL_OPTION = 2,  /* pool= matches its path */
  FPOST_POOL_HEAP = 3,    /* heap_pm= */
  FPOST_POOL_API = 4      /* fencepost_region_add, or a client request */
};

/* A sentence that the reader of the report should know. */
struct fpost_results_note {
  _Atomic uint32_t ready;
  uint32_t process;       /* pid */
  _Atomic uint64_t count; /* how often it was said */
  char text[FPOST_RESULTS_TEXT_MAX];
};

struct fpost_results {
  /* The first three are written by whoever makes the file. */
  char magic[8];
  uint32_t version;
  uint32_t size; /* sizeof(struct fpost_results) */

  /* Sums over all processes. */
  _Atomic uint32_t started; /* runtimes that have started: 0 means that no
                               program linked with the runtime has run */
  _Atomic uint32_t ended; /* of these, how many ended in order: their end-of-run
                             checks are in the findings */
  _Atomic uint64_t modules_instrumented; /* translation units with hooks */
  _Atomic uint64_t hooks;                /* hooks in them */
  _Atomic uint64_t
      not_understood;      /* asm blocks that the pass could not classify */
  _Atomic uint64_t stores; /* events on PM, counted when a process ends */
  _Atomic uint64_t flushes;
  _Atomic uint64_t fences;
  _Atomic uint32_t incomplete;    /* traces that lack a part of their run */
  _Atomic uint32_t unmatched;     /* patterns of op= that match no function; a
                                     note says which */
  _Atomic uint64_t findings_lost; /* occurrences without room for an entry */
  _Atomic uint64_t stacks_lost;

  /* Entries claimed; see above. */
  _Atomic uint32_t modules_count;
  _Atomic uint32_t stacks_count;
  _Atomic uint32_t findings_count;
  _Atomic uint32_t pools_count;
  _Atomic uint32_t notes_count;
  _Atomic uint32_t threads_count;
  _Atomic uint32_t locks_count;

  struct fpost_results_module modules[FPOST_RESULTS_MODULES_MAX];
  struct fpost_results_stack stacks[FPOST_RESULTS_STACKS_MAX];
  struct fpost_results_finding findings[FPOST_RESULTS_FINDINGS_MAX];
  struct fpost_results_pool pools[FPOST_RESULTS_POOLS_MAX];
  struct fpost_results_note notes[FPOST_RESULTS_NOTES_MAX];
  struct fpost_results_thread threads[FPOST_RESULTS_THREADS_MAX];
  struct fpost_results_lock locks[FPOST_RESULTS_LOCKS_MAX];
};

#define FPOST_RESULTS_SIZE sizeof(struct fpost_results)

#endif /* FPOST_OS_RESULTS_H */
