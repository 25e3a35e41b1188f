/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The flush and fence calls that a source file can use: the functions of
 * libpmem and libpmemobj and the compiler's intrinsics if their headers are
 * included, and wrappers of these that the file, or a file that it includes by
 * "...", defines: functions of (const void *, size_t) or of nothing.
 */
#ifndef FPOST_FIX_CALLS_H
#define FPOST_FIX_CALLS_H

#include "tools/fix/statement.h"

enum fix_does {
  FIX_FLUSH = 1, /* of a range, or of a line */
  FIX_FENCE = 2
};

#define FIX_CALL_MAX (3 * FIX_EXPRESSION_MAX)

/*
 * The statements that flush the target and fence, or only fence (target null),
 * at offset of the file at path: "pmem_persist(&x, sizeof(x));". What the file
 * uses most is taken. one_line: the target lies in one line of 64 bytes.
 * Returns null, or why there is none.
 */
const char *fix_calls_make(const char *path, size_t offset,
                           const struct fix_target *target, bool one_line,
                           char call[FIX_CALL_MAX]);

#endif /* FPOST_FIX_CALLS_H */
