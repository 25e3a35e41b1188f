/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Code without hooks that touches a closed page: decode the instruction, decide
 * exactly the bytes that it reads, open what it touches for one single step,
 * close again.
 *
 *   SIGSEGV --> decode, decide, open, trap flag on, other signals off
 *   the instruction
 *   SIGTRAP --> close, trap flag off, signals as before
 *
 * A repeated string instruction traps after each element and is decided element
 * by element. What cannot be decoded (or gathers) has its whole page decided:
 * more runs than needed, none too few.
 *
 * The program's own handlers of SIGSEGV and SIGTRAP are kept aside (sigaction
 * is interposed) and get every signal that is not ours.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_fault.h"

#include "rt/base/assert.h"
#include "rt/hooks/recover_signals.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE FPOST_RUN_PAGE
#define TRAP_FLAG 0x100
#define FAULT_WRITE 2 /* bit of the page fault error code */
#define STEP_PAGES_MAX 16u
/* After so many steps on one page, all of it is decided at once if that leaves
   no more than so many alternatives. */
#define WHOLE_AFTER 32u
#define WHOLE_ALTERNATIVES 8u
/* Pages whose steps are counted at a time. */
#define COUNTED_MAX 64u
/* Instructions that are kept decoded. */
#define DECODED_MAX 64u

extern int __sigaction(int number, const struct sigaction *action,
                       struct sigaction *old);

typedef ZyanStatus decode_function(const ZydisDecoder *decoder,
                                   const void *buffer, ZyanUSize length,
                                   ZydisDecodedInstruction *instruction,
                                   ZydisDecodedOperand *operands);

/* One step under way. Signals are off meanwhile, threads have their own. */
struct step {
  bool active;
  uint32_t page_count;
  uintptr_t pages[STEP_PAGES_MAX];
  uintptr_t pc;
  struct fpost_decoded decoded;
  sigset_t mask;
};

static ZydisDecoder decoder;
static decode_function *decode_full;
static _Thread_local struct step step
    __attribute__((tls_model("initial-exec")));
static struct sigaction segv_user;
static struct sigaction trap_user;
static const int deadly[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGXFSZ};

void fpost_fault_prepare(void) {
  void *library = dlopen("libZydis.so.4.0", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    library = dlopen("libZydis.so.4", RTLD_NOW | RTLD_LOCAL);
  }
  if (library == NULL) {
    return; /* whole pages are decided: FPOST_RUN_COARSE says so */
  }
  ZyanStatus (*init)(ZydisDecoder *, ZydisMachineMode, ZydisStackWidth) = NULL;
  *(void **)&init = dlsym(library, "ZydisDecoderInit");
  *(void **)&decode_full = dlsym(library, "ZydisDecoderDecodeFull");
  if (init == NULL || ZYAN_FAILED(init(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
                                       ZYDIS_STACK_WIDTH_64))) {
    decode_full = NULL;
  }
}

/* ---- decoding ---- */

static const int gregs[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

bool fpost_fault_register(const ucontext_t *context, ZydisRegister name,
                          uint64_t next, uint64_t *value) {
  if (name == ZYDIS_REGISTER_NONE) {
    *value = 0;
    return true;
  }
  if (name == ZYDIS_REGISTER_RIP) {
    *value = next;
    return true;
  }
  if (name < ZYDIS_REGISTER_RAX || name > ZYDIS_REGISTER_R15) {
    return false;
  }
  *value =
      (uint64_t)context->uc_mcontext.gregs[gregs[name - ZYDIS_REGISTER_RAX]];
  return true;
}

bool fpost_fault_touch(const ucontext_t *context,
                       const ZydisDecodedOperand *operand, uint64_t next,
                       struct fpost_touch *touch) {
  uint64_t base = 0;
  uint64_t index = 0;
  bool flat = operand->mem.segment != ZYDIS_REGISTER_FS &&
              operand->mem.segment != ZYDIS_REGISTER_GS;
  if (!flat || operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB ||
      !fpost_fault_register(context, operand->mem.base, next, &base) ||
      !fpost_fault_register(context, operand->mem.index, next, &index)) {
    return false;
  }
  uint64_t displacement = operand->mem.disp.has_displacement
                              ? (uint64_t)operand->mem.disp.value
                              : 0;
  touch->address = base + index * operand->mem.scale + displacement;
  touch->size = operand->size / 8u;
  touch->mask = 0;
  touch->reads = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
  touch->writes = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  return touch->size != 0;
}

static struct fpost_instruction decoded_before[DECODED_MAX];

const struct fpost_instruction *fpost_fault_decode(uintptr_t pc) {
  struct fpost_instruction *at = &decoded_before[pc % DECODED_MAX];
  if (at->pc == pc &&
      memcmp(at->bytes, (const void *)pc, at->head.length) == 0) {
    return at;
  }
  at->pc = 0;
  if (decode_full == NULL ||
      ZYAN_FAILED(decode_full(&decoder, (const void *)pc,
                              ZYDIS_MAX_INSTRUCTION_LENGTH, &at->head,
                              at->operands))) {
    return NULL;
  }
  memcpy(at->bytes, (const void *)pc, at->head.length);
  at->pc = pc;
  return at;
}

/*
 * The content of the mask register k<index>, from what the kernel has saved of
 * the processor's state; false: not there.
 */
static bool mask_register(const ucontext_t *context, uint32_t index,
                          uint64_t *value) {
  enum { SOFTWARE = 464, HEADER = 512, OPMASK = 5 };
  const uint8_t *saved = (const uint8_t *)context->uc_mcontext.fpregs;
  uint32_t size = 0;
  uint32_t offset = 0;
  uint32_t unused[2];
  if (saved == NULL ||
      !__get_cpuid_count(0xd, OPMASK, &size, &offset, &unused[0], &unused[1])) {
    return false;
  }
  struct _fpx_sw_bytes software;
  uint64_t present = 0;
  memcpy(&software, saved + SOFTWARE, sizeof software);
  if (software.magic1 != FP_XSTATE_MAGIC1 ||
      (software.xstate_bv >> OPMASK & 1) == 0 || size < (index + 1) * 8) {
    return false;
  }
  memcpy(&present, saved + HEADER, sizeof present);
  *value = 0; /* as at the start of the process, if it is not present */
  if ((present >> OPMASK & 1) != 0) {
    memcpy(value, saved + offset + (size_t)index * 8, sizeof *value);
  }
  return true;
}

/*
 * A store of which a mask says what it writes. Where the mask is not known (it
 * is in a vector register, or the elements move), all of it counts as read too:
 * more runs than needed, none too few.
 */
static void touch_masked(const ucontext_t *context,
                         const struct fpost_instruction *instruction,
                         const ZydisDecodedOperand *operand,
                         struct fpost_touch *touch) {
  ZydisRegister name = instruction->head.avx.mask.reg;
  uint64_t mask = 0;
  bool moves = instruction->head.meta.category == ZYDIS_CATEGORY_COMPRESS;
  bool masked = name > ZYDIS_REGISTER_K0 && name <= ZYDIS_REGISTER_K7;
  if (!touch->writes || touch->reads ||
      (!masked && (operand->actions & ZYDIS_OPERAND_ACTION_CONDWRITE) == 0)) {
    return;
  }
  uint32_t count = operand->element_count;
  touch->element = operand->element_size / 8u;
  if (!masked || moves || count == 0 || count > 64 || touch->element == 0 ||
      !mask_register(context, (uint32_t)(name - ZYDIS_REGISTER_K0), &mask)) {
    touch->reads = true;
    return;
  }
  mask &= count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
  touch->mask = mask;
  touch->writes = mask != 0;
}

static bool accesses_memory(const ZydisDecodedOperand *operand) {
  return operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
         (operand->mem.type == ZYDIS_MEMOP_TYPE_MEM ||
          operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB) &&
         operand->actions != 0;
}

static void decode(const ucontext_t *context, struct fpost_decoded *out) {
  uintptr_t pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
  const struct fpost_instruction *instruction = fpost_fault_decode(pc);
  out->count = 0;
  out->coarse = true;
  if (instruction == NULL) {
    return;
  }
  uint64_t next = pc + instruction->head.length;
  for (uint32_t i = 0; i < instruction->head.operand_count; i++) {
    const ZydisDecodedOperand *operand = &instruction->operands[i];
    if (!accesses_memory(operand)) {
      continue;
    }
    if (out->count == FPOST_TOUCHES_MAX ||
        !fpost_fault_touch(context, operand, next, &out->touches[out->count])) {
      return;
    }
    out->touches[out->count].reads &= !fpost_fault_flushes(instruction);
    touch_masked(context, instruction, operand, &out->touches[out->count]);
    out->count++;
  }
  bool state = instruction->head.meta.category == ZYDIS_CATEGORY_XSAVE ||
               instruction->head.meta.category == ZYDIS_CATEGORY_XSAVEOPT;
  out->coarse = state || out->count == 0;
}

/* ---- one step ---- */

static bool step_page(uintptr_t address) {
  uintptr_t page = address & ~(uintptr_t)(PAGE - 1);
  for (uint32_t i = 0; i < step.page_count; i++) {
    if (step.pages[i] == page) {
      return true;
    }
  }
  if (step.page_count == STEP_PAGES_MAX) {
    return false;
  }
  step.pages[step.page_count++] = page;
  return true;
}

/* Decide what one operand reads and open its pages, as far as they are PM. */
static void step_touch(const struct fpost_touch *touch,
                       struct fpost_site site) {
  uintptr_t end = touch->address + touch->size;
  for (uintptr_t at = touch->address; at < end;) {
    uintptr_t next = (at & ~(uintptr_t)(PAGE - 1)) + PAGE;
    next = next < end ? next : end;
    const struct fpost_mapping *mapping = fpost_run_find(at);
    if (mapping != NULL) {
      uint64_t offset = at - mapping->address + mapping->offset;
      if (fpost_view_closed(mapping->view, offset / PAGE)) {
        fpost_page_open(mapping, at);
        if (touch->reads) {
          fpost_view_read(mapping->view, offset, next - at, site);
        }
        fpost_page_open(mapping, at);
        (void)step_page(at);
      }
    }
    at = next;
  }
}

static void step_coarse(uintptr_t fault, struct fpost_site site) {
  fpost_run_flag(FPOST_RUN_COARSE);
  struct fpost_touch page = {
      .address = fault & ~(uintptr_t)(PAGE - 1), .size = PAGE, .reads = true};
  step_touch(&page, site);
  const struct fpost_mapping *mapping = fpost_run_find(fault);
  fpost_page_open(mapping, fault);
}

/* Steps per page in this run; the table is small and may forget. */
static struct {
  uintptr_t page;
  uint32_t steps;
} counted[COUNTED_MAX];

/*
 * Something reads a page bit by bit (a checksum) of which little is undecided:
 * deciding the rest now costs a few runs and saves a step for each access.
 * Returns true if the page is open for good.
 */
static bool decide_whole(uintptr_t fault) {
  uintptr_t page = fault & ~(uintptr_t)(PAGE - 1);
  uint32_t at = (uint32_t)(page / PAGE) % COUNTED_MAX;
  if (counted[at].page != page) {
    counted[at].page = page;
    counted[at].steps = 0;
  }
  if (++counted[at].steps % WHOLE_AFTER != 0) {
    return false;
  }
  const struct fpost_mapping *mapping = fpost_run_find(fault);
  uint64_t offset = page - mapping->address + mapping->offset;
  if (fpost_view_alternatives(mapping->view, offset, PAGE, WHOLE_ALTERNATIVES) >
      WHOLE_ALTERNATIVES) {
    return false;
  }
  fpost_page_open(mapping, fault);
  /* At no place: what it does not read is no matter of how it copes. */
  fpost_view_read(mapping->view, offset, PAGE, (struct fpost_site){0});
  fpost_page_open(mapping, fault);
  return !fpost_view_closed(mapping->view, offset / PAGE);
}

/* What the instruction writes is no longer undecided. */
static void step_stores(void) {
  for (uint32_t i = 0; i < step.decoded.count; i++) {
    const struct fpost_touch *touch = &step.decoded.touches[i];
    if (touch->writes && touch->mask == 0) {
      fpost_recover_store((const void *)touch->address, touch->size);
    }
    for (uint64_t left = touch->mask; left != 0; left &= left - 1) {
      uintptr_t at = (uintptr_t)__builtin_ctzll(left) * touch->element;
      fpost_recover_store((const void *)(touch->address + at), touch->element);
    }
  }
}

/*
 * A store by code with hooks, whose hook comes after it: what it touches stays
 * open as after a load. Returns false if it must be stepped over.
 */
static bool open_hooked(const struct fpost_decoded *decoded,
                        struct fpost_site site) {
  if (!fpost_run.hooked || decoded->coarse || step.active ||
      fpost_run_threads()) {
    return false;
  }
  for (uint32_t i = 0; i < decoded->count; i++) {
    const struct fpost_touch *touch = &decoded->touches[i];
    uintptr_t end = touch->address + touch->size;
    for (uintptr_t at = touch->address; at < end;
         at = (at & ~(uintptr_t)(PAGE - 1)) + PAGE) {
      const struct fpost_mapping *mapping = fpost_run_find(at);
      if (mapping == NULL) {
        continue;
      }
      uint64_t offset = at - mapping->address + mapping->offset;
      uintptr_t next = (at & ~(uintptr_t)(PAGE - 1)) + PAGE;
      fpost_page_open_for_now(mapping, offset / PAGE);
      if (touch->reads) {
        fpost_view_read(mapping->view, offset, (next < end ? next : end) - at,
                        site);
      }
    }
  }
  return true;
}

/* One instruction by itself, without signals of the program's. */
static void step_start(ucontext_t *context,
                       const struct fpost_decoded *decoded) {
  greg_t *registers = context->uc_mcontext.gregs;
  step.decoded = *decoded;
  step.pc = (uintptr_t)registers[REG_RIP];
  if (!step.active) {
    step.active = true;
    step.mask = context->uc_sigmask;
    sigfillset(&context->uc_sigmask);
    sigdelset(&context->uc_sigmask, SIGSEGV);
    sigdelset(&context->uc_sigmask, SIGTRAP);
    sigdelset(&context->uc_sigmask, SIGSYS); /* recover_rewind.c */
  }
  registers[REG_EFL] |= TRAP_FLAG;
}

static void step_begin(ucontext_t *context, uintptr_t fault) {
  const greg_t *registers = context->uc_mcontext.gregs;
  struct fpost_site site = {(uintptr_t)registers[REG_RIP],
                            (uintptr_t)registers[REG_RSP]};
  struct fpost_decoded decoded;
  decode(context, &decoded);
  if (open_hooked(&decoded, site) ||
      (!step.active && (fpost_taint_begin(context) || decide_whole(fault)))) {
    return;
  }
  if (decoded.coarse) {
    step_coarse(fault, site);
  }
  for (uint32_t i = 0; i < decoded.count; i++) {
    step_touch(&decoded.touches[i], site);
  }
  if (!step.active && step.page_count == 0) {
    /* All of it is decided now, or the operands are elsewhere than the fault.
     */
    const struct fpost_mapping *mapping = fpost_run_find(fault);
    fpost_page_open(mapping, fault);
    if (fpost_view_closed(mapping->view,
                          (fault - mapping->address + mapping->offset) /
                              PAGE)) {
      (void)step_page(fault);
    }
  }
  step_start(context, &decoded);
}

void fpost_fault_step(ucontext_t *context,
                      const struct fpost_decoded *decoded) {
  const greg_t *registers = context->uc_mcontext.gregs;
  struct fpost_site site = {(uintptr_t)registers[REG_RIP],
                            (uintptr_t)registers[REG_RSP]};
  for (uint32_t i = 0; i < decoded->count; i++) {
    step_touch(&decoded->touches[i], site);
  }
  step_start(context, decoded);
}

static void step_end(ucontext_t *context) {
  step_stores();
  if ((uintptr_t)context->uc_mcontext.gregs[REG_RIP] == step.pc) {
    /* A repeated instruction: its next element may be undecided too. */
    uintptr_t page = step.page_count != 0 ? step.pages[0] : 0;
    if (page != 0 && fpost_run_find(page) != NULL) {
      step_begin(context, page);
      return;
    }
  }
  for (uint32_t i = 0; i < step.page_count; i++) {
    fpost_page_close(step.pages[i]);
  }
  step.page_count = 0;
  step.active = false;
  context->uc_sigmask = step.mask;
  context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

/* The step ends in a signal of the program's. */
static void step_cancel(ucontext_t *context) {
  if (!step.active) {
    return;
  }
  for (uint32_t i = 0; i < step.page_count; i++) {
    fpost_page_close(step.pages[i]);
  }
  step.page_count = 0;
  step.active = false;
  context->uc_sigmask = step.mask;
  context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

/* ---- signals ---- */

static void die(int number, const ucontext_t *context) {
  if (fpost_run.stacks) {
    struct fpost_site site = {(uintptr_t)context->uc_mcontext.gregs[REG_RIP],
                              (uintptr_t)context->uc_mcontext.gregs[REG_RSP]};
    fpost_run_stack(&fpost_run.plan->fault, site);
  }
  struct sigaction plain = {.sa_handler = SIG_DFL};
  (void)__sigaction(number, &plain, NULL);
}

/* The signal is the program's. */
static void hand_on(int number, siginfo_t *info, ucontext_t *context,
                    struct sigaction *user) {
  if (user->sa_handler == SIG_IGN && info->si_code <= 0) {
    return;
  }
  if (user->sa_handler == SIG_DFL || user->sa_handler == SIG_IGN) {
    die(number, context);
    if (info->si_code <= 0) { /* sent, not raised by an instruction */
      (void)syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid),
                    number);
    }
    return;
  }
  struct sigaction action = *user;
  if ((action.sa_flags & (int)SA_RESETHAND) != 0) {
    user->sa_handler = SIG_DFL;
  }
  sigset_t old;
  sigset_t mask = action.sa_mask;
  if ((action.sa_flags & SA_NODEFER) == 0) {
    sigaddset(&mask, number);
  }
  (void)sigprocmask(SIG_BLOCK, &mask, &old);
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(number, info, context);
  } else {
    action.sa_handler(number);
  }
  (void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Is this a fault of ours to serve? Opens the page if nothing is undecided. */
static bool fault_ours(const siginfo_t *info, const ucontext_t *context,
                       bool *step_needed) {
  uintptr_t fault = (uintptr_t)info->si_addr;
  const struct fpost_mapping *mapping = fpost_run_find(fault);
  if (info->si_code != SEGV_ACCERR || mapping == NULL) {
    return false;
  }
  bool writes = (context->uc_mcontext.gregs[REG_ERR] & FAULT_WRITE) != 0;
  if ((mapping->prot & (writes ? PROT_WRITE : PROT_READ)) == 0) {
    return false;
  }
  *step_needed = fpost_view_closed(
      mapping->view, (fault - mapping->address + mapping->offset) / PAGE);
  if (!*step_needed) {
    fpost_page_open(mapping, fault);
  }
  return true;
}

static void on_segv(int number, siginfo_t *info, void *raw) {
  int err = errno;
  ucontext_t *context = raw;
  bool step_needed = false;
  fpost_run_lock();
  if (!fault_ours(info, context, &step_needed)) {
    step_cancel(context);
    fpost_taint_end(context);
    fpost_run_unlock();
    hand_on(number, info, context, &segv_user);
  } else {
    if (step_needed) {
      step_begin(context, (uintptr_t)info->si_addr);
    }
    fpost_run_unlock();
  }
  errno = err;
}

static void on_trap(int number, siginfo_t *info, void *raw) {
  int err = errno;
  if (step.active) {
    fpost_run_lock();
    step_end(raw);
    if (!step.active && fpost_taint_active()) {
      fpost_taint_continue(raw);
    }
    fpost_run_unlock();
  } else {
    hand_on(number, info, raw, &trap_user);
  }
  errno = err;
}

static void on_death(int number, siginfo_t *info, void *raw) {
  die(number, raw);
  if (info->si_code <= 0) {
    (void)syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), number);
  }
}

void fpost_fault_install(void) {
  struct sigaction action = {.sa_sigaction = on_segv,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  (void)__sigaction(SIGSEGV, &action, &segv_user);
  action.sa_sigaction = on_trap;
  (void)__sigaction(SIGTRAP, &action, &trap_user);
}

void fpost_fault_watch_deaths(void) {
  struct sigaction action = {.sa_sigaction = on_death,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
    struct sigaction old;
    if (__sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
      (void)__sigaction(deadly[i], &action, NULL);
    }
  }
}

bool fpost_recover_sigaction(int number, const struct sigaction *action,
                             struct sigaction *old) {
  if (!fpost_recover_on || (number != SIGSEGV && number != SIGTRAP)) {
    return false;
  }
  struct sigaction *user = number == SIGSEGV ? &segv_user : &trap_user;
  if (old != NULL) {
    *old = *user;
  }
  if (action != NULL) {
    *user = *action;
  }
  return true;
}
