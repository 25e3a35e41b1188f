/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the examples of `fencepost explain` take for granted. */
#ifndef FPOST_TESTS_TOOLS_EXPLAIN_H
#define FPOST_TESTS_TOOLS_EXPLAIN_H

#include <fencepost/fencepost.h>
#include <libpmem.h>
#include <libpmemobj.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#endif /* FPOST_TESTS_TOOLS_EXPLAIN_H */
