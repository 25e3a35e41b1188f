/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Who made an access of a race: the thread, and the locks that it held. In the
 * words of the reports, and as JSON.
 */
#ifndef FPOST_TOOLS_PARTY_H
#define FPOST_TOOLS_PARTY_H

#include "rt/model/site.h"
#include "tools/finding.h"

struct fpost_held_lock {
  uint32_t kind;            /* enum fpost_lock_kind */
  uint64_t address;         /* virtual, or bytes in the pool */
  const char *pool;         /* path of the pool that it lies in; null: none */
  struct fpost_place taken; /* where; count 0: not known */
};

struct fpost_party {
  uint32_t number;    /* of the thread; 0: the first */
  const char *name;   /* as the program named it; null: it did not */
  bool creator_known; /* else it was there at the start, or nobody saw */
  uint32_t creator;   /* number of the thread that created it */
  struct fpost_place created; /* where */
  bool locks_known;
  uint32_t locks_count;
  const struct fpost_held_lock *locks; /* the one taken first at the front */
};

/* What is to be said of an access, a line each, behind indent: by whom, and
   holding which locks. */
void fpost_party_print(const struct fpost_report *report, FILE *out,
                       const struct fpost_party *party, const char *indent);
/* The same as a text without a newline at its end; the report's. */
const char *fpost_party_text(struct fpost_report *report,
                             const struct fpost_party *party);

/*
 * What would order two accesses that race, from the locks that were held: with
 * %1 and %2 for their places; null if the locks say nothing. To be freed.
 */
char *fpost_party_fix(const struct fpost_report *report,
                      const struct fpost_report_finding *finding);

/* Set the keys "thread" and "locks" of an access, and the reverse. */
void fpost_party_json(json_t *access, const struct fpost_party *party);
const struct fpost_party *fpost_party_parse(struct fpost_report *report,
                                            const json_t *access);

#endif /* FPOST_TOOLS_PARTY_H */
