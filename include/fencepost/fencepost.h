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
void fencepost_validated_(const void *address, size_t size)
    __attribute__((weak));
void fencepost_volatile_ok_(const void *address, size_t size)
    __attribute__((weak));
void fencepost_tx_begin_(void) __attribute__((weak));
void fencepost_tx_add_(const void *address, size_t size) __attribute__((weak));
void fencepost_tx_end_(int committed) __attribute__((weak));
void fencepost_alloc_(const void *address, size_t size) __attribute__((weak));
void fencepost_free_(const void *address) __attribute__((weak));
void fencepost_root_(const void *address, size_t size) __attribute__((weak));
void fencepost_reach_(const void *object) __attribute__((weak));
void fencepost_pointer_(const void *field, const void *target)
    __attribute__((weak));
void fencepost_visit_(unsigned long long type,
                      void (*visitor)(const void *object, size_t size))
    __attribute__((weak));
void fencepost_op_begin_(const char *name) __attribute__((weak));
void fencepost_op_format_(const char *format, ...)
    __attribute__((weak, format(printf, 1, 2)));
void fencepost_op_vformat_(const char *format, __builtin_va_list arguments)
    __attribute__((weak, format(printf, 1, 0)));
void fencepost_op_buffered_(void) __attribute__((weak));
void fencepost_op_end_(void) __attribute__((weak));
void fencepost_observe_(const void *bytes, size_t size) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#define FENCEPOST_CALL_(name, arguments) (name != 0 ? name arguments : (void)0)

/*
 * The size bytes at address are persistent memory: for memory that is no pool
 * of libpmem, libpmem2 or libpmemobj, no DAX mapping and matches no `--pool`.
 * If it is a shared mapping of a file, that file is the pool.
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
 * Recovery finds out by itself, by a checksum, whether the size bytes at
 * address are whole: that it reads them half-persisted is no persistency-race.
 * To be called by the recovery program once it has read them, whatever the
 * checksum says.
 */
#define fencepost_validated(address, size)                                     \
  FENCEPOST_CALL_(fencepost_validated_, ((address), (size)))

/*
 * Pointers stored in the size bytes at address, in persistent memory, may go to
 * volatile memory or to another pool: they are set anew whenever the pool is
 * opened.
 */
#define fencepost_volatile_ok(address, size)                                   \
  FENCEPOST_CALL_(fencepost_volatile_ok_, ((address), (size)))

/*
 * Transactions of a library other than libpmemobj, which is known by itself.
 * The calling thread begins one; it covers what is added to it, and what is
 * allocated meanwhile; a store of the thread to other persistent memory is
 * reported (unlogged-store) until the transaction ends, committed or aborted.
 * One that begins inside another is part of it.
 */
#define fencepost_tx_begin() FENCEPOST_CALL_(fencepost_tx_begin_, ())
#define fencepost_tx_add(address, size)                                        \
  FENCEPOST_CALL_(fencepost_tx_add_, ((address), (size)))
#define fencepost_tx_end() FENCEPOST_CALL_(fencepost_tx_end_, (1))
#define fencepost_tx_abort() FENCEPOST_CALL_(fencepost_tx_end_, (0))

/*
 * Objects of such a library: the size bytes at address, in persistent memory,
 * are allocated, or freed, now, or when the calling thread's transaction ends.
 * A pool that has a root, which needs no pointer to it, is searched at the end
 * of the run for objects that nothing reaches (leak).
 */
#define fencepost_alloc(address, size)                                         \
  FENCEPOST_CALL_(fencepost_alloc_, ((address), (size)))
#define fencepost_free(address) FENCEPOST_CALL_(fencepost_free_, ((address)))
#define fencepost_root(address, size)                                          \
  FENCEPOST_CALL_(fencepost_root_, ((address), (size)))

/* The object at address needs no pointer that Fencepost can read, ever. */
#define fencepost_reach(address) FENCEPOST_CALL_(fencepost_reach_, ((address)))

/*
 * What was just stored at field, in persistent memory, stands for the address
 * target: it is judged as if target itself had been stored there, and the
 * object at target counts as reached from now on.
 */
#define fencepost_pointer(field, target)                                       \
  FENCEPOST_CALL_(fencepost_pointer_, ((field), (target)))

/*
 * Objects whose type number (of libpmemobj) is type hold pointers in a form of
 * their own: offsets of another origin, compressed, tagged or XORed ones.
 * Whenever Fencepost looks for what a root reaches, visitor is called for each
 * such object that is reached, and says by fencepost_reach(target) what it
 * points to; target may lie anywhere in an object. It must only read, and
 * allocate nothing. FENCEPOST_TYPE_ANY: all objects, the root and those of
 * fencepost_alloc, which have type 0, included. To be called in every program
 * that opens the pool, recovery too; up to 64 visitors, for good.
 */
#define FENCEPOST_TYPE_ANY (~0ULL)
#define fencepost_visit(type, visitor)                                         \
  FENCEPOST_CALL_(fencepost_visit_, ((type), (visitor)))

/*
 * The calling thread begins, or ends, an operation that a crash must either
 * undo or complete as a whole (docs/OPERATIONS.md). Its name, with its
 * arguments, is formatted as by printf and cut off at 1023 bytes; nothing is
 * formatted unless a run is recorded, and no memory is allocated. Operations of
 * one thread do not nest: a begin ends the one before, and is reported.
 */
#define fencepost_op_begin(...)                                                \
  FENCEPOST_CALL_(fencepost_op_format_, (__VA_ARGS__))
#define fencepost_op_end()                                                     \
  (fencepost_op_end_ != 0 /* as no tail call: it has a place then */           \
       ? (fencepost_op_end_(), __atomic_signal_fence(__ATOMIC_SEQ_CST))        \
       : (void)0)

/*
 * The operation that the calling thread has begun promises less: once it has
 * returned a crash may still undo it, with all that came after it.
 */
#define fencepost_op_buffered() FENCEPOST_CALL_(fencepost_op_buffered_, ())

/*
 * In recovery: the size bytes at bytes say what was recovered, in a form that
 * depends on nothing but the content (no addresses, times or process ids).
 * Several calls are one observation, in their order. Elsewhere: does nothing.
 */
#define fencepost_observe(bytes, size)                                         \
  FENCEPOST_CALL_(fencepost_observe_, ((bytes), (size)))

#ifdef __cplusplus
namespace fencepost {

/* An operation as long as the guard lives: fencepost::op op("insert(%d)", k);
 */
class op {
public:
  __attribute__((format(printf, 2, 3))) explicit op(const char *format, ...) {
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    FENCEPOST_CALL_(fencepost_op_vformat_, (format, arguments));
    __builtin_va_end(arguments);
  }
  op(const op &) = delete;
  op &operator=(const op &) = delete;
  ~op() {
    fencepost_op_end();
  }
};

} // namespace fencepost
#endif

#endif /* FENCEPOST_FENCEPOST_H */
