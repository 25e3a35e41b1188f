/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -lpthread -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t several %t.pool > %t.out
 * RUN: FileCheck --check-prefix=SEVERAL %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && env FENCEPOST_OPTIONS=no=leak %t fill %t.pool
 * RUN: not %fencepost crash --recover '%t check %t.pool' -- %t one %t.pool > %t.out
 * RUN: FileCheck --check-prefix=FULL %s < %t.out
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t join %t.pool' -- %t one %t.pool | FileCheck --check-prefix=JOIN %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t stay %t.pool' -- %t one %t.pool | FileCheck --check-prefix=STAY %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost crash --recover '%t declare %t.pool' -- %t one %t.pool | FileCheck --check-prefix=JOIN %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -lpthread -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t join %t.pool' -- %t one %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --recover '%t declare %t.pool' -- %t one %t.pool | FileCheck --check-prefix=NONE %s
 *
 * Intent: what recovery leaves in a heap is found however much there is: more
 * leaks in one state than a run has room for, more that are known from a run
 * without a crash, more objects and more declared ones than there is room for
 * at first. A recovery whose threads are gone is looked at; of another one a
 * note says that it is not.
 *
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in first_{{$}}
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in second_{{$}}
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in third_{{$}}
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in fourth_{{$}}
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in fifth_{{$}}
 * SEVERAL-DAG: heap-recovery-many.c:{{[0-9]+}} in sixth_{{$}}
 * SEVERAL: SUMMARY: fencepost: 0 errors, 6 warnings
 * FULL: object of {{.*}} in one_
 * JOIN-NOT: not looked for
 * JOIN: object of {{.*}} in one_
 * JOIN: SUMMARY: fencepost: 0 errors, 1 warning
 * STAY: note: where recovery ended with threads under way, leaks and dangling
 * pointers were not looked for STAY: SUMMARY: fencepost: 0 errors, 0 warnings
 * NONE-NOT: not looked for
 * NONE: SUMMARY: fencepost: 0 errors, 0 warnings
 */
#include "Inputs/pmobj.h"

#include <fencepost/fencepost.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

struct root {
  PMEMoid all[6];
  PMEMoid one;
  PMEMoid many; /* an array of PMEMoids */
};

enum { MANY = 6000, LEAKED = 400 };

static PMEMobjpool *pool;
static struct root *root;

/* All are linked when all have been made. */
#define MAKE(name)                                                             \
  __attribute__((noinline)) static PMEMoid name(void) {                        \
    PMEMoid oid = OID_NULL;                                                    \
    if (pmemobj_zalloc(pool, &oid, 64, 1) != 0)                                \
      exit(4);                                                                 \
    return oid;                                                                \
  }
MAKE(first_)
MAKE(second_)
MAKE(third_)
MAKE(fourth_)
MAKE(fifth_)
MAKE(sixth_)

static void several(void) {
  PMEMoid all[6] = {first_(),  second_(), third_(),
                    fourth_(), fifth_(),  sixth_()};

  memcpy(root->all, all, sizeof all);
  pmemobj_persist(pool, root->all, sizeof root->all);
}

__attribute__((noinline)) static void one_(void) {
#ifdef FIXED
  pmemobj_zalloc(pool, &root->one, 64, 2);
#else
  PMEMoid oid;

  pmemobj_zalloc(pool, &oid, 64, 2);
  root->one = oid;
  pmemobj_persist(pool, &root->one, sizeof root->one);
#endif
}

/* Objects that nobody ever reaches, and many more. */
static void fill(void) {
  PMEMoid oid;

  if (pmemobj_zalloc(pool, &root->many, MANY * sizeof oid, 3) != 0)
    exit(5);
  PMEMoid *many = pmemobj_direct(root->many);
  for (int i = 0; i < MANY; i++)
    if (pmemobj_alloc(pool, &many[i], 64, 4, NULL, NULL) != 0)
      exit(6);
  for (int i = 0; i < LEAKED; i++)
    if (pmemobj_alloc(pool, NULL, 64, 5, NULL, NULL) != 0)
      exit(7);
}

static void *thread(void *argument) {
  return argument;
}

static void *stays(void *argument) {
  for (;;)
    pause();
  return argument;
}

int main(int argc, char **argv) {
  const char *how = argc == 3 ? argv[1] : "";
  pthread_t id;

  if (strcmp(how, "create") == 0) {
    pool = pmemobj_create(argv[2], "test", 3 * PMEMOBJ_MIN_POOL, 0600);
    if (pool == NULL)
      return 3;
    pmemobj_root(pool, sizeof(struct root));
    pmemobj_close(pool);
    return 0;
  }
  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));
  if (strcmp(how, "several") == 0)
    several();
  if (strcmp(how, "fill") == 0)
    fill();
  if (strcmp(how, "one") == 0)
    one_();
  if ((strcmp(how, "join") == 0 &&
       (pthread_create(&id, NULL, thread, NULL) != 0 ||
        pthread_join(id, NULL) != 0)) ||
      (strcmp(how, "stay") == 0 && pthread_create(&id, NULL, stays, NULL) != 0))
    return 8;
  if (strcmp(how, "declare") == 0)
    for (int i = 0; i < MANY; i++)
      fencepost_reach(root);
  pmemobj_close(pool);
  return 0;
}
