// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fencepost.h"

#include "Classify.h"
#include "Group.h"
#include "Hooks.h"
#include "Insert.h"
#include "Libc.h"
#include "LlvmCompat.h"

#include "fencepost/module.h"

#include "llvm/ADT/Statistic.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(StoreHooks, "Store hooks inserted");
STATISTIC(LoadHooks, "Load hooks inserted");
STATISTIC(FlushHooks, "Flush hooks inserted");
STATISTIC(FenceHooks, "Fence hooks inserted");
STATISTIC(UnknownAsm, "Asm blocks that may write memory, not understood");

/// On a function that the pass has done: with link-time optimization it may
/// meet a function a second time, alone or among new ones.
static constexpr StringLiteral DoneAttribute = "fencepost";

/// Number of the hook ABI, see fencepost/hooks.def.
#define FENCEPOST_HOOK(Name, Result, Arguments)
#include "fencepost/hooks.def"
static constexpr uint32_t AbiVersion = FENCEPOST_ABI_VERSION;

namespace {

struct ModuleSummary {
  HookCounts Hooks;
  unsigned Functions = 0;
  unsigned UnknownAsm = 0;
  std::string UnknownAsmFunction;
};

} // namespace

/// Hooks write memory, may wait for a lock, end the program, and see every
/// address they are given; what was inferred without them no longer holds.
static void correctAttributes(Function &F) {
  for (Attribute::AttrKind Kind :
       {Attribute::Memory, Attribute::NoSync, Attribute::WillReturn,
        Attribute::NoFree, Attribute::NoCallback, Attribute::Speculatable})
    F.removeFnAttr(Kind);
  for (Argument &A : F.args()) {
    removeNotCaptured(F, A.getArgNo());
    for (Attribute::AttrKind Kind : {Attribute::ReadNone, Attribute::ReadOnly,
                                     Attribute::WriteOnly, Attribute::NoFree})
      F.removeParamAttr(A.getArgNo(), Kind);
  }
}

static void instrument(Function &F, Hooks &Runtime, ModuleSummary &Summary) {
  Classifier Classify(F);
  SmallVector<Event, 32> Events;
  for (Instruction &I : instructions(F))
    Classify.classify(I, Events);
  bool MayBeCalledFromOutside = !F.hasLocalLinkage() || F.hasAddressTaken();

  Inserter Insert(F, Runtime, Summary.Hooks);
  for (ArrayRef<Event> Rest = Events; !Rest.empty();) {
    size_t Count = groupLoads(Rest);
    if (Count > 1)
      Insert.insertLoads(Rest.take_front(Count));
    else
      Insert.insert(Rest.front());
    Rest = Rest.drop_front(Count);
  }
  if (MayBeCalledFromOutside)
    Insert.insertLeaveAtReturns();
  correctAttributes(F);
  F.addFnAttr(DoneAttribute);

  ++Summary.Functions;
  if (Classify.unknownCount() != 0 && Summary.UnknownAsm == 0)
    Summary.UnknownAsmFunction = F.getName().str();
  Summary.UnknownAsm += Classify.unknownCount();
}

static Constant *stringConstant(Module &M, StringRef Text) {
  Constant *Bytes = ConstantDataArray::getString(M.getContext(), Text);
  auto *Global =
      new GlobalVariable(M, Bytes->getType(), /*isConstant=*/true,
                         GlobalValue::PrivateLinkage, Bytes, "fencepost.text");
  Global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return Global;
}

/// struct fencepost_module of fencepost/module.h.
static Constant *describeModule(Module &M, const ModuleSummary &Summary,
                                StringRef Options) {
  LLVMContext &Context = M.getContext();
  auto Number = [&](uint64_t Value) -> Constant * {
    return ConstantInt::get(Type::getInt32Ty(Context), Value);
  };
  Constant *Fields[] = {Number(AbiVersion),
                        Number(LLVM_VERSION_MAJOR),
                        stringConstant(M, M.getSourceFileName()),
                        stringConstant(M, Options),
                        Number(Summary.Hooks.Stores),
                        Number(Summary.Hooks.Loads),
                        Number(Summary.Hooks.Flushes),
                        Number(Summary.Hooks.Fences),
                        Number(Summary.UnknownAsm),
                        Number(Summary.Functions),
                        stringConstant(M, Summary.UnknownAsmFunction)};
  Constant *Struct = ConstantStruct::getAnon(Context, Fields);
  return new GlobalVariable(M, Struct->getType(), /*isConstant=*/true,
                            GlobalValue::InternalLinkage, Struct,
                            "fencepost.module");
}

static void addConstructor(Module &M, Hooks &Runtime, Constant *Description) {
  LLVMContext &Context = M.getContext();
  auto *Type = FunctionType::get(llvm::Type::getVoidTy(Context), false);
  Function *Constructor = Function::createWithDefaultAttr(
      Type, GlobalValue::InternalLinkage, 0, "fencepost.module_ctor", &M);
  Constructor->addFnAttr(Attribute::NoUnwind);
  Constructor->addFnAttr(DoneAttribute);
  IRBuilder<> Builder(BasicBlock::Create(Context, "", Constructor));
  Runtime.call(Builder, Hooks::module, {Description});
  Builder.CreateRetVoid();
  appendToGlobalCtors(M, Constructor, /*Priority=*/0);
}

PreservedAnalyses FencepostPass::run(Module &M, ModuleAnalysisManager &) {
  SmallVector<Function *, 64> Functions;
  for (Function &F : M)
    if (isInstrumentable(F) && !F.hasFnAttribute(DoneAttribute))
      Functions.push_back(&F);
  if (Functions.empty())
    return PreservedAnalyses::all();

  ModuleSummary Summary;
  Hooks Runtime(M);
  redirectLibc(M);
  for (Function *F : Functions)
    instrument(*F, Runtime, Summary);
  addConstructor(M, Runtime, describeModule(M, Summary, Options.Text));

  StoreHooks += Summary.Hooks.Stores;
  LoadHooks += Summary.Hooks.Loads;
  FlushHooks += Summary.Hooks.Flushes;
  FenceHooks += Summary.Hooks.Fences;
  UnknownAsm += Summary.UnknownAsm;
  return PreservedAnalyses::none();
}

} // namespace fencepost
