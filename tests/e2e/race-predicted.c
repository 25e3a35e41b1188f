/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: a race that this run did not show, because a lock that has nothing to
 * do with it happened to order the threads, is predicted; what a lock really
 * hands over is not taken for one. The threads run one after the other, by a
 * clock that nobody sees.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool accident two-locks \
 * RUN:   order trylock along
 * RUN: rm -f %t.pool && not %fencepost check --races --pool %t.pool -- \
 * RUN:   %t.buggy two-locks %t.pool | FileCheck %s
 * CHECK: ERROR: fencepost: pm-data-race
 * CHECK-NEXT: with no lock in common; not seen in this run
 * CHECK-NEXT: store of 8 bytes to pool+0x0 {{.*}}race-predicted.c
 *
 * Handed over: never a race.
 *
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.buggy hand-over %t.pool
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.buggy flag %t.pool
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.buggy unknown %t.pool
 * RUN: rm -f %t.pool && %fencepost check --races --pool %t.pool -- %t.buggy inside %t.pool
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <pthread.h>
#include <time.h>

static const char *kind;
static uint64_t *cells;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER,
                                   PTHREAD_MUTEX_INITIALIZER};
static uint64_t counters[64]; /* of each thread, in lines of their own */
static uint64_t *queue;
static int done;

static int is(const char *name) {
  return strcmp(kind, name) == 0;
}

static void add(void) {
  cells[0]++;
  pm_persist(&cells[0], sizeof cells[0]);
}

/* The one lock of the fixed program. */
static void protect(int me, int taken) {
#ifdef BUGGY
  pthread_mutex_t *own = &locks[me];
#else
  pthread_mutex_t *own = &locks[0 * me];
#endif
  if (taken)
    pthread_mutex_lock(own);
  else
    pthread_mutex_unlock(own);
}

#ifdef BUGGY
static void both(int me, int first, int second) {
  pthread_mutex_lock(&locks[first]);
  pthread_mutex_lock(&locks[second]);
  counters[32 * me]++;
  pthread_mutex_unlock(&locks[second]);
  pthread_mutex_unlock(&locks[first]);
}
#endif

/* Two locks are taken, in one order or the other: with neither is the cell
   protected, though one ran after the other. */
static void order(int me) {
#ifdef BUGGY
  if (me == 0)
    add();
  both(me, me, 1 - me);
  if (me == 1)
    add();
#else
  (void)me;
  pthread_mutex_lock(&locks[0]);
  pthread_mutex_lock(&locks[1]);
  add();
  pthread_mutex_unlock(&locks[0]);
  pthread_mutex_unlock(&locks[1]);
#endif
}

/* Who does not get the lock goes on without it; here it got it. */
static void with_trylock(void) {
#ifdef BUGGY
  pthread_mutex_t *own = pthread_mutex_trylock(&lock) == 0 ? &lock : NULL;
  counters[0] += 0;
  if (own != NULL)
    pthread_mutex_unlock(own);
  add();
#else
  while (pthread_mutex_trylock(&lock) != 0)
    ;
  add();
  pthread_mutex_unlock(&lock);
#endif
}

/* Hand over hand along a list: each node has its lock, the next one is taken
   before the last one is given up. The buggy one lets go of
   a node before it stores to it. */
static void along(int me) {
  static pthread_mutex_t nodes[4] = {
      PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
      PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
  pthread_mutex_lock(&nodes[0]);
  for (int i = 0; i < 3; i++) {
#ifdef BUGGY
    pthread_mutex_unlock(&nodes[i]);
    cells[8 * i] += (uint64_t)me;
    pthread_mutex_lock(&nodes[i + 1]);
#else
    pthread_mutex_lock(&nodes[i + 1]);
    cells[8 * i] += (uint64_t)me;
    pthread_mutex_unlock(&nodes[i]);
#endif
    pm_persist(&cells[8 * i], sizeof cells[0]);
  }
  pthread_mutex_unlock(&nodes[3]);
}

/* What the inner lock hands over is ordered whatever the outer one does. */
static void inside(int me) {
  if (me == 0)
    add();
  pthread_mutex_lock(&locks[me]);
  pthread_mutex_lock(&lock);
  if (me == 0)
    done = 1;
  int seen = done;
  pthread_mutex_unlock(&lock);
  pthread_mutex_unlock(&locks[me]);
  if (me == 1 && seen)
    add();
}

/* Another lock is taken in between, behind the one and before the other. */
static void accident(int me) {
#ifdef BUGGY
  int protected = is("two-locks");
#else
  int protected = 1;
#endif
  if (me == 0) {
    if (protected)
      protect(me, 1);
    add();
    if (protected)
      protect(me, 0);
  }
  pthread_mutex_lock(&lock);
  counters[32 * me]++;
  pthread_mutex_unlock(&lock);
  if (me == 1) {
    if (protected)
      protect(me, 1);
    add();
    if (protected)
      protect(me, 0);
  }
}

static void *work(void *argument) {
  int me = (int)(intptr_t)argument;
  struct timespec later = {0, me * 100000000};
  nanosleep(&later, NULL);
  if (is("accident") || is("two-locks")) {
    accident(me);
  } else if (is("order")) {
    order(me);
  } else if (is("trylock")) {
    with_trylock();
  } else if (is("along")) {
    along(me);
  } else if (is("inside")) {
    inside(me);
  } else if (is("hand-over")) {
    if (me == 0) {
      add();
      pthread_mutex_lock(&lock);
      queue = cells;
      pthread_mutex_unlock(&lock);
    } else {
      uint64_t *taken;
      pthread_mutex_lock(&lock);
      taken = queue;
      pthread_mutex_unlock(&lock);
      if (taken != NULL)
        add();
    }
  } else if (is("flag")) {
    if (me == 0)
      add();
    pthread_mutex_lock(&lock);
    if (me == 0)
      done = 1;
    int seen = done;
    pthread_mutex_unlock(&lock);
    if (me == 1 && seen)
      add();
  } else if (is("unknown")) {
    /* What a library does inside the lock is not known. */
    static char text[64];
    if (me == 0)
      add();
    pthread_mutex_lock(&lock);
    if (me == 0)
      setenv("FPOST_TEST", "1", 1);
    else
      snprintf(text, sizeof text, "%s", getenv("FPOST_TEST"));
    pthread_mutex_unlock(&lock);
    if (me == 1 && text[0] == '1')
      add();
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  if (pm_is_check(argc, argv))
    return 0;
  kind = argv[1];
  cells = pm_map(argv[2]);
  for (intptr_t i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
