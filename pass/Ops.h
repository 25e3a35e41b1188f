// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions as operations (docs/OPERATIONS.md): their entries and exits are
// marked before anything is inlined, and the marks become hooks at the end.
#ifndef FENCEPOST_PASS_OPS_H
#define FENCEPOST_PASS_OPS_H

#include "Hooks.h"

#include "llvm/IR/PassManager.h"

namespace fencepost {

/// Marks the functions that may be operations: those of the user that call
/// something, fence or contain inline assembly. A mark is an annotation, which
/// costs the optimizer nothing and keeps its place among calls.
class MarkPass : public llvm::PassInfoMixin<MarkPass> {
public:
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
  static bool isRequired() {
    return true;
  }
};

/// The table of struct fencepost_function (fencepost/module.h) of a module.
struct MarkedFunctions {
  llvm::Constant *Table;
  uint64_t Count;
};

/// Turns the marks into hooks: in the version that reports loads, which also
/// runs when functions are operations (state.loads), or guarded in a function
/// that has one version.
MarkedFunctions lowerMarks(llvm::Module &M, Hooks &Runtime);

} // namespace fencepost

#endif // FENCEPOST_PASS_OPS_H
