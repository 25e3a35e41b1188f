/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What recover_fault.c (faults, single steps) and recover_taint.c (undecided
 * values in registers) know of each other.
 */
#ifndef FPOST_HOOKS_RECOVER_FAULT_H
#define FPOST_HOOKS_RECOVER_FAULT_H

#include "rt/hooks/recover_run.h"

#include <Zydis/Zydis.h>

/* Memory operands of one instruction. */
#define FPOST_TOUCHES_MAX 4u

/* What an instruction does to memory. */
struct fpost_touch {
  uintptr_t address;
  uint64_t size;
  bool reads;
  bool writes;
  /* What a masked store writes: the elements of the bits, first at address. */
  uint64_t mask;    /* 0: all of it */
  uint32_t element; /* bytes */
};

struct fpost_decoded {
  struct fpost_touch touches[FPOST_TOUCHES_MAX];
  uint32_t count;
  bool coarse; /* not known which bytes it reads */
};

/* An instruction with all its operands, hidden ones too. */
struct fpost_instruction {
  uintptr_t pc;
  uint8_t bytes[ZYDIS_MAX_INSTRUCTION_LENGTH]; /* as it was decoded */
  ZydisDecodedInstruction head;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* A flush touches a line and does not tell what is in it. */
static inline bool
fpost_fault_flushes(const struct fpost_instruction *instruction) {
  ZydisMnemonic name = instruction->head.mnemonic;
  return name == ZYDIS_MNEMONIC_CLFLUSH || name == ZYDIS_MNEMONIC_CLFLUSHOPT ||
         name == ZYDIS_MNEMONIC_CLWB;
}

/* ---- recover_fault.c ---- */

/* The instruction at pc, or null; valid until the next call. */
const struct fpost_instruction *fpost_fault_decode(uintptr_t pc);
/* The value of a 64-bit register; false if it is none of them. */
bool fpost_fault_register(const ucontext_t *context, ZydisRegister name,
                          uint64_t next, uint64_t *value);
/* Where a memory operand is; false if that is not known. */
bool fpost_fault_touch(const ucontext_t *context,
                       const ZydisDecodedOperand *operand, uint64_t next,
                       struct fpost_touch *touch);
/* Decide what the instruction at hand reads, open what it touches, and let it
   run by itself. */
void fpost_fault_step(ucontext_t *context, const struct fpost_decoded *decoded);

/* ---- recover_taint.c ---- */

/*
 * The instruction at hand has faulted: if it moves undecided words to
 * registers, carry it out without deciding them, and go on from there. Returns
 * false if nothing was done.
 */
bool fpost_taint_begin(ucontext_t *context);
/* Are there undecided values in registers? */
bool fpost_taint_active(void);
/* After a step: carry out what comes next, up to the next step. */
void fpost_taint_continue(ucontext_t *context);
/* Decide everything: another function is to see the registers. */
void fpost_taint_end(ucontext_t *context);

#endif /* FPOST_HOOKS_RECOVER_FAULT_H */
