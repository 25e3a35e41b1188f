/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Taking a run back instead of forking the next one.
 *
 * To fork a process that has mapped libpmem and its libraries, to copy the
 * pages that it writes and to end it takes longer than a typical recovery. So a
 * run that has ended well puts its process back to where it was after the fork,
 * and does the next run:
 *
 *     server          fork --> mark --> run --> run --> run --> exit
 *     (waits for it)            ^        |
 *                               +--------+  taken back: memory, mappings,
 *                                           descriptors, registers
 *
 * Between runs it does what the server would (recover.c); what both know lies
 * in the plan. It must be as after a fork, exactly, or not be used:
 *
 * Memory. All private writable mappings are registered with a userfaultfd in
 * asynchronous write-protect mode. At the mark all their private pages are
 * copied and write-protected; PAGEMAP_SCAN then tells which are private and
 * written, by whomever: those are copied back. One that had not been private at
 * the mark is dropped, so that it is again what lies behind it (the file or
 * zeros), and remembered with that content. A page that was written once stays
 * writable, and is copied back after each run.
 *
 * All else is changed by system calls. During a run each is looked at before it
 * is made: those of the runtime pass through fpost_undo_call, all others raise
 * SIGSYS (Syscall User Dispatch, which spares a few instructions of ours).
 * recover_undo.c lists those that change nothing that outlives the run, or what
 * can be undone: descriptors opened for reading are closed, new mappings
 * unmapped, the break put back. Effects on files, and on what other processes
 * see, are those that a forked run has.
 *
 * Any other call (a thread, a fork, a signal's disposition, a lock, another
 * directory) ends the watch before it is made: this process does it undisturbed
 * and ends with its run, and the server forks anew. So does a run that fails or
 * dies in any way: what went wrong may have written to anything.
 *
 * The restoring code runs on a stack in the store of copies, which is read-only
 * during runs. Where something is missing (before Linux 6.7; another signal
 * handler installed by a constructor; too much memory) every run is a fork.
 *
 * Not put back, and not the same in a forked run either: clocks, process id and
 * what the kernel counts of the process's use of the machine.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_rewind.h"

#include "rt/hooks/recover_run.h"
#include "rt/hooks/recover_undo.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE ((uintptr_t)FPOST_RUN_PAGE)
#define ADDRESS_END (((uintptr_t)1 << 47) - PAGE)
#define PAGES_MAX 4096u /* copied */
#define SLOTS (2 * PAGES_MAX)
#define FD_OURS 300 /* and up: where a program expects none */
#define STACK_SIZE 65536u
#define RSEQ_SIZE 32u

/* ---- the kernel's interfaces, of which headers may be too old ---- */

#define USER_MODE_ONLY 1
#define FEATURE_WP_UNPOPULATED (UINT64_C(1) << 13)
#define FEATURE_WP_ASYNC (UINT64_C(1) << 15)

struct scan_region {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};

struct scan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t regions;
  uint64_t regions_max;
  uint64_t pages_max;
  uint64_t inverted; /* categories that are to be absent */
  uint64_t all;      /* categories that matter */
  uint64_t any;
  uint64_t wanted; /* to be returned */
};
#define SCAN _IOWR('f', 16, struct scan)
#define SCAN_PROTECT 1u /* write-protect what matches */
enum {
  PAGE_IS_WPALLOWED = 1,
  PAGE_IS_WRITTEN = 2,
  PAGE_IS_FILE = 4,
  PAGE_IS_PRESENT = 8,
  PAGE_IS_SWAPPED = 16,
  PAGE_IS_PFNZERO = 32
};
#define PRIVATE (PAGE_IS_FILE | PAGE_IS_PFNZERO)  /* both inverted */
#define THERE (PAGE_IS_PRESENT | PAGE_IS_SWAPPED) /* or the page is empty */

/* ---- instructions of our own ---- */

struct registers {
  uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
  uint32_t mxcsr;
  uint16_t fcw;
};

/* As setjmp and longjmp, with nothing else to them. */
int fpost_rewind_save(struct registers *registers)
    __attribute__((returns_twice));
_Noreturn void fpost_rewind_load(const struct registers *registers);
_Noreturn void fpost_rewind_switch(void *stack, void (*function)(void));

__asm__(
    ".text\n"
    ".p2align 4\n"
    ".type fpost_rewind_save, @function\n"
    "fpost_rewind_save:\n"
    "  mov %rbx, 0(%rdi)\n"
    "  mov %rbp, 8(%rdi)\n"
    "  mov %r12, 16(%rdi)\n"
    "  mov %r13, 24(%rdi)\n"
    "  mov %r14, 32(%rdi)\n"
    "  mov %r15, 40(%rdi)\n"
    "  lea 8(%rsp), %rax\n"
    "  mov %rax, 48(%rdi)\n"
    "  mov (%rsp), %rax\n"
    "  mov %rax, 56(%rdi)\n"
    "  stmxcsr 64(%rdi)\n"
    "  fnstcw 68(%rdi)\n"
    "  xor %eax, %eax\n"
    "  ret\n"
    ".type fpost_rewind_load, @function\n"
    "fpost_rewind_load:\n"
    "  fninit\n"
    "  ldmxcsr 64(%rdi)\n"
    "  fldcw 68(%rdi)\n"
    "  mov 0(%rdi), %rbx\n"
    "  mov 8(%rdi), %rbp\n"
    "  mov 16(%rdi), %r12\n"
    "  mov 24(%rdi), %r13\n"
    "  mov 32(%rdi), %r14\n"
    "  mov 40(%rdi), %r15\n"
    "  mov 48(%rdi), %rsp\n"
    "  mov $1, %eax\n"
    "  jmp *56(%rdi)\n"
    ".type fpost_rewind_switch, @function\n"
    "fpost_rewind_switch:\n"
    "  mov %rdi, %rsp\n"
    "  xor %ebp, %ebp\n"
    "  call *%rsi\n"
    "  ud2\n"
    ".hidden fpost_rewind_save\n"
    ".hidden fpost_rewind_load\n"
    ".hidden fpost_rewind_switch\n"
    ".globl fpost_rewind_save\n"
    ".globl fpost_rewind_load\n"
    ".globl fpost_rewind_switch\n");

/* ---- state ---- */

/* Shared, so that it is neither registered nor put back. All but the stack can
   be written only while a page is remembered: runs may store to anything. */
struct store {
  uint8_t stack[STACK_SIZE];
  uint32_t count;
  uint16_t slots[SLOTS]; /* 1 + index, by a hash of the address; 0: free */
  uintptr_t addresses[PAGES_MAX];
  uint8_t content[PAGES_MAX][FPOST_RUN_PAGE];
};

/* Constant from the mark on. */
static struct {
  struct store *store; /* null: there is no mark */
  int uffd;
  int pagemap;
  uintptr_t rseq; /* 0: none */
  struct registers registers;
} mark = {.uffd = -1, .pagemap = -1};

static void copy(void *to, const void *from, size_t size) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}

/* ---- pages ---- */

static bool store_protect(struct store *store, int prot) {
  return !fpost_undo_failed(RAW(SYS_mprotect, (uint8_t *)store + STACK_SIZE,
                                sizeof *store - STACK_SIZE, prot, 0, 0, 0));
}

static uint16_t *slot(struct store *store, uintptr_t page) {
  uint32_t at = (uint32_t)(page / PAGE * 2654435761u) % SLOTS;
  while (store->slots[at] != 0 &&
         store->addresses[store->slots[at] - 1] != page) {
    at = (at + 1) % SLOTS;
  }
  return &store->slots[at];
}

static bool remember(struct store *store, uintptr_t page) {
  if (store->count == PAGES_MAX) {
    return false;
  }
  uint16_t *at = slot(store, page);
  uint32_t index = store->count++;
  store->addresses[index] = page;
  copy(store->content[index], (const void *)page, PAGE);
  *at = (uint16_t)(index + 1);
  return true;
}

/* Calls back for each page that the scan finds; false: that, or the scan,
   failed. */
static bool scan(struct scan *scan, bool page_found(uintptr_t page)) {
  struct scan_region regions[64];
  scan->size = sizeof *scan;
  scan->end = ADDRESS_END;
  scan->regions = (uintptr_t)regions;
  scan->regions_max = sizeof regions / sizeof *regions;
  scan->wanted = PAGE_IS_WRITTEN;
  for (scan->start = 0; scan->start < ADDRESS_END;
       scan->start = scan->walk_end) {
    long count = RAW(SYS_ioctl, mark.pagemap, SCAN, scan, 0, 0, 0);
    if (fpost_undo_failed(count)) {
      return false;
    }
    for (long i = 0; i < count; i++) {
      for (uintptr_t page = regions[i].start; page < regions[i].end;
           page += PAGE) {
        if (!page_found(page)) {
          return false;
        }
      }
    }
  }
  return true;
}

static bool page_at_mark(uintptr_t page) {
  return remember(mark.store, page);
}

/* All but what the kernel keeps up to date for the thread. */
static void put_back(uintptr_t page, const uint8_t *content) {
  uintptr_t skip = mark.rseq;
  if (skip == 0 || skip < page || skip >= page + PAGE) {
    copy((void *)page, content, PAGE);
    return;
  }
  uintptr_t after = skip + RSEQ_SIZE;
  copy((void *)page, content, skip - page);
  copy((void *)after, content + (after - page), page + PAGE - after);
}

static bool page_written(uintptr_t page) {
  struct store *store = mark.store;
  uint16_t index = *slot(store, page);
  if (index != 0) {
    put_back(page, store->content[index - 1]);
    return true;
  }
  return store_protect(store, PROT_READ | PROT_WRITE) &&
         !fpost_undo_failed(
             RAW(SYS_madvise, page, PAGE, MADV_DONTNEED, 0, 0, 0)) &&
         remember(store, page) && store_protect(store, PROT_READ);
}

/* ---- back ---- */

/* On the stack of the store. */
static void back(void) {
  struct scan written = {.inverted = PRIVATE,
                         .all = PAGE_IS_WPALLOWED | PAGE_IS_WRITTEN | PRIVATE,
                         .any = THERE};
  if (!fpost_undo() || !scan(&written, page_written)) {
    (void)RAW(SYS_exit_group, 0, 0, 0, 0, 0, 0);
  }
  fpost_rewind_load(&mark.registers);
}

void fpost_rewind_back(void) {
  if (mark.store != NULL && fpost_undo_can()) {
    fpost_rewind_switch(mark.store->stack + STACK_SIZE, back);
  }
}

/* ---- the mark ---- */

/* Register the mappings that a run may write to for itself alone. */
static bool register_line(const char *line) {
  char *end = NULL;
  uintptr_t from = strtoul(line, &end, 16);
  uintptr_t to = strtoul(end + 1, &end, 16);
  if (end[2] != 'w' || end[4] != 'p') {
    return true;
  }
  struct uffdio_register range = {.range = {from, to - from},
                                  .mode = UFFDIO_REGISTER_MODE_WP};
  return !fpost_undo_failed(
      RAW(SYS_ioctl, mark.uffd, UFFDIO_REGISTER, &range, 0, 0, 0));
}

static bool register_all(void) {
  char text[8192];
  size_t have = 0;
  bool done = true;
  long fd = RAW(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY, 0, 0, 0);
  long got = fd;
  while (done && got >= 0) {
    got = RAW(SYS_read, fd, text + have, sizeof text - 1 - have, 0, 0, 0);
    if (got <= 0) {
      break;
    }
    have += (size_t)got;
    text[have] = '\0';
    char *line = text;
    for (char *end = strchr(line, '\n'); done && end != NULL;
         end = strchr(line, '\n')) {
      done = register_line(line);
      line = end + 1;
    }
    have -= (size_t)(line - text);
    memmove(text, line, have);
  }
  (void)RAW(SYS_close, fd, 0, 0, 0, 0, 0);
  return done && got == 0 && have == 0;
}

static int high(long fd) {
  if (fpost_undo_failed(fd)) {
    return -1;
  }
  long moved = RAW(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_OURS, 0, 0, 0);
  (void)RAW(SYS_close, fd, 0, 0, 0, 0, 0);
  return fpost_undo_failed(moved) ? -1 : (int)moved;
}

static bool open_kernel(void) {
  struct uffdio_api api = {
      .api = UFFD_API, .features = FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC};
  mark.uffd =
      high(RAW(SYS_userfaultfd, O_CLOEXEC | USER_MODE_ONLY, 0, 0, 0, 0, 0));
  mark.pagemap = high(RAW(SYS_openat, AT_FDCWD, "/proc/self/pagemap",
                          O_RDONLY | O_CLOEXEC, 0, 0, 0));
  return mark.uffd >= 0 && mark.pagemap >= 0 &&
         !fpost_undo_failed(
             RAW(SYS_ioctl, mark.uffd, UFFDIO_API, &api, 0, 0, 0));
}

static uintptr_t find_rseq(void) {
  extern const ptrdiff_t __rseq_offset __attribute__((weak));
  return &__rseq_offset == NULL
             ? 0
             : (uintptr_t)__builtin_thread_pointer() + (uintptr_t)__rseq_offset;
}

/* Has the processor a second stack, which we would have to put back too? */
static bool shadow_stack(void) {
  uint64_t pointer = 0;
  __asm__("rdsspq %0" : "+r"(pointer)); /* does nothing where there is none */
  return pointer != 0;
}

/* False: this process is good for one run, as it is. */
static bool set_mark(void) {
  struct scan all = {.flags = SCAN_PROTECT,
                     .inverted = PRIVATE,
                     .all = PAGE_IS_WPALLOWED | PRIVATE,
                     .any = THERE};
  long at = RAW(SYS_mmap, NULL, sizeof(struct store), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (fpost_undo_failed(at) || shadow_stack() || !open_kernel() ||
      !register_all() || !fpost_undo_begin()) {
    return false;
  }
  mark.rseq = find_rseq();
  mark.store = (struct store *)at;
  return scan(&all, page_at_mark) && store_protect(mark.store, PROT_READ);
}

bool fpost_rewind_mark(void) {
  if (fpost_rewind_save(&mark.registers) != 0) {
    return true;
  }
  if (!set_mark()) {
    fpost_undo_give_up();
    mark.store = NULL;
    (void)RAW(SYS_close, mark.uffd, 0, 0, 0, 0, 0);
    (void)RAW(SYS_close, mark.pagemap, 0, 0, 0, 0, 0);
  }
  return false;
}

void fpost_rewind_watch(void) {
  if (mark.store != NULL) {
    fpost_undo_watch();
  }
}
