// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is known of the arguments of a marked call when the optimizer is
// through: from debug information, also where the call has been inlined.
#ifndef FENCEPOST_PASS_ARGUMENTS_H
#define FENCEPOST_PASS_ARGUMENTS_H

#include "Mark.h"

#include "fencepost/module.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"

namespace fencepost {

/// The parameters of a function: letter and name, as in struct
/// fencepost_function.
struct Parameters {
  struct One {
    char Type;
    std::string Name;
  };
  llvm::SmallVector<One, FENCEPOST_OP_ARGUMENTS> List;
  bool Read = false;
  bool More = false; ///< there are more than the list has

  std::string text() const;
};

/// The arguments of one call; null: not known.
using ArgumentValues = std::array<llvm::Value *, FENCEPOST_OP_ARGUMENTS>;

/// What is known at the mark of a begin of the function of that name. Adds to
/// All what is to be learnt about the parameters.
ArgumentValues
argumentsAt(const llvm::CallInst &Begin, llvm::StringRef Symbol,
            Parameters &All,
            llvm::function_ref<const llvm::DominatorTree &()> Tree);

/// A value as 64 bits; null if it is none that can be shown.
llvm::Value *asBits(llvm::IRBuilderBase &Builder, llvm::Value *V, char Letter);

} // namespace fencepost

#endif // FENCEPOST_PASS_ARGUMENTS_H
