/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The heaps of libpmemobj after recovery: when it closes a pool, and when it
 * exits with code 0 and a pool open, every object must be reached from the
 * root, and every PMEMoid in a reached object go to an object. What is not so
 * is noted in the plan for the explorer to judge; the run goes on.
 *
 * How what recovery has left undecided is taken, the plan says (enum
 * fpost_plan_heap_mode):
 *
 *   BASE   as not persisted, and undecided again afterwards; not if other
 *          threads of recovery are still there.
 *   READ   it is decided, as if recovery itself had read it.
 *
 * What could not be looked at, a flag of the run says (enum fpost_run_flag).
 *
 * All do nothing when the plan does not ask for it. In recover mode alone.
 */
#ifndef FPOST_HOOKS_RECOVER_HEAP_H
#define FPOST_HOOKS_RECOVER_HEAP_H

#include "rt/hooks/real.h"

#include <stdint.h>

/* libpmemobj has opened the pool (a PMEMobjpool), or is about to close it. */
void fpost_recover_heap_opened(void *pool);
void fpost_recover_heap_closing(void *base);
/* The process exits, with code 0. */
void fpost_recover_heap_end(void);

/*
 * The object needs no pointer to it. From a visitor: the object that is visited
 * points to the one that address is in.
 */
void fpost_recover_heap_reach(const void *address);
/* The same, of an object that the program has found by itself. */
void fpost_recover_heap_found(struct fpost_oid oid);

#endif /* FPOST_HOOKS_RECOVER_HEAP_H */
