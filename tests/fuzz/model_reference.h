/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A second opinion on what a crash of a litmus program may leave: naive,
 * exponential, and written from the rules of docs/MODEL.md alone. It shares
 * with the product the form of a program and of a set of states, and nothing
 * else.
 */
#ifndef FPOST_TESTS_FUZZ_MODEL_REFERENCE_H
#define FPOST_TESTS_FUZZ_MODEL_REFERENCE_H

#include "tools/litmus/litmus.h"

/* All instructions of a program that it takes, and their values and registers.
 */
#define REFERENCE_INSTRUCTIONS_MAX 24u
#define REFERENCE_REGISTERS_MAX 8u

/*
 * As fpost_litmus_run: the contents that a crash may leave, sorted. Aborts when
 * memory runs out or the program exceeds the limits.
 */
void reference_run(const struct fpost_litmus_program *program,
                   const struct fpost_mode *mode,
                   struct fpost_litmus_states *states);

#endif /* FPOST_TESTS_FUZZ_MODEL_REFERENCE_H */
