/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Findings and the report that holds them. A finding is complete in itself:
 * places are symbolised when it is made, so that it can be stored as JSON and
 * rendered elsewhere. Text, JSON and others are views of it (tools/report_*.c).
 *
 * All strings and arrays that a report refers to are its own copies, made by
 * fpost_report_text and fpost_report_memory; they live as long as the report.
 */
#ifndef FPOST_TOOLS_FINDING_H
#define FPOST_TOOLS_FINDING_H

#include "rt/model/rules.h"
#include "tools/common_options.h"
#include "tools/symbols.h"

#include <jansson.h>

/* A call stack, innermost first. count 0: not known, or does not apply. */
struct fpost_place {
  const struct fpost_frame *frames;
  uint32_t count;
};

struct fpost_party; /* tools/party.h */

/* A store, flush, fence or read: where in the source, and what it touched. */
struct fpost_access {
  bool present;
  struct fpost_place place;
  const char *pool; /* path of the pool; null: touches no PM, or not known */
  uint64_t offset;  /* bytes in the pool */
  uint64_t size;    /* bytes; 0: not known */
  const struct fpost_party *by; /* races: which thread; null: not known */
};

/* The crash state that shows a finding, and what recovery did with it. */
struct fpost_crash_view {
  const char *state; /* the name that replay takes; null: no crash */
  const char
      *outcome; /* "recovery died: SIGSEGV", "recovery exited with 3", ... */
  const char *replay;       /* the command to run */
  const char *output;       /* the end of what recovery printed, or null */
  struct fpost_place stack; /* where recovery died, if known */
  const struct fpost_access
      *persisted; /* the stores that made the difference */
  uint32_t persisted_count;
  const struct fpost_access *lost;
  uint32_t lost_count;
};

struct fpost_report_finding {
  enum fpost_class class_;
  enum fpost_severity severity;
  const char *message; /* one sentence; null: that of the class */
  uint64_t count;      /* occurrences, at least 1 */
  uint64_t event;   /* of a finding of the run itself: the record of the trace
                       at which it was found; 0: there is no trace */
  uint32_t process; /* pid of the program, 0: not known */
  struct fpost_access store;
  struct fpost_access
      missing;              /* the flush or fence that is needless; the flush
                               that lacks a fence; the store that overwrites; the
                               store that must come after the missing flush */
  const char *missing_what; /* "flush", "fence" or null: what is missing */
  struct fpost_access read; /* what recovery read */
  bool predicted;           /* a race that this run did not show */
  const char *operation;    /* name and arguments, or null */
  /* What operations are judged by, as text; null where it does not apply. */
  const char *state_before; /* legal: before the operation */
  const char *state_after;  /* legal: after it */
  const char *state_found;  /* what recovery left */
  /* Of operations that overlap instead: the legal state that is nearest, what
     leads to it ("after put(1), put(2)"), and how many legal ones there are. */
  const char *state_nearest;
  const char *state_order;
  uint64_t states_legal;
  struct fpost_crash_view crash;
  const char *fingerprint; /* tools/baseline.h; null: not settled yet */
  const char *suppressed;  /* the reason why it is not reported, or null */
  bool known;              /* the baseline has it */
  /* Occurrences of warnings that have this cause, by class (tools/fold.c). */
  uint64_t also[FPOST_CLASS_COUNT];
};

/* What the report says about the exploration; all 0: there was none. */
struct fpost_coverage {
  bool present;
  uint64_t crash_points;
  uint64_t runs;
  double images_log2;
  bool complete;
  const char *left_out; /* why not complete, or null */
};

struct fpost_suppression {
  enum fpost_class class_; /* FPOST_CLASS_COUNT: any */
  const char *pattern;     /* glob for a function or a file */
  const char *reason;      /* why it may stay */
  const char *file;        /* where it was written */
  uint32_t line;
  uint64_t used;
};

/*
 * Crash points that belong together: those within one operation, whatever its
 * arguments, or neighbours outside of any.
 */
struct fpost_group {
  const char *name; /* of the operation, or "crash points 1 to 64" */
  bool is_operation;
  uint64_t *events; /* of the points, in order: where the power is cut */
  uint64_t points;
  uint64_t runs;
  bool complete; /* all images of all points are covered */
};

/* The report of an earlier run; path null: there is none. */
struct fpost_baseline {
  const char *path;
  const struct fpost_report_finding *findings;
  uint32_t findings_count;
  uint32_t known; /* findings left out because the baseline has them */
  const struct fpost_report_finding **gone; /* those that were not found */
  uint32_t gone_count;
};

struct fpost_report {
  struct fpost_symbols *symbols;
  /* Files below it are named relative to it where a format wants that: an
     absolute path without a slash at its end, or null. */
  const char *source_root;
  /* Where the findings come from, for what is shown besides them; null: from
     none, or it has gone. */
  const char *trace;    /* path of the trace of the run */
  const char *db;       /* path of the database of the exploration */
  const char **command; /* the program and its arguments */
  uint32_t command_count;
  enum fpost_domain domain;
  bool torn; /* --lines torn */
  uint64_t seed;
  bool seeded;
  uint32_t pools_count; /* pools of the run: one is called `pool` in text */
  struct fpost_report_finding *findings;
  uint32_t findings_count;
  uint32_t findings_max;
  const struct fpost_report_finding *hidden; /* those suppressed, in order */
  uint32_t hidden_count;
  uint64_t suppressed; /* occurrences */
  struct fpost_baseline baseline;
  struct fpost_suppression *suppressions;
  uint32_t suppressions_count;
  uint32_t enabled;  /* bit per enum fpost_class */
  uint32_t excluded; /* those that the options leave out */
  enum fpost_severity fail_on;
  struct fpost_place *needed_logs; /* places that log and must */
  uint32_t needed_logs_count;
  const char **notes; /* sentences for the reader */
  uint32_t notes_count;
  struct fpost_coverage coverage;
  struct fpost_group *groups; /* of the exploration; 0: not known */
  uint32_t groups_count;
  bool exited; /* the program's end is known: */
  int status;  /* as of waitpid */
  struct fpost_report_memory *memory;
};

/*
 * Make an empty report with the reader's filters. Errors (an unknown class, an
 * unreadable file of suppressions) are printed.
 * Returns 0, FPOST_EINVAL, FPOST_ENOENT or FPOST_ENOMEM; then it needs no
 * freeing.
 */
FPOST_MUST_USE int
fpost_report_init(struct fpost_report *report,
                  const struct fpost_report_options *options);
/* Did the reader ask by --only for a class that takes --races? */
bool fpost_report_wants_races(const struct fpost_report *report,
                              const struct fpost_report_options *options);
void fpost_report_free(struct fpost_report *report);

/*
 * The class of a name, which need not end after size bytes. Returns it, or -1
 * after an error that names the nearest and begins with where.
 */
int fpost_class_find(const char *name, size_t size, const char *where);

/* Is the class found in the run itself, without a crash? */
bool fpost_class_online(uint32_t class_);

/* Ends the process for want of memory. */
_Noreturn void fpost_memory_exhausted(void);

/* Memory of the report, zeroed; ends the process if there is none. */
void *fpost_report_memory(struct fpost_report *report, size_t size);
/* A copy of a string, null for null. */
const char *fpost_report_text(struct fpost_report *report, const char *text);
const char *fpost_report_format(struct fpost_report *report, const char *format,
                                ...) __attribute__((format(printf, 2, 3)));

/*
 * The place of a stack: count pcs as in FPOST_RECORD_STACK, with the modules
 * made known to report->symbols. The frames are the report's.
 */
struct fpost_place fpost_report_place(struct fpost_report *report,
                                      const uint64_t *pcs, uint32_t count);

/*
 * Add a finding, unless its class is filtered out. One of the same class and
 * places that is there already takes over the count instead. Not after
 * fpost_report_settle.
 */
void fpost_report_add(struct fpost_report *report,
                      const struct fpost_report_finding *finding);

/* Add a sentence for the reader, once. */
void fpost_report_note(struct fpost_report *report, const char *text);

/* Is it the user's code, and not a library or a header of the system? */
bool fpost_frame_own(const struct fpost_frame *frame);

/* The frame of a place that the reader should look at: the innermost with a
   source line that is the user's own, or the next best. Null if there are no
   frames. */
const struct fpost_frame *fpost_place_frame(const struct fpost_place *place);

/* The same of the store, or of what the finding has in its place. */
const struct fpost_frame *
fpost_finding_frame(const struct fpost_report_finding *finding);

/*
 * Count warnings of recovery's reads with the finding that has the same cause,
 * an error or an earlier warning of the class. The findings are sorted.
 */
void fpost_report_fold(struct fpost_report *report);

/*
 * When all findings are there: order them for the reader (by severity, then
 * class, then place), fold those of one cause, give them fingerprints, and set
 * aside those that are suppressed or that the baseline knows. A second call
 * changes nothing.
 */
void fpost_report_settle(struct fpost_report *report);

/* The exit code of a settled report: 1 if a finding is of fail_on or above. */
int fpost_report_exit(const struct fpost_report *report);

/*
 * Writers of a settled report in one format. They return false after an error
 * that they have printed; errors of out are the caller's.
 */
typedef bool fpost_report_writer(struct fpost_report *report, FILE *out);
fpost_report_writer fpost_report_print; /* text */
fpost_report_writer fpost_report_dump_json;
fpost_report_writer fpost_report_dump_sarif;
fpost_report_writer fpost_report_dump_junit;
fpost_report_writer fpost_report_dump_html; /* one page, see tools/html/data.h.
                                              Reads the sources, the trace and
                                              the database now; what it cannot
                                              read is named in the page */

/* The lines of a finding in the text report, but the first. */
void fpost_finding_print(const struct fpost_report *report, FILE *out,
                         const struct fpost_report_finding *finding);

/*
 * Write the report to a file, "-" or null for stdout, as a whole or not at all.
 * Errors are printed and say what it is: "the JSON report".
 */
bool fpost_report_write(struct fpost_report *report, const char *path,
                        const char *what, fpost_report_writer *writer);

/* What the text says around the places of a finding, for other views. */
struct fpost_steps {
  const char *store;   /* what `store` is: "store", ... */
  const char *missing; /* what `missing` is; null: not shown */
  const char *between; /* what lies between store and missing, or null */
  const char *after;   /* what follows both, or null */
  const char *fix;     /* what to do, or null */
  bool missing_first;  /* `missing` comes before store */
  bool reads;          /* the second place is `read`; missing is what it is */
};

/* Its strings are static or the report's. */
struct fpost_steps
fpost_finding_steps(struct fpost_report *report,
                    const struct fpost_report_finding *finding);

/* "queue.c:31 in push", or what else is known of a place. */
void fpost_place_print(FILE *out, const struct fpost_place *place);
/* "pool+0x40", with the file's name if there are several pools. */
void fpost_address_format(const struct fpost_report *report, const char *pool,
                          uint64_t offset, char *text, size_t size);

/* A place as JSON, a new reference, and the reverse, copied into the report. */
json_t *fpost_place_json(const struct fpost_place *place);
struct fpost_place fpost_place_parse(struct fpost_report *report,
                                     const json_t *json);

/* A text as JSON, a new reference. Bytes that are not UTF-8 are escaped. */
json_t *fpost_json_text(const char *text);

/* One finding as the JSON of the contract; a new reference, or null. */
json_t *fpost_finding_json(const struct fpost_report *report,
                           const struct fpost_report_finding *finding);
/*
 * The reverse, for findings that were stored: strings are copied into the
 * report. Returns 0 or FPOST_EINVAL.
 */
FPOST_MUST_USE int fpost_finding_parse(struct fpost_report *report,
                                       const json_t *json,
                                       struct fpost_report_finding *finding);
/*
 * The reverse of fpost_report_json, into an empty report, with its filters.
 * Returns 0, or FPOST_EINVAL: it is no report, or one of another version.
 */
FPOST_MUST_USE int fpost_report_parse(struct fpost_report *report,
                                      const json_t *json);
/* The whole settled report; a new reference, or null. */
json_t *fpost_report_json(struct fpost_report *report);

/*
 * Text to stdout and JSON where the options say, in this order. Errors are
 * printed. Returns the exit code of the command: 2 if something could not be
 * written.
 */
int fpost_report_finish(struct fpost_report *report,
                        const struct fpost_report_options *options);

#endif /* FPOST_TOOLS_FINDING_H */
