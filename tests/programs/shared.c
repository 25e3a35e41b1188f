/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 *   shared COUNT POOL     two threads put COUNT keys each into one hash table
 * in PM, with a lock per bucket, and look up three times as many; prints the
 * time of one operation
 */
#include "stopwatch.h"

#include <libpmem.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE ((size_t)64 << 20)
#define BUCKETS 65536u
#define SLOTS 16u
#define LOCKS 256u
#define THREADS 2u
#define LOOKUPS 3u

struct bucket {
  uint64_t count;
  uint64_t keys[SLOTS];
  uint64_t values[SLOTS];
};

static struct bucket *buckets;
static pthread_mutex_t locks[LOCKS];
static uint64_t count;

static uint64_t bucket_of(uint64_t key) {
  return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 48;
}

static void put(uint64_t key, uint64_t value) {
  uint64_t number = bucket_of(key);
  struct bucket *bucket = &buckets[number];
  pthread_mutex_lock(&locks[number % LOCKS]);
  uint64_t at = bucket->count % SLOTS;
  bucket->keys[at] = key;
  bucket->values[at] = value;
  pmem_flush(&bucket->keys[at], sizeof(uint64_t));
  pmem_persist(&bucket->values[at], sizeof(uint64_t));
  bucket->count++;
  pmem_persist(&bucket->count, sizeof(bucket->count));
  pthread_mutex_unlock(&locks[number % LOCKS]);
}

static uint64_t get(uint64_t key) {
  uint64_t number = bucket_of(key);
  struct bucket *bucket = &buckets[number];
  uint64_t value = 0;
  pthread_mutex_lock(&locks[number % LOCKS]);
  for (uint64_t i = 0; i < SLOTS && i < bucket->count; i++) {
    if (bucket->keys[i] == key) {
      value = bucket->values[i];
    }
  }
  pthread_mutex_unlock(&locks[number % LOCKS]);
  return value;
}

static void *work(void *argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument + 1;
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t key = stopwatch_random(&state);
    put(key, i);
    for (unsigned j = 0; j < LOOKUPS; j++) {
      sum += get(key + j);
    }
  }
  return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: shared COUNT POOL\n", stderr);
    return 2;
  }
  count = strtoull(argv[1], NULL, 10);
  size_t size;
  int is_pmem;
  buckets = pmem_map_file(argv[2], POOL_SIZE, PMEM_FILE_CREATE, 0600, &size,
                          &is_pmem);
  if (buckets == NULL || !is_pmem) {
    fprintf(stderr, "shared: %s: %s\n", argv[2],
            buckets == NULL ? pmem_errormsg()
                            : "not PM: set PMEM_IS_PMEM_FORCE");
    return 2;
  }
  for (unsigned i = 0; i < LOCKS; i++) {
    pthread_mutex_init(&locks[i], NULL);
  }
  pmem_memset_persist(buckets, 0, POOL_SIZE);
  pthread_t threads[THREADS];
  uint64_t start = stopwatch_now();
  for (uintptr_t i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
      fputs("shared: cannot create a thread\n", stderr);
      return 2;
    }
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  stopwatch_print(stopwatch_now() - start, THREADS * count * (1 + LOOKUPS));
  return 0;
}
