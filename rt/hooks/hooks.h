/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The hooks, as the runtime sees them: prototypes expanded from
 * fencepost/hooks.def.
 */
#ifndef FPOST_HOOKS_HOOKS_H
#define FPOST_HOOKS_HOOKS_H

#include "fencepost/module.h"

#include <stdint.h>

/* clang-format off */
#define VOID void
#define PTR void *
#define U64 uint64_t
#define U32 uint32_t
#define FPOST_HOOK_CC_store __attribute__((preserve_most))
#define FPOST_HOOK_CC_store_masked __attribute__((preserve_most))
#define FPOST_HOOK_CC_load __attribute__((preserve_most))
#define FPOST_HOOK_CC_load_atomic __attribute__((preserve_most))
#define FPOST_HOOK_CC_sync __attribute__((preserve_most))
#define FPOST_HOOK_CC_touch __attribute__((preserve_most))
#define FPOST_HOOK_CC_leave
#define FPOST_HOOK_CC_atomic_begin __attribute__((preserve_most))
#define FPOST_HOOK_CC_atomic_end __attribute__((preserve_most))
#define FPOST_HOOK_CC_flush __attribute__((preserve_most))
#define FPOST_HOOK_CC_fence __attribute__((preserve_most))
#define FPOST_HOOK_CC_op_begin
#define FPOST_HOOK_CC_op_end
#define FPOST_HOOK_CC_op_tail
#define FPOST_HOOK_CC_op_landed
#define FPOST_HOOK_CC_client
#define FPOST_HOOK_CC_module
#define FENCEPOST_HOOK(name, result, arguments)                                \
  FPOST_HOOK_CC_##name __attribute__((visibility("default")))                  \
  result __fencepost_##name arguments;
#include "fencepost/hooks.def"
#undef VOID
#undef PTR
#undef U64
#undef U32
/* clang-format on */

extern __attribute__((
    visibility("default"))) struct fencepost_state __fencepost_state;

#endif /* FPOST_HOOKS_HOOKS_H */
