/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* clang-format off */
/*
 * Intent: a race is reported with both threads, by number, name and where they
 * were created, and with the locks that each of them held, where these were
 * taken; in all formats, of a checked run and of a recorded one alike. The fix
 * says which lock is missing, and where.
 *
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost check --only pm-data-race --json %t.json \
 * RUN:   --pool %t.pool -- %t other %t.pool > %t.txt
 * RUN: FileCheck --check-prefixes=ALL,OTHER %s < %t.txt
 * RUN: rm -f %t.pool %t.fpt && %fencepost record --races --pool %t.pool -o %t.fpt -- \
 * RUN:   %t other %t.pool
 * RUN: not %fencepost report --only pm-data-race %t.fpt \
 * RUN:   | FileCheck --check-prefixes=ALL,OTHER %s
 *
 * ALL:    store of 8 bytes to pool+0x40 {{.*}}race-report.c:[[#]] in put
 * ALL:    called from {{.*}}race-report.c:[[#]] in one
 * ALL-NEXT: by thread 1 'writer', created at {{.*}}race-report.c:[[#]] in main by the first thread
 * OTHER-NEXT: holding mutex at pool+0x0, taken at {{.*}}race-report.c:[[#]] in one
 * OTHER-NEXT: holding spin lock at 0x{{[0-9a-f]+}}, taken at {{.*}}race-report.c:[[#]] in one
 * READERS-NEXT: holding read-write lock at 0x{{[0-9a-f]+}} for reading, taken at {{.*}} in one
 * NONE-NEXT: holding no lock
 * ALL-NEXT: races with, in another thread
 * ALL-NEXT: store of 8 bytes to pool+0x40 {{.*}}race-report.c:[[#]] in put
 * ALL:    called from {{.*}}race-report.c:[[#]] in two
 * ALL-NEXT: by thread 2 'late', created at {{.*}}race-report.c:[[#]] in main by the first thread
 * OTHER-NEXT: holding mutex (C11) at 0x{{[0-9a-f]+}}, taken at {{.*}} in two
 * READERS-NEXT: holding read-write lock at 0x{{[0-9a-f]+}} for reading, taken at {{.*}} in two
 * NONE-NEXT: holding no lock
 * OTHER-NEXT: fix: hold the mutex (C11) at 0x{{[0-9a-f]+}} (taken at {{.*}} in two) at {{.*}}race-report.c:[[#]] (called from {{.*}}race-report.c:[[#]]) too
 * READERS-NEXT: fix: take the read-write lock at 0x{{[0-9a-f]+}} (taken at {{.*}}) for writing where both store
 * NONE-NEXT: fix: hold one lock at
 *
 * RUN: FileCheck --check-prefix=JSON %s < %t.json
 * JSON: "store": {
 * JSON: "thread": {
 * JSON-NEXT: "number": 1,
 * JSON-NEXT: "name": "writer",
 * JSON-NEXT: "creator": 0,
 * JSON-NEXT: "created": {
 * JSON: "locks": [
 * JSON: "kind": "mutex",
 * JSON-NEXT: "pool": "{{.*}}.pool",
 * JSON-NEXT: "offset": 0,
 * JSON-NEXT: "taken": {
 * JSON: "kind": "spin lock",
 * JSON-NEXT: "address": {{[1-9][0-9]*}},
 * JSON: "missing": {
 * JSON: "number": 2,
 * JSON-NEXT: "name": "late",
 * JSON-NEXT: "creator": 0,
 * JSON: "kind": "mutex (C11)",
 * JSON: "schedule": "seen"
 *
 * What was read back from JSON says the same.
 *
 * RUN: not %fencepost report %t.json | sed 's/^==[0-9]*==//' > %t.again
 * RUN: sed 's/^==[0-9]*==//' %t.txt | diff - %t.again
 *
 * One flow per thread; the page has it, too.
 *
 * RUN: not %fencepost report --format sarif %t.json | FileCheck --check-prefix=SARIF %s
 * SARIF: "threadFlows"
 * SARIF: by thread 1 'writer', created at
 * SARIF: "id":"1"
 * SARIF: another thread stores to it here\nby thread 2
 * SARIF: "id":"2"
 * RUN: not %fencepost report --format html %t.json | FileCheck --check-prefix=HTML %s
 * HTML: by thread 1 'writer', created at
 *
 * RUN: rm -f %t.pool && not %fencepost check --only pm-data-race --pool %t.pool -- \
 * RUN:   %t readers %t.pool | FileCheck --check-prefixes=ALL,READERS %s
 * RUN: rm -f %t.pool && not %fencepost check --only pm-data-race --pool %t.pool -- \
 * RUN:   %t none %t.pool | FileCheck --check-prefixes=ALL,NONE %s
 */
/* clang-format on */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <pthread.h>
#include <threads.h>
#include <time.h>

struct pool {
  PM_ALIGNED pthread_mutex_t mutex;
  PM_ALIGNED uint64_t value;
};

static struct pool *pool;
static const char *kind;
static pthread_spinlock_t spin;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static mtx_t mtx;
static pthread_mutex_t released = PTHREAD_MUTEX_INITIALIZER;
/* Its position counts what thread two waits for: an order that nobody sees. */
static int counter;

static int is(const char *name) {
  return strcmp(kind, name) == 0;
}

static void put(uint64_t value) {
  pool->value = value;
  pm_persist(&pool->value, sizeof pool->value);
}

static void *one(void *argument) {
  pthread_setname_np(pthread_self(), "writer");
  /* A lock that is not held any more is not of interest. */
  pthread_mutex_lock(&released);
  if (is("other")) {
    pthread_mutex_lock(&pool->mutex);
    pthread_mutex_unlock(&released);
    pthread_spin_lock(&spin);
    put(1);
    pthread_spin_unlock(&spin);
    pthread_mutex_unlock(&pool->mutex);
  } else if (is("readers")) {
    pthread_rwlock_rdlock(&rwlock);
    pthread_mutex_unlock(&released);
    put(1);
    pthread_rwlock_unlock(&rwlock);
  } else {
    pthread_mutex_unlock(&released);
    put(1);
  }
  lseek(counter, 1, SEEK_CUR);
  return argument;
}

static void *two(void *argument) {
  struct timespec moment = {0, 1000000};
  while (lseek(counter, 0, SEEK_CUR) < 2)
    nanosleep(&moment, NULL);
  if (is("other"))
    mtx_lock(&mtx);
  if (is("readers"))
    pthread_rwlock_rdlock(&rwlock);
  put(2);
  if (is("readers"))
    pthread_rwlock_unlock(&rwlock);
  if (is("other"))
    mtx_unlock(&mtx);
  return argument;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  if (pm_is_check(argc, argv))
    return 0;
  kind = argv[1];
  pool = pm_map(argv[2]);
  counter = open(argv[0], O_RDONLY);
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  mtx_init(&mtx, mtx_plain);
  pthread_create(&threads[0], NULL, one, NULL);
  while (lseek(counter, 0, SEEK_CUR) < 1)
    usleep(1000); /* it is thread 1 */
  pthread_create(&threads[1], NULL, two, NULL);
  pthread_setname_np(threads[1], "late");
  lseek(counter, 1, SEEK_CUR);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
