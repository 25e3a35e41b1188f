/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The client requests of pmemcheck (VALGRIND_PMC_*), given their meaning. */
#ifndef FPOST_HOOKS_CLIENT_H
#define FPOST_HOOKS_CLIENT_H

#include "rt/hooks/context.h"

/*
 * arguments are the six words of a client request: its code and five arguments;
 * result is what it returns if nobody listens. Returns what the request
 * returns. Inside the context only.
 */
uint64_t fpost_client_request(struct fpost_thread_state *self,
                              const void *arguments, uint64_t result,
                              uint32_t stack);

#endif /* FPOST_HOOKS_CLIENT_H */
