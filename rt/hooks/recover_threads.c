/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/recover_threads.h"

#include "rt/hooks/recover.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/single_threaded.h>

/* Threads that are being created at a time. */
#define TICKETS_MAX 64u

struct ticket {
  atomic_bool taken;
  struct fpost_races_start start;
};

static struct ticket tickets[TICKETS_MAX];
static _Atomic uint32_t alive;
static atomic_bool uncounted;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool keyed;

/* The value is the round of destructors: in the last one the program's own have
   had their chance to do something more. */
static void gone(void *value) {
  uintptr_t round = (uintptr_t)value;
  if (round < PTHREAD_DESTRUCTOR_ITERATIONS &&
      pthread_setspecific(key, (void *)(round + 1)) == 0) {
    return;
  }
  atomic_fetch_sub(&alive, 1);
}

static void key_make(void) {
  keyed = pthread_key_create(&key, gone) == 0;
}

bool fpost_recover_threads_counted(void) {
  return fpost_recover_on;
}

void *fpost_recover_thread_create(struct fpost_races_start start) {
  (void)pthread_once(&once, key_make);
  for (uint32_t i = 0; keyed && i < TICKETS_MAX; i++) {
    if (!atomic_exchange(&tickets[i].taken, true)) {
      tickets[i].start = start;
      atomic_fetch_add(&alive, 1);
      return &tickets[i];
    }
  }
  atomic_store(&uncounted, true);
  return NULL;
}

void fpost_recover_thread_not_created(void *ticket) {
  struct ticket *taken = ticket;
  atomic_store(&taken->taken, false);
  atomic_fetch_sub(&alive, 1);
}

struct fpost_races_start fpost_recover_thread_run(void *ticket) {
  struct ticket *taken = ticket;
  struct fpost_races_start start = taken->start;
  atomic_store(&taken->taken, false);
  if (pthread_setspecific(key, (void *)1) != 0) {
    atomic_store(&uncounted, true);
  }
  return start;
}

bool fpost_recover_threads_alive(void) {
  return !__libc_single_threaded &&
         (atomic_load(&uncounted) || atomic_load(&alive) != 0);
}
