/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpthread -o %t
 * RUN: not %fencepost check -- %t > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DGUARDED %s -lpthread -o %t
 * RUN: %fencepost check -- %t
 * RUN: env FENCEPOST_OPTIONS=valgrind=1 not %fencepost check -- %t > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpthread -o %t
 * RUN: %fencepost check --fail-on performance -- %t
 *
 * Intent: pmemcheck's client requests about transactions, of a thread and with
 * a number for several threads, are transactions here too. A thread may be in
 * several; as many ends as begins end one for all threads; what is asked of one
 * that is not there, or by a thread that is not in it, is refused. Programs
 * that make requests on valgrind alone can be told that they are.
 *
 * CHECK-DAG: store of 8 bytes {{.*}} in forgets
 * CHECK-DAG: store of 8 bytes {{.*}} in removed
 * CHECK-DAG: store of 8 bytes {{.*}} in joined
 * CHECK-DAG: store of 8 bytes {{.*}} in outer_alone
 * CHECK: SUMMARY: fencepost: 4 errors, 0 warnings
 */
#include <pthread.h>
#include <stdint.h>

/* As <valgrind/valgrind.h> spells a request. */
static uint64_t client(uint64_t code, uint64_t a, uint64_t b, uint64_t c) {
  volatile uint64_t words[6] = {code, a, b, c};
  volatile uint64_t result;
  __asm__ volatile(
      "rolq $3,  %%rdi ; rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi ; rolq $51, %%rdi\n\t"
      "xchgq %%rbx,%%rbx"
      : "=d"(result)
      : "a"(&words[0]), "0"(0)
      : "cc", "memory");
  return result;
}

static uint64_t request(uint64_t code, uint64_t a, uint64_t b, uint64_t c) {
  return client(0x50430000 + code, a, b, c);
}

enum {
  REGISTER = 0,
  FLUSH = 5,
  FENCE = 6,
  START = 18,
  START_N,
  END,
  END_N,
  ADD,
  ADD_N,
  REMOVE,
  REMOVE_N,
  JOIN_N,
  LEAVE_N,
  IGNORE
};

static _Alignas(64) uint64_t pm[1024];

__attribute__((noinline)) static void store(uint64_t *word) {
  *word = 1;
  request(FLUSH, (uint64_t)word, 8, 0);
  request(FENCE, 0, 0, 0);
}

static void forgets(void) {
#ifndef FIXED
  pm[8] = 1;
  request(FLUSH, (uint64_t)&pm[8], 8, 0);
  request(FENCE, 0, 0, 0);
#endif
}

static void removed(void) {
  pm[16] = 1;
  request(FLUSH, (uint64_t)&pm[16], 8, 0);
  request(FENCE, 0, 0, 0);
}

/* Shares transaction 5. */
static void *joined(void *unused) {
  request(JOIN_N, 5, 0, 0);
  store(&pm[32]);
#ifndef FIXED
  pm[40] = 1;
  request(FLUSH, (uint64_t)&pm[40], 8, 0);
  request(FENCE, 0, 0, 0);
#endif
  request(LEAVE_N, 5, 0, 0);
  store(&pm[40]);
  return unused;
}

static void outer_alone(void) {
#ifndef FIXED
  pm[88] = 1; /* in the inner one, which is over */
  request(FLUSH, (uint64_t)&pm[88], 8, 0);
  request(FENCE, 0, 0, 0);
#endif
}

/* Two at a time, the inner one begun twice. */
static int two(void) {
  request(START_N, 6, 0, 0);
  request(ADD_N, 6, (uint64_t)&pm[80], 8);
  request(START_N, 7, 0, 0);
  request(START_N, 7, 0, 0);
  request(ADD_N, 7, (uint64_t)&pm[88], 8);
  request(END_N, 7, 0, 0);
  store(&pm[88]);
  store(&pm[80]);
  if (request(ADD_N, 8, (uint64_t)pm, 8) != 1 || request(END_N, 8, 0, 0) != 1 ||
      request(END, 0, 0, 0) != 1 || request(END_N, 7, 0, 0) != 0)
    return 0;
  store(&pm[80]);
  outer_alone();
  request(END_N, 6, 0, 0);
  store(&pm[96]);
  return 1;
}

static pthread_barrier_t barrier;

/* Does not leave transaction 9, which ends without it. */
static void *stays(void *answer) {
  *(uint64_t *)answer = request(ADD_N, 9, (uint64_t)&pm[104], 8);
  request(JOIN_N, 9, 0, 0);
  store(&pm[104]);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  store(&pm[112]);
  return answer;
}

static int ended(void) {
  uint64_t answer = 0;
  pthread_t thread;

  pthread_barrier_init(&barrier, 0, 2);
  request(START_N, 9, 0, 0);
  request(ADD_N, 9, (uint64_t)&pm[104], 8);
  pthread_create(&thread, 0, stays, &answer);
  pthread_barrier_wait(&barrier);
  request(END_N, 9, 0, 0);
  pthread_barrier_wait(&barrier);
  pthread_join(thread, 0);
  return answer == 2;
}

int main(void) {
  pthread_t thread;

  request(REGISTER, (uint64_t)pm, sizeof pm, 0);
#ifdef GUARDED
  if (client(0x1001, 0, 0, 0) == 0) /* RUNNING_ON_VALGRIND */
    return 0;
#endif
  request(IGNORE, (uint64_t)&pm[64], 8, 0);
  request(START, 0, 0, 0);
  request(ADD, (uint64_t)pm, 8, 0);
  store(&pm[0]);
  store(&pm[64]);
  forgets();
  request(ADD, (uint64_t)&pm[16], 8, 0);
#ifndef FIXED
  request(REMOVE, (uint64_t)&pm[16], 8, 0);
#endif
  removed();
  request(END, 0, 0, 0);
  store(&pm[24]);

  request(START_N, 5, 0, 0);
  request(ADD_N, 5, (uint64_t)&pm[32], 8);
  pthread_create(&thread, 0, joined, 0);
  pthread_join(thread, 0);
  store(&pm[32]);
  request(END_N, 5, 0, 0);
  store(&pm[48]);
  return two() && ended() ? 0 : 3;
}
