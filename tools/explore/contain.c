/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/contain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where the kernel has no pidfd, a program's end is looked for so often. */
#define WAIT_MS 5
#define WAIT_MAX_MS 1000
/* Children of the caller that are not ours to kill; it has one or two. */
#define OTHERS_MAX 64u

/* What the process in between says, in memory that both share. */
struct shared {
  pid_t run;
  int status;
  uint32_t orphans;
  uint32_t done;
};

struct children {
  pid_t pids[OTHERS_MAX];
  uint32_t count;
};

static uint64_t clock_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The first children of this process; as many as fit. */
static struct children children_list(void) {
  struct children list = {.count = 0};
  char text[OTHERS_MAX * 8];
  int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) {
    (void)close(fd);
  }
  text[got > 0 ? got : 0] = '\0';
  char *at = text;
  while (list.count < OTHERS_MAX) {
    char *end = at;
    long pid = strtol(at, &end, 10);
    if (end == at || *end == '\0') {
      break; /* each number is followed by a space: this one may be cut off */
    }
    list.pids[list.count++] = (pid_t)pid;
    at = end;
  }
  return list;
}

static bool among(const struct children *list, pid_t pid) {
  for (uint32_t i = 0; i < list->count; i++) {
    if (list->pids[i] == pid) {
      return true;
    }
  }
  return false;
}

/* Kill all children but `others`, and what these leave to us in turn. Returns
   whether there were any besides `run`. */
static bool children_kill(const struct children *others, pid_t run) {
  bool any = false;
  for (;;) {
    struct children list = children_list();
    uint32_t killed = 0;
    for (uint32_t i = 0; i < list.count; i++) {
      if (!among(others, list.pids[i])) {
        (void)kill(list.pids[i], SIGKILL);
        any = any || list.pids[i] != run;
        killed++;
      }
    }
    for (uint32_t i = 0; i < list.count; i++) {
      if (!among(others, list.pids[i])) {
        (void)waitpid(list.pids[i], NULL, 0);
      }
    }
    if (killed == 0) {
      return any;
    }
  }
}

static _Noreturn void between(void (*start)(const void *argument),
                              const void *argument, struct shared *shared) {
  (void)setpgid(0, 0);
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  pid_t pid = fork();
  if (pid == 0) {
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (__atomic_load_n(&shared->run, __ATOMIC_ACQUIRE) == 0) {
      (void)sched_yield(); /* who it is must be known before it does harm */
    }
    start(argument);
    _exit(127);
  }
  if (pid > 0) {
    (void)setpgid(pid, pid);
    __atomic_store_n(&shared->run, pid, __ATOMIC_RELEASE);
    while (waitpid(pid, &shared->status, 0) < 0 && errno == EINTR) {
    }
    (void)kill(-pid, SIGKILL);
    const struct children none = {.count = 0};
    shared->orphans = children_kill(&none, pid);
    __atomic_store_n(&shared->done, 1, __ATOMIC_RELEASE);
  }
  _exit(0);
}

/* Wait for the child. Returns false if the time is over before. */
static bool wait_end(pid_t pid, uint64_t timeout_ms) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  uint64_t start = clock_ms();
  bool late = false;
  bool ended = false;
  while (!ended && !late) {
    uint64_t passed = clock_ms() - start;
    uint64_t left = timeout_ms > passed ? timeout_ms - passed : 0;
    late = timeout_ms != 0 && left == 0;
    if (!late) {
      struct pollfd wait = {.fd = fd, .events = POLLIN};
      int step = left == 0 || left > WAIT_MAX_MS ? WAIT_MAX_MS : (int)left;
      (void)poll(&wait, fd >= 0, fd >= 0 ? step : WAIT_MS);
      ended = waitpid(pid, NULL, WNOHANG) == pid;
    }
  }
  if (fd >= 0) {
    (void)close(fd);
  }
  return ended;
}

int explore_contain(void (*start)(const void *argument), const void *argument,
                    uint64_t timeout_ms, struct explore_contained *end) {
  *end = (struct explore_contained){.status = 0};
  struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    return FPOST_ENOMEM;
  }
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
  const struct children others = children_list();
  pid_t pid = fork();
  if (pid == 0) {
    between(start, argument, shared);
  }
  int err = pid < 0 ? FPOST_ENOMEM : FPOST_OK;
  if (pid > 0) {
    bool ended = wait_end(pid, timeout_ms);
    pid_t run = __atomic_load_n(&shared->run, __ATOMIC_ACQUIRE);
    bool done = ended && __atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) != 0;
    if (!done && run > 0) {
      (void)kill(-run, SIGKILL);
    }
    if (!ended) {
      (void)kill(pid, SIGKILL);
      (void)waitpid(pid, NULL, 0);
    }
    /* What the process in between had no time to kill, if it was killed. */
    bool orphans = !done && children_kill(&others, run);
    *end =
        (struct explore_contained){.status = shared->status,
                                   .late = !ended,
                                   .escaped = ended && !done && run > 0,
                                   .orphans = orphans || shared->orphans != 0};
    err = ended && run == 0 ? FPOST_ENOMEM : FPOST_OK;
  }
  (void)munmap(shared, sizeof *shared);
  return err;
}
