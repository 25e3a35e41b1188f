/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 * DEFINE: %{kinds} = seqlock publication fences ticket mcs peterson flag \
 * DEFINE:   sync asm ring stealing references double-checked gate phases \
 * DEFINE:   robust upgrade error-checking named-semaphore shared cancel exit \
 * DEFINE:   private dekker
 *
 * Intent: what people build to order threads, of C11's atomics, of what came
 * before them and of POSIX: none of it is a race on the data that it protects,
 * in PM or not; with one order too weak, or a step left out, it is.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool %{kinds}
 *
 * Nothing depends on how the compiler arranged it.
 *
 * RUN: %fencepost-clang -g -O3 %s -pthread -o %t.o3
 * RUN: %fencepost-clang -g -O3 -DBUGGY %s -pthread -o %t.o3.buggy
 * RUN: sh %S/Inputs/races.sh pm-data-race %t.o3 %t.pool %{kinds}
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#ifdef BUGGY
#define ACQUIRE memory_order_relaxed
#define RELEASE memory_order_relaxed
#define ACQ_REL memory_order_relaxed
#define SEQ_CST memory_order_relaxed
#define ONLY_IF_RIGHT(step) ((void)0)
enum { BUGS = 1 };
#else
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define ACQ_REL memory_order_acq_rel
#define SEQ_CST memory_order_seq_cst
#define ONLY_IF_RIGHT(step) ((void)(step))
enum { BUGS = 0 };
#endif

enum { ROUNDS = 20, THREADS = 2, SLOTS = 4 };

struct pool {
  PM_ALIGNED uint64_t cell;
  PM_ALIGNED uint64_t ring[SLOTS];
  PM_ALIGNED _Atomic uint64_t record[4]; /* of the seqlock */
  PM_ALIGNED pthread_mutex_t mutex;      /* in PM, between processes */
  PM_ALIGNED _Atomic uint32_t lock;
};
static struct pool *pool;
static _Alignas(64) _Atomic int met;
/* What the idioms below have for themselves, a line each. */
static _Alignas(64) _Atomic uint64_t word;
static _Alignas(64) _Atomic uint64_t other;
static _Alignas(64) _Atomic uint64_t third;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t *semaphore;
static pthread_key_t key;

static void add(void) {
  pool->cell++;
#ifndef BUGGY
  pm_persist(&pool->cell, sizeof pool->cell);
#else
  pm_flush(&pool->cell, sizeof pool->cell); /* a fence would order */
#endif
}

/* Both threads are there. Orders nothing. */
static void meet(void) {
  atomic_fetch_add_explicit(&met, 1, memory_order_relaxed);
  while (atomic_load_explicit(&met, memory_order_relaxed) < THREADS)
    sched_yield();
}

/* In the buggy program the second thread comes when the first is through. */
static void later(int me) {
  if (BUGS && me == 1)
    usleep(50000);
}

/* ---- readers that do not write ---- */

static void seqlock(int me) {
  for (int i = 0; i < ROUNDS; i++) {
    if (me == 0) {
      atomic_store_explicit(&word, 2 * i + 1, memory_order_relaxed);
      atomic_thread_fence(memory_order_release);
      for (int j = 0; j < 4; j++)
        atomic_store_explicit(&pool->record[j], i, memory_order_relaxed);
      pm_flush(pool->record, sizeof pool->record);
      atomic_store_explicit(&word, 2 * i + 2, memory_order_release);
      if (BUGS) /* a field that is no atomic, when readers may come */
        pool->cell = i;
    } else {
      uint64_t before, after, sum = 0;
      do {
        before = atomic_load_explicit(&word, memory_order_acquire);
        for (int j = 0; j < 4; j++)
          sum += atomic_load_explicit(&pool->record[j], memory_order_relaxed);
        if (BUGS)
          sum += *(volatile uint64_t *)&pool->ring[0];
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&word, memory_order_relaxed);
      } while (before != after || before % 2 != 0);
      if (BUGS)
        sum += pool->cell;
      atomic_store_explicit(&other, sum, memory_order_relaxed);
    }
    sched_yield();
  }
}

/* Read, copy, update: readers follow a pointer to what nobody changes. */
static void publication(int me) {
  if (me == 0) {
    pool->ring[1] = 42;
    pool->ring[2] = 43;
    atomic_store_explicit(&word, (uintptr_t)&pool->ring[1], RELEASE);
  } else {
    const uint64_t *seen;
    while ((seen = (const uint64_t *)(uintptr_t)atomic_load_explicit(
                &word, ACQUIRE)) == NULL)
      sched_yield();
    if (seen[0] + seen[1] != 85)
      abort();
  }
}

static void fences(int me) {
  if (me == 0) {
    add();
    ONLY_IF_RIGHT((atomic_thread_fence(memory_order_release), 0));
    atomic_store_explicit(&word, 1, memory_order_relaxed);
  } else {
    while (atomic_load_explicit(&word, memory_order_relaxed) == 0)
      sched_yield();
    ONLY_IF_RIGHT((atomic_thread_fence(memory_order_acquire), 0));
    add();
  }
}

/* ---- locks of one's own ---- */

static void ticket(int me) {
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t mine = atomic_fetch_add_explicit(&word, 1, memory_order_relaxed);
    while (atomic_load_explicit(&other, ACQUIRE) != mine)
      sched_yield();
    add();
    atomic_store_explicit(&other, mine + 1, RELEASE);
  }
}

/* The queue of Mellor-Crummey and Scott. */
struct waiting {
  _Alignas(64) _Atomic(struct waiting *) next;
  _Alignas(64) _Atomic int must_wait;
};
static _Atomic(struct waiting *) tail;

static void mcs(int me) {
  static struct waiting nodes[THREADS];
  struct waiting *mine = &nodes[me];
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    atomic_store_explicit(&mine->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&mine->must_wait, 1, memory_order_relaxed);
    struct waiting *before = atomic_exchange_explicit(&tail, mine, ACQ_REL);
    if (before != NULL) {
      atomic_store_explicit(&before->next, mine, RELEASE);
      while (atomic_load_explicit(&mine->must_wait, ACQUIRE))
        sched_yield();
    }
    add();
    struct waiting *last = mine;
    if (atomic_compare_exchange_strong_explicit(&tail, &last, NULL, RELEASE,
                                                memory_order_relaxed))
      continue;
    struct waiting *after;
    while ((after = atomic_load_explicit(&mine->next, ACQUIRE)) == NULL)
      sched_yield();
    atomic_store_explicit(&after->must_wait, 0, RELEASE);
  }
}

static void peterson(int me) {
  static _Alignas(64) _Atomic int wants[THREADS];
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    atomic_store_explicit(&wants[me], 1, SEQ_CST);
    atomic_store_explicit(&word, 1 - me, SEQ_CST);
    while (atomic_load_explicit(&wants[1 - me], SEQ_CST) &&
           atomic_load_explicit(&word, SEQ_CST) == (uint64_t)(1 - me))
      sched_yield();
    add();
    atomic_store_explicit(&wants[me], 0, SEQ_CST);
  }
}

/* Who sees that the other one wants to gives way. */
static void dekker(int me) {
  static _Alignas(64) _Atomic int wants[THREADS];
  later(me);
  for (int i = 0; i < ROUNDS;) {
    atomic_store_explicit(&wants[me], 1, memory_order_relaxed);
    ONLY_IF_RIGHT((atomic_thread_fence(memory_order_seq_cst), 0));
    if (!atomic_load_explicit(&wants[1 - me], memory_order_relaxed)) {
      ONLY_IF_RIGHT((atomic_thread_fence(memory_order_acquire), 0));
      add();
      i++;
    }
    atomic_store_explicit(&wants[me], 0, RELEASE);
    sched_yield();
  }
}

static void flag(int me) {
  static atomic_flag held = ATOMIC_FLAG_INIT;
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    while (atomic_flag_test_and_set_explicit(&held, ACQUIRE))
      sched_yield();
    add();
    atomic_flag_clear_explicit(&held, RELEASE);
  }
}

/* What there was before C11; the lock lies in PM. */
static void sync_builtins(int me) {
  uint32_t *lock = (uint32_t *)(void *)&pool->lock;
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    while (!BUGS && __sync_lock_test_and_set(lock, 1))
      sched_yield();
    add();
    if (!BUGS)
      __sync_lock_release(lock);
  }
}

static void assembly(int me) {
  static uint32_t held;
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t was = !BUGS;
    while (was) {
      __asm__ volatile("xchgl %0, %1" : "+r"(was), "+m"(held)::"memory");
      if (was)
        sched_yield();
    }
    add();
    if (!BUGS)
      __asm__ volatile("movl $0, %0" : "+m"(held)::"memory");
  }
}

/* ---- queues ---- */

/* One producer, one consumer; indices only grow. */
static void ring(int me) {
  for (uint64_t i = 0; i < ROUNDS; i++) {
    if (me == 0) {
      while (i - atomic_load_explicit(&other, ACQUIRE) == SLOTS)
        sched_yield();
      pool->ring[i % SLOTS] = i;
      pm_flush(&pool->ring[i % SLOTS], sizeof *pool->ring);
      atomic_store_explicit(&word, i + 1, RELEASE);
    } else {
      while (atomic_load_explicit(&word, ACQUIRE) == i)
        sched_yield();
      if (!BUGS && pool->ring[i % SLOTS] != i)
        abort();
      volatile uint64_t copy = pool->ring[i % SLOTS];
      (void)copy;
      atomic_store_explicit(&other, i + 1, RELEASE);
    }
  }
}

/* The owner pushes to a deque, the thief takes from its other end. */
static void stealing(int me) {
  if (me == 0) {
    for (uint64_t i = 0; i < SLOTS; i++) {
      pool->ring[i] = i + 1;
      ONLY_IF_RIGHT((atomic_thread_fence(memory_order_release), 0));
      atomic_store_explicit(&word, i + 1, memory_order_relaxed);
      sched_yield();
    }
  } else {
    for (uint64_t top = 0; top < SLOTS;) {
      ONLY_IF_RIGHT((atomic_thread_fence(memory_order_seq_cst), 0));
      if (atomic_load_explicit(&word, ACQUIRE) <= top) {
        sched_yield();
        continue;
      }
      volatile uint64_t copy = pool->ring[top];
      (void)copy;
      uint64_t mine = top;
      top += atomic_compare_exchange_strong_explicit(
          &other, &mine, top + 1, SEQ_CST, memory_order_relaxed);
    }
  }
}

/* ---- lifetime ---- */

/* Who gives the last reference up cleans up. */
static void references(int me) {
  if (me == 0) {
    add();
    atomic_fetch_sub_explicit(&third, 1, RELEASE);
  } else {
    while (atomic_load_explicit(&third, memory_order_relaxed) != 1)
      sched_yield();
    if (atomic_fetch_sub_explicit(&third, 1, RELEASE) == 1) {
      ONLY_IF_RIGHT((atomic_thread_fence(memory_order_acquire), 0));
      add();
    }
  }
}

static void double_checked(int me) {
  (void)me;
  if (atomic_load_explicit(&word, ACQUIRE) == 0) {
    pthread_mutex_lock(&mutex);
    if (atomic_load_explicit(&word, memory_order_relaxed) == 0) {
      add();
      atomic_store_explicit(&word, 1, RELEASE);
    }
    pthread_mutex_unlock(&mutex);
    if (!BUGS)
      return;
  }
  later(me);
  volatile uint64_t copy = pool->cell;
  (void)copy;
  if (BUGS && me == 0)
    add();
}

/* ---- POSIX ---- */

/* A gate opens for good. */
static void gate(int me) {
  if (me == 0) {
    add();
    pthread_mutex_lock(&mutex);
    word = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    if (BUGS)
      add();
  } else {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&mutex);
    while (word == 0)
      pthread_cond_timedwait(&condition, &mutex, &until);
    pthread_mutex_unlock(&mutex);
    later(me);
    add();
  }
}

/* Each has the cell for every second phase. */
static void phases(int me) {
  for (int i = 0; i < ROUNDS; i++) {
    if (BUGS && i == 5)
      usleep(20000 * (1 + (unsigned)me)); /* both are at it */
    if (i % 2 == me || (BUGS && i == 5))
      add();
    pthread_barrier_wait(&barrier);
  }
}

/* The owner of the lock dies. */
static void robust(int me) {
  if (me == 0) {
    pthread_mutex_lock(&pool->mutex);
    add();
    if (BUGS)
      pthread_mutex_unlock(&pool->mutex);
  } else {
    usleep(50000);
    int error = pthread_mutex_lock(&pool->mutex);
    if (error == EOWNERDEAD)
      pthread_mutex_consistent(&pool->mutex);
    if (!BUGS && error != EOWNERDEAD)
      abort();
    if (BUGS)
      pthread_mutex_unlock(&pool->mutex);
    add();
    if (!BUGS)
      pthread_mutex_unlock(&pool->mutex);
  }
}

/* Looks first, and takes the lock for writing if there is something to do. */
static void upgrade(int me) {
  (void)me;
  for (int i = 0; i < ROUNDS; i++) {
    pthread_rwlock_rdlock(&rwlock);
    uint64_t seen = pool->cell;
    if (!BUGS) {
      pthread_rwlock_unlock(&rwlock);
      struct timespec until = {.tv_sec = INT32_MAX};
      if (pthread_rwlock_timedwrlock(&rwlock, &until) != 0)
        abort();
    }
    if (pool->cell == seen)
      add();
    pthread_rwlock_unlock(&rwlock);
  }
}

static void error_checking(int me) {
  (void)me;
  for (int i = 0; i < ROUNDS; i++) {
    if (pthread_mutex_lock(&pool->mutex) != 0)
      abort();
    if (pthread_mutex_lock(&pool->mutex) != EDEADLK)
      abort();
    if (BUGS)
      pthread_mutex_unlock(&pool->mutex);
    add();
    if (!BUGS)
      pthread_mutex_unlock(&pool->mutex);
  }
}

static void named_semaphore(int me) {
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    if (!BUGS)
      sem_wait(semaphore);
    add();
    if (!BUGS)
      sem_post(semaphore);
  }
}

/* ---- the ends of threads ---- */

static void cleanup(void *argument) {
  (void)argument;
  add();
}

static void *cancelled(void *argument) {
  pthread_cleanup_push(cleanup, argument);
  pthread_barrier_wait(&barrier);
  for (;;)
    pause();
  pthread_cleanup_pop(0);
  return argument;
}

static void *exits(void *argument) {
  pthread_barrier_wait(&barrier);
  add();
  pthread_exit(argument);
}

static void *with_private(void *argument) {
  pthread_setspecific(key, argument);
  pthread_barrier_wait(&barrier);
  return argument;
}

/* Joined before, or in the buggy program behind, what is done next. */
static void joined(void *(*run)(void *), int cancel) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, &word) != 0)
    abort();
  pthread_barrier_wait(&barrier);
  if (cancel)
    pthread_cancel(thread);
  if (BUGS)
    usleep(50000);
  else
    pthread_join(thread, NULL);
  add();
  if (BUGS)
    pthread_join(thread, NULL);
}

static void cancel(int me) {
  if (me == 0)
    joined(cancelled, 1);
}
static void exit_of_thread(int me) {
  if (me == 0)
    joined(exits, 0);
}
static void private_data(int me) {
  if (me == 0)
    joined(with_private, 0);
}

/* ---- */

static void mutex_in_pm(int kind, int is_robust) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_settype(&attributes, kind);
  if (is_robust)
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&pool->mutex, &attributes);
}

static void make_robust(void) {
  mutex_in_pm(PTHREAD_MUTEX_NORMAL, 1);
}
static void make_checking(void) {
  mutex_in_pm(PTHREAD_MUTEX_ERRORCHECK, 0);
}
static void make_shared(void) {
  mutex_in_pm(PTHREAD_MUTEX_NORMAL, 0);
}
static void make_references(void) {
  third = THREADS;
}
static void make_semaphore(void) {
  char name[64];
  snprintf(name, sizeof name, "/fencepost-race-idioms-%d", (int)getpid());
  semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  if (semaphore == SEM_FAILED || sem_unlink(name) != 0)
    exit(3);
}
static void make_key(void) {
  pthread_key_create(&key, cleanup);
}

static void shared(int me) {
  later(me);
  for (int i = 0; i < ROUNDS; i++) {
    ONLY_IF_RIGHT(pthread_mutex_lock(&pool->mutex));
    add();
    ONLY_IF_RIGHT(pthread_mutex_unlock(&pool->mutex));
  }
}

static const struct kind {
  const char *name;
  void (*run)(int me);
  void (*make)(void);
} kinds[] = {
    {"seqlock", seqlock, NULL},
    {"publication", publication, NULL},
    {"fences", fences, NULL},
    {"ticket", ticket, NULL},
    {"mcs", mcs, NULL},
    {"peterson", peterson, NULL},
    {"dekker", dekker, NULL},
    {"flag", flag, NULL},
    {"sync", sync_builtins, NULL},
    {"asm", assembly, NULL},
    {"ring", ring, NULL},
    {"stealing", stealing, NULL},
    {"references", references, make_references},
    {"double-checked", double_checked, NULL},
    {"gate", gate, NULL},
    {"phases", phases, NULL},
    {"robust", robust, make_robust},
    {"upgrade", upgrade, NULL},
    {"error-checking", error_checking, make_checking},
    {"named-semaphore", named_semaphore, make_semaphore},
    {"shared", shared, make_shared},
    {"cancel", cancel, NULL},
    {"exit", exit_of_thread, NULL},
    {"private", private_data, make_key},
};
static const struct kind *kind;

static void *work(void *argument) {
  meet();
  kind->run((int)(intptr_t)argument);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  if (pm_is_check(argc, argv))
    return 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0)
      kind = &kinds[i];
  if (kind == NULL)
    return 3;
  pool = pm_map(argv[2]);
  pthread_barrier_init(&barrier, NULL, 2);
  if (kind->make != NULL)
    kind->make();
  for (intptr_t i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  pm_persist(pool, sizeof *pool); /* what was flushed alone, and the locks */
  return 0;
}
