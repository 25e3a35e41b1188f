// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The runtime's side of the ABI as IR: hook declarations, expanded from
// fencepost/hooks.def, and the state that is read inline.
#ifndef FENCEPOST_PASS_HOOKS_H
#define FENCEPOST_PASS_HOOKS_H

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace fencepost {

/// Prefix of every symbol of the runtime.
inline constexpr llvm::StringLiteral SymbolPrefix = "__fencepost_";

/// The types that fencepost/hooks.def and fencepost/libc.def name, as IR types.
/// Ellipses and null arguments for a word that names none.
struct AbiSignature {
  llvm::Type *Result = nullptr;
  llvm::SmallVector<llvm::Type *, 6> Arguments;
  bool Ellipsis = false;

  /// Reads "(PTR to, U64 size, ...)" and the name of the result's type.
  AbiSignature(llvm::LLVMContext &Context, llvm::StringRef ResultName,
               llvm::StringRef ArgumentList);
  llvm::FunctionType *type() const {
    return llvm::FunctionType::get(Result, Arguments, Ellipsis);
  }
};

class Hooks {
public:
  explicit Hooks(llvm::Module &M) : M(M) {}

  enum Id {
#define FENCEPOST_HOOK(Name, Result, Arguments) Name,
#include "fencepost/hooks.def"
    Count
  };

  /// Calls a hook at the builder's place, in the hook's calling convention.
  llvm::CallInst *call(llvm::IRBuilderBase &Builder, Id Hook,
                       llvm::ArrayRef<llvm::Value *> Arguments);

  /// Loads a field of __fencepost_state; marked as not to be sanitized.
  llvm::LoadInst *loadState(llvm::IRBuilderBase &Builder, llvm::Type *Type,
                            unsigned Offset);

private:
  llvm::FunctionCallee declare(Id Hook);

  llvm::Module &M;
  llvm::FunctionCallee Declared[Count];
  llvm::Constant *State = nullptr;
};

} // namespace fencepost

#endif // FENCEPOST_PASS_HOOKS_H
