/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: %fencepost-clang -g -O1 -DBUGGY %s -pthread -o %t.buggy
 *
 * Intent: one thread makes something ready for another and says so by a
 * message: a byte in a pipe or socket, its end, a count in an eventfd, a word
 * that a futex waits at, a condition, a thread's private data at its end.
 * Without the message, or with one of something else, there is a race.
 *
 * RUN: sh %S/Inputs/races.sh pm-data-race %t %t.pool pipe end-of-file vector eventfd \
 * RUN:   eventfd-functions socket send futex timed-semaphore timed-mutex \
 * RUN:   shared-to-exclusive barrier-serial once-c11 key detached
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>

static const char *kind;
static uint64_t *cells;
static int ends[2]; /* to read from, to write to */
static _Atomic int word;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static once_flag once = ONCE_FLAG_INIT;
static pthread_key_t key;
static _Atomic int gone;

static int is(const char *name) {
  return strcmp(kind, name) == 0;
}

static void put(void) {
  cells[0]++;
  pm_persist(&cells[0], sizeof cells[0]);
}

static struct timespec soon(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 60;
  return until;
}

static void futex(int operation, int value) {
  syscall(SYS_futex, &word, operation, value, NULL, NULL, 0);
}

/* The message itself is the same in the buggy program, but comes too early. */
static void send_message(void) {
  char byte = 1;
  if (is("pipe")) {
    if (write(ends[1], &byte, 1) != 1)
      abort();
  } else if (is("end-of-file")) {
    if (close(ends[1]) != 0)
      abort();
  } else if (is("vector")) {
    struct iovec part = {&byte, 1};
    if (writev(ends[1], &part, 1) != 1)
      abort();
  } else if (is("eventfd")) {
    uint64_t one = 1;
    if (write(ends[1], &one, sizeof one) != sizeof one)
      abort();
  } else if (is("eventfd-functions")) {
    eventfd_write(ends[1], 1);
  } else if (is("socket")) {
    if (write(ends[1], &byte, 1) != 1)
      abort();
  } else if (is("send")) {
    if (send(ends[1], &byte, 1, 0) != 1)
      abort();
  } else if (is("futex")) {
    atomic_store_explicit(&word, 1, memory_order_release);
    futex(FUTEX_WAKE, 1);
  } else if (is("timed-semaphore")) {
    sem_post(&semaphore);
  } else if (is("timed-mutex")) {
    pthread_mutex_lock(&mutex);
    word = 1;
    pthread_mutex_unlock(&mutex);
  } else if (is("shared-to-exclusive")) {
    pthread_rwlock_wrlock(&rwlock);
    word = 1;
    pthread_rwlock_unlock(&rwlock);
  } else if (is("barrier-serial")) {
    pthread_barrier_wait(&barrier);
  }
}

static void receive_message(void) {
  char byte;
  uint64_t count;
  struct timespec until = soon();
  if (is("pipe") || is("socket")) {
    while (read(ends[0], &byte, 1) != 1)
      ;
  } else if (is("end-of-file")) {
    while (read(ends[0], &byte, 1) != 0)
      ;
  } else if (is("vector")) {
    struct iovec part = {&byte, 1};
    while (readv(ends[0], &part, 1) != 1)
      ;
  } else if (is("eventfd")) {
    while (read(ends[0], &count, sizeof count) != sizeof count)
      ;
  } else if (is("eventfd-functions")) {
    while (eventfd_read(ends[0], &count) != 0)
      ;
  } else if (is("send")) {
    while (recv(ends[0], &byte, 1, 0) != 1)
      ;
  } else if (is("futex")) {
    while (atomic_load_explicit(&word, memory_order_acquire) == 0)
      futex(FUTEX_WAIT, 0);
  } else if (is("timed-semaphore")) {
    while (sem_timedwait(&semaphore, &until) != 0)
      ;
  } else if (is("timed-mutex") || is("shared-to-exclusive")) {
    for (int seen = 0; !seen; sched_yield()) {
      if (is("timed-mutex")) {
        pthread_mutex_timedlock(&mutex, &until);
        seen = word;
        pthread_mutex_unlock(&mutex);
      } else if (pthread_rwlock_tryrdlock(&rwlock) == 0) {
        seen = word;
        pthread_rwlock_unlock(&rwlock);
      }
    }
  } else if (is("barrier-serial")) {
    pthread_barrier_wait(&barrier);
  }
}

/* Private data is destroyed by its thread, before whoever joins it goes on. */
static void destroy(void *value) {
  (void)value;
  put();
}

static void *detached(void *argument) {
  (void)argument;
#ifdef BUGGY
  atomic_store_explicit(&gone, 1, memory_order_release);
  put();
#else
  put();
  atomic_store_explicit(&gone, 1, memory_order_release);
#endif
  return NULL;
}

static void *first(void *argument) {
  (void)argument;
  if (is("once-c11")) {
    call_once(&once, put);
#ifdef BUGGY
    put();
#endif
    return NULL;
  }
  if (is("key")) {
    pthread_setspecific(key, &key);
    return NULL;
  }
#ifdef BUGGY
  send_message();
  put();
#else
  put();
  send_message();
#endif
  return NULL;
}

static void *second(void *argument) {
  (void)argument;
  if (is("once-c11"))
    call_once(&once, put);
  else
    receive_message();
  put();
  return NULL;
}

static void prepare(void) {
  int failed = 0;
  if (is("pipe") || is("end-of-file") || is("vector"))
    failed = pipe(ends);
  else if (is("socket") || is("send"))
    failed = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  else
    ends[0] = ends[1] = eventfd(0, 0);
  if (failed != 0 || ends[0] < 0)
    exit(3);
  sem_init(&semaphore, 0, 0);
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_key_create(&key, destroy);
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  if (pm_is_check(argc, argv))
    return 0;
  kind = argv[1];
  cells = pm_map(argv[2]);
  prepare();
  if (is("detached")) {
    pthread_create(&threads[0], NULL, detached, NULL);
    pthread_detach(threads[0]);
    while (atomic_load_explicit(&gone, memory_order_acquire) == 0)
      sched_yield();
    put();
    sleep(1); /* until the other one is through */
    return 0;
  }
  if (is("key")) {
    pthread_create(&threads[0], NULL, first, NULL);
#ifdef BUGGY
    put();
#endif
    pthread_join(threads[0], NULL);
    put();
    return 0;
  }
  pthread_create(&threads[0], NULL, first, NULL);
  pthread_create(&threads[1], NULL, second, NULL);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  return 0;
}
