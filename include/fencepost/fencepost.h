/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What a program may tell Fencepost about itself. Compiles as C11 and C++17.
 * Without the runtime every function is absent and every macro below does
 * nothing, so annotated programs build and run anywhere.
 */
#ifndef FENCEPOST_FENCEPOST_H
#define FENCEPOST_FENCEPOST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Weak: null in a program that is linked without the runtime. Use the macros.
 */
void fencepost_region_add_(const void *address, size_t size)
    __attribute__((weak));
void fencepost_region_remove_(const void *address, size_t size)
    __attribute__((weak));
void fencepost_ignore_(const void *address, size_t size) __attribute__((weak));
void fencepost_op_begin_(const char *name) __attribute__((weak));
void fencepost_op_end_(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#define FENCEPOST_CALL_(name, arguments) (name != 0 ? name arguments : (void)0)

/*
 * The size bytes at address are persistent memory: for memory that is no pool
 * of libpmem, libpmem2 or libpmemobj, no DAX mapping and matches no `--pool`.
 */
#define fencepost_region_add(address, size)                                    \
  FENCEPOST_CALL_(fencepost_region_add_, ((address), (size)))

/* They are not, any more. */
#define fencepost_region_remove(address, size)                                 \
  FENCEPOST_CALL_(fencepost_region_remove_, ((address), (size)))

/*
 * The content of the size bytes at address, in persistent memory, does not
 * matter after a crash (a statistic, a cache): nothing is reported of them.
 */
#define fencepost_ignore(address, size)                                        \
  FENCEPOST_CALL_(fencepost_ignore_, ((address), (size)))

/*
 * The calling thread begins, or ends, an operation that a crash must either
 * undo or complete as a whole. name may contain its arguments; it is copied, up
 * to 4096 bytes. Operations of one thread do not nest: a begin ends the one
 * before.
 */
#define fencepost_op_begin(name) FENCEPOST_CALL_(fencepost_op_begin_, ((name)))
#define fencepost_op_end() FENCEPOST_CALL_(fencepost_op_end_, ())

#endif /* FENCEPOST_FENCEPOST_H */
