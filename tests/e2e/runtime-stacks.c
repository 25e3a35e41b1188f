/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -pthread
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 *
 * Intent: stacks are right on stacks that are not the thread's: a coroutine's,
 * a signal's; after longjmp; and in many short-lived threads that reuse memory.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include "Inputs/pm.h"

static uint64_t *pm;
static ucontext_t back;
static ucontext_t coroutine;
static jmp_buf jump;

static void in_coroutine(void) {
  for (int i = 0; i < 3; i++) {
    /* CHECK-DAG: +0x40 {{.*}}runtime-stacks.c:[[#@LINE+2]] in in_coroutine
     */
    pm[8] = (uint64_t)i;
    swapcontext(&coroutine, &back);
  }
}

static void in_handler(int number) {
  (void)number;
  /* CHECK-DAG: +0x80 {{.*}}runtime-stacks.c:[[#@LINE+2]] in in_handler
   */
  pm[16] = 1;
}

__attribute__((noinline)) static void in_depth(int n) {
  if (n == 0)
    longjmp(jump, 1);
  pm[24] = (uint64_t)n;
  pm_persist(&pm[24], 8);
  in_depth(n - 1);
  pm[24] = 0;
}

static void *in_thread(void *unused) {
  /* CHECK-DAG: +0x100 {{.*}}runtime-stacks.c:[[#@LINE+2]] in in_thread
   */
  pm[32]++;
  pm_persist(&pm[40], 8);
  return unused;
}

int main(int argc, char **argv) {
  stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
  struct sigaction action = {.sa_handler = in_handler, .sa_flags = SA_ONSTACK};

  pm = pm_map(argv[argc - 1]);
  getcontext(&coroutine);
  coroutine.uc_stack.ss_sp = malloc(65536);
  coroutine.uc_stack.ss_size = 65536;
  coroutine.uc_link = &back;
  makecontext(&coroutine, in_coroutine, 0);
  for (int i = 0; i < 3; i++)
    swapcontext(&back, &coroutine);

  sigaltstack(&other, NULL);
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  raise(SIGUSR1);

  if (setjmp(jump) == 0)
    in_depth(40);
  /* CHECK-DAG: +0x1c0 {{.*}}runtime-stacks.c:[[#@LINE+2]] in main
   */
  pm[56] = 1;

  for (int i = 0; i < 300; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, in_thread, NULL) ||
        pthread_join(thread, NULL))
      return 3;
  }
  return 0;
}
