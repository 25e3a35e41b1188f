/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The online rules: events -> findings, on top of the model.
 *
 * The caller keeps one struct fpost_cell per cache line of PM (one array per
 * pool, zeroed at the start) and one struct fpost_thread per thread, and
 * reports each event with the id of the stack it came from. Findings come back
 * through a callback, one per occurrence: whoever collects them removes
 * duplicates.
 *
 * A word of a line is in one of three states:
 *
 *               store           flush            fence of that thread
 *   guaranteed ------> dirty ----------> flushed ---------> guaranteed
 *                        ^                  |
 *                        +------store-------+
 *
 * Words are flushed or not by themselves: a store that is guaranteed only
 * because a later NT store to its line is (S3) is reported as missing a flush.
 *
 * Pure, as the model is. One event costs O(1), a fence O(what its thread
 * flushed since its last fence).
 */
#ifndef FPOST_MODEL_RULES_H
#define FPOST_MODEL_RULES_H

#include "rt/model/model.h"

enum fpost_severity {
  FPOST_SEVERITY_NOTE, /* no fault of the program's */
  FPOST_SEVERITY_PERFORMANCE,
  FPOST_SEVERITY_WARNING,
  FPOST_SEVERITY_ERROR,
  FPOST_SEVERITY_COUNT
};

enum fpost_class {
#define FPOST_CLASS(id, name, severity, on, text) FPOST_CLASS_##id,
#include "rt/model/classes.def"
  FPOST_CLASS_COUNT
};

struct fpost_class_info {
  const char *name; /* as on the command line */
  enum fpost_severity severity;
  bool on; /* reported unless asked otherwise */
  const char *text;
};

/* Which case of its class a finding is. */
enum fpost_detail {
  FPOST_DETAIL_NONE = 0, /* the class has one case, or it is the ordinary one */
#define FPOST_DETAIL(id, severity, text) FPOST_DETAIL_##id,
#include "rt/model/details.def"
  FPOST_DETAIL_COUNT
};

struct fpost_detail_info {
  enum fpost_severity severity;
  const char *text;
};

/* What is known of a detail; index is enum fpost_detail, that of NONE unused.
 */
extern const struct fpost_detail_info fpost_detail_infos[FPOST_DETAIL_COUNT];

/* What is known of a class; index is enum fpost_class. */
extern const struct fpost_class_info fpost_class_infos[FPOST_CLASS_COUNT];
const char *fpost_severity_name(enum fpost_severity severity);

/*
 * One cache line of PM as the rules see it: 64 bytes of metadata per line. A
 * word is dirty, flushed (some flush or NT store covers it that no fence has
 * completed) or guaranteed (neither bit is set).
 */
struct fpost_cell {
  struct fpost_line line;
  uint32_t store_stack[8]; /* last store to each word */
  uint32_t flush_stack;    /* last flush of, or NT store to, the line */
  uint8_t dirty;           /* words stored and not flushed since */
  uint8_t flushed;         /* words flushed, not yet completed by a fence */
  uint8_t ignored;         /* words declared not to matter */
  uint8_t caller;          /* for the caller of the rules */
  uint64_t unsafe; /* bytes stored and not known to be guaranteed since */
};
_Static_assert(sizeof(struct fpost_cell) == 64,
               "one line of metadata per line");

/*
 * A finding as the rules make it. A stack of 0 means: does not apply.
 * address is a PM address (rt/trace/trace.h), size in bytes.
 */
struct fpost_finding {
  enum fpost_class class_;
  uint32_t thread;
  uint32_t store_stack; /* the store at fault */
  uint32_t other_stack; /* the flush without fence; the needless flush or fence;
                           the overwriting store */
  uint32_t store_site;  /* races: more of the same, rt/model/site.h; 0: none */
  uint32_t other_site;
  uint64_t address;
  uint32_t size;
  enum fpost_detail detail;
};

/*
 * Does a finding hold, given whether the code at other_stack has hooks (false
 * if that is not known)? Stores of code without hooks are found by what they
 * change: one that writes what was there before is missed, and the flush after
 * it looks needless.
 */
static inline bool fpost_finding_holds(const struct fpost_finding *finding,
                                       bool hooks) {
  return hooks || (finding->class_ != FPOST_CLASS_REDUNDANT_FLUSH &&
                   finding->class_ != FPOST_CLASS_REDUNDANT_FENCE);
}

struct fpost_rules {
  enum fpost_domain domain;
  uint32_t enabled; /* bit per enum fpost_class */
  void (*found)(void *context, const struct fpost_finding *finding);
  void *context;
};

/*
 * Bytes [address, address + size) of one line were stored; size 1 to 64, not
 * crossing the line. Returns 0 or FPOST_ENOMEM (NT store, pending list full)
 * with nothing changed.
 */
FPOST_MUST_USE int fpost_rules_store(const struct fpost_rules *rules,
                                     struct fpost_thread *thread,
                                     struct fpost_cell *cell, uint64_t address,
                                     uint32_t size, uint32_t flags,
                                     uint32_t stack);

/*
 * The lines that [address, address + size) touches are flushed, size at least
 * 1, by one flush instruction or by one call that flushes a range; cells is the
 * cell of the first line, those of the others follow it. It is redundant only
 * if no line has anything to flush: one finding for the whole range.
 *
 * Returns 0, or FPOST_ENOMEM with nothing changed, if the pending list has not
 * as many free places as there are lines (clwb and clflushopt only).
 */
FPOST_MUST_USE int fpost_rules_flush(const struct fpost_rules *rules,
                                     struct fpost_thread *thread,
                                     struct fpost_cell *cells, uint64_t address,
                                     uint64_t size, uint32_t kind,
                                     uint32_t stack);

/*
 * The thread fences; kind is enum fencepost_fence_kind. Redundant is an sfence
 * or mfence before which, since the last one, the thread issued nothing that a
 * fence completes. A fence behind a redundant flush is not reported again, and
 * a locked RMW neither is redundant nor makes the next fence so.
 */
void fpost_rules_fence(const struct fpost_rules *rules,
                       struct fpost_thread *thread, uint32_t kind,
                       uint32_t stack);

/* The line is durable by other means (msync, fsync). */
void fpost_rules_durable(struct fpost_cell *cell);

/*
 * The words that [address, address + size) of one line touches do not matter:
 * they are never reported as missing a flush or fence.
 */
void fpost_rules_ignore(struct fpost_cell *cell, uint64_t address,
                        uint32_t size);

/*
 * The same range was freed: what was stored there does not matter, what will be
 * does.
 */
void fpost_rules_forget(struct fpost_cell *cell, uint64_t address,
                        uint32_t size);

/*
 * The run, or the mapping of this line at address, ends: reports words never
 * flushed and flushes never fenced. Neighbouring words of one store are one
 * finding.
 */
void fpost_rules_end(const struct fpost_rules *rules,
                     const struct fpost_cell *cell, uint64_t address);

#endif /* FPOST_MODEL_RULES_H */
