// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Redirects functions of libc that touch memory to the runtime's.
#ifndef FENCEPOST_PASS_LIBC_H
#define FENCEPOST_PASS_LIBC_H

#include "llvm/IR/Module.h"

namespace fencepost {

/// Replaces the functions of fencepost/libc.def, where the module uses them, by
/// the runtime's. Returns how many functions were replaced.
unsigned redirectLibc(llvm::Module &M);

} // namespace fencepost

#endif // FENCEPOST_PASS_LIBC_H
