// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Libc.h"

#include "Hooks.h"

#include "llvm/ADT/Statistic.h"
#include "llvm/IR/Instructions.h"

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(Redirected, "Functions of libc redirected to the runtime");

namespace {

struct LibcEntry {
  const char *Name;
  const char *Result;
  const char *Arguments;
};

constexpr LibcEntry LibcTable[] = {
#define FENCEPOST_LIBC(Name, Result, Arguments) {#Name, #Result, #Arguments},
#include "fencepost/libc.def"
};

} // namespace

unsigned redirectLibc(Module &M) {
  unsigned Count = 0;
  for (const LibcEntry &Entry : LibcTable) {
    Function *F = M.getFunction(Entry.Name);
    // A module that defines the function, or declares it otherwise, means one
    // of its own.
    if (F == nullptr || !F->isDeclaration() || F->use_empty())
      continue;
    AbiSignature Signature(M.getContext(), Entry.Result, Entry.Arguments);
    if (F->getFunctionType() != Signature.type())
      continue;
    FunctionCallee Ours = M.getOrInsertFunction(
        (SymbolPrefix + "libc_" + Entry.Name).str(), F->getFunctionType());
    F->replaceUsesWithIf(Ours.getCallee(), [](const Use &U) {
      const auto *I = dyn_cast<Instruction>(U.getUser());
      return I == nullptr || !I->getFunction()->hasFnAttribute(
                                 Attribute::DisableSanitizerInstrumentation);
    });
    ++Count;
  }
  Redirected += Count;
  return Count;
}

} // namespace fencepost
