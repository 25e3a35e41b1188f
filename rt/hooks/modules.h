/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The loaded objects (program, libraries), so that an address can be given as
 * an offset in a file. Learnt when an address is met that lies in none of the
 * known ones; never forgotten, because stacks refer to them after they were
 * unloaded.
 */
#ifndef FPOST_HOOKS_MODULES_H
#define FPOST_HOOKS_MODULES_H

#include "rt/os/results.h"

#include <stdbool.h>
#include <stdint.h>

#define FPOST_MODULES_MAX 1024u
#define FPOST_MODULE_NONE FPOST_RESULTS_NO_MODULE

struct fpost_module {
  uintptr_t start;
  uintptr_t end;
  uintptr_t bias;
  uint32_t shared; /* 1 + index in the results file; trace: 1 if written */
  bool loaded;     /* as far as is known */
  bool hooks;      /* compiled by the pass, in part or whole */
  bool library;    /* libpmem, libpmem2 or libpmemobj: what it maps is PM */
  uint32_t build_id_size;
  uint8_t build_id[FPOST_RESULTS_BUILD_ID_MAX];
  char path[FPOST_RESULTS_PATH_MAX];
};

struct fpost_modules {
  struct fpost_module *modules; /* FPOST_MODULES_MAX of them */
  uint32_t count;
  bool stale; /* objects may have come or gone */
};

/* Make the table. Returns 0 or FPOST_ENOMEM. */
int fpost_modules_init(struct fpost_modules *modules);

/* The index of the module that pc lies in, or FPOST_MODULE_NONE. */
uint16_t fpost_modules_find(struct fpost_modules *modules, uintptr_t pc);

/* The module that address lies in has hooks. */
void fpost_modules_hooked(struct fpost_modules *modules, uintptr_t address);

/* Objects were unloaded: find out anew which are there. */
void fpost_modules_forget(struct fpost_modules *modules);

#endif /* FPOST_HOOKS_MODULES_H */
