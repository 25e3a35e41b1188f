/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The hooks, as the runtime sees them: prototypes expanded from
 * fencepost/hooks.def, and the module descriptor that the pass emits.
 */
#ifndef FPOST_HOOKS_HOOKS_H
#define FPOST_HOOKS_HOOKS_H

#include <stdint.h>

/*
 * What a translation unit says of itself to __fencepost_module, which keeps the
 * pointer: a constant of static storage. The first two fields keep their place in
 * every version of the ABI. Text fields are NUL-terminated, null if there is none.
 */
struct fencepost_module {
  uint32_t abi_version; /* FENCEPOST_ABI_VERSION of the pass */
  uint32_t size;        /* of this struct, bytes */
  const char *name;     /* the source file */
  const char *built;    /* version of plugin and LLVM, options of the pass */
  uint64_t stores;      /* hooks inserted: stores, memory intrinsics, atomics */
  uint64_t loads;
  uint64_t flushes;
  uint64_t fences;
  uint64_t not_understood; /* asm blocks that touch memory in an unknown way */
  const char *not_understood_where; /* the first of them: "file:line: text" */
};

/* clang-format off */
#define VOID void
#define PTR void *
#define U64 uint64_t
#define U32 uint32_t
#define FPOST_HOOK_CC_store __attribute__((preserve_most))
#define FPOST_HOOK_CC_store_masked __attribute__((preserve_most))
#define FPOST_HOOK_CC_load __attribute__((preserve_most))
#define FPOST_HOOK_CC_leave __attribute__((preserve_most))
#define FPOST_HOOK_CC_atomic_begin __attribute__((preserve_most))
#define FPOST_HOOK_CC_atomic_end __attribute__((preserve_most))
#define FPOST_HOOK_CC_flush __attribute__((preserve_most))
#define FPOST_HOOK_CC_fence __attribute__((preserve_most))
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

extern __attribute__((visibility("default"))) uint64_t __fencepost_pm_base;
extern __attribute__((visibility("default"))) uint64_t __fencepost_pm_size;
extern __attribute__((visibility("default"))) uint8_t __fencepost_loads;

#endif /* FPOST_HOOKS_HOOKS_H */
