/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Between the runtime and the allocator of heap_pm= (rt/heap), which is a
 * shared library that `fencepost` preloads: it finds these functions of the
 * runtime, if the program has one, by dlsym; the runtime finds
 * fpost_heap_preloaded in it.
 */
#ifndef FPOST_OS_HEAP_H
#define FPOST_OS_HEAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * The file that the heap is to be in, with its size in bytes, and whether it
 * holds a crash image (1) or is to be made (0). Null if no such heap is asked
 * for.
 */
const char *fencepost_heap_file_(uint64_t *size, int *recovering);

/* The allocator got size bytes at address back: their content does not matter.
 */
void fencepost_heap_freed_(const void *address, size_t size);

#endif /* FPOST_OS_HEAP_H */
