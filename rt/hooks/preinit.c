/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The first and the last code of the runtime in a process. The start runs
 * before any constructor, those of shared libraries included, and registers the
 * end, which therefore runs after everything else that exit runs.
 */
#define _GNU_SOURCE
#include "rt/hooks/context.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/report.h"
#include "rt/os/os.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void at_exit(int code, void *unused) {
  (void)unused;
  fpost_context_end((code & 0xff) << 8);
  int changed = fpost_report(code);
  if (changed != code) {
    /* exit would have done this next, and then ended with the old code. */
    (void)fflush(NULL);
    fpost_os_exit(changed);
  }
}

static void at_quick(void) {
  /* The exit code is not known here; nobody flushes stdio either. */
  fpost_context_end(0);
  int changed = fpost_report(0);
  if (changed != 0) {
    fpost_os_exit(changed);
  }
}

static void start(int argc, char **argv, char **environment) {
  fpost_real_find();
  fpost_context_start(argc, argv, environment);
  if (fpost_context.flags.heap_pm[0] != '\0' &&
      dlsym(RTLD_DEFAULT, "fpost_heap_preloaded") == NULL) {
    fpost_refuse("FENCEPOST_OPTIONS: heap_pm= without its allocator", "",
                 "run the program by `fencepost check --heap-pm FILE`");
  }
  fpost_races_start();
  fpost_heap_start();
  __fencepost_state.ops = fpost_context.run == FPOST_RUN_RECORD &&
                          fpost_context.flags.op.count != 0;
  __fencepost_state.loads = fpost_context.run == FPOST_RUN_RECOVER ||
                            fpost_races_on || __fencepost_state.ops != 0;
  /* Recovery has no pool yet, and operations need no loads. */
  __fencepost_state.loads_size = fpost_races_on ? UINT64_MAX : 0;
  if (fpost_context.run != FPOST_RUN_RECOVER &&
      (fpost_real.on_exit(at_exit, NULL) != 0 ||
       at_quick_exit(at_quick) != 0)) {
    fpost_refuse("cannot watch the end of the program", "", "free some memory");
  }
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(int, char **,
                                                   char **) = start;

/* Linked last, so it runs after the constructors of the program. */
__attribute__((constructor)) static void start_recovery(void) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    fpost_recover_start(&fpost_context.flags);
  }
}

/*
 * libpmem asks the environment whether to trust that a mapping is PM. Without
 * PM hardware it must, or it would msync where the program would flush. It asks
 * before the C library has an environment that one could change.
 */
FPOST_INTERPOSE char *secure_getenv(const char *name) {
  char *value =
      fpost_real.secure_getenv == NULL ? NULL : fpost_real.secure_getenv(name);
  static char is_pmem[] = "1";
  static char granularity[] = "CACHE_LINE";
  if (value == NULL && strcmp(name, "PMEM_IS_PMEM_FORCE") == 0) {
    return is_pmem;
  }
  if (value == NULL && strcmp(name, "PMEM2_FORCE_GRANULARITY") == 0) {
    return granularity;
  }
  return value;
}
