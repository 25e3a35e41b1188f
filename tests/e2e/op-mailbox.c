/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -pthread %s -o %t
 * RUN: %fencepost-clang -g -O1 -pthread -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && not %fencepost crash --pool %t.pool --trace %t.fpt --observe stdout --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && %fencepost crash --pool %t.pool --trace %t.f.fpt --observe stdout --recover '%t.fixed check %t.pool' -- %t.fixed run %t.pool | FileCheck --check-prefix=GOOD %s
 *
 * Intent: two senders put letters into one mailbox, under a lock. Who sends
 * persists the letter, and leaves it to the next one to persist how many there
 * are: a letter that was sent is gone.
 *
 * CHECK: ERROR: fencepost: lost-operation
 * CHECK-NEXT: in operation send(letter {{[0-9]+}} of {{[ab]}})
 * CHECK: store of 8 bytes to pool+0x0 {{.*}}op-mailbox.c:[[#]] in send
 * CHECK: recovery found a state from before the operation
 * CHECK: SUMMARY: {{.*}} cover all
 * GOOD: 0 errors, 0 warnings{{.*}} cover all
 */
#include "Inputs/pm.h"

#include "fencepost/fencepost.h"

#include <pthread.h>

#define SLOTS 16

struct mailbox {
  PM_ALIGNED uint64_t sent;
  struct {
    PM_ALIGNED char text[64];
  } letters[SLOTS];
};

static struct mailbox *mailbox;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void send(char who, int number) {
  pthread_mutex_lock(&lock);
  fencepost_op_begin("send(letter %d of %c)", number, who);
#ifndef FIXED
  pm_persist(&mailbox->sent, 8);
#endif
  char *text = mailbox->letters[mailbox->sent % SLOTS].text;
  snprintf(text, 64, "%c%d", who, number);
  pm_persist(text, 64);
  mailbox->sent++;
#ifdef FIXED
  pm_persist(&mailbox->sent, 8);
#endif
  fencepost_op_end();
  pthread_mutex_unlock(&lock);
}

static void *sender(void *name) {
  for (int i = 0; i < 3; i++)
    send(*(char *)name, i);
  return NULL;
}

int main(int argc, char **argv) {
  char names[] = "ab";
  pthread_t threads[2];
  int is_check = pm_is_check(argc, argv);

  mailbox = pm_map(argv[2]);
  if (is_check) {
    for (uint64_t i = 0; i < mailbox->sent; i++)
      printf("%s\n", mailbox->letters[i % SLOTS].text);
    return 0;
  }
  for (int i = 0; i < 2; i++)
    pthread_create(&threads[i], NULL, sender, &names[i]);
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  pm_persist(&mailbox->sent, 8);
  return 0;
}
