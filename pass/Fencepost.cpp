// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fencepost.h"

#include "Classify.h"
#include "Group.h"
#include "Hooks.h"
#include "Insert.h"
#include "Libc.h"
#include "LlvmCompat.h"
#include "Mark.h"
#include "Ops.h"
#include "Versions.h"

#include "fencepost/module.h"

#include "llvm/ADT/Statistic.h"
#include "llvm/Demangle/Demangle.h"
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

static bool callsInstrumented(const Function &F) {
  return any_of(instructions(F), [](const Instruction &I) {
    const auto *Call = dyn_cast<CallBase>(&I);
    if (Call == nullptr || Call->isInlineAsm() || isa<IntrinsicInst>(Call) ||
        !staysInstrumented(*Call))
      return false;
    StringRef Name = Call->getCalledFunction()->getName();
    return !Name.consume_front(SymbolPrefix) || Name.starts_with("libc_");
  });
}

namespace {

/// What is to be done in one version of a function.
struct Plan {
  SmallVector<Event, 32> Events;
  bool LeavesAtReturn = false;
  unsigned Unknown = 0;

  explicit Plan(Function &F);
  /// Whether there is something that only matters while loads are reported.
  bool hasLoads() const {
    return any_of(Events, [](const Event &E) {
      return E.Kind == EventKind::Load || E.Kind == EventKind::Sync;
    });
  }
  void insert(Function &F, Hooks &Runtime, HookCounts &Counts, bool Guarded);
};

} // namespace

Plan::Plan(Function &F) {
  Classifier Classify(F);
  for (Instruction &I : instructions(F))
    Classify.classify(I, Events);
  Unknown = Classify.unknownCount();
  // What a function without loads finds open, its caller opened.
  bool MayOpen =
      callsInstrumented(F) || any_of(Events, [](const Event &E) {
        return E.Kind == EventKind::Load || E.Kind == EventKind::Atomic;
      });
  LeavesAtReturn = MayOpen && (!F.hasLocalLinkage() || F.hasAddressTaken());
}

void Plan::insert(Function &F, Hooks &Runtime, HookCounts &Counts,
                  bool Guarded) {
  Inserter Insert(F, Runtime, Counts, Guarded);
  for (const EventGroup &Group : groupEvents(F, Events))
    Insert.insert(Group);
  if (LeavesAtReturn)
    Insert.insertLeaveAtReturns();
  correctAttributes(F);
  F.addFnAttr(DoneAttribute);
}

static void instrument(Function &F, ArrayRef<CallInst *> Marks, Hooks &Runtime,
                       ModuleSummary &Summary) {
  Plan Ordinary(F);
  ++Summary.Functions;
  if (Ordinary.Unknown != 0 && Summary.UnknownAsm == 0)
    Summary.UnknownAsmFunction = demangle(F.getName());
  Summary.UnknownAsm += Ordinary.Unknown;
  if ((!Ordinary.hasLoads() && Marks.empty()) || !canHaveVersions(F))
    return Ordinary.insert(F, Runtime, Summary.Hooks, /*Guarded=*/true);

  Function *Copy = copyForRecovery(F);
  for (CallInst *Mark : Marks)
    Mark->eraseFromParent();
  Plan Recovery(*Copy);
  Recovery.LeavesAtReturn = Ordinary.LeavesAtReturn;
  HookCounts InCopy;
  Recovery.insert(*Copy, Runtime, InCopy, /*Guarded=*/false);
  Summary.Hooks.Loads += InCopy.Loads;

  erase_if(Ordinary.Events, [](const Event &E) {
    return E.Kind == EventKind::Load || E.Kind == EventKind::Leave ||
           E.Kind == EventKind::Sync || E.Kind == EventKind::Touch;
  });
  Ordinary.LeavesAtReturn = false;
  Ordinary.insert(F, Runtime, Summary.Hooks, /*Guarded=*/true);
  jumpToCopy(F, *Copy, Runtime);
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
                                const MarkedFunctions &Marked,
                                StringRef Options) {
  LLVMContext &Context = M.getContext();
  auto Number = [&](uint64_t Value) -> Constant * {
    return ConstantInt::get(Type::getInt32Ty(Context), Value);
  };
  Constant *Fields[] = {
      Number(AbiVersion),
      Number(LLVM_VERSION_MAJOR),
      stringConstant(M, M.getSourceFileName()),
      stringConstant(M, Options),
      Number(Summary.Hooks.Stores),
      Number(Summary.Hooks.Loads),
      Number(Summary.Hooks.Flushes),
      Number(Summary.Hooks.Fences),
      Number(Summary.UnknownAsm),
      Number(Summary.Functions),
      stringConstant(M, Summary.UnknownAsmFunction),
      Marked.Table,
      ConstantInt::get(Type::getInt64Ty(Context), Marked.Count)};
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
  settleMarks(M);
  MarksByFunction Marks = marksByFunction(M);
  for (Function *F : Functions)
    instrument(*F, Marks.lookup(F), Runtime, Summary);
  MarkedFunctions Marked = lowerMarks(M, Functions, Runtime);
  for (Function *F : Functions)
    if (Function *Copy = versionOf(*F))
      dropVariables(*Copy);
  addConstructor(M, Runtime, describeModule(M, Summary, Marked, Options.Text));

  StoreHooks += Summary.Hooks.Stores;
  LoadHooks += Summary.Hooks.Loads;
  FlushHooks += Summary.Hooks.Flushes;
  FenceHooks += Summary.Hooks.Fences;
  UnknownAsm += Summary.UnknownAsm;
  return PreservedAnalyses::none();
}

} // namespace fencepost
