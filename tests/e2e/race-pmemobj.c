/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -lpmemobj -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -lpmemobj -o %t.buggy
 *
 * Intent: libpmemobj's locks, and those that a transaction takes, order
 * threads; a transaction that gives up its lock before it has ended lets others
 * read what may be undone.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool mutex rwlock parameter \
 * RUN:   read-parameter tx-lock cond try timed
 * RUN: sh %S/Inputs/races.sh isolation %t %t.pool early
 * RUN: rm -f %t.pool && not %fencepost check --races -- %t.buggy early %t.pool \
 * RUN:   | FileCheck %s
 * CHECK: ERROR: fencepost: isolation
 * CHECK-NEXT: store of 8 bytes to {{.*}}race-pmemobj.c:[[#]] in early
 * CHECK: is not committed when another thread reads it
 * CHECK-NEXT: read of 8 bytes of {{.*}}race-pmemobj.c:[[#]] in work
 */
#include <libpmemobj.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct root {
  PMEMmutex mutex;
  PMEMrwlock rwlock;
  PMEMcond cond;
  uint64_t turn; /* under mutex */
  uint64_t value;
  uint64_t copies[2];
};
static PMEMobjpool *pool;
static struct root *root;
static const char *kind;
static sem_t given_up;
static sem_t seen;

static int is(const char *name) {
  return strcmp(kind, name) == 0;
}

#ifdef BUGGY
#define DO(call) ((void)0)
#else
#define DO(call) ((void)(call))
#endif

static void add(void) {
  root->value++;
  pmemobj_persist(pool, &root->value, sizeof root->value);
}

static void parameter(void) {
#ifdef BUGGY
  TX_BEGIN(pool) {
#else
  TX_BEGIN_PARAM(pool, TX_PARAM_MUTEX, &root->mutex, TX_PARAM_NONE) {
#endif
    pmemobj_tx_add_range_direct(&root->value, sizeof root->value);
    root->value++;
  }
  TX_END
}

static void with_tx_lock(void) {
  TX_BEGIN(pool) {
    DO(pmemobj_tx_lock(TX_PARAM_RWLOCK, &root->rwlock));
    pmemobj_tx_add_range_direct(&root->value, sizeof root->value);
    root->value++;
  }
  TX_END
}

/* Who writes takes the lock by the transaction, who reads by itself. */
static void read_parameter(int me) {
  if (me == 0) {
    TX_BEGIN_PARAM(pool, TX_PARAM_RWLOCK, &root->rwlock, TX_PARAM_NONE) {
      pmemobj_tx_add_range_direct(&root->value, sizeof root->value);
      root->value++;
    }
    TX_END
  } else {
    DO(pmemobj_rwlock_rdlock(pool, &root->rwlock));
    volatile uint64_t copy = root->value;
    (void)copy;
    DO(pmemobj_rwlock_unlock(pool, &root->rwlock));
  }
}

/* Each adds when it is its turn. */
static void with_cond(int me) {
#ifndef BUGGY
  pmemobj_mutex_lock(pool, &root->mutex);
  while (root->turn != (uint64_t)me)
    pmemobj_cond_wait(pool, &root->cond, &root->mutex);
  pmemobj_mutex_unlock(pool, &root->mutex);
#endif
  add();
  (void)me;
#ifndef BUGGY
  pmemobj_mutex_lock(pool, &root->mutex);
  root->turn++;
  pmemobj_persist(pool, &root->turn, sizeof root->turn);
  pmemobj_cond_broadcast(pool, &root->cond);
  pmemobj_mutex_unlock(pool, &root->mutex);
#endif
}

static void with_trylock(void) {
#ifndef BUGGY
  while (pmemobj_mutex_trylock(pool, &root->mutex) != 0)
    ;
#endif
  add();
  DO(pmemobj_mutex_unlock(pool, &root->mutex));
}

static void with_timedlock(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60;
#ifndef BUGGY
  while (pmemobj_rwlock_timedwrlock(pool, &root->rwlock, &until) != 0)
    ;
#endif
  add();
  DO(pmemobj_rwlock_unlock(pool, &root->rwlock));
}

/* The first thread; the second reads when it is let. */
static void early(void) {
  pmemobj_mutex_lock(pool, &root->mutex);
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->value, sizeof root->value);
    root->value = 7;
#ifdef BUGGY
    pmemobj_mutex_unlock(pool, &root->mutex);
    sem_post(&given_up);
    sem_wait(&seen);
#endif
  }
  TX_END
#ifndef BUGGY
  pmemobj_mutex_unlock(pool, &root->mutex);
  sem_post(&given_up);
  sem_wait(&seen);
#endif
}

static void *work(void *argument) {
  int me = (int)(intptr_t)argument;
  if (is("mutex")) {
    DO(pmemobj_mutex_lock(pool, &root->mutex));
    add();
    DO(pmemobj_mutex_unlock(pool, &root->mutex));
  } else if (is("rwlock")) {
    DO(pmemobj_rwlock_wrlock(pool, &root->rwlock));
    add();
    DO(pmemobj_rwlock_unlock(pool, &root->rwlock));
  } else if (is("parameter")) {
    parameter();
  } else if (is("read-parameter")) {
    read_parameter(me);
  } else if (is("tx-lock")) {
    with_tx_lock();
  } else if (is("cond")) {
    with_cond(me);
  } else if (is("try")) {
    with_trylock();
  } else if (is("timed")) {
    with_timedlock();
  } else if (me == 0) {
    early();
  } else {
    sem_wait(&given_up);
    pmemobj_mutex_lock(pool, &root->mutex);
    uint64_t value = root->value;
    pmemobj_mutex_unlock(pool, &root->mutex);
    sem_post(&seen);
    if (value != 7)
      return argument;
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  if (argc != 3)
    return 2;
  kind = argv[1];
  pool = pmemobj_create(argv[2], "test", PMEMOBJ_MIN_POOL, 0600);
  if (pool == NULL) {
    fprintf(stderr, "%s: %s\n", argv[2], pmemobj_errormsg());
    return 3;
  }
  root = pmemobj_direct(pmemobj_root(pool, sizeof *root));
  sem_init(&given_up, 0, 0);
  sem_init(&seen, 0, 0);
  for (intptr_t i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  pmemobj_close(pool);
  return 0;
}
