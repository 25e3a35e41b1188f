/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t && rm -f %t.pool
 * RUN: not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -pthread -DFIXED %s -o %t && rm -f %t.pool
 * RUN: %fencepost check --fail-on performance --pool %t.pool -- %t %t.pool
 *
 * Intent: a queue of jobs in a pool, filled by two threads. A job names what is
 * to be done by its number; the bug: by addresses of this process, which mean
 * nothing to the one that takes the job after a crash.
 *
 * CHECK-DAG: store of 8 bytes to pool+{{.*}} in put_code
 * CHECK-DAG: store of 8 bytes to pool+{{.*}} in put_argument
 * CHECK: SUMMARY: fencepost: 2 errors, 0 warnings
 */
#include "Inputs/pm.h"

#include <pthread.h>

typedef void (*work_fn)(void *);

struct job {
  PM_ALIGNED uint64_t kind;
  work_fn code;
  void *argument;
};

struct queue {
  struct job jobs[2][8];
};

static struct queue *queue;

static void nothing(void *argument) {
  (void)argument;
}

__attribute__((noinline)) static void put_code(struct job *job) {
#ifdef FIXED
  job->kind = 1;
#else
  job->code = nothing;
#endif
}

__attribute__((noinline)) static void put_argument(struct job *job,
                                                   void *argument) {
#ifdef FIXED
  memcpy(&job->argument, argument, 4);
#else
  job->argument = argument;
#endif
}

static void *fill(void *own) {
  struct job *jobs = queue->jobs[*(int *)own];
  for (int i = 0; i < 8; i++) {
    put_code(&jobs[i]);
    put_argument(&jobs[i], own);
    pm_persist(&jobs[i], sizeof jobs[i]);
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[2];
  int numbers[2] = {0, 1};
  if (argc != 2)
    return 2;
  queue = pm_map(argv[1]);
  for (int i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, fill, &numbers[i]);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
