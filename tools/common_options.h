/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Options that several commands share: a struct for the values, to be embedded
 * in the command's own, and the rows for its table.
 *
 *   struct options { struct fpost_run_options run; ... };
 *   static const struct fpost_option table[] = {
 *       FPOST_RUN_OPTIONS(struct options, run), ..., FPOST_OPTION_END};
 */
#ifndef FPOST_TOOLS_COMMON_OPTIONS_H
#define FPOST_TOOLS_COMMON_OPTIONS_H

#include "tools/options.h"

/* How a program under test is run: check, record, crash. */
struct fpost_run_options {
  struct fpost_texts pool;
  const char *heap_pm;  /* NULL: not */
  int domain;           /* enum fpost_domain */
  uint32_t expect_exit; /* exit code that is no error besides 0 */
  uint32_t frames;      /* stack frames per event; 0: default */
  bool races;           /* loads are reported, to find races */
  bool full_compare;    /* stores that nobody flushes are looked for */
  bool check_heap;      /* PMEMoids to freed objects are looked for */
};

/* clang-format off */
#define FPOST_RUN_OPTIONS(type, member)                                        \
  {"pool", 0, FPOST_OPTION_TEXTS, "GLOB", offsetof(type, member.pool),         \
   "a mapped file that matches is PM (pools of libpmem, libpmem2 and "         \
   "libpmemobj and DAX mappings are found by themselves); repeatable"},        \
  {"heap-pm", 0, FPOST_OPTION_TEXT, "FILE", offsetof(type, member.heap_pm),    \
   "all of the program's heap is PM, backed by FILE"},                         \
  {"domain", 0, FPOST_OPTION_CHOICE, "adr|eadr",                               \
   offsetof(type, member.domain),                                              \
   "what survives: flushed lines (default), or all visible stores"},           \
  {"expect-exit", 0, FPOST_OPTION_U32, "N",                                    \
   offsetof(type, member.expect_exit),                                         \
   "exit code of the program that is no error, besides 0"},                    \
  {"races", 0, FPOST_OPTION_FLAG, NULL, offsetof(type, member.races),          \
   "look at loads too, for pm-data-race, isolation and unpersisted-read, "     \
   "which is slower; --only with one of these classes implies it"},            \
  {"full-compare", 0, FPOST_OPTION_FLAG, NULL,                                 \
   offsetof(type, member.full_compare),                                        \
   "compare all PM at each fence and at the end: finds what code without "     \
   "hooks stores and never flushes; slow"},                                    \
  {"frames", 0, FPOST_OPTION_U32, "N", offsetof(type, member.frames),          \
   "stack frames kept per event, 1 to 16 (default 16); fewer is faster"}
/* clang-format on */

/* clang-format off */
#define FPOST_HEAP_OPTION(type, member)                                        \
  {"check-heap", 0, FPOST_OPTION_FLAG, NULL,                                   \
   offsetof(type, member.check_heap),                                          \
   "when a pool of libpmemobj is closed, and at the end, look for PMEMoids "   \
   "to freed objects, in array elements out of use too"}
/* clang-format on */

/* Which findings are reported, and how. */
struct fpost_report_options {
  struct fpost_texts suppress;
  struct fpost_texts only; /* each a comma-separated list of classes */
  struct fpost_texts no;
  const char *baseline; /* JSON report of an earlier run; NULL: none */
  const char *json; /* file for the JSON report, "-" for stdout; NULL: none */
  int fail_on;      /* index into FPOST_FAIL_ON_WORDS */
};

#define FPOST_FAIL_ON_WORDS "error|warning|performance|note"
#define FPOST_FAIL_ON_DEFAULT 1 /* warning */

/* clang-format off */
#define FPOST_REPORT_OPTIONS(type, member)                                     \
  {"suppress", 0, FPOST_OPTION_TEXTS, "FILE", offsetof(type, member.suppress), \
   "findings not to report: lines 'CLASS:PATTERN # REASON', where PATTERN "     \
   "matches a function or a file of the stack; repeatable"},                   \
  {"baseline", 0, FPOST_OPTION_TEXT, "FILE", offsetof(type, member.baseline),  \
   "report only what is not in FILE, the --json report of an earlier run"},                             \
  {"only", 0, FPOST_OPTION_TEXTS, "CLASS,...", offsetof(type, member.only),    \
   "report findings of these classes only, also those off by default"},        \
  {"no", 0, FPOST_OPTION_TEXTS, "CLASS,...", offsetof(type, member.no),        \
   "do not report findings of these classes"},                                 \
  {"fail-on", 0, FPOST_OPTION_CHOICE, FPOST_FAIL_ON_WORDS,                     \
   offsetof(type, member.fail_on),                                             \
   "the least severity that makes the exit code 1 (default warning)"},         \
  {"json", 0, FPOST_OPTION_TEXT, "FILE", offsetof(type, member.json),          \
   "write the findings as JSON to FILE, beside the text; - is stdout, "        \
   "instead of the text"}
/* clang-format on */

#endif /* FPOST_TOOLS_COMMON_OPTIONS_H */
