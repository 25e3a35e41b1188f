/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * --check-heap: before recovery closes a pool of libpmemobj, everything that
 * its root reaches is read, as recovery itself would read it, so that undecided
 * bytes are decided. An object that is not reached, or a PMEMoid that goes to
 * none, ends the run with an exit code and a message. Without the option
 * (FENCEPOST_CHECK_HEAP in the environment) these do nothing.
 */
#ifndef FPOST_HOOKS_RECOVER_HEAP_H
#define FPOST_HOOKS_RECOVER_HEAP_H

#include <stdint.h>

void fpost_recover_heap_opened(void *pool);
/* The program has asked for the root, which is at offset. */
void fpost_recover_heap_root(void *pool, uint64_t offset);
void fpost_recover_heap_closing(void *base);

#endif /* FPOST_HOOKS_RECOVER_HEAP_H */
