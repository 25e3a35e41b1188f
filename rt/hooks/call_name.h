/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The call of a function as reports show it: "insert(key=5, value=\"five\")".
 */
#ifndef FPOST_HOOKS_CALL_NAME_H
#define FPOST_HOOKS_CALL_NAME_H

#include "rt/hooks/text.h"

#include "fencepost/module.h"

/*
 * Appends the function's name and its arguments to a text. Bit i of known says
 * whether argument i is known; values may be null if none is. Strings are read
 * where they can be read. errno stays.
 */
void fpost_call_name(struct fpost_text *text,
                     const struct fencepost_function *function, uint64_t known,
                     const uint64_t *values);

#endif /* FPOST_HOOKS_CALL_NAME_H */
