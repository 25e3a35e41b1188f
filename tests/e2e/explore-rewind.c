/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t -lm -lpthread
 * RUN: rm -f %t.pool %t.pool.runs %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.1.fpdb --recover '%t check %t.pool' | FileCheck %s
 * RUN: %t report %t.pool | FileCheck --check-prefix=%rewind %s
 * RUN: rm %t.pool.runs
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.2.fpdb --fork-runs --recover '%t check %t.pool' | FileCheck %s
 * RUN: %t report %t.pool | FileCheck --check-prefix=FORKED %s
 * RUN: rm %t.pool.runs
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.3.fpdb --recover '%t fail %t.pool' | FileCheck --check-prefix=FAIL %s
 *
 * Intent: runs that share a process see nothing of each other. Each looks at
 * all state that it can look at, then changes one thing: what is taken back, or
 * what makes the process end. Runs that change only what can be taken back do
 * share a process, and with --fork-runs none does.
 *
 * CHECK: SUMMARY: fencepost: 0 errors
 * SHARED: at most {{([8-9]|[1-9][0-9]+)}} runs in a process, bad: 0
 * FORKED: at most 1 runs in a process, bad: 0
 * A run that fails shares its process with none that follows.
 * FAIL: recovery exited with 3
 * FAIL-NOT: exited with {{[^3]}}
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUNDS 2
#define BITS 9

/* Shared by all runs, and by nothing else. */
static struct runs {
  int pid;
  unsigned in_process;
  unsigned most;
  int bad; /* what a run has found */
  int running;
  uintptr_t mapped; /* by the first run of the process that maps something */
} * runs;

static int data = 5;
static int page_of_data[4096] = {1};
static char zeros[3 * 65536] __attribute__((aligned(4096)));
static char *heap;
static __thread int of_thread = 3;
static unsigned at_exit;
static int free_fd;
static void *break_was;
static char *top; /* of the heap */

__attribute__((constructor)) static void prepare(int argc, char **argv) {
  char path[4096];

  if (argc != 3 || strcmp(argv[1], "run") == 0)
    return;
  snprintf(path, sizeof path, "%s.runs", argv[2]);
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, sizeof *runs) != 0)
    exit(2);
  runs = mmap(NULL, sizeof *runs, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  heap = calloc(1, 10000);
  free_fd = dup(0);
  close(free_fd);
  top = sbrk(4096);
  memset(top, 7, 4096);
  break_was = sbrk(0);
}

static void leave(void) {
  at_exit++;
}

static void *thread(void *argument) {
  return argument;
}

static void handler(int number) {
  (void)number;
}

/* Deep enough for pages that the stack did not have. */
static unsigned deep(unsigned depth) {
  volatile char frame[8192];

  frame[0] = (char)depth;
  return depth == 0 ? 0 : deep(depth - 1) + (unsigned)frame[0] * 0;
}

/* By calls that change nothing: the number of what is not as at the start. */
static int changed(void) {
  char status[8192] = "";
  char where[4096];
  int fd = open("/proc/self/status", O_RDONLY);
  ssize_t got = read(fd, status, sizeof status - 1);
  int next = fd;

  close(fd);
  for (size_t i = 0; i < sizeof zeros; i += 512)
    if (zeros[i] != 0)
      return 10;
  for (size_t i = 0; i < 10000; i++)
    if (heap[i] != 0)
      return 11;
  if (data != 5 || page_of_data[4095] != 0 || of_thread != 3 || at_exit != 0)
    return 12;
  if (getenv("REWIND") != NULL || fegetround() != FE_TONEAREST ||
      (_mm_getcsr() & 0xffc0) != 0x1f80)
    return 13;
  if (got <= 0 || strstr(status, "Threads:\t1\n") == NULL ||
      strstr(status, "SigBlk:\t0000000000000000\n") == NULL ||
      strstr(status, "Name:\trenamed\n") != NULL ||
      strstr(status, "VmLck:\t       0 kB\n") == NULL ||
      strstr(status, "Umask:\t0077\n") != NULL)
    return 14;
  if (getcwd(where, sizeof where) == NULL || strcmp(where, "/") == 0)
    return 15;
  if (next != free_fd || fcntl(200, F_GETFD) != -1)
    return 16;
  return sbrk(0) == break_was && top[4095] == 7 ? 0 : 17;
}

/* What a process that goes on takes back. */
static int change_memory(unsigned kind) {
  uint8_t *mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (runs->mapped != 0 && runs->mapped != (uintptr_t)mapped)
    return 18; /* something is where it was */
  runs->mapped = (uintptr_t)mapped;
  memset(mapped, 1, 1 << 20);
  memset(heap, (int)kind, 10000);
  memset(zeros + kind * 4096, 1, 8192);
  data = 6;
  page_of_data[4095] = 1;
  of_thread++;
  (void)deep(kind * 10);
  switch (kind) {
  case 2: /* left open, one of them */
    if (open("/dev/zero", O_RDONLY) < 0 ||
        close(open("/dev/null", O_RDONLY)) != 0)
      return 30;
    break;
  case 3: { /* the break */
    char *more = sbrk(1 << 20);
    memset(more, 1, 1 << 20);
    break;
  }
  case 4:
    fesetround(FE_UPWARD);
    break;
  case 5: /* small and large blocks, not freed */
    for (size_t size = 16; size < (1 << 22); size *= 2)
      memset(malloc(size), 1, size);
    break;
  case 6:
    setenv("REWIND", "1", 1);
    atexit(leave);
    break;
  case 7: { /* a hole in what it has mapped, and another mapping there */
    char *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at + 8192, 4096);
    mmap(at + 8192, 4096, PROT_READ, MAP_SHARED | MAP_FIXED,
         open("/dev/zero", O_RDONLY), 0);
    mprotect(at, 4096, PROT_NONE);
    break;
  }
  default:
    break;
  }
  return 0;
}

/* What ends with the process: 0, or 40 and up if it had been done before. */
static int change_process(unsigned kind) {
  struct sigaction action = {.sa_handler = handler};
  struct sigaction old = {0};
  struct rlimit limit;
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  stack_t old_stack = {0};
  pthread_t id;
  sigset_t set;

  switch (kind) {
  case 0:
    sigaction(SIGUSR1, &action, &old);
    return old.sa_handler == SIG_DFL ? 0 : 40;
  case 1:
    return chdir("/");
  case 2:
    umask(077);
    return 0;
  case 3:
    return pthread_create(&id, NULL, thread, NULL) || pthread_join(id, NULL);
  case 4:
    return alarm(1000) == 0 ? 0 : 41;
  case 5:
    sigfillset(&set);
    return sigprocmask(SIG_BLOCK, &set, NULL);
  case 6:
    return prctl(PR_SET_NAME, "renamed");
  case 7:
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == 123)
      return 42;
    limit.rlim_cur = 123;
    return setrlimit(RLIMIT_NOFILE, &limit);
  case 8:
    sigaltstack(&stack, &old_stack);
    return (old_stack.ss_flags & SS_DISABLE) != 0 ? 0 : 43;
  case 9: /* over a descriptor that was there */
    return dup2(open("/dev/null", O_RDONLY), 0) == 0 ? 0 : 44;
  case 10:
    return dup2(1, 200) == 200 ? 0 : 45;
  case 11:
    return mlock(heap, 4096) != 0 && errno != ENOMEM && errno != EPERM;
  case 12: /* memory that was there */
    return munmap(zeros + 65536, 4096);
  case 13:
    return mprotect(zeros + 65536, 4096, PROT_READ);
  case 14:
    return sbrk(-4096) == (void *)-1;
  case 15:
    memset(mmap(zeros + 65536, 4096, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
           0, 4096);
    return 0;
  case 16: { /* a child */
    int status = 1;
    pid_t child = fork();
    if (child == 0)
      _exit(0);
    return waitpid(child, &status, 0) != child || status != 0;
  }
  case 17:
    return sigaction(SIGSYS, NULL, &old) != 0 || old.sa_handler != SIG_DFL;
  case 18:
    runs->running = 0;
    _exit(0);
  default:
    return change_memory(7);
  }
}

static int check(volatile uint8_t *pm, bool fail) {
  unsigned kind = 0;
  int bad = 0;

  if (runs->pid != getpid()) {
    runs->pid = getpid();
    runs->in_process = 0;
    runs->mapped = 0;
  }
  if (++runs->in_process > runs->most)
    runs->most = runs->in_process;
  bad = runs->running ? 19 : 0; /* the last one died */
  runs->running = 1;
  bad = bad != 0 ? bad : changed();
  for (unsigned i = 0; bad == 0 && i < BITS; i++) /* the last varies first */
    kind = kind << 1 | pm[64 + i * 64];
  /* Seven runs that can be taken back, then one that perhaps cannot; all that
     twice. */
  if (bad == 0)
    bad = kind % 8 != 7 ? change_memory(kind % 8) : change_process(kind / 16);
  runs->bad = bad != 0 ? bad : runs->bad;
  runs->running = 0;
  return bad != 0 ? bad : fail && kind == 1 ? 3 : 0;
}

int main(int argc, char **argv) {
  if (errno != 0) /* as in any program */
    return 4;
  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "report") == 0) {
    printf("at most %u runs in a process, bad: %d\n", runs->most, runs->bad);
    return 0;
  }
  volatile uint8_t *pm = pm_map(argv[2]);
  if (strcmp(argv[1], "run") != 0)
    return check(pm, strcmp(argv[1], "fail") == 0);
  for (uint8_t round = 1; round <= ROUNDS; round++) {
    for (unsigned i = 0; i < BITS; i++)
      pm[64 + i * 64] = 1;
    pm_persist((const void *)(uintptr_t)pm, 64 * (BITS + 1));
    pm[0] = round;
    for (unsigned i = 0; i < BITS; i++)
      pm[64 + i * 64] = 0;
    pm_persist((const void *)(uintptr_t)pm, 64 * (BITS + 1));
  }
  return 0;
}
