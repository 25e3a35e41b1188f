/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Visitors: what the program says about pointers in forms of its own
 * (fencepost_visit). They are kept until the process ends.
 */
#ifndef FPOST_HOOKS_VISITORS_H
#define FPOST_HOOKS_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void fpost_visitor(const void *object, size_t size);

/* Objects of type are visited by visitor; one more type than there is room for
   is refused: false. */
bool fpost_visitors_add(uint64_t type, fpost_visitor *visitor);

/* Is there a visitor at all? */
bool fpost_visitors_any(void);

/* Let the visitors of the object's type, and those of all types, look at it. */
void fpost_visitors_call(uint64_t type, const void *object, size_t size);

#endif /* FPOST_HOOKS_VISITORS_H */
