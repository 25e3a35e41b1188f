/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -pthread -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --db %t.a.fpdb --timeout 0.5 --recover '%t loop %t.pool' | FileCheck --check-prefix=LOOP %s
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --recover '%t kill %t.pool' | FileCheck --check-prefix=KILL %s
 * RUN: %fencepost explore %t.fpt --db %t.c.fpdb --recover '%t children %t.pool' | FileCheck --check-prefix=CHILDREN %s
 * RUN: %fencepost explore %t.fpt --db %t.d.fpdb --recover '%t close %t.pool' | FileCheck --check-prefix=CLOSE %s
 * RUN: not %fencepost explore %t.fpt --db %t.e.fpdb --recover '%t write %t.pool' | FileCheck --check-prefix=WRITE %s
 * RUN: not %fencepost explore %t.fpt --db %t.f.fpdb --recover '%t eat %t.pool' | FileCheck --check-prefix=EAT %s
 * RUN: %fencepost explore %t.fpt --db %t.g.fpdb --recover '%t threads %t.pool' | FileCheck --check-prefix=THREADS %s
 * RUN: not %fencepost explore %t.fpt --db %t.h.fpdb --recover '%t handler %t.pool' | FileCheck --check-prefix=HANDLER %s
 * RUN: %fencepost explore %t.fpt --db %t.i.fpdb --recover '%t fault %t.pool' | FileCheck --check-prefix=FAULT %s
 * RUN: not %fencepost explore %t.fpt --db %t.j.fpdb -j 2 --timeout 0.5 --recover '%t stop %t.pool' | FileCheck --check-prefix=KILL %s
 * RUN: not %fencepost explore %t.fpt --db %t.k.fpdb -j 2 --recover '%t group %t.pool' | FileCheck --check-prefix=KILL %s
 * RUN: not %fencepost explore %t.fpt --db %t.l.fpdb -j 2 --timeout 0.5 --recover '%t bomb %t.pool' | FileCheck --check-prefix=BOMB %s
 * RUN: %fencepost explore %t.fpt --db %t.m.fpdb --recover '%t reader %t.pool' --json %t.json | FileCheck --check-prefix=READER %s
 * RUN: FileCheck --check-prefix=JSON %s < %t.json
 * RUN: %python %S/Inputs/left.py %t
 *
 * Intent: a recovery that hangs, kills or stops its parent, leaves children
 * behind, closes all descriptors, writes or allocates without end, or starts
 * threads does not harm the exploration; and its own handler of SIGSEGV works.
 * What the processes that it makes read is not explored, and that is said.
 *
 * LOOP: recovery did not end within 0.5 seconds
 * KILL: recovery killed the process that had started it
 * CHILDREN: note: recovery left processes behind, which were killed
 * CHILDREN: 0 errors
 * CHILDREN-SAME: not all of
 * CHILDREN-SAME: processes that recovery makes decide one state only
 * BOMB: recovery did not end within 0.5 seconds
 * BOMB: note: recovery left processes behind, which were killed
 * READER-NOT: note:
 * READER: 0 errors
 * READER-SAME: processes that recovery makes decide one state only
 * JSON: "complete": false
 * CLOSE: 0 errors, 0 warnings; 2 crash points, 3 runs cover all
 * WRITE: recovery died: SIGXFSZ
 * EAT: recovery exited with 12
 * THREADS: not all of {{.*}} recovery has threads
 * HANDLER: recovery exited with 7
 * FAULT: 0 errors, 0 warnings; 2 crash points, 3 runs cover all
 */
#include "Inputs/pm.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

static sigjmp_buf back;
static char block[1 << 20];

static void on_fault(int number) {
  (void)number;
  siglongjmp(back, 1);
}

static void *reader(void *pm) {
  return (void *)(uintptr_t) * (volatile uint64_t *)pm;
}

static int threads(void *pm) {
  pthread_t thread;
  void *result;

  return pthread_create(&thread, NULL, reader, pm) ||
         pthread_join(thread, &result) || (uintptr_t)result > 1;
}

/* A real fault is seen by the program's handler, before and after reads of PM.
 */
static int handler(volatile uint64_t *pm, int code) {
  int *volatile nowhere = NULL;

  signal(SIGSEGV, on_fault);
  if (sigsetjmp(back, 1) == 0)
    *(volatile int *)nowhere = 1;
  else
    return pm[0] <= 1 ? code : 1;
  return 2;
}

/* They leave the process group, and live for ever. */
static void children(int count) {
  for (int i = 0; i < count; i++)
    if (fork() == 0) {
      setsid();
      for (;;)
        pause();
    }
  usleep(1000);
}

static int child_reads(volatile uint64_t *pm) {
  int status = 1;
  pid_t child = fork();

  if (child == 0)
    _exit(pm[0] > 1);
  return waitpid(child, &status, 0) != child || status != 0;
}

static void eat(void) {
  for (;;) {
    volatile char *volatile memory = malloc((size_t)1 << 28);

    if (memory == NULL)
      _exit(12);
    memory[0] = 1;
  }
}

static char block[1 << 20];

int main(int argc, char **argv) {
  const char *what = argv[1];

  if (argc != 3)
    return 2;
  if (strcmp(what, "close") == 0)
    closefrom(3);
  volatile uint64_t *pm = pm_map(argv[2]);
  if (strcmp(what, "run") == 0) {
    pm[0] = 1;
    pm_persist((const void *)pm, 8);
    return 0;
  }
  uint64_t value =
      strcmp(what, "threads") == 0 || strcmp(what, "reader") == 0 ? 0 : pm[0];
  if (strcmp(what, "loop") == 0)
    for (;;)
      pause();
  if (strcmp(what, "kill") == 0)
    kill(getppid(), SIGKILL);
  if (strcmp(what, "stop") == 0)
    kill(getppid(), SIGSTOP);
  if (strcmp(what, "group") == 0)
    kill(-getpgid(getppid()), SIGTERM);
  if (strcmp(what, "children") == 0)
    children(3);
  while (strcmp(what, "bomb") == 0)
    children(1);
  if (strcmp(what, "write") == 0)
    for (;;)
      if (write(1, block, sizeof block) < 0)
        return 1;
  if (strcmp(what, "eat") == 0)
    eat();
  if (strcmp(what, "reader") == 0)
    return child_reads(pm);
  if (strcmp(what, "threads") == 0)
    return threads((void *)pm);
  if (strcmp(what, "handler") == 0)
    return handler(pm, 7);
  if (strcmp(what, "fault") == 0)
    return handler(pm, 0);
  return value > 1;
}
