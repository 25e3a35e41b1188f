/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the test programs on libpmemobj share: making and opening the pool. */
#ifndef FPOST_TESTS_E2E_PMOBJ_H
#define FPOST_TESTS_E2E_PMOBJ_H

#include <libpmemobj.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Opens the pool argv[2]; "create" as argv[1] makes an empty one with a root of
 * root_size bytes, and exits. Exits as well if the pool cannot be had.
 */
static inline PMEMobjpool *pmobj_open(int argc, char **argv, size_t root_size) {
  PMEMobjpool *pool;
  int is_create;

  if (argc != 3) {
    fprintf(stderr, "usage: %s create|run|check POOL\n", argv[0]);
    exit(2);
  }
  is_create = strcmp(argv[1], "create") == 0;
  pool = is_create ? pmemobj_create(argv[2], "test", PMEMOBJ_MIN_POOL, 0600)
                   : pmemobj_open(argv[2], "test");
  if (pool == NULL || OID_IS_NULL(pmemobj_root(pool, root_size))) {
    fprintf(stderr, "%s: %s\n", argv[2], pmemobj_errormsg());
    exit(3);
  }
  if (is_create) {
    pmemobj_close(pool);
    exit(0);
  }
  return pool;
}

#endif /* FPOST_TESTS_E2E_PMOBJ_H */
