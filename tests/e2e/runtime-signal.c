/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool
 *
 * Intent: a timer's handler stores to PM while the program does so too, and
 * hits hooks at work: no deadlock, and no access of the handler is lost.
 */
#include "Inputs/pm.h"

#include <signal.h>
#include <sys/time.h>

static uint64_t *pm;
static volatile sig_atomic_t signals;

static void on_signal(int number) {
  (void)number;
  /* CHECK: ERROR: fencepost: missing-flush
   * CHECK: runtime-signal.c:[[#@LINE+2]] in on_signal
   */
  pm[64 + 8 * (signals % 16)] = (uint64_t)signals;
#ifdef FIXED
  pm_persist(&pm[64 + 8 * (signals % 16)], 8);
#endif
  signals++;
}

int main(int argc, char **argv) {
  struct itimerval often = {{0, 200}, {0, 200}};
  struct itimerval never = {{0, 0}, {0, 0}};

  pm = pm_map(argv[argc - 1]);
  signal(SIGALRM, on_signal);
  setitimer(ITIMER_REAL, &often, NULL);
  for (uint64_t i = 0; signals < 200; i++) {
    pm[i % 64] = i;
    pm_persist(&pm[i % 64], 8);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  return 0;
}
/* CHECK-NOT: store of {{.*}} in main
 * CHECK: SUMMARY: fencepost: {{[1-9][0-9]*}} error
 */
