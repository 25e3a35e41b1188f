/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a first pass over a trace finds: stacks, modules, pools, sizes. */
#ifndef FPOST_TOOLS_EXPLORE_INFO_H
#define FPOST_TOOLS_EXPLORE_INFO_H

#include "tools/explore/heap.h"
#include "tools/explore/image.h"
#include "tools/explore/operations.h"
#include "tools/finding.h"
#include "tools/trace_reader.h"

struct explore_stack {
  uint64_t *pcs;
  uint32_t count;
};

struct explore_trace_module {
  char *path;
  uint8_t build_id[64];
  size_t build_id_size;
  bool hooks; /* compiled by the pass, in part or whole */
};

struct explore_info {
  struct explore_sizes sizes;
  uint32_t early; /* while reading: 1 + the pool whose content is kept, or 0 */
  char *pool_paths[FPOST_POOLS_MAX];
  uint32_t made; /* 1 + the first pool that the run has made; 0: none */
  struct explore_stack *stacks; /* by id; 0 is empty */
  uint32_t stack_count;
  struct explore_trace_module *modules;
  uint32_t module_count;
  uint64_t records;
  uint64_t stores;       /* STORE records */
  uint64_t stores_found; /* of these, by code without hooks */
  bool compared;         /* those that nobody flushes are among them */
  uint64_t unseen;       /* words that differ from what was stored */
  uint64_t trace_id;
  enum fpost_domain domain;
  uint64_t end_status; /* of END */
  char **notes;
  uint32_t note_count;
  uint32_t gone;  /* 1 + index of the first pool that lost its name, 0: none;
                     UINT32_MAX once that is noted */
  char *uncalled; /* texts of FPOST_MARK_UNCALLED, by lines; null: none */
  struct explore_operations operations;
  struct explore_heap heap;
};

/* Read the whole trace. Returns 0 or the reader's error, with its sentence. */
FPOST_MUST_USE int explore_info_read(struct explore_info *info,
                                     struct fpost_reader *reader);
void explore_info_free(struct explore_info *info);

/* Make the modules known to the report's symboliser, once. */
void explore_info_symbols(const struct explore_info *info,
                          struct fpost_symbols *symbols);

/* A pool that the run has made, by a program that uses libpmemobj; null: none.
 */
const char *explore_info_created(const struct explore_info *info);

/* The place of a stack of the trace. */
struct fpost_place explore_info_place(const struct explore_info *info,
                                      struct fpost_report *report,
                                      uint32_t stack);
/*
 * Was the innermost frame of the stack in one of the libraries of PMDK? Their
 * logs are checksummed: what recovery reads of them torn is thrown away by
 * design.
 */
bool explore_info_library(const struct explore_info *info, uint32_t stack);

#endif /* FPOST_TOOLS_EXPLORE_INFO_H */
