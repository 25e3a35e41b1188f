/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The system calls of a run that may be taken back: which are known, and how
 * what they change is undone. rt/hooks/recover_rewind.c has the whole picture.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_undo.h"

#include "rt/hooks/recover_run.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE ((uintptr_t)FPOST_RUN_PAGE)
#define AREAS_MAX 64u
#define FDS_MAX 1024
#define TRAPS_MAX 256u /* in one run: more take longer than a fork */
#define SIGNALS 64
#define TRAP_FLAG 0x100

/* The kernel's interface, of which headers may be too old. */
#define DISPATCH 59
#define DISPATCH_OFF 0L
#define DISPATCH_ON 1L
enum { ALLOW = 0, BLOCK = 1 };
#define SYS_USER_DISPATCH_CODE 2

struct kernel_sigaction {
  union {
    void (*handler)(int);
    void (*action)(int, siginfo_t *, void *);
  };
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};
#define KERNEL_SA_RESTORER 0x04000000ul

/* ---- the code that may make system calls during a run ---- */

extern const uint8_t fpost_undo_free[];
extern const uint8_t fpost_undo_free_end[];
void fpost_undo_restorer(void);

__asm__(
    ".text\n"
    ".p2align 4\n"
    "fpost_undo_free:\n"
    ".type fpost_undo_raw, @function\n"
    "fpost_undo_raw:\n"
    "  mov %rdi, %rax\n"
    "  mov %rsi, %rdi\n"
    "  mov %rdx, %rsi\n"
    "  mov %rcx, %rdx\n"
    "  mov %r8, %r10\n"
    "  mov %r9, %r8\n"
    "  mov 8(%rsp), %r9\n"
    "  syscall\n"
    "  ret\n"
    "  nop\n"
    /* Unwinders know it by its bytes. */
    ".type fpost_undo_restorer, @function\n"
    "fpost_undo_restorer:\n"
    "  mov $15, %rax\n"
    "  syscall\n"
    "  nop\n"
    "fpost_undo_free_end:\n"
    ".hidden fpost_undo_free\n"
    ".hidden fpost_undo_free_end\n"
    ".hidden fpost_undo_raw\n"
    ".hidden fpost_undo_restorer\n"
    ".globl fpost_undo_free\n"
    ".globl fpost_undo_free_end\n"
    ".globl fpost_undo_raw\n"
    ".globl fpost_undo_restorer\n");

/* ---- state ---- */

struct area {
  uintptr_t from;
  uintptr_t to;
};

/* Of a run: put back with all other memory. */
static struct {
  uint8_t selector; /* read by the kernel at each system call */
  bool unable;
  uint32_t traps;
  uint32_t area_count;
  struct area areas[AREAS_MAX]; /* where it has mapped; none touch */
  uint64_t fds[FDS_MAX / 64];   /* opened in the run */
} run;

static uintptr_t break_was;

/* ---- what a run changes ---- */

static bool inside(uintptr_t from, uintptr_t to) {
  for (uint32_t i = 0; i < run.area_count; i++) {
    if (from >= run.areas[i].from && to >= from && to <= run.areas[i].to) {
      return true;
    }
  }
  return false;
}

/* What is in an area may be unmapped again; it is the run's all the same, as it
   was free at the mark. */
static void areas_add(uintptr_t from, uintptr_t to) {
  for (uint32_t i = 0; i < run.area_count;) {
    struct area area = run.areas[i];
    if (area.to < from || area.from > to) {
      i++;
      continue;
    }
    from = area.from < from ? area.from : from;
    to = area.to > to ? area.to : to;
    run.areas[i] = run.areas[--run.area_count];
    i = 0;
  }
  run.areas[run.area_count++] = (struct area){from, to};
}

static bool own_fd(long fd) {
  return fd >= 0 && fd < FDS_MAX && (run.fds[fd / 64] >> (fd % 64) & 1) != 0;
}

static uintptr_t pages(unsigned long size) {
  return (size + PAGE - 1) & ~(PAGE - 1);
}

/* ---- system calls that are known ---- */

static long make(const long call[7]) {
  return RAW(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
}

static bool known_map(const long call[7], long *result) {
  const long strange = MAP_GROWSDOWN | MAP_LOCKED | MAP_HUGETLB;
  uintptr_t size = pages((unsigned long)call[2]);
  uintptr_t at = (uintptr_t)call[1];
  if ((call[4] & strange) != 0 || run.area_count == AREAS_MAX ||
      ((call[4] & MAP_FIXED) != 0 && !inside(at, at + size))) {
    return false;
  }
  *result = make(call);
  if (!fpost_undo_failed(*result)) {
    areas_add((uintptr_t)*result, (uintptr_t)*result + size);
  }
  return true;
}

static bool known_remap(const long call[7], long *result) {
  uintptr_t from = (uintptr_t)call[1];
  uintptr_t old_size = pages((unsigned long)call[2]);
  uintptr_t new_size = pages((unsigned long)call[3]);
  uintptr_t to = (uintptr_t)call[5];
  const long usual = MREMAP_MAYMOVE | MREMAP_FIXED;
  if ((call[4] & ~usual) != 0 || old_size == 0 ||
      !inside(from, from + old_size) || run.area_count == AREAS_MAX ||
      ((call[4] & MREMAP_FIXED) != 0 && !inside(to, to + new_size))) {
    return false;
  }
  *result = make(call);
  if (!fpost_undo_failed(*result)) {
    areas_add((uintptr_t)*result, (uintptr_t)*result + new_size);
  }
  return true;
}

static bool known_memory(const long call[7], long *result) {
  uintptr_t from = (uintptr_t)call[1];
  uintptr_t size = pages((unsigned long)call[2]);
  switch (call[0]) {
  case SYS_mmap:
    return known_map(call, result);
  case SYS_mremap:
    return known_remap(call, result);
  case SYS_munmap:
  case SYS_mprotect:
  case SYS_madvise:
    if (!inside(from, from + size)) {
      return false;
    }
    *result = make(call);
    return true;
  case SYS_brk:
    if (from != 0 && from < break_was) {
      return false;
    }
    *result = make(call);
    return true;
  default:
    return false;
  }
}

/* A call whose result is a descriptor that the run may keep. */
static bool opening(const long call[7], long *result) {
  *result = make(call);
  if (*result >= FDS_MAX) {
    run.unable = true; /* it is done; the process ends after the run */
  } else if (*result >= 0) {
    run.fds[*result / 64] |= UINT64_C(1) << (*result % 64);
  }
  return true;
}

static bool known_file(const long call[7], long *result) {
  const long writing = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE;
  switch (call[0]) {
  case SYS_open:
    return (call[2] & writing & ~O_DIRECTORY) == O_RDONLY &&
           opening(call, result);
  case SYS_openat:
    return (call[3] & writing & ~O_DIRECTORY) == O_RDONLY &&
           opening(call, result);
  case SYS_memfd_create:
    return opening(call, result);
  case SYS_dup:
    return own_fd(call[1]) && opening(call, result);
  case SYS_flock: /* given back with the descriptor */
    *result = own_fd(call[1]) ? make(call) : 0;
    return own_fd(call[1]);
  case SYS_close:
    if (!own_fd(call[1])) {
      return false;
    }
    run.fds[call[1] / 64] &= ~(UINT64_C(1) << (call[1] % 64));
    *result = make(call);
    return true;
  case SYS_fcntl:
    if ((call[2] == F_DUPFD || call[2] == F_DUPFD_CLOEXEC) && own_fd(call[1])) {
      return opening(call, result);
    }
    if (call[2] == F_GETFD || call[2] == F_GETFL ||
        ((call[2] == F_SETFD || call[2] == F_SETFL) && own_fd(call[1]))) {
      *result = make(call);
      return true;
    }
    return false;
  default:
    return false;
  }
}

/* Changes nothing that lasts but in files. */
static bool harmless(const long call[7]) {
  switch (call[0]) {
  case SYS_read:
  case SYS_readv:
  case SYS_pread64:
  case SYS_preadv:
  case SYS_write:
  case SYS_writev:
  case SYS_pwrite64:
  case SYS_pwritev:
  case SYS_lseek:
  case SYS_ftruncate:
  case SYS_fallocate:
  case SYS_fsync:
  case SYS_fdatasync:
  case SYS_stat:
  case SYS_lstat:
  case SYS_fstat:
  case SYS_newfstatat:
  case SYS_statx:
  case SYS_statfs:
  case SYS_fstatfs:
  case SYS_access:
  case SYS_faccessat:
  case SYS_faccessat2:
  case SYS_readlink:
  case SYS_readlinkat:
  case SYS_getcwd:
  case SYS_getdents64:
  case SYS_uname:
  case SYS_sysinfo:
  case SYS_getpid:
  case SYS_gettid:
  case SYS_getppid:
  case SYS_getuid:
  case SYS_geteuid:
  case SYS_getgid:
  case SYS_getegid:
  case SYS_getrlimit:
  case SYS_getrandom:
  case SYS_clock_gettime:
  case SYS_clock_getres:
  case SYS_gettimeofday:
  case SYS_time:
  case SYS_nanosleep:
  case SYS_clock_nanosleep:
  case SYS_sched_yield:
  case SYS_sched_getaffinity:
  case SYS_msync:
    return true;
  case SYS_prlimit64:
    return call[3] == 0;
  case SYS_rt_sigprocmask:
    return call[2] == 0;
  case SYS_futex: /* there is nobody else to wake or to wait for */
    return (call[2] & FUTEX_CMD_MASK) == FUTEX_WAKE;
  case SYS_ioctl:
    return call[2] == TCGETS;
  default:
    return false;
  }
}

/* Make the call if it can be undone. */
static bool known(const long call[7], long *result) {
  if (harmless(call)) {
    *result = make(call);
    return true;
  }
  return known_file(call, result) || known_memory(call, result);
}

/* From here on this process is one like any other, and ends with its run. */
void fpost_undo_give_up(void) {
  struct kernel_sigaction plain = {.handler = SIG_DFL};
  run.selector = ALLOW;
  run.unable = true;
  (void)RAW(SYS_prctl, DISPATCH, DISPATCH_OFF, 0, 0, 0, 0);
  (void)RAW(SYS_rt_sigaction, SIGSYS, &plain, NULL, sizeof plain.mask, 0, 0);
}

long fpost_undo_call(const long arguments[7]) {
  long result = 0;
  if (run.selector == BLOCK) {
    if (known(arguments, &result)) {
      return result;
    }
    fpost_undo_give_up();
  }
  return make(arguments);
}

static void on_call(int number, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  greg_t *registers = context->uc_mcontext.gregs;
  if (info->si_code != SYS_USER_DISPATCH_CODE) {
    fpost_undo_give_up();
    (void)RAW(SYS_tgkill, RAW(SYS_getpid, 0, 0, 0, 0, 0, 0),
              RAW(SYS_gettid, 0, 0, 0, 0, 0, 0), number, 0, 0, 0);
    return;
  }
  const long call[7] = {registers[REG_RAX], registers[REG_RDI],
                        registers[REG_RSI], registers[REG_RDX],
                        registers[REG_R10], registers[REG_R8],
                        registers[REG_R9]};
  long result = 0;
  /* In a single step the instruction itself has to be the one. */
  if (++run.traps > TRAPS_MAX || (registers[REG_EFL] & TRAP_FLAG) != 0 ||
      info->si_arch != AUDIT_ARCH_X86_64 || !known(call, &result)) {
    fpost_undo_give_up();
    registers[REG_RIP] -= 2; /* again, as it stands */
    return;
  }
  registers[REG_RAX] = result;
}

/* ---- from outside ---- */

/* Handlers of faults are ours (recover_fault.c) and must return from where
   calls are free; any other's would be interrupted by SIGSYS. */
bool fpost_undo_begin(void) {
  break_was = (uintptr_t)RAW(SYS_brk, 0, 0, 0, 0, 0, 0);
  uint64_t blocked = 0;
  (void)RAW(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof blocked, 0,
            0);
  if ((blocked >> (SIGSYS - 1) & 1) != 0) {
    return false;
  }
  struct kernel_sigaction action = {0};
  for (int i = 1; i <= SIGNALS; i++) {
    (void)RAW(SYS_rt_sigaction, i, NULL, &action, sizeof action.mask, 0, 0);
    if (action.handler == SIG_DFL || action.handler == SIG_IGN) {
      continue;
    }
    if (i != SIGSEGV && i != SIGTRAP) {
      return false;
    }
    action.restorer = fpost_undo_restorer;
    (void)RAW(SYS_rt_sigaction, i, &action, NULL, sizeof action.mask, 0, 0);
  }
  action = (struct kernel_sigaction){.action = on_call,
                                     .flags = SA_SIGINFO | SA_NODEFER |
                                              KERNEL_SA_RESTORER,
                                     .restorer = fpost_undo_restorer};
  (void)RAW(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof action.mask, 0, 0);
  return !fpost_undo_failed(
      RAW(SYS_prctl, DISPATCH, DISPATCH_ON, fpost_undo_free,
          fpost_undo_free_end - fpost_undo_free, &run.selector, 0));
}

void fpost_undo_watch(void) {
  run.selector = BLOCK;
}

bool fpost_undo_can(void) {
  bool can = run.selector == BLOCK && !run.unable;
  run.selector = ALLOW;
  return can;
}

bool fpost_undo(void) {
  bool done = true;
  for (uint32_t i = 0; i < run.area_count; i++) {
    const struct area *area = &run.areas[i];
    done &= !fpost_undo_failed(
        RAW(SYS_munmap, area->from, area->to - area->from, 0, 0, 0, 0));
  }
  for (int i = 0; i < FDS_MAX / 64; i++) {
    for (uint64_t left = run.fds[i]; left != 0; left &= left - 1) {
      (void)RAW(SYS_close, i * 64 + __builtin_ctzll(left), 0, 0, 0, 0, 0);
    }
  }
  done &= RAW(SYS_brk, break_was, 0, 0, 0, 0, 0) == (long)break_was;
  return done;
}
