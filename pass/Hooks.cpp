// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Hooks.h"

#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/MDBuilder.h"

using namespace llvm;

namespace fencepost {

namespace {

struct HookEntry {
  const char *Name;
  const char *Result;
  const char *Arguments;
};

constexpr HookEntry HookTable[] = {
#define FENCEPOST_HOOK(Name, Result, Arguments) {#Name, #Result, #Arguments},
#include "fencepost/hooks.def"
};

} // namespace

static Type *typeNamed(LLVMContext &Context, StringRef Name) {
  if (Name == "VOID")
    return Type::getVoidTy(Context);
  if (Name == "PTR" || Name == "VALIST")
    return PointerType::getUnqual(Context);
  if (Name == "U64")
    return Type::getInt64Ty(Context);
  if (Name == "U32" || Name == "I32")
    return Type::getInt32Ty(Context);
  llvm_unreachable("fencepost/*.def names a type that the pass does not know");
}

AbiSignature::AbiSignature(LLVMContext &Context, StringRef ResultName,
                           StringRef ArgumentList) {
  Result = typeNamed(Context, ResultName);
  StringRef Rest = ArgumentList.trim("()");
  while (!Rest.empty()) {
    auto [First, After] = Rest.split(',');
    First = First.trim();
    if (First == "...")
      Ellipsis = true;
    else if (First != "void")
      Arguments.push_back(typeNamed(Context, First.split(' ').first));
    Rest = After;
  }
}

/// Does the caller count on registers that other functions may use? Not beside
/// a call or a return, where LLVM's fast instruction selection helps more: it
/// knows the convention of C alone.
static bool preservesMost(Hooks::Id Hook) {
  switch (Hook) {
  case Hooks::leave:
  case Hooks::op_begin:
  case Hooks::op_end:
  case Hooks::op_tail:
  case Hooks::op_landed:
  case Hooks::client:
  case Hooks::module:
    return false;
  default:
    return true;
  }
}

FunctionCallee Hooks::declare(Id Hook) {
  const HookEntry &Entry = HookTable[Hook];
  AbiSignature Signature(M.getContext(), Entry.Result, Entry.Arguments);
  AttrBuilder Attributes(M.getContext());
  Attributes.addAttribute(Attribute::NoUnwind);
  FunctionCallee Callee = M.getOrInsertFunction(
      (SymbolPrefix + Entry.Name).str(), Signature.type(),
      AttributeList::get(M.getContext(), AttributeList::FunctionIndex,
                         Attributes));
  if (preservesMost(Hook))
    if (auto *F = dyn_cast<Function>(Callee.getCallee()))
      F->setCallingConv(CallingConv::PreserveMost);
  return Callee;
}

CallInst *Hooks::call(IRBuilderBase &Builder, Id Hook,
                      ArrayRef<Value *> Arguments) {
  if (!Declared[Hook])
    Declared[Hook] = declare(Hook);
  CallInst *Call = Builder.CreateCall(Declared[Hook], Arguments);
  if (preservesMost(Hook))
    Call->setCallingConv(CallingConv::PreserveMost);
  Call->setDoesNotThrow();
  return Call;
}

LoadInst *Hooks::loadState(IRBuilderBase &Builder, Type *Type,
                           unsigned Offset) {
  if (!State)
    State = M.getOrInsertGlobal((SymbolPrefix + "state").str(),
                                llvm::Type::getInt64Ty(M.getContext()));
  Value *Field = Offset == 0 ? static_cast<Value *>(State)
                             : Builder.CreateConstInBoundsGEP1_64(
                                   Builder.getInt8Ty(), State, Offset);
  LoadInst *Load = Builder.CreateLoad(Type, Field);
  Load->setMetadata(LLVMContext::MD_nosanitize,
                    MDNode::get(M.getContext(), ArrayRef<Metadata *>()));
  return Load;
}

} // namespace fencepost
