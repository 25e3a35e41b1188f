// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions as operations (docs/OPERATIONS.md): at the end, the marks of
// Mark.h become hooks.
#ifndef FENCEPOST_PASS_OPS_H
#define FENCEPOST_PASS_OPS_H

#include "Hooks.h"

namespace fencepost {

/// The table of struct fencepost_function (fencepost/module.h) of a module.
struct MarkedFunctions {
  llvm::Constant *Table;
  uint64_t Count;
};

/// Turns the marks into hooks: in the version that reports loads, which also
/// runs when functions are operations (state.loads), or guarded in a function
/// that has one version. Where an exception or longjmp comes back to one of
/// Functions, a hook says so.
MarkedFunctions lowerMarks(llvm::Module &M,
                           llvm::ArrayRef<llvm::Function *> Functions,
                           Hooks &Runtime);

} // namespace fencepost

#endif // FENCEPOST_PASS_OPS_H
