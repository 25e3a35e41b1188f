/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the examples of `fencepost explain` take for granted. */
#include <fencepost/fencepost.h>
#include <libpmem.h>
#include <libpmemobj.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
