/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -pthread -o %t
 * RUN: rm -f %t.pool && %fencepost crash --trace %t.fpt --pool %t.pool --recover '%t check %t.pool' -- %t run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: each thread copies its name into a slot of its own; whether the slot
 * is used is seen from the name, which a crash may leave in part. A word of its
 * own, stored behind a fence, says that it is whole.
 *
 * CHECK: WARNING: fencepost: persistency-race
 * CHECK-NEXT: store of 24 bytes to pool+0x{{[0-9a-f]+}} {{.*}}persistency-race-slots.c:[[#]] in worker
 * CHECK: 0 errors, {{[12]}} warning{{s?}}; {{.*}} cover all of
 * GOOD: SUMMARY: fencepost: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include <pthread.h>

enum { THREADS = 2, NAME = 24 };

struct slot {
  PM_ALIGNED char name[NAME];
  uint64_t used;
};
static struct slot *slots;

static void *worker(void *argument) {
  struct slot *slot = argument;
  char name[NAME] = "";

  snprintf(name, sizeof name, "the worker of slot %d", (int)(slot - slots));
  memcpy(slot->name, name, sizeof name);
#ifdef FIXED
  pm_persist(slot->name, sizeof slot->name);
  slot->used = 1;
#endif
  pm_persist(slot, sizeof *slot);
  return NULL;
}

static int check(void) {
  for (int i = 0; i < THREADS; i++) {
#ifdef FIXED
    int used = slots[i].used != 0;
#else
    int used = slots[i].name[0] != '\0';
#endif
    int letters = 0;
    for (int j = 0; j < NAME && used; j++)
      letters += slots[i].name[j] != '\0';
    if (letters > NAME - 1)
      return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int is_check = pm_is_check(argc, argv);

  slots = pm_map(argv[2]);
  if (is_check)
    return check();
  for (int i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, worker, &slots[i]);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  return 0;
}
