/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The fork server: waits for a request of the explorer, forks a run, waits for
 * it, logs it, and lets the walk (rt/model/choice.h) say what the next run is
 * to do. A run that takes itself back (recover_rewind.c) does the same in the
 * server's place.
 *
 * All system calls are made directly: the functions of libc are interposed
 * here, and the server must leave no trace in the state that runs inherit.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover.h"

#include "rt/base/assert.h"
#include "rt/hooks/context.h"
#include "rt/hooks/flags.h"
#include "rt/hooks/hooks.h"
#include "rt/hooks/recover_heap.h"
#include "rt/hooks/recover_rewind.h"
#include "rt/hooks/recover_run.h"
#include "rt/hooks/unwind.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool fpost_recover_on;
struct fpost_run fpost_run __attribute__((aligned(4096)));

/* Output of runs that may stay in its file, bytes. */
#define OUTPUT_KEPT 65536
/* So many runs in one process pay for making it one that can be taken back. If
   fewer come of it, the next so many runs are forked: 2, 4 ... */
#define REWIND_WORTH 4u
#define REWIND_LOSSES_MAX 6u

/* Scratch of the server's walk; runs have their own copy by fork. */
static uint8_t walk_values[FPOST_CHOICE_VALUES_MAX][64];

extern pid_t _Fork(void);
/* There if the program is built with AddressSanitizer. */
extern void __asan_init(void) __attribute__((weak));
/* ThreadSanitizer. */
extern void __tsan_init(void) __attribute__((weak));

void fpost_run_say(const char *text) {
  (void)syscall(SYS_write, 2, text, strlen(text));
}

static _Noreturn void refuse(const char *text) {
  fpost_run_say("fencepost: recover mode: ");
  fpost_run_say(text);
  fpost_run_say("; `fencepost explore` starts recovery programs\n");
  syscall(SYS_exit_group, 2);
  __builtin_unreachable();
}

void fpost_run_flag(uint32_t flag) {
  __atomic_fetch_or(&fpost_run.plan->run_flags, flag, __ATOMIC_RELAXED);
}

_Noreturn void fpost_run_overflow(void) {
  fpost_run.plan->run_over = 1;
  syscall(SYS_exit_group, 2);
  __builtin_unreachable();
}

bool fpost_run_threads(void) {
  if (__libc_single_threaded) {
    return false;
  }
  fpost_run_flag(FPOST_RUN_THREADS);
  return true;
}

/* Taken again by a handler of a signal that came while it was held. */
static _Thread_local uint32_t lock_depth
    __attribute__((tls_model("initial-exec")));

void fpost_run_lock(void) {
  if (lock_depth++ != 0 || __libc_single_threaded) {
    return;
  }
  while (__atomic_exchange_n(&fpost_run.lock, 1, __ATOMIC_ACQUIRE) != 0) {
    (void)syscall(SYS_sched_yield);
  }
}

void fpost_run_unlock(void) {
  FPOST_ASSERT(lock_depth != 0);
  if (--lock_depth == 0) {
    __atomic_store_n(&fpost_run.lock, 0, __ATOMIC_RELEASE);
  }
}

static void *map(uint64_t size, int prot, int flags, int fd) {
  long at = syscall(SYS_mmap, NULL, size, prot, flags, fd, 0L);
  return at == -1 ? NULL : (void *)at;
}

/* Not inlined: the head is large, and runs copy the pages of the stack that
   they have in common with the server. */
static __attribute__((noinline)) struct fpost_plan *attach(const char *text) {
  char *end = NULL;
  long fd = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || fd < 0) {
    refuse("recover= names no plan");
  }
  struct fpost_plan head;
  if (syscall(SYS_pread64, fd, &head, offsetof(struct fpost_plan, choices_at),
              0L) != (long)offsetof(struct fpost_plan, choices_at) ||
      head.magic != FPOST_PLAN_MAGIC) {
    refuse("recover= is not the descriptor of a plan");
  }
  if (head.version != FPOST_PLAN_VERSION ||
      head.header_size != sizeof(struct fpost_plan)) {
    refuse(
        "the recovery program was built with another version of the runtime "
        "than this explorer's: build it again");
  }
  struct fpost_plan *plan = map(head.size, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_NORESERVE, (int)fd);
  if (plan == NULL) {
    refuse("cannot map the plan");
  }
  (void)syscall(SYS_close, fd);
  return plan;
}

static void *reserve(uint64_t size) {
  void *at = map(size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  if (at == NULL) {
    refuse("no address space for the state of a run");
  }
  return at;
}

static void run_tables(struct fpost_plan *plan) {
  fpost_run.plan = plan;
  fpost_run.units = fpost_plan_table(plan, plan->units_at);
  fpost_run.links = fpost_plan_table(plan, plan->links_at);
  fpost_run.steps = fpost_plan_table(plan, plan->steps_at);
  fpost_run.list = (struct fpost_choice_list){
      .choices = fpost_plan_table(plan, plan->choices_at),
      .max = FPOST_PLAN_CHOICES_MAX,
      .joints = fpost_plan_joints(plan)};
  fpost_run.lazies =
      reserve(FPOST_PLAN_UNITS_MAX * (uint64_t)sizeof(struct fpost_lazy));
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    struct fpost_plan_pool *pool = &plan->pools[i];
    fpost_run.views[i] =
        (struct fpost_view){.pool = pool,
                            .lines = fpost_plan_table(plan, pool->lines),
                            .pages = fpost_plan_table(plan, pool->pages),
                            .settled = reserve(pool->pages_count * 2 + 1),
                            .copy = -1};
  }
  fpost_names_prepare();
}

/* End with the parent, which may have ended before it could be said. */
static void end_with(int32_t parent) {
  (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (syscall(SYS_getppid) != parent) {
    syscall(SYS_exit_group, 2);
  }
}

/* Bounds that every run inherits. */
static void limit_runs(const struct fpost_plan *plan) {
  end_with(plan->explorer);
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
  struct rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  uint64_t data = FPOST_PLAN_DATA_MAX;
  for (uint32_t i = 0; i < plan->pool_count; i++) {
    data += 2 * plan->pools[i].pages_count * FPOST_RUN_PAGE;
  }
  data += FPOST_PLAN_UNITS_MAX * (uint64_t)sizeof(struct fpost_lazy);
  /* The shadow of a sanitizer alone is larger than any limit. */
  if (__asan_init == NULL && __tsan_init == NULL) {
    struct rlimit limit = {data, data};
    (void)setrlimit(RLIMIT_DATA, &limit);
  }
  struct rlimit file = {plan->output_max, plan->output_max};
  (void)setrlimit(RLIMIT_FSIZE, &file);
  /* If memory runs out, it is a run that has to go. */
  long score = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
                       O_WRONLY | O_CLOEXEC, 0);
  (void)syscall(SYS_write, score, "1000", 4);
  (void)syscall(SYS_close, score);
  long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
  if (null > 0) {
    (void)syscall(SYS_dup3, null, 0, 0);
    (void)syscall(SYS_close, null);
  }
  (void)syscall(SYS_dup3, plan->output, 1, 0);
  (void)syscall(SYS_dup3, plan->output, 2, 0);
  if (plan->output > 2) {
    (void)syscall(SYS_close, plan->output);
  }
}

/* Decide all units before anything runs. */
static void read_everything(void) {
  struct fpost_site nowhere = {0, 0};
  for (uint32_t i = 0; i < fpost_run.plan->pool_count; i++) {
    struct fpost_view *view = &fpost_run.views[i];
    if (fpost_view_home(view) && view->size != 0) {
      fpost_view_read(view, 0, view->size, nowhere);
    }
  }
}

/* Code that would be run by exit after the handlers of atexit. */
extern void (*const __fini_array_start[])(int);
extern void (*const __fini_array_end[])(int);

static int count_foreign(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  const char *name = info->dlpi_name;
  bool system = *name == '\0' || fpost_is_system_library(name) ||
                strncmp(name, "linux-", 6) == 0;
  *(uint32_t *)data += !system;
  return 0;
}

/*
 * The last handler of exit, before the destructors of shared libraries: those
 * of the system's release what ends with the process anyway, and touching them
 * would take longer than a typical run. Programs and libraries with destructors
 * of their own, and sanitizers, exit as ever. (The compiler's own fini function
 * is one.)
 */
static void end_quickly(int status, void *unused) {
  (void)unused;
  if (fpost_recover_on && status == 0) {
    fpost_recover_heap_end();
  }
  if (fpost_recover_on && fpost_run.quick) {
    (void)fflush(NULL);
    if (status == 0) {
      fpost_rewind_back();
    }
    syscall(SYS_exit_group, status);
  }
}

static void decide_quick(void) {
  uint32_t foreign = 0;
  (void)dl_iterate_phdr(count_foreign, &foreign);
  fpost_run.quick = foreign == 0 && __asan_init == NULL &&
                    __tsan_init == NULL &&
                    __fini_array_end - __fini_array_start <= 1;
}

/*
 * After the loader has registered the destructors of libraries, and before the
 * program's own constructors register anything.
 */
__attribute__((constructor(101))) static void watch_end(void) {
  if (fpost_context.run == FPOST_RUN_RECOVER) {
    (void)on_exit(end_quickly, NULL);
  }
}

static void run_begin(void) {
  struct fpost_plan *plan = fpost_run.plan;
  fpost_run.list.count = plan->prefix_count;
  fpost_run.rule = plan->rule;
  for (uint32_t i = 0; i < plan->prefix_count; i++) {
    const struct fpost_choice *choice = &fpost_run.list.choices[i];
    fpost_choice_apply(choice, &fpost_run.lazies[choice->unit]);
    if (choice->joint != 0 && choice->alternative == 0) {
      fpost_joint_begin(choice);
    }
  }
  if (plan->rule == FPOST_CHOICE_EVERY) {
    read_everything();
  }
  fpost_run.stacks = plan->request == FPOST_PLAN_ONE;
  fpost_run.audit = fpost_run.stacks && plan->audit != 0;
  fpost_recover_on = true;
  if (fpost_run.stacks) {
    fpost_fault_watch_deaths();
  }
}

/* Everything that the run left behind. Returns whether there was anything. */
static bool kill_orphans(pid_t run) {
  int status = 0;
  long pid = syscall(SYS_wait4, -1, &status, WNOHANG | __WALL, NULL);
  if (pid < 0) {
    return false;
  }
  do {
    (void)syscall(SYS_kill, -run, SIGKILL);
    char text[4096];
    long fd = syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/children",
                      O_RDONLY | O_CLOEXEC, 0);
    long got = fd < 0 ? 0 : syscall(SYS_read, fd, text, sizeof text - 1);
    (void)syscall(SYS_close, fd);
    text[got > 0 ? got : 0] = '\0';
    char *at = text;
    for (long child = strtol(at, &at, 10); child > 0;
         child = strtol(at, &at, 10)) {
      (void)syscall(SYS_kill, child, SIGKILL);
    }
    pid = syscall(SYS_wait4, -1, &status, __WALL, NULL);
    while (pid > 0) { /* all that have died already */
      pid = syscall(SYS_wait4, -1, &status, WNOHANG | __WALL, NULL);
    }
  } while (pid >= 0 || errno == EINTR);
  return true;
}

static void outcome(const struct fpost_plan *plan, int status,
                    struct fpost_plan_run *run) {
  if (plan->run_over != 0) {
    run->outcome = FPOST_OUTCOME_OVERFLOW;
  } else if (plan->timed_out == (uint32_t)plan->runs) {
    run->outcome = FPOST_OUTCOME_TIMEOUT;
  } else if (WIFSIGNALED(status)) {
    run->outcome = FPOST_OUTCOME_SIGNAL;
    run->value = (uint32_t)WTERMSIG(status);
  } else {
    run->outcome = FPOST_OUTCOME_EXIT;
    run->value = (uint32_t)WEXITSTATUS(status);
  }
}

static void log_run(struct fpost_plan *plan, struct fpost_plan_run run,
                    uint32_t kept) {
  run.kept = kept;
  run.added = plan->choices_count - kept;
  run.flags = plan->run_flags;
  uint8_t *log = fpost_plan_table(plan, plan->log_at);
  memcpy(log + plan->log_used, &run, sizeof run);
  plan->log_used += sizeof run;
  size_t size = run.added * sizeof(struct fpost_choice);
  memcpy(log + plan->log_used, fpost_run.list.choices + kept, size);
  plan->log_used += size;
  plan->log_runs++;
}

/* The next run writes over what the last one said; it is given an empty file
   only if somebody will read it, or if it has become large. */
static void drop_output(const struct fpost_plan *plan) {
  if (plan->request == FPOST_PLAN_ONE || plan->output_size > OUTPUT_KEPT) {
    (void)syscall(SYS_ftruncate, 1, 0L);
  }
  (void)syscall(SYS_lseek, 1, 0L, SEEK_SET);
}

/* ---- the walk: what is known between runs lies in the plan, because a process
   that takes its run back goes on with it ---- */

static void run_prepare(struct fpost_plan *plan) {
  drop_output(plan);
  fpost_observe_begin();
  plan->prefix_count = plan->choices_count;
  plan->run_flags = 0;
  plan->run_over = 0;
  plan->solving = 0;
  plan->fault.count = 0;
  plan->collision.words = 0;
  plan->heap_count = 0;
  __atomic_add_fetch(&plan->runs, 1, __ATOMIC_RELEASE);
}

/* Log how the run has ended. */
static void run_finish(struct fpost_plan *plan, struct fpost_plan_run *run) {
  plan->output_size = (uint64_t)syscall(SYS_lseek, 1, 0L, SEEK_CUR);
  if (plan->output_size > 0) {
    plan->run_flags |= FPOST_RUN_OUTPUT;
  }
  run->observed = fpost_observe_hash();
  run->heap_count = plan->heap_count;
  memcpy(run->heap, plan->heap, sizeof run->heap);
  log_run(plan, *run, plan->kept);
}

/* Turn the choices of the run into those of the next. False: there is none. */
static bool walk_next(struct fpost_plan *plan,
                      const struct fpost_plan_run *run) {
  bool bad = run->outcome != FPOST_OUTCOME_EXIT || run->value != 0;
  uint32_t most = run->outcome == FPOST_OUTCOME_TIMEOUT ? FPOST_ALIKE_SLOW_RUNS
                                                        : FPOST_ALIKE_RUNS;
  fpost_alike_varied(&plan->alikes, plan->varied);
  fpost_alike_varied(&plan->goods, plan->varied);
  if (!bad) {
    most = FPOST_ALIKE_GOOD_RUNS;
  }
  uint64_t how =
      bad ? (uint64_t)run->outcome << 32 | run->value : run->observed;
  bool more = (plan->stops != 0 &&
               fpost_alike_ended(bad ? &plan->alikes : &plan->goods, how, most,
                                 &fpost_run.list, fpost_run.units,
                                 fpost_run.steps, walk_values)) ||
              fpost_choice_next(&fpost_run.list, plan->fixed, fpost_run.units,
                                fpost_run.steps, walk_values);
  plan->varied = fpost_run.list.varied;
  return more;
}

static void walk_begin(struct fpost_plan *plan) {
  plan->kept = 0;
  plan->log_used = 0;
  plan->log_runs = 0;
  plan->complete = 0;
  plan->walking = 1;
  plan->working = 1;
}

/* Is another run to be done now? Else the walk has ended. */
static bool walk_goes_on(struct fpost_plan *plan) {
  const uint64_t room =
      sizeof(struct fpost_plan_run) +
      FPOST_PLAN_CHOICES_MAX * (uint64_t)sizeof(struct fpost_choice);
  plan->walking = plan->walking != 0 && plan->log_runs < plan->runs_max &&
                  plan->log_used + room <= FPOST_PLAN_LOG_MAX;
  return plan->walking != 0;
}

/* The run has ended like this: log it, and find the next. */
static void walk_step(struct fpost_plan *plan, struct fpost_plan_run *run) {
  run_finish(plan, run);
  if (plan->request == FPOST_PLAN_ONE) {
    plan->walking = 0;
    return;
  }
  fpost_run.list.count = plan->choices_count;
  if (plan->run_over != 0 || !walk_next(plan, run)) {
    plan->complete = plan->run_over == 0;
    plan->walking = 0;
    return;
  }
  plan->choices_count = fpost_run.list.count;
  plan->kept = fpost_run.list.varied;
}

static void wake(uint32_t *word) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void answer(struct fpost_plan *plan) {
  plan->working = 0;
  __atomic_store_n(&plan->answered, plan->asked, __ATOMIC_RELEASE);
  wake(&plan->answered);
}

static void wait_for_request(struct fpost_plan *plan) {
  uint32_t asked = plan->answered;
  while (__atomic_load_n(&plan->asked, __ATOMIC_ACQUIRE) == asked) {
    (void)syscall(SYS_futex, &plan->asked, FUTEX_WAIT, asked, NULL, NULL, 0);
  }
}

/* ---- runs ---- */

/* Has the explorer cut off, or is it about to, a run of the process that does
   the present one? Then that process may be killed at any moment. */
static bool cut_off(const struct fpost_plan *plan) {
  uint32_t run = __atomic_load_n(&plan->timed_out, __ATOMIC_SEQ_CST);
  return run - (uint32_t)plan->first <= (uint32_t)(plan->runs - plan->first);
}

/* What the explorer may kill: this process in a run, and nothing between. */
static void run_is(struct fpost_plan *plan, bool under_way) {
  int32_t pid = under_way ? (int32_t)syscall(SYS_getpid) : 0;
  __atomic_store_n(&plan->run_pid, pid, __ATOMIC_SEQ_CST);
}

/* In a run that was taken back: what the server would do, up to the next run
   of a walk. All else is left to the server. */
static void go_on(struct fpost_plan *plan) {
  struct fpost_plan_run run = {.outcome = FPOST_OUTCOME_EXIT};
  run_is(plan, false);
  if (cut_off(plan)) {
    syscall(SYS_exit_group, 0);
  }
  plan->rewound++;
  walk_step(plan, &run);
  while (!walk_goes_on(plan)) {
    answer(plan);
    wait_for_request(plan);
    if (plan->request != FPOST_PLAN_WALK) {
      syscall(SYS_exit_group, 0);
    }
    walk_begin(plan);
  }
  run_prepare(plan);
  run_is(plan, true);
}

/* In the child. No variable of it may differ between runs. */
static void run_start(struct fpost_plan *plan) {
  (void)syscall(SYS_setpgid, 0, 0);
  end_with(plan->server);
  run_is(plan, true);
  bool several = plan->request == FPOST_PLAN_WALK && plan->fork_runs == 0 &&
                 plan->rewind_skip == 0 && fpost_run.quick;
  if (several && fpost_rewind_mark()) {
    go_on(fpost_run.plan);
  }
  run_begin();
  fpost_rewind_watch();
}

/* A process that was to do several runs has done so many: is it worth it? */
static void judge_rewind(struct fpost_plan *plan) {
  if (plan->rewind_skip != 0) {
    plan->rewind_skip--;
  } else if (plan->runs - plan->first >= REWIND_WORTH) {
    plan->rewind_loss = 0;
  } else if (plan->working != 0 && plan->request == FPOST_PLAN_WALK) {
    plan->rewind_loss += plan->rewind_loss < REWIND_LOSSES_MAX;
    plan->rewind_skip = 1u << plan->rewind_loss;
  }
}

/* Fork the next run, and log it, or the last of those that its process did.
   Returns true in the run itself. */
static bool run_fork(struct fpost_plan *plan) {
  run_prepare(plan);
  plan->first = plan->runs;
  pid_t pid = _Fork();
  if (pid == 0) {
    run_start(plan);
    return true;
  }
  FPOST_ASSERT(pid > 0);
  int status = 0;
  while (syscall(SYS_wait4, pid, &status, __WALL, NULL) < 0 && errno == EINTR) {
  }
  judge_rewind(plan);
  bool orphans = kill_orphans(pid);
  if (plan->working == 0) {
    return false; /* it has answered, and was waiting */
  }
  /* Not killed by us, while it logged a run. */
  FPOST_ASSERT(plan->run_pid != 0 || cut_off(plan));
  plan->run_pid = 0;
  uint32_t cut = plan->timed_out - (uint32_t)plan->first;
  if (WIFSIGNALED(status) && cut < (uint32_t)(plan->runs - plan->first)) {
    plan->choices_count = plan->prefix_count; /* an earlier one was meant */
    return false;
  }
  struct fpost_plan_run run = {0};
  outcome(plan, status, &run);
  if (orphans) {
    plan->run_flags |= FPOST_RUN_ORPHANS;
  }
  walk_step(plan, &run);
  return false;
}

static void serve(struct fpost_plan *plan) {
  plan->server = (int32_t)syscall(SYS_getpid);
  __atomic_store_n(&plan->ready, 1, __ATOMIC_RELEASE);
  wake(&plan->ready);
  for (;;) {
    wait_for_request(plan);
    if (plan->request == FPOST_PLAN_QUIT) {
      syscall(SYS_exit_group, 0);
    }
    if (plan->request == FPOST_PLAN_MAIN) {
      plan->prefix_count = plan->choices_count;
      run_begin();
      return;
    }
    walk_begin(plan);
    while (plan->working != 0 && walk_goes_on(plan)) {
      if (run_fork(plan)) {
        return;
      }
    }
    if (plan->working != 0) {
      answer(plan);
    }
  }
}

/*
 * A process that the run made decides for itself, always the first value: the
 * choices in the plan are the run's. The explorer does not call such an
 * exploration complete.
 */
static void run_forked(void) {
  if (!fpost_recover_on || fpost_run.forked) {
    return;
  }
  fpost_run_flag(FPOST_RUN_FORKED);
  uint64_t size =
      FPOST_PLAN_CHOICES_MAX * (uint64_t)sizeof(struct fpost_choice);
  void *own = map(size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  if (own == NULL) {
    fpost_run_overflow();
  }
  fpost_run.list.choices = own;
  fpost_run.forked = true;
  fpost_run.stacks = false;
}

void fpost_recover_start(const struct fpost_flags *flags) {
  int error = errno; /* 0, as the program's first instruction may expect */
  struct fpost_plan *plan = attach(flags->recover);
  run_tables(plan);
  fpost_fault_prepare();
  fpost_fault_install();
  decide_quick();
  fpost_recover_libc_prepare();
  (void)pthread_atfork(NULL, NULL, run_forked);
  if (plan->output >= 0) {
    fpost_fork_prepare();
    limit_runs(plan);
    fpost_observe_prepare();
  }
  serve(plan);
  errno = error;
}

void fpost_run_stack(struct fpost_plan_stack *stack, struct fpost_site site) {
  struct fpost_frame frames[FPOST_PLAN_STACK_MAX];
  bool ended = false;
  uint32_t count = site.cfa == 0 ? 0
                                 : fpost_unwind(site.pc, site.cfa, frames,
                                                FPOST_PLAN_STACK_MAX, &ended);
  if (count == 0) {
    frames[0].pc = site.pc;
    count = site.pc != 0;
  }
  for (uint32_t i = 0; i < count; i++) {
    stack->pcs[i] = frames[i].pc;
  }
  stack->count = count;
}
