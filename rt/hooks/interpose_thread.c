/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What orders threads, of POSIX, C11 and Linux, told to races.h. A release is
 * told before the real function, an acquisition behind it, so that nobody waits
 * for anything inside the context. Results, errno and cancellation are the real
 * functions' own. Without --races these are detours of one test.
 */
#define _GNU_SOURCE
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover_threads.h"
#include "rt/model/site.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <threads.h>
#include <time.h>

/* ---- threads ---- */

/* The thread's own function. */
static struct fpost_races_start begun(void *birth) {
  return fpost_recover_threads_counted() ? fpost_recover_thread_run(birth)
                                         : fpost_races_run(birth);
}

/* C11's functions return int. */
static int run_c11(void *birth) {
  struct fpost_races_start start = begun(birth);
  /* What fpost_races_create was given as another type. */
  return ((thrd_start_t)(uintptr_t)start.run)(start.argument);
}

static void *run_posix(void *birth) {
  struct fpost_races_start start = begun(birth);
  return start.run(start.argument);
}

FPOST_INTERPOSE int pthread_create(pthread_t *thread,
                                   const pthread_attr_t *attributes,
                                   void *(*run)(void *), void *argument) {
  int state = PTHREAD_CREATE_JOINABLE;
  if (FPOST_UNLIKELY(fpost_recover_threads_counted())) {
    void *ticket =
        fpost_recover_thread_create((struct fpost_races_start){run, argument});
    int error =
        ticket == NULL
            ? FPOST_BEHIND(pthread_create)(thread, attributes, run, argument)
            : FPOST_BEHIND(pthread_create)(thread, attributes, run_posix,
                                           ticket);
    if (ticket != NULL && error != 0) {
      fpost_recover_thread_not_created(ticket);
    }
    return error;
  }
  if (FPOST_LIKELY(!fpost_races_on)) {
    return FPOST_BEHIND(pthread_create)(thread, attributes, run, argument);
  }
  if (attributes != NULL) {
    (void)pthread_attr_getdetachstate(attributes, &state);
  }
  struct fpost_races_ticket ticket = fpost_races_create(
      (struct fpost_races_start){run, argument},
      state == PTHREAD_CREATE_DETACHED, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  if (ticket.birth == NULL) {
    return FPOST_BEHIND(pthread_create)(thread, attributes, run, argument);
  }
  int result =
      FPOST_BEHIND(pthread_create)(thread, attributes, run_posix, ticket.birth);
  if (result != 0) {
    fpost_races_not_created(ticket);
  } else if (state == PTHREAD_CREATE_JOINABLE) {
    fpost_races_created(ticket, *thread);
  }
  return result;
}

FPOST_INTERPOSE int thrd_create(thrd_t *thread, thrd_start_t run,
                                void *argument) {
  struct fpost_races_ticket ticket = {NULL, 0};
  if (FPOST_UNLIKELY(fpost_recover_threads_counted())) {
    void *counted = fpost_recover_thread_create((struct fpost_races_start){
        (void *(*)(void *))(uintptr_t)run, argument});
    int error = counted == NULL
                    ? FPOST_BEHIND(thrd_create)(thread, run, argument)
                    : FPOST_BEHIND(thrd_create)(thread, run_c11, counted);
    if (counted != NULL && error != thrd_success) {
      fpost_recover_thread_not_created(counted);
    }
    return error;
  }
  if (FPOST_UNLIKELY(fpost_races_on)) {
    ticket = fpost_races_create(
        (struct fpost_races_start){(void *(*)(void *))(uintptr_t)run, argument},
        false, FPOST_CALLER_PC, FPOST_CALLER_CFA);
  }
  if (ticket.birth == NULL) {
    return FPOST_BEHIND(thrd_create)(thread, run, argument);
  }
  int result = FPOST_BEHIND(thrd_create)(thread, run_c11, ticket.birth);
  if (result != thrd_success) {
    fpost_races_not_created(ticket);
  } else {
    fpost_races_created(ticket, *thread);
  }
  return result;
}

/* Joins: who it is is asked while its name still means it. */
#define JOIN(name, parameters, arguments)                                      \
  FPOST_INTERPOSE int name parameters {                                        \
    if (FPOST_LIKELY(!fpost_races_on)) {                                       \
      return FPOST_BEHIND(name) arguments;                                     \
    }                                                                          \
    struct fpost_races_ticket ticket = fpost_races_find(thread);               \
    int error = FPOST_BEHIND(name) arguments;                                  \
    if (error == 0) {                                                          \
      fpost_races_joined(ticket);                                              \
    }                                                                          \
    return error;                                                              \
  }
JOIN(pthread_join, (pthread_t thread, void **result), (thread, result))
JOIN(pthread_tryjoin_np, (pthread_t thread, void **result), (thread, result))
JOIN(pthread_timedjoin_np,
     (pthread_t thread, void **result, const struct timespec *until),
     (thread, result, until))
JOIN(pthread_clockjoin_np,
     (pthread_t thread, void **result, clockid_t clock,
      const struct timespec *until),
     (thread, result, clock, until))
JOIN(thrd_join, (thrd_t thread, int *result), (thread, result))

#define DETACH(name, type)                                                     \
  FPOST_INTERPOSE int name(type thread) {                                      \
    if (FPOST_UNLIKELY(fpost_races_on)) {                                      \
      fpost_races_detached(fpost_races_find(thread));                          \
    }                                                                          \
    return FPOST_BEHIND(name)(thread);                                         \
  }
DETACH(pthread_detach, pthread_t)
DETACH(thrd_detach, thrd_t)

FPOST_INTERPOSE int pthread_setname_np(pthread_t thread, const char *name) {
  int error = FPOST_BEHIND(pthread_setname_np)(thread, name);
  if (FPOST_UNLIKELY(fpost_races_on) && error == 0) {
    fpost_races_named(thread, name);
  }
  return error;
}

/* ---- locks ---- */

/* Taken if 0, or if its owner died. */
#define LOCK(name, object, kind, parameters, arguments)                        \
  FPOST_INTERPOSE int name parameters {                                        \
    int error = FPOST_BEHIND(name) arguments;                                  \
    if (FPOST_UNLIKELY(fpost_races_on) &&                                      \
        (error == 0 || error == EOWNERDEAD)) {                                 \
      fpost_races_lock((object), FPOST_LOCK_##kind, FPOST_CALLER_PC,           \
                       FPOST_CALLER_CFA);                                      \
    }                                                                          \
    return error;                                                              \
  }
#define UNLOCK(name, object, parameters, arguments)                            \
  FPOST_INTERPOSE int name parameters {                                        \
    if (FPOST_UNLIKELY(fpost_races_on)) {                                      \
      fpost_races_unlock((object), FPOST_CALLER_PC);                           \
    }                                                                          \
    return FPOST_BEHIND(name) arguments;                                       \
  }

LOCK(pthread_mutex_lock, mutex, MUTEX, (pthread_mutex_t * mutex), (mutex))
LOCK(pthread_mutex_trylock, mutex, MUTEX, (pthread_mutex_t * mutex), (mutex))
LOCK(pthread_mutex_timedlock, mutex, MUTEX,
     (pthread_mutex_t * mutex, const struct timespec *until), (mutex, until))
LOCK(pthread_mutex_clocklock, mutex, MUTEX,
     (pthread_mutex_t * mutex, clockid_t clock, const struct timespec *until),
     (mutex, clock, until))
UNLOCK(pthread_mutex_unlock, mutex, (pthread_mutex_t * mutex), (mutex))

LOCK(pthread_rwlock_rdlock, lock, READ, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_rwlock_tryrdlock, lock, READ, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_rwlock_timedrdlock, lock, READ,
     (pthread_rwlock_t * lock, const struct timespec *until), (lock, until))
LOCK(pthread_rwlock_clockrdlock, lock, READ,
     (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
     (lock, clock, until))
LOCK(pthread_rwlock_wrlock, lock, WRITE, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_rwlock_trywrlock, lock, WRITE, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_rwlock_timedwrlock, lock, WRITE,
     (pthread_rwlock_t * lock, const struct timespec *until), (lock, until))
LOCK(pthread_rwlock_clockwrlock, lock, WRITE,
     (pthread_rwlock_t * lock, clockid_t clock, const struct timespec *until),
     (lock, clock, until))
UNLOCK(pthread_rwlock_unlock, lock, (pthread_rwlock_t * lock), (lock))

LOCK(pthread_spin_lock, lock, SPIN, (pthread_spinlock_t * lock), (lock))
LOCK(pthread_spin_trylock, lock, SPIN, (pthread_spinlock_t * lock), (lock))
UNLOCK(pthread_spin_unlock, lock, (pthread_spinlock_t * lock), (lock))

/* thrd_success is 0. */
LOCK(mtx_lock, mutex, C11, (mtx_t * mutex), (mutex))
LOCK(mtx_trylock, mutex, C11, (mtx_t * mutex), (mutex))
LOCK(mtx_timedlock, mutex, C11,
     (mtx_t *restrict mutex, const struct timespec *restrict until),
     (mutex, until))
UNLOCK(mtx_unlock, mutex, (mtx_t * mutex), (mutex))

/* A condition orders by its mutex, which is held again whatever the result. */
#define WAIT(name, kind, parameters, arguments)                                \
  FPOST_INTERPOSE int name parameters {                                        \
    if (FPOST_LIKELY(!fpost_races_on)) {                                       \
      return FPOST_BEHIND(name) arguments;                                     \
    }                                                                          \
    fpost_races_unlock(mutex, FPOST_CALLER_PC);                                \
    int error = FPOST_BEHIND(name) arguments;                                  \
    fpost_races_lock(mutex, FPOST_LOCK_##kind, FPOST_CALLER_PC,                \
                     FPOST_CALLER_CFA);                                        \
    return error;                                                              \
  }
WAIT(pthread_cond_wait, MUTEX,
     (pthread_cond_t * condition, pthread_mutex_t *mutex), (condition, mutex))
WAIT(pthread_cond_timedwait, MUTEX,
     (pthread_cond_t * condition, pthread_mutex_t *mutex,
      const struct timespec *until),
     (condition, mutex, until))
WAIT(pthread_cond_clockwait, MUTEX,
     (pthread_cond_t * condition, pthread_mutex_t *mutex, clockid_t clock,
      const struct timespec *until),
     (condition, mutex, clock, until))
WAIT(cnd_wait, C11, (cnd_t * condition, mtx_t *mutex), (condition, mutex))
WAIT(cnd_timedwait, C11,
     (cnd_t *restrict condition, mtx_t *restrict mutex,
      const struct timespec *restrict until),
     (condition, mutex, until))

/* ---- barriers, semaphores, once ---- */

FPOST_INTERPOSE int pthread_barrier_wait(pthread_barrier_t *barrier) {
  if (FPOST_LIKELY(!fpost_races_on)) {
    return FPOST_BEHIND(pthread_barrier_wait)(barrier);
  }
  fpost_races_release(barrier);
  int result = FPOST_BEHIND(pthread_barrier_wait)(barrier);
  fpost_races_acquire(barrier);
  return result;
}

FPOST_INTERPOSE int sem_post(sem_t *semaphore) {
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_release(semaphore);
  }
  return FPOST_BEHIND(sem_post)(semaphore);
}

#define SEM_WAIT(name, parameters, arguments)                                  \
  FPOST_INTERPOSE int name parameters {                                        \
    int result = FPOST_BEHIND(name) arguments;                                 \
    if (FPOST_UNLIKELY(fpost_races_on) && result == 0) {                       \
      fpost_races_acquire(semaphore);                                          \
    }                                                                          \
    return result;                                                             \
  }
SEM_WAIT(sem_wait, (sem_t * semaphore), (semaphore))
SEM_WAIT(sem_trywait, (sem_t * semaphore), (semaphore))
SEM_WAIT(sem_timedwait, (sem_t * semaphore, const struct timespec *until),
         (semaphore, until))
SEM_WAIT(sem_clockwait,
         (sem_t * semaphore, clockid_t clock, const struct timespec *until),
         (semaphore, clock, until))

/* The C library's short forms of read and write. */
FPOST_INTERPOSE int eventfd_read(int fd, eventfd_t *value) {
  int result = FPOST_BEHIND(eventfd_read)(fd, value);
  if (FPOST_UNLIKELY(fpost_races_on) && result == 0) {
    fpost_races_received(fd);
  }
  return result;
}

FPOST_INTERPOSE int eventfd_write(int fd, eventfd_t value) {
  if (FPOST_UNLIKELY(fpost_races_on)) {
    fpost_races_sent(fd);
  }
  return FPOST_BEHIND(eventfd_write)(fd, value);
}

/*
 * The initialisation has to release before the others get on, hence from
 * within. One may lie inside another.
 */
struct once {
  void (*run)(void);
  const void *control;
};
static __thread struct once once_now __attribute__((tls_model("initial-exec")));

static void once_run(void) {
  struct once mine = once_now;
  mine.run();
  fpost_races_release(mine.control);
}

FPOST_INTERPOSE int pthread_once(pthread_once_t *control, void (*run)(void)) {
  if (FPOST_LIKELY(!fpost_races_on)) {
    return FPOST_BEHIND(pthread_once)(control, run);
  }
  struct once outer = once_now;
  once_now = (struct once){run, control};
  int error = FPOST_BEHIND(pthread_once)(control, once_run);
  once_now = outer;
  fpost_races_acquire(control);
  return error;
}

FPOST_INTERPOSE void call_once(once_flag *control, void (*run)(void)) {
  if (FPOST_LIKELY(!fpost_races_on)) {
    FPOST_BEHIND(call_once)(control, run);
    return;
  }
  struct once outer = once_now;
  once_now = (struct once){run, control};
  FPOST_BEHIND(call_once)(control, once_run);
  once_now = outer;
  fpost_races_acquire(control);
}
