/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Choices: a recovery run on a crash state that is decided lazily, and the walk
 * over all such runs.
 *
 * A run starts from a list of choices that are taken for granted (its prefix)
 * and adds one for each read that could have had several results, always taking
 * the first. Then the walk changes the last choice that has an alternative left
 * and drops what follows it:
 *
 *     run 1   a=0/2  b=0/3           first of 2, first of 3
 *     run 2   a=0/2  b=1/3           prefix: a=0, b=1
 *     run 3   a=0/2  b=2/3  c=0/2    b's third value makes it read c
 *     run 4   a=0/2  b=2/3  c=1/2
 *     run 5   a=1/2                  b never read: all its values are covered
 *
 * A prefix is applied as a restriction of the units before the run starts, not
 * as a script of reads: so the runs partition the crash states even when
 * recovery reads in another order each time (threads).
 *
 * Pure: caller's memory, no allocation. The runtime (recover mode), the
 * explorer and the tests use the same functions.
 */
#ifndef FPOST_MODEL_CHOICE_H
#define FPOST_MODEL_CHOICE_H

#include "rt/model/crash.h"

/* The values compared at once when a read is resolved: 64 bytes each. */
#define FPOST_CHOICE_VALUES_MAX 1024u

/* One read of undecided bytes of one unit, and the value it was given. */
struct fpost_choice {
  uint32_t unit;        /* index of the unit */
  uint32_t alternative; /* the value taken, < count */
  uint32_t count;    /* distinct values there were; 1: no choice, only a fact */
  uint32_t joint;    /* 1 + index of its struct fpost_joint; 0: none */
  fpost_bytes read;  /* the bytes decided */
  fpost_bytes valid; /* of these, what recovery validates by itself */
  uint64_t pc;       /* of the code that read; 0 if it does not matter */
  uint8_t value[64]; /* their values; other bytes are 0 */
};

/*
 * A test that many undecided words pass together or not at all, as that of a
 * checksum: it passes for exactly one combination of them. The run in which it
 * fails has made one choice,
 *
 *     word 1 other than in that combination
 *
 * and knows nothing of the other words. As long as no run under this choice
 * reads one of the words for anything but the same test, these runs stand for
 * all other combinations as well, and the next alternative is the combination
 * that passes, all words at once (the facts). Otherwise it is word 1 as in that
 * combination, and the test chooses again by the next word.
 */
struct fpost_joint {
  uint64_t hash[2]; /* of the test */
  uint32_t first;   /* its facts: index of the first, */
  uint32_t count;   /* and their number: all words but word 1, which follows */
  uint32_t opened;  /* 1: a run has read one of the words */
  uint32_t flipped; /* word 1: its later value is the first alternative */
};

/* The tables of joint tests; in shared memory, fixed size. */
struct fpost_joints {
  struct fpost_joint *tests;
  struct fpost_choice *facts;
};

/* A unit during one run. Zeroed: nothing is known. */
struct fpost_lazy {
  struct fpost_known known; /* decided by reads and by the prefix */
  fpost_bytes stored;       /* overwritten by recovery: no longer of interest */
  fpost_bytes ahead;        /* decided by the prefix, not yet put into memory */
  fpost_bytes joint;        /* words of a joint test that has failed */
};

/* What undecided reads of units outside the prefix get. */
enum fpost_choice_rule {
  FPOST_CHOICE_FIRST, /* the first alternative, to be varied by the walk */
  FPOST_CHOICE_LAST,  /* the last cut: everything persisted; never a choice */
  FPOST_CHOICE_EVERY, /* as FIRST, and all units are read before the run starts:
                         every image is a run of its own */
  FPOST_CHOICE_BASE /* the first cut: nothing more persisted; never a choice */
};

/* Where a run's choices go. */
struct fpost_choice_list {
  struct fpost_choice *choices; /* the caller's array */
  uint32_t count;
  uint32_t max;
  uint32_t
      varied; /* by fpost_choice_next: the index of the choice it changed */
  struct fpost_joints joints; /* null: there are none */
};

/* Restrict the unit by a choice of the prefix. */
void fpost_choice_apply(const struct fpost_choice *choice,
                        struct fpost_lazy *lazy);

/*
 * The bytes in `read` of the unit are about to be read. Decides those that are
 * not decided and appends a choice for each decision that had several results
 * to list (its pc field set to pc). values is scratch of
 * FPOST_CHOICE_VALUES_MAX entries.
 *
 * On return *fresh is the set of bytes that must be put into memory, from
 * lazy->known.content, before the read: it may exceed `read`.
 *
 * Returns 0, or FPOST_ENOMEM if the list is full; the unit is then unchanged or
 * in part decided, and the run must be given up.
 */
FPOST_MUST_USE int fpost_choice_read(const struct fpost_unit *unit,
                                     const struct fpost_step *steps,
                                     uint32_t index, struct fpost_lazy *lazy,
                                     fpost_bytes read,
                                     enum fpost_choice_rule rule, uint64_t pc,
                                     struct fpost_choice_list *list,
                                     uint8_t (*values)[64], fpost_bytes *fresh);

/* Recovery has overwritten these bytes. */
void fpost_choice_store(struct fpost_lazy *lazy, fpost_bytes written);

/* Bytes of the unit that a read would still have to decide or to fetch. */
static inline fpost_bytes fpost_choice_open(const struct fpost_unit *unit,
                                            const struct fpost_lazy *lazy) {
  return (unit->touched & ~lazy->known.fixed & ~lazy->stored) | lazy->ahead;
}

/*
 * Turn the choices of a finished run into the prefix of the next one: the last
 * choice past index `fixed` with an alternative left takes it, those after it
 * are dropped. Choices before `fixed` are not varied.
 *
 * Returns true, or false when the walk is over (then the list is what it was).
 */
bool fpost_choice_next(struct fpost_choice_list *list, uint32_t fixed,
                       const struct fpost_unit *units,
                       const struct fpost_step *steps, uint8_t (*values)[64]);

/*
 * What the first `count` choices say about unit `index`.
 */
void fpost_choice_known(const struct fpost_choice *choices, uint32_t count,
                        uint32_t index, struct fpost_known *known);

#endif /* FPOST_MODEL_CHOICE_H */
