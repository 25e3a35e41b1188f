/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The functions behind the interposed ones: a sanitizer's interceptor if the
 * program has one, else the next definition in the order of the loader.
 */
#ifndef FPOST_HOOKS_REAL_H
#define FPOST_HOOKS_REAL_H

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>
#include <wchar.h>

/* What an interposed function's definition bears. */
#define FPOST_INTERPOSE __attribute__((visibility("default")))

/* PMEMoid: part of libpmemobj's ABI. */
struct fpost_oid {
  uint64_t pool;
  uint64_t offset;
};

/* A constructor of an object: pool, object, argument. */
typedef int (*fpost_constructor)(void *, void *, void *);

struct fpost_real {
#define FPOST_REAL(result, field, name, arguments) result(*field) arguments;
#include "rt/hooks/real.def"
};

/* Filled before the first constructor. A field is null if no library loaded
   then defines the function: see fpost_real_late. */
extern struct fpost_real fpost_real;

/* Fill it in; also for code that runs before our start. */
void fpost_real_find(void);

/* The function behind, for what a library may call before our start. */
#define FPOST_BEHIND(field)                                                    \
  (FPOST_UNLIKELY(fpost_real.field == NULL) ? fpost_real_find() : (void)0,     \
   fpost_real.field)

/* Look again, for functions of libraries that were loaded later. */
void fpost_real_late(void);

#endif /* FPOST_HOOKS_REAL_H */
