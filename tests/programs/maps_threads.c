/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The maps, used by several threads:
 *
 *   maps_threads MAP LOCK THREADS COUNT POOL
 *
 * makes POOL with an empty map and has THREADS threads do COUNT random puts,
 * removals and look-ups in all. LOCK protects the map: mutex or rwlock, those
 * of POSIX; pmutex or prwlock, libpmemobj's, in the pool; or txlock,
 * libpmemobj's mutex, which a transaction around each step takes. At the end
 * the map is verified.
 *
 * -DBUG: one thread after the other, each with a mutex of its own.
 *
 * Exit code: 0; 1 if the map is broken; 2 for usage or environment.
 */
#include "maps.h"

#include "stopwatch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 64u
#define POOL_SIZE_DEFAULT ((size_t)8 << 20)
#define POOL_BYTES_PER_KEY 1024u

struct locked_root {
  struct maps_root maps; /* first: what the maps take for the root */
  PMEMmutex mutex;
  PMEMrwlock rwlock;
};

static PMEMobjpool *pool;
static struct locked_root *root;
static const struct map *map;
static uint64_t steps; /* of each thread */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

int map_broken(const char *name, const char *what, uint64_t key) {
  fprintf(stderr, "%s: %s: %" PRIu64 "\n", name, what, key);
  return -1;
}

/* One random step: two of four put, one removes, one looks up. */
static void step(uint64_t dice) {
  uint64_t key = map_mix(dice % (steps + 16));
  uint64_t value;
  switch (dice >> 62) {
  case 0:
  case 1:
    if (map->put(pool, key, dice) < 0) {
      fprintf(stderr, "maps_threads: put: %s\n", pmemobj_errormsg());
      exit(2);
    }
    break;
  case 2:
    (void)map->remove(pool, key);
    break;
  default:
    (void)map->get(pool, key, &value);
    break;
  }
}

static bool only_reads(uint64_t dice) {
  return dice >> 62 == 3;
}

#ifdef BUG
/* They do not meet, so that the map stays whole; nothing says that. */
static pthread_mutex_t own[THREADS_MAX];
static __thread uint64_t me;

static void with_mutex(uint64_t dice) {
  pthread_mutex_lock(&own[me]);
  step(dice);
  pthread_mutex_unlock(&own[me]);
}
#else
static void with_mutex(uint64_t dice) {
  pthread_mutex_lock(&mutex);
  step(dice);
  pthread_mutex_unlock(&mutex);
}
#endif

static void with_rwlock(uint64_t dice) {
  if (only_reads(dice)) {
    pthread_rwlock_rdlock(&rwlock);
  } else {
    pthread_rwlock_wrlock(&rwlock);
  }
  step(dice);
  pthread_rwlock_unlock(&rwlock);
}

static void with_pmutex(uint64_t dice) {
  pmemobj_mutex_lock(pool, &root->mutex);
  step(dice);
  pmemobj_mutex_unlock(pool, &root->mutex);
}

static void with_prwlock(uint64_t dice) {
  if (only_reads(dice)) {
    pmemobj_rwlock_rdlock(pool, &root->rwlock);
  } else {
    pmemobj_rwlock_wrlock(pool, &root->rwlock);
  }
  step(dice);
  pmemobj_rwlock_unlock(pool, &root->rwlock);
}

static void with_txlock(uint64_t dice) {
  TX_BEGIN_PARAM(pool, TX_PARAM_MUTEX, &root->mutex, TX_PARAM_NONE) {
    step(dice);
  }
  TX_END
}

static const struct {
  const char *name;
  void (*step)(uint64_t dice);
} locks[] = {{"mutex", with_mutex},
             {"rwlock", with_rwlock},
             {"pmutex", with_pmutex},
             {"prwlock", with_prwlock},
             {"txlock", with_txlock}};
#define LOCKS_COUNT (sizeof(locks) / sizeof(locks[0]))

static size_t lock; /* index in locks */

static void *work(void *argument) {
  uint64_t state = (uintptr_t)argument;
#ifdef BUG
  me = state - 1;
  usleep((useconds_t)me * 500000);
#endif
  for (uint64_t i = 0; i < steps; i++) {
    state = map_mix(state);
    locks[lock].step(state);
  }
  return NULL;
}

static int run(uint64_t threads_count) {
  pthread_t threads[THREADS_MAX];
  struct map_summary summary;
  uint64_t start = stopwatch_wall();
  for (uintptr_t i = 0; i < threads_count; i++) {
    if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)) != 0) {
      return 2;
    }
  }
  for (uint64_t i = 0; i < threads_count; i++) {
    pthread_join(threads[i], NULL);
  }
  stopwatch_print(stopwatch_wall() - start, steps * threads_count);
  return map->check(pool, &summary) < 0 ? 1 : 0;
}

int main(int argc, char **argv) {
  static const struct map *const maps[] = {&bst_map, &kv_map, &btree_map};
  for (size_t i = 0; argc == 6 && i < sizeof(maps) / sizeof(maps[0]); i++) {
    map = strcmp(argv[1], maps[i]->name) == 0 ? maps[i] : map;
  }
  while (argc == 6 && lock < LOCKS_COUNT &&
         strcmp(argv[2], locks[lock].name) != 0) {
    lock++;
  }
  uint64_t threads = argc == 6 ? strtoull(argv[3], NULL, 10) : 0;
  if (map == NULL || lock == LOCKS_COUNT || threads == 0 ||
      threads > THREADS_MAX) {
    fputs(
        "usage: maps_threads bst|kv|btree mutex|rwlock|pmutex|prwlock|txlock "
        "THREADS COUNT POOL\n",
        stderr);
    return 2;
  }
  uint64_t count = strtoull(argv[4], NULL, 10);
  steps = count / threads;
  pool = pmemobj_create(argv[5], POBJ_LAYOUT_NAME(maps),
                        POOL_SIZE_DEFAULT + count * POOL_BYTES_PER_KEY, 0600);
  if (pool == NULL) {
    fprintf(stderr, "maps_threads: %s: %s\n", argv[5], pmemobj_errormsg());
    return 2;
  }
  root = pmemobj_direct(pmemobj_root(pool, sizeof(*root)));
  TX_BEGIN(pool) {
    map->create(pool);
  }
  TX_END
  int result = run(threads);
  pmemobj_close(pool);
  return result;
}
