/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The threads and locks of races in a recorded run: what the marks of its trace
 * say of them (FPOST_MARK_THREAD, _LOCK and _WHO).
 */
#ifndef FPOST_TOOLS_ANALYSE_WHO_H
#define FPOST_TOOLS_ANALYSE_WHO_H

#include "rt/trace/trace.h"
#include "tools/party.h"

/* What a mark says of one access. */
struct fpost_who {
  bool known;
  bool locks_known;
  uint32_t thread;
  uint32_t lock; /* the one taken last; 0: none */
};

struct fpost_who_thread {
  bool known;
  uint32_t creator; /* 1 + number; 0: not known */
  uint32_t stack;
  const char *name; /* null: none */
};

struct fpost_who_lock {
  uint32_t kind;
  bool in_pm;
  uint32_t below;
  uint32_t stack;
  uint64_t address;
};

/* Zeroed at the start. */
struct fpost_who_marks {
  struct fpost_who store; /* of the finding that comes next */
  struct fpost_who other;
  struct fpost_who_thread *threads; /* by number; the report's */
  uint32_t threads_max;
  struct fpost_who_lock *locks; /* by number */
  uint32_t locks_max;
};

/* Remember a mark; what is none of these is left alone. */
void fpost_who_mark(struct fpost_who_marks *marks, struct fpost_report *report,
                    const struct fpost_record *record);

/* What is known of a trace from elsewhere. */
struct fpost_who_source {
  void *context;
  struct fpost_place (*place)(void *context, uint32_t stack);
  const char *(*pool)(void *context, uint32_t index); /* path, or null */
};

/* The party of an access; null if it is not known. The report's. */
const struct fpost_party *fpost_who_party(const struct fpost_who_marks *marks,
                                          struct fpost_report *report,
                                          const struct fpost_who_source *source,
                                          const struct fpost_who *who);

#endif /* FPOST_TOOLS_ANALYSE_WHO_H */
