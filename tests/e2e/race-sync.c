/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: what POSIX and C11 say orders threads does; the same program
 * without it has a race. Threads that join are all that orders the last read.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool mutex trylock rwlock \
 * RUN:   rwlock-readers spin cond barrier semaphore once mtx cnd join recursive
 *
 * With a sanitizer that interposes the same functions, and sees the runtime's
 * own copies.
 *
 * RUN: %fencepost-clang -g -O1 -fsanitize=thread %s -pthread -o %t.tsan
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.tsan once %t.pool
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.tsan cond %t.pool
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t.tsan mutex %t.pool
 *
 * Without loads there is nothing to find.
 *
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t.buggy mutex %t.pool
 *
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- \
 * RUN:   %t.buggy mutex %t.pool | FileCheck %s
 * CHECK: ERROR: fencepost: pm-data-race
 * CHECK-NEXT: nothing orders them
 * CHECK-NEXT: store of 8 bytes to pool+0x0 {{.*}}race-sync.c:[[#]] in add
 * CHECK: races with, in another thread
 * CHECK-NEXT: {{(store|read)}} of 8 bytes {{.*}}race-sync.c:[[#]] in add
 * CHECK: fix: hold one lock
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <threads.h>

#ifdef BUGGY
#define DO(call) ((void)0)
#else
#define DO(call) ((void)(call))
#endif

static const char *kind;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static sem_t semaphore;
static mtx_t mtx;
static cnd_t cnd;
static int turn; /* under mutex or mtx */
static uint64_t *cells;

static int is(const char *name) {
  return strcmp(kind, name) == 0;
}

/* Cell 0 is everybody's. */
static void add(void) {
  cells[0]++;
  pm_persist(&cells[0], sizeof cells[0]);
}

static void first(void) {
  add();
}

static void wait_turn(int mine) {
  pthread_mutex_lock(&mutex);
  while (turn != mine)
    pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
}
static void next_turn(void) {
  pthread_mutex_lock(&mutex);
  turn++;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
}

static void wait_turn_c11(int mine) {
  mtx_lock(&mtx);
  while (turn != mine)
    cnd_wait(&cnd, &mtx);
  mtx_unlock(&mtx);
}
static void next_turn_c11(void) {
  mtx_lock(&mtx);
  turn++;
  cnd_broadcast(&cnd);
  mtx_unlock(&mtx);
}

static void work(int me) {
  if (is("mutex")) {
    DO(pthread_mutex_lock(&mutex));
    add();
    DO(pthread_mutex_unlock(&mutex));
  } else if (is("trylock")) {
#ifndef BUGGY
    while (pthread_mutex_trylock(&mutex) != 0)
      ;
#endif
    add();
    DO(pthread_mutex_unlock(&mutex));
  } else if (is("recursive")) {
    DO(pthread_mutex_lock(&mutex));
    DO(pthread_mutex_lock(&mutex));
    DO(pthread_mutex_unlock(&mutex));
    add();
    DO(pthread_mutex_unlock(&mutex));
  } else if (is("rwlock")) {
    DO(pthread_rwlock_wrlock(&rwlock));
    add();
    DO(pthread_rwlock_unlock(&rwlock));
  } else if (is("rwlock-readers")) {
    /* Those who share a lock must not store. */
    DO(me == 1 ? pthread_rwlock_wrlock(&rwlock)
               : pthread_rwlock_rdlock(&rwlock));
    if (me == 1) {
      add();
    } else {
      cells[8] = cells[0];
      pm_persist(&cells[8], sizeof cells[8]);
    }
    DO(pthread_rwlock_unlock(&rwlock));
  } else if (is("spin")) {
    DO(pthread_spin_lock(&spin));
    add();
    DO(pthread_spin_unlock(&spin));
  } else if (is("cond")) {
    DO((wait_turn(me), 0));
    add();
    DO((next_turn(), 0));
  } else if (is("mtx")) {
    DO(mtx_lock(&mtx));
    add();
    DO(mtx_unlock(&mtx));
  } else if (is("cnd")) {
    DO((wait_turn_c11(me), 0));
    add();
    DO((next_turn_c11(), 0));
  } else if (is("barrier")) {
    if (me == 0)
      add();
    DO(pthread_barrier_wait(&barrier));
    if (me == 1)
      add();
  } else if (is("semaphore")) {
    DO(sem_wait(&semaphore));
    add();
    DO(sem_post(&semaphore));
  } else if (is("once")) {
#ifdef BUGGY
    first();
#endif
    pthread_once(&once, first);
    cells[8 + 8 * me] = cells[0];
    pm_persist(&cells[8 + 8 * me], sizeof cells[0]);
  } else if (is("join")) {
    add();
  }
}

static void *work_posix(void *me) {
  work((int)(intptr_t)me);
  return NULL;
}
static int work_c11(void *me) {
  work((int)(intptr_t)me);
  return 0;
}

static void run_posix(void) {
  pthread_t threads[2];
  for (intptr_t i = 0; i < 2; i++) {
    pthread_create(&threads[i], NULL, work_posix, (void *)i);
    if (is("join"))
      DO(pthread_join(threads[i], NULL));
  }
  for (int i = 0; i < 2; i++) {
#ifndef BUGGY
    if (is("join"))
      continue;
#endif
    pthread_join(threads[i], NULL);
  }
}

static void run_c11(void) {
  thrd_t threads[2];
  for (intptr_t i = 0; i < 2; i++)
    thrd_create(&threads[i], work_c11, (void *)i);
  for (int i = 0; i < 2; i++)
    thrd_join(threads[i], NULL);
}

int main(int argc, char **argv) {
  if (pm_is_check(argc, argv))
    return 0;
  kind = argv[1];
  cells = pm_map(argv[2]);
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&mutex, &recursive);
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  pthread_barrier_init(&barrier, NULL, 2);
  sem_init(&semaphore, 0, 1);
  mtx_init(&mtx, mtx_plain);
  cnd_init(&cnd);
  cells[0] = 1;
  pm_persist(&cells[0], sizeof cells[0]);
  if (is("mtx") || is("cnd"))
    run_c11();
  else
    run_posix();
  return 0;
}
