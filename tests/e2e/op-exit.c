/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --only lost-operation,not-failure-atomic --pool %t.pool --trace %t.1.fpt --op update --observe stdout --recover '%t check %t.pool' -- %t exit %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --only lost-operation,not-failure-atomic --pool %t.pool --trace %t.2.fpt --op update --observe stdout --apply '%t apply %t.pool' --recover '%t check %t.pool' -- %t other %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --only lost-operation,not-failure-atomic --pool %t.pool --trace %t.4.fpt --op update --observe stdout --recover '%t check %t.pool' -- %t thread %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost crash --only lost-operation,not-failure-atomic --pool %t.pool --trace %t.3.fpt --op update --observe stdout --recover '%t check %t.pool' -- %t return %t.pool | FileCheck --check-prefix=LOST %s
 *
 * Intent: an operation that the end of the run or of its thread cuts short has
 * not returned: a crash may take it, whichever thread ended the run. One that
 * did return is lost.
 *
 * CHECK: 0 errors, 0 warnings{{.*}} cover all
 * LOST: ERROR: fencepost: lost-operation
 */
#include "Inputs/pm.h"

#include <pthread.h>

static uint64_t *value;
static pthread_barrier_t barrier;

__attribute__((noinline)) static void update(uint64_t to, char how) {
  *value = to;
  if (how == 'e')
    exit(0);
  if (how == 't')
    pthread_exit(NULL);
  if (how == 'o') {
    pthread_barrier_wait(&barrier);
    pause();
  }
  if (how != 'r')
    pm_persist(value, 8);
}

static void *run(void *how) {
  update(2, *(const char *)how);
  return NULL;
}

int main(int argc, char **argv) {
  int check = pm_is_check(argc, argv);
  unsigned long to;
  pthread_t thread;
  value = pm_map(argv[2]);
  if (check) {
    printf("%lu\n", *value);
    return 0;
  }
  if (argv[1][0] == 'a') {
    while (scanf(" update(to=%lu%*[^\n]", &to) == 1)
      update(to, 'a');
    return 0;
  }
  update(1, 'a');
  if (argv[1][0] != 'o' && argv[1][0] != 't') {
    update(2, argv[1][0]);
    return 0;
  }
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, run, argv[1]);
  if (argv[1][0] == 't')
    pthread_join(thread, NULL);
  else
    pthread_barrier_wait(&barrier);
  exit(0);
}
