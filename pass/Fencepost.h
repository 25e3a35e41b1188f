// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass: finds every instruction that matters to persistent memory and puts
// a call of the runtime beside it.
#ifndef FENCEPOST_PASS_FENCEPOST_H
#define FENCEPOST_PASS_FENCEPOST_H

#include "llvm/IR/PassManager.h"

#include <string>

namespace fencepost {

struct FencepostOptions {
  std::string Text; ///< as given, recorded in the module
};

class FencepostPass : public llvm::PassInfoMixin<FencepostPass> {
public:
  explicit FencepostPass(FencepostOptions Options)
      : Options(std::move(Options)) {}
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
  /// Functions that are not to be optimized are instrumented as well.
  static bool isRequired() {
    return true;
  }

private:
  FencepostOptions Options;
};

} // namespace fencepost

#endif // FENCEPOST_PASS_FENCEPOST_H
