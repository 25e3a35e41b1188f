/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Checksums by code without hooks: a sum of words that are undecided, compared
 * with another. Deciding each word as it is read would take 2^n runs for n
 * words, of which all but one see the comparison fail.
 *
 * So a word that is loaded into a register stays undecided there. From then on
 * each instruction is carried out one at a time: one that adds or moves such
 * values, here, on sums
 *
 *     constant + x1 * k1 + x2 * k2 + ...      xi: 0 the word is old, 1 it is
 * new
 *
 * in each half of a register; any other by the processor, by a single step,
 * after the undecided values that it reads have been decided. A comparison for
 * equality is a joint test (rt/model/choice.h) if exactly one combination of
 * the words passes it. When no register holds an undecided value any more, the
 * program goes on by itself.
 *
 * A word takes part if its unit has one step, so that it is old or new whatever
 * other words are; others are decided when they are read.
 *
 * When a function returns, the registers that the ABI lets it destroy, and the
 * flags, hold nothing that its caller may look at.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_taint.h"

#define WORD 8u
#define STEPS_MAX 512u /* single steps in one sequence */

/* Registers that a function may leave as it likes, a bit each by number. */
#define RETURN_KILLS 0x0fc2u /* rcx, rsi, rdi, r8 to r11 */

bool fpost_taint_active(void) {
  return fpost_taint.active;
}

/* ---- operands ---- */

/* The number of a general register, whatever part of it; or FPOST_NO_REGISTER.
 */
static uint32_t register_id(ZydisRegister name) {
  if (name >= ZYDIS_REGISTER_RAX && name <= ZYDIS_REGISTER_R15) {
    return (uint32_t)(name - ZYDIS_REGISTER_RAX);
  }
  if (name >= ZYDIS_REGISTER_EAX && name <= ZYDIS_REGISTER_R15D) {
    return (uint32_t)(name - ZYDIS_REGISTER_EAX);
  }
  if (name >= ZYDIS_REGISTER_AX && name <= ZYDIS_REGISTER_R15W) {
    return (uint32_t)(name - ZYDIS_REGISTER_AX);
  }
  if (name >= ZYDIS_REGISTER_AL && name <= ZYDIS_REGISTER_R15B) {
    uint32_t at = (uint32_t)(name - ZYDIS_REGISTER_AL);
    return at < 4 ? at : at - 4; /* al..bl, ah..bh, spl..r15b */
  }
  return FPOST_NO_REGISTER;
}

/* ah, ch, dh, bh. */
static bool is_high_byte(ZydisRegister name) {
  return name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH;
}

/* The value of a source operand of 32 or 64 bits. */
static bool source(ucontext_t *context,
                   const struct fpost_instruction *instruction,
                   const ZydisDecodedOperand *from, uint32_t width,
                   struct fpost_value *value) {
  uint32_t id = FPOST_NO_REGISTER;
  struct fpost_touch touch;
  switch (from->type) {
  case ZYDIS_OPERAND_TYPE_REGISTER:
    id = register_id(from->reg.value);
    if (id == FPOST_NO_REGISTER || from->size != width) {
      return false;
    }
    fpost_register_get(context, id, width, value);
    return true;
  case ZYDIS_OPERAND_TYPE_IMMEDIATE:
    fpost_value_fixed(value, width == 32 ? (uint32_t)from->imm.value.u
                                         : from->imm.value.u);
    return true;
  case ZYDIS_OPERAND_TYPE_MEMORY:
    fpost_register_resolve(context, register_id(from->mem.base));
    fpost_register_resolve(context, register_id(from->mem.index));
    return from->size == width &&
           fpost_fault_touch(context, from,
                             instruction->pc + instruction->head.length,
                             &touch) &&
           fpost_taint_load(context, touch.address, touch.size, value);
  default:
    return false;
  }
}

/* ---- instructions ---- */

/* lea of 32 bits: base + index * scale + displacement. */
static bool do_lea(ucontext_t *context,
                   const struct fpost_instruction *instruction, uint32_t to) {
  static struct fpost_value part;
  const ZydisDecodedOperand *from = &instruction->operands[1];
  uint32_t base = register_id(from->mem.base);
  uint32_t index = register_id(from->mem.index);
  if (instruction->operands[0].size != 32 ||
      from->mem.base == ZYDIS_REGISTER_RIP) {
    return false;
  }
  fpost_value_fixed(&fpost_taint_operand, from->mem.disp.has_displacement
                                              ? (uint32_t)from->mem.disp.value
                                              : 0);
  if (base != FPOST_NO_REGISTER) {
    fpost_register_get(context, base, 32, &part);
    fpost_half_add(&fpost_taint_operand, &part, 0, 1);
  }
  if (index != FPOST_NO_REGISTER) {
    fpost_register_get(context, index, 32, &part);
    fpost_half_add(&fpost_taint_operand, &part, 0, from->mem.scale);
  }
  fpost_register_set(context, to, &fpost_taint_operand);
  return true;
}

/* Shifts by 32 move one half to the other. */
static bool do_shift(ucontext_t *context,
                     const struct fpost_instruction *instruction, uint32_t to,
                     bool left) {
  const ZydisDecodedOperand *by = &instruction->operands[1];
  if (by->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || by->imm.value.u != 32 ||
      instruction->operands[0].size != 64) {
    return false;
  }
  fpost_register_get(context, to, 64, &fpost_taint_compared[0]);
  fpost_value_fixed(&fpost_taint_compared[1], 0);
  fpost_value_copy(&fpost_taint_operand, &fpost_taint_compared[0]);
  fpost_half_clear(&fpost_taint_operand, left ? 1 : 0);
  fpost_half_move(&fpost_taint_operand, left ? 1 : 0, left ? 0 : 1);
  fpost_flags_set(context, left ? FPOST_SET_SHIFT_LEFT : FPOST_SET_SHIFT_RIGHT,
                  64);
  fpost_register_set(context, to, &fpost_taint_operand);
  return true;
}

/* Halves that do not meet are put together. */
static bool do_or(ucontext_t *context, uint32_t to, uint32_t width) {
  static struct fpost_value own;
  fpost_register_get(context, to, width, &own);
  for (uint32_t half = 0; half < 2; half++) {
    if (fpost_half_nothing(&own, half)) {
      continue;
    }
    if (!fpost_half_nothing(&fpost_taint_operand, half)) {
      return false;
    }
  }
  fpost_half_add(&fpost_taint_operand, &own, 0, 1);
  fpost_half_add(&fpost_taint_operand, &own, 1, 1);
  fpost_value_copy(&fpost_taint_compared[0], &fpost_taint_operand);
  fpost_value_fixed(&fpost_taint_compared[1], 0);
  fpost_flags_set(context, FPOST_SET_COMPARE, width);
  fpost_register_set(context, to, &fpost_taint_operand);
  return true;
}

static bool do_add(ucontext_t *context, uint32_t to, uint32_t width,
                   bool subtract) {
  if (width != 32) {
    return false;
  }
  fpost_register_get(context, to, width, &fpost_taint_compared[0]);
  fpost_value_copy(&fpost_taint_compared[1], &fpost_taint_operand);
  fpost_value_copy(&fpost_taint_operand, &fpost_taint_compared[0]);
  fpost_half_add(&fpost_taint_operand, &fpost_taint_compared[1], 0,
                 subtract ? UINT32_MAX : 1);
  fpost_flags_set(context, subtract ? FPOST_SET_COMPARE : FPOST_SET_ADD, width);
  fpost_register_set(context, to, &fpost_taint_operand);
  return true;
}

/*
 * The left value is kept where loading the right one keeps it up to date. What
 * was there is needed no more: the instruction overwrites all flags.
 */
static bool do_compare(ucontext_t *context,
                       const struct fpost_instruction *instruction,
                       uint32_t width) {
  fpost_taint.setter = FPOST_SET_PLAINLY;
  if (!source(context, instruction, &instruction->operands[0], width,
              &fpost_taint_compared[0]) ||
      !source(context, instruction, &instruction->operands[1], width,
              &fpost_taint_operand)) {
    return false;
  }
  fpost_value_copy(&fpost_taint_compared[1], &fpost_taint_operand);
  fpost_flags_set(context, FPOST_SET_COMPARE, width);
  return true;
}

/* test of a register with itself compares it with 0. */
static bool do_test(ucontext_t *context,
                    const struct fpost_instruction *instruction,
                    uint32_t width) {
  const ZydisDecodedOperand *operands = instruction->operands;
  if (operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
      operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
      operands[0].reg.value != operands[1].reg.value ||
      register_id(operands[0].reg.value) == FPOST_NO_REGISTER) {
    return false;
  }
  fpost_register_get(context, register_id(operands[0].reg.value), width,
                     &fpost_taint_compared[0]);
  fpost_value_fixed(&fpost_taint_compared[1], 0);
  fpost_flags_set(context, FPOST_SET_COMPARE, width);
  return true;
}

static void jump(ucontext_t *context,
                 const struct fpost_instruction *instruction, bool taken) {
  uintptr_t after = instruction->pc + instruction->head.length;
  greg_t next = (greg_t)after;
  context->uc_mcontext.gregs[REG_RIP] =
      taken ? next + instruction->operands[0].imm.value.s : next;
}

/* Branches on flags that are decided. Returns false if it is none. */
static bool do_branch(ucontext_t *context,
                      const struct fpost_instruction *instruction) {
  uint64_t flags = (uint64_t)context->uc_mcontext.gregs[REG_EFL];
  bool carry = (flags & FPOST_CARRY) != 0;
  bool zero = (flags & FPOST_ZERO) != 0;
  bool plain = fpost_taint.setter == FPOST_SET_PLAINLY;
  bool zero_plain = plain || fpost_taint.zero_known;
  if (instruction->operands[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
      !instruction->operands[0].imm.is_relative) {
    return false;
  }
  switch (instruction->head.mnemonic) {
  case ZYDIS_MNEMONIC_JMP:
    jump(context, instruction, true);
    return true;
  case ZYDIS_MNEMONIC_JZ:
  case ZYDIS_MNEMONIC_JNZ:
    if (zero_plain || fpost_flags_zero(context)) {
      zero = ((uint64_t)context->uc_mcontext.gregs[REG_EFL] & FPOST_ZERO) != 0;
      jump(context, instruction,
           zero == (instruction->head.mnemonic == ZYDIS_MNEMONIC_JZ));
      return true;
    }
    return false;
  case ZYDIS_MNEMONIC_JB:
  case ZYDIS_MNEMONIC_JNB:
    if (plain) {
      jump(context, instruction,
           carry == (instruction->head.mnemonic == ZYDIS_MNEMONIC_JB));
    }
    return plain;
  case ZYDIS_MNEMONIC_JBE:
  case ZYDIS_MNEMONIC_JNBE:
    if (plain) {
      jump(context, instruction,
           (carry || zero) ==
               (instruction->head.mnemonic == ZYDIS_MNEMONIC_JBE));
    }
    return plain;
  default:
    return false;
  }
}

/* xor of a register with itself: 0, whatever was in it. */
static bool do_clear(ucontext_t *context,
                     const struct fpost_instruction *instruction, uint32_t to) {
  const ZydisDecodedOperand *from = &instruction->operands[1];
  if (from->type != ZYDIS_OPERAND_TYPE_REGISTER ||
      from->reg.value != instruction->operands[0].reg.value) {
    return false;
  }
  fpost_value_fixed(&fpost_taint_operand, 0);
  fpost_value_fixed(&fpost_taint_compared[0], 0);
  fpost_value_fixed(&fpost_taint_compared[1], 0);
  fpost_flags_set(context, FPOST_SET_COMPARE, 32);
  fpost_register_set(context, to, &fpost_taint_operand);
  return true;
}

/*
 * setz and setnz of the low byte of a register, and movzx of that byte: how a
 * comparison is returned. The rest of the register stays as it is in between.
 */
static bool do_byte(ucontext_t *context,
                    const struct fpost_instruction *instruction) {
  const ZydisDecodedOperand *operands = instruction->operands;
  ZydisMnemonic name = instruction->head.mnemonic;
  uint32_t to = register_id(operands[0].reg.value);
  if (operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
      to == FPOST_NO_REGISTER) {
    return false;
  }
  greg_t *at = &context->uc_mcontext.gregs[fpost_gregs[to]];
  if (name == ZYDIS_MNEMONIC_MOVZX) {
    if (operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
        operands[1].size != 8 || register_id(operands[1].reg.value) != to ||
        (fpost_taint.low >> to & 1) == 0) {
      return false;
    }
    *at &= 0xff;
    fpost_register_plain(to);
    return true;
  }
  if ((name != ZYDIS_MNEMONIC_SETZ && name != ZYDIS_MNEMONIC_SETNZ) ||
      !fpost_is_tainted(to) || is_high_byte(operands[0].reg.value) ||
      !(fpost_taint.zero_known || fpost_flags_zero(context))) {
    return false;
  }
  bool zero = ((uint64_t)context->uc_mcontext.gregs[REG_EFL] & FPOST_ZERO) != 0;
  *at = (*at & ~(greg_t)0xff) | (zero == (name == ZYDIS_MNEMONIC_SETZ));
  fpost_taint.low |= fpost_is_tainted(to) ? 1u << to : 0;
  return true;
}

/* mov, add and the like to a register of 32 or 64 bits. */
static bool do_register(ucontext_t *context,
                        const struct fpost_instruction *instruction) {
  const ZydisDecodedOperand *operands = instruction->operands;
  uint32_t width = operands[0].size;
  uint32_t to = register_id(operands[0].reg.value);
  if (to == FPOST_NO_REGISTER) {
    return false;
  }
  switch (instruction->head.mnemonic) {
  case ZYDIS_MNEMONIC_LEA:
    return do_lea(context, instruction, to);
  case ZYDIS_MNEMONIC_XOR:
    return do_clear(context, instruction, to);
  case ZYDIS_MNEMONIC_SHL:
    return do_shift(context, instruction, to, true);
  case ZYDIS_MNEMONIC_SHR:
    return do_shift(context, instruction, to, false);
  case ZYDIS_MNEMONIC_MOV:
    if (!source(context, instruction, &operands[1], width,
                &fpost_taint_operand)) {
      return false;
    }
    fpost_register_set(context, to, &fpost_taint_operand);
    return true;
  case ZYDIS_MNEMONIC_ADD:
  case ZYDIS_MNEMONIC_SUB:
    return width == 32 &&
           source(context, instruction, &operands[1], width,
                  &fpost_taint_operand) &&
           do_add(context, to, width,
                  instruction->head.mnemonic == ZYDIS_MNEMONIC_SUB);
  case ZYDIS_MNEMONIC_OR:
    return source(context, instruction, &operands[1], width,
                  &fpost_taint_operand) &&
           do_or(context, to, width);
  default:
    return false;
  }
}

/* Registers with a plain low byte are for do_byte alone. */
static void low_resolve(ucontext_t *context,
                        const struct fpost_instruction *instruction) {
  for (uint32_t i = 0; i < instruction->head.operand_count; i++) {
    const ZydisDecodedOperand *one = &instruction->operands[i];
    uint32_t id = one->type == ZYDIS_OPERAND_TYPE_REGISTER
                      ? register_id(one->reg.value)
                      : FPOST_NO_REGISTER;
    if (id != FPOST_NO_REGISTER && (fpost_taint.low >> id & 1) != 0 &&
        (one->actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0) {
      fpost_register_resolve(context, id);
    }
  }
}

/* Carry the instruction out here. Returns false if it must be stepped over. */
static bool emulate(ucontext_t *context,
                    const struct fpost_instruction *instruction) {
  const ZydisDecodedOperand *operands = instruction->operands;
  if (instruction->head.operand_count_visible == 1 &&
      (instruction->head.meta.category == ZYDIS_CATEGORY_COND_BR ||
       instruction->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR)) {
    return do_branch(context, instruction);
  }
  bool done = do_byte(context, instruction);
  if (done) {
    context->uc_mcontext.gregs[REG_RIP] += instruction->head.length;
    return true;
  }
  low_resolve(context, instruction);
  if (instruction->head.operand_count_visible != 2 ||
      (operands[0].size != 32 && operands[0].size != 64)) {
    return false;
  }
  if (instruction->head.mnemonic == ZYDIS_MNEMONIC_CMP) {
    done = do_compare(context, instruction, operands[0].size);
  } else if (instruction->head.mnemonic == ZYDIS_MNEMONIC_TEST) {
    done = do_test(context, instruction, operands[0].size);
  } else if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
    done = do_register(context, instruction);
  }
  if (done) {
    context->uc_mcontext.gregs[REG_RIP] += instruction->head.length;
  }
  return done;
}

/* ---- by the processor ---- */

static uint64_t flags_written(const ZydisAccessedFlags *accessed) {
  return (accessed->modified | accessed->set_0 | accessed->set_1 |
          accessed->undefined) &
         FPOST_STATUS;
}

/* Does the instruction at pc overwrite all flags, unread? */
static bool overwrites_flags(uintptr_t pc) {
  const struct fpost_instruction *next = fpost_fault_decode(pc);
  return next != NULL && next->head.cpu_flags != NULL &&
         (next->head.cpu_flags->tested & FPOST_STATUS) == 0 &&
         flags_written(next->head.cpu_flags) == FPOST_STATUS;
}

/* inc and dec leave the carry flag alone; mostly nobody is interested in it. */
static bool leaves_dead_flags(const struct fpost_instruction *instruction) {
  ZydisMnemonic name = instruction->head.mnemonic;
  return (name == ZYDIS_MNEMONIC_INC || name == ZYDIS_MNEMONIC_DEC) &&
         overwrites_flags(instruction->pc + instruction->head.length);
}

/* Decide what it reads of the flags; forget what it overwrites. */
static void prepare_flags(ucontext_t *context,
                          const ZydisAccessedFlags *accessed) {
  if (accessed == NULL || fpost_taint.setter == FPOST_SET_PLAINLY) {
    return;
  }
  uint64_t reads = accessed->tested & FPOST_STATUS;
  uint64_t writes = flags_written(accessed);
  bool only_zero = reads == FPOST_ZERO &&
                   (fpost_taint.zero_known || fpost_flags_zero(context));
  if ((reads != 0 && !only_zero) || (writes != 0 && writes != FPOST_STATUS)) {
    fpost_flags_resolve(context);
  }
  if (writes == FPOST_STATUS) {
    fpost_taint.setter = FPOST_SET_PLAINLY;
  }
}

static void prepare_register(ucontext_t *context,
                             const ZydisDecodedOperand *at) {
  uint32_t id = register_id(at->reg.value);
  if (!fpost_is_tainted(id)) {
    return;
  }
  bool whole = at->size >= 32 && at->actions == ZYDIS_OPERAND_ACTION_WRITE;
  if (whole) {
    fpost_register_plain(id);
  } else {
    fpost_register_resolve(context, id);
  }
}

/* Words that are about to be overwritten, whose old value is in a register. */
static void prepare_store(ucontext_t *context,
                          const struct fpost_touch *touch) {
  for (uint32_t i = 0; i < fpost_taint.words_count; i++) {
    if (fpost_taint_words[i].address < touch->address + touch->size &&
        touch->address < fpost_taint_words[i].address + WORD) {
      fpost_word_decide(context, i);
    }
  }
}

static bool is_thread_local(const ZydisDecodedOperand *at) {
  return at->mem.segment == ZYDIS_REGISTER_FS ||
         at->mem.segment == ZYDIS_REGISTER_GS;
}

/* Where it goes in memory. Returns false if that is not known. */
static bool prepare_memory(ucontext_t *context,
                           const struct fpost_instruction *instruction,
                           struct fpost_decoded *decoded) {
  decoded->count = 0;
  decoded->coarse = false;
  for (uint32_t i = 0; i < instruction->head.operand_count; i++) {
    const ZydisDecodedOperand *memory = &instruction->operands[i];
    if (memory->type != ZYDIS_OPERAND_TYPE_MEMORY) {
      continue;
    }
    fpost_register_resolve(context, register_id(memory->mem.base));
    fpost_register_resolve(context, register_id(memory->mem.index));
    if (memory->mem.type == ZYDIS_MEMOP_TYPE_AGEN || memory->actions == 0 ||
        is_thread_local(memory)) {
      continue;
    }
    struct fpost_touch *touch = &decoded->touches[decoded->count];
    if (decoded->count == FPOST_TOUCHES_MAX ||
        !fpost_fault_touch(context, memory,
                           instruction->pc + instruction->head.length, touch)) {
      return false;
    }
    touch->reads = touch->reads && !fpost_fault_flushes(instruction);
    decoded->count++;
    if (touch->writes) {
      prepare_store(context, touch);
    }
  }
  return true;
}

/* Is it one whose operands do not say all that it reads? */
static bool is_opaque(const struct fpost_instruction *instruction) {
  switch (instruction->head.meta.category) {
  case ZYDIS_CATEGORY_SYSCALL:
  case ZYDIS_CATEGORY_INTERRUPT:
  case ZYDIS_CATEGORY_SYSTEM:
  case ZYDIS_CATEGORY_XSAVE:
  case ZYDIS_CATEGORY_XSAVEOPT:
    return true;
  default:
    return false;
  }
}

/* Prepare a single step. Returns false if the values must be decided first. */
static bool step(ucontext_t *context,
                 const struct fpost_instruction *instruction) {
  struct fpost_decoded decoded;
  uintptr_t pc = instruction->pc;
  if (leaves_dead_flags(instruction)) {
    fpost_taint.setter = FPOST_SET_PLAINLY;
  }
  instruction = fpost_fault_decode(pc); /* the next one may have its place */
  if (is_opaque(instruction) || fpost_taint.steps++ == STEPS_MAX ||
      !prepare_memory(context, instruction, &decoded)) {
    return false;
  }
  prepare_flags(context, instruction->head.cpu_flags);
  for (uint32_t i = 0; i < instruction->head.operand_count; i++) {
    if (instruction->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        (instruction->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ) !=
            0) {
      prepare_register(context, &instruction->operands[i]);
    }
  }
  for (uint32_t i = 0; i < instruction->head.operand_count; i++) {
    if (instruction->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER) {
      prepare_register(context, &instruction->operands[i]);
    }
  }
  if (instruction->head.meta.category == ZYDIS_CATEGORY_RET) {
    fpost_taint.tainted &= ~RETURN_KILLS;
    fpost_taint.low &= ~RETURN_KILLS;
    fpost_taint.setter = FPOST_SET_PLAINLY;
  }
  fpost_taint_pages_close();
  fpost_fault_step(context, &decoded);
  return true;
}

/* ---- a sequence ---- */

static bool nothing_left(void) {
  return fpost_taint.tainted == 0 && fpost_taint.setter == FPOST_SET_PLAINLY;
}

static void leave(void) {
  fpost_taint_pages_close();
  fpost_taint.active = false;
}

void fpost_taint_end(ucontext_t *context) {
  if (!fpost_taint.active) {
    return;
  }
  fpost_flags_resolve(context);
  for (uint32_t id = 0; id < 16; id++) {
    fpost_register_resolve(context, id);
  }
  leave();
}

void fpost_taint_continue(ucontext_t *context) {
  while (!nothing_left()) {
    const struct fpost_instruction *instruction =
        fpost_fault_decode((uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
    if (instruction == NULL) {
      break;
    }
    if (emulate(context, instruction)) {
      continue;
    }
    if (step(context, instruction)) {
      return;
    }
    break;
  }
  fpost_taint_end(context);
}

bool fpost_taint_begin(ucontext_t *context) {
  const struct fpost_plan *plan = fpost_run.plan;
  bool follows = fpost_run.audit || (plan->request == FPOST_PLAN_WALK &&
                                     plan->rule == FPOST_CHOICE_FIRST);
  if (fpost_taint.active || !follows || fpost_run.forked || fpost_run.hooked ||
      fpost_run_threads()) {
    return false;
  }
  const struct fpost_instruction *instruction =
      fpost_fault_decode((uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
  fpost_taint.words_count = 0;
  fpost_taint.tainted = 0;
  fpost_taint.low = 0;
  fpost_taint.steps = 0;
  fpost_taint.setter = FPOST_SET_PLAINLY;
  fpost_taint.active = true;
  if (instruction == NULL || !emulate(context, instruction)) {
    leave();
    return false;
  }
  fpost_taint_continue(context);
  return true;
}
