/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What the context and each thread keep for the rules of heap_rules.h.
 */
#ifndef FPOST_HOOKS_HEAP_STATE_H
#define FPOST_HOOKS_HEAP_STATE_H

#include "rt/model/objects.h"
#include "rt/model/ranges.h"
#include "rt/model/rules.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_HEAP_POOLS_MAX 64u

/* Something that a transaction allocated or freed: settled when it ends. */
struct fpost_tx_action {
  uint64_t address; /* pm address */
  uint32_t stack;
  bool freed;
};

/* An annotated transaction that has a number: several threads may be in it. */
struct fpost_tx_numbered {
  uint64_t number;
  uint32_t begins; /* without an end; 0: a free place */
  struct fpost_ranges ranges;
};
#define FPOST_TX_NUMBERED_MAX 64u /* bits of fpost_tx.numbered */

/* The transaction of a thread; those inside it are part of it. */
struct fpost_tx {
  bool active;      /* stores need a log now */
  bool settled;     /* its actions have been dealt with */
  uint32_t depth;   /* 0: none */
  uint32_t stack;   /* where the outermost one was begun */
  const void *pool; /* libpmemobj's; null: annotated */
  struct fpost_ranges ranges;
  uint64_t numbered; /* a bit for each numbered one that the thread is in */
  struct fpost_tx_action *actions;
  uint32_t actions_count;
  uint32_t actions_max;
};

/* An open pool of libpmemobj. */
struct fpost_heap_pool {
  const uint8_t *base; /* null: a free place */
  uint64_t id;
  bool known;    /* all of its objects are in the table */
  uint64_t root; /* recovery: offset and size of the root, if it was asked */
  uint64_t root_size; /* for */
};

/* A mapping of the address space, as the kernel told last. */
struct fpost_extent {
  uintptr_t start;
  uintptr_t end;
  bool code; /* may be executed */
  bool file;
};

/* A place that logs ranges. Only one whose logs are all needless is reported:
   another may log what its caller, now and then, has logged before. */
struct fpost_log_place {
  uintptr_t pc; /* 0: free */
  uint64_t needed;
  uint64_t needless;
  uint32_t stack;               /* of a needed one */
  struct fpost_finding finding; /* of the first needless one */
};
#define FPOST_LOG_PLACES_MAX                                                   \
  8192u /* a power of two; more are not looked at                              \
         */

struct fpost_heap {
  bool off; /* nobody asks for what is kept here: check mode without its classes
             */
  uint32_t enabled; /* bit per enum fpost_class: in record mode as well */
  bool watch;       /* stores outside of transactions are to be looked at too */
  bool frees;       /* something has been freed */
  uint32_t pools_count; /* open */
  struct fpost_heap_pool pools[FPOST_HEAP_POOLS_MAX];
  struct fpost_tx_numbered numbered[FPOST_TX_NUMBERED_MAX];
  struct fpost_ranges exempt;
  struct fpost_ranges reserved; /* objects that are not published yet */
  struct fpost_ranges volatile_ok;
  struct fpost_objects objects;
  struct fpost_log_place *places; /* by pc, or null */
  uint32_t places_count;
  struct fpost_extent *extents; /* ascending */
  uint32_t extents_count;
  uint64_t extents_misses; /* addresses that were in none of them */
};

#endif /* FPOST_HOOKS_HEAP_STATE_H */
