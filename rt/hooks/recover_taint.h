/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Undecided values in registers: what recover_taint.c (instructions) and
 * recover_value.c (values, and what they are compared with) share. A value is
 *
 *     constant + x1 * k1 + x2 * k2 + ...     xi: 0 word i is old, 1 it is new
 *
 * in each half of a register.
 */
#ifndef FPOST_HOOKS_RECOVER_TAINT_H
#define FPOST_HOOKS_RECOVER_TAINT_H

#include "rt/hooks/recover_fault.h"

#define FPOST_WORDS_MAX 512u /* undecided words in registers at a time */
#define FPOST_TAINT_PAGES 16u
#define FPOST_NO_REGISTER 16u

/* Bits of the flags. */
#define FPOST_CARRY 0x1u
#define FPOST_ZERO 0x40u
#define FPOST_STATUS 0x8d5u /* carry, parity, adjust, zero, sign, overflow */

/* An undecided word that has been loaded. */
struct fpost_word {
  struct fpost_joint_word joint;
  uintptr_t address;
  uint64_t contents[2]; /* old, new */
  /* In an audit, where the word is known: it is as before the crash point's
     undecided stores, or it lacks some of them. Its contents are then the old
     one, and what it is or would be. */
  bool old, lost;
};

/* The value of a register: low and high half. */
struct fpost_value {
  uint32_t fixed[2];
  uint32_t terms[2][FPOST_WORDS_MAX];
};

/* What set the flags. */
enum fpost_setter {
  FPOST_SET_PLAINLY,
  FPOST_SET_COMPARE,
  FPOST_SET_ADD,
  FPOST_SET_SHIFT_LEFT,
  FPOST_SET_SHIFT_RIGHT
};

struct fpost_taint {
  bool active;
  bool zero_known; /* the zero flag is decided, the others are not */
  uint32_t words_count;
  uint32_t tainted; /* registers that hold undecided values */
  uint32_t low;     /* those of them whose low byte is plain, as by setz */
  uint32_t steps;
  enum fpost_setter setter;
  uint32_t width; /* of the operation that set the flags, bits */
  uint32_t pages_count;
  uintptr_t pages[FPOST_TAINT_PAGES]; /* open while the program does not run */
};

extern struct fpost_taint fpost_taint;
extern struct fpost_word fpost_taint_words[FPOST_WORDS_MAX];
extern struct fpost_value fpost_taint_registers[16];
/* The operands of the operation that set the flags. */
extern struct fpost_value fpost_taint_compared[2];
/* The source operand of the instruction at hand; follows decisions. */
extern struct fpost_value fpost_taint_operand;
/* Index of each general register in a context, by its number. */
extern const int fpost_gregs[16];

/* ---- values ---- */

/* Make the value plain, copy it, or make one of its halves 0. */
void fpost_value_fixed(struct fpost_value *value, uint64_t content);
void fpost_value_copy(struct fpost_value *to, const struct fpost_value *from);
void fpost_half_clear(struct fpost_value *value, uint32_t half);
/* Move one half to the other; it is 0 then. */
void fpost_half_move(struct fpost_value *value, uint32_t to, uint32_t from);
/* to += from * scale, in one half. */
void fpost_half_add(struct fpost_value *to, const struct fpost_value *from,
                    uint32_t half, uint32_t scale);
/* Is the half 0 whatever the words are? */
bool fpost_half_nothing(const struct fpost_value *value, uint32_t half);

/* ---- registers and flags ---- */

/* Does the register hold what is undecided? */
bool fpost_is_tainted(uint32_t id);
/* The register holds what the context says. */
void fpost_register_plain(uint32_t id);
/* Its low `width` bits, 32 or 64; and all of it. */
void fpost_register_get(const ucontext_t *context, uint32_t id, uint32_t width,
                        struct fpost_value *value);
void fpost_register_set(ucontext_t *context, uint32_t id,
                        const struct fpost_value *value);
/* Decide what the register holds; FPOST_NO_REGISTER: nothing. */
void fpost_register_resolve(ucontext_t *context, uint32_t id);
/* Flags as if by `setter`; the operands are in fpost_taint_compared. */
void fpost_flags_set(ucontext_t *context, enum fpost_setter setter,
                     uint32_t width);
/* Decide all flags. */
void fpost_flags_resolve(ucontext_t *context);
/* Decide the zero flag of a comparison, and no other. False: it was none. */
bool fpost_flags_zero(ucontext_t *context);

/* ---- memory ---- */

/* Decide one word as if it were read now. */
void fpost_word_decide(ucontext_t *context, uint32_t index);
/* Load size bytes into value. Returns false if that is not for us. */
bool fpost_taint_load(const ucontext_t *context, uintptr_t address,
                      uint64_t size, struct fpost_value *value);
/* Close the pages that were opened to load from. */
void fpost_taint_pages_close(void);

#endif /* FPOST_HOOKS_RECOVER_TAINT_H */
