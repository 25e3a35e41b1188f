// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Mark.h"

#include "Classify.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(MarkedOperations, "Functions marked as possible operations");

/// What tells a mark from the program's own annotations.
static constexpr StringLiteral MarkPrefix = "fencepost.mark.";

/// Is it code that the user has written, and not a header of the system?
static bool isOwn(const Function &F) {
  if (const DISubprogram *Subprogram = F.getSubprogram()) {
    StringRef File = Subprogram->getFilename();
    return !File.starts_with("/usr/") && !File.starts_with("/rustc/") &&
           !File.contains("/.cargo/registry/");
  }
  StringRef Name = F.getName();
  for (StringRef Library : {"_ZNSt", "_ZNKSt", "_ZSt", "_ZN9__gnu_cxx",
                            "_ZN4core", "_ZN5alloc", "_ZN3std"})
    if (Name.starts_with(Library))
      return false;
  return true;
}

// ---- what may make something durable

static bool startsWithOneOf(StringRef Name, ArrayRef<StringLiteral> Starts) {
  return any_of(Starts,
                [=](StringRef Start) { return Name.starts_with(Start); });
}

/// Functions of libc that store nothing that the program can name.
static bool isHarmless(StringRef Callee) {
  static constexpr StringLiteral Names[] = {
      "abort",   "assert", "__assert", "atoi",   "calloc", "exit",    "fclose",
      "fflush",  "fopen",  "fprintf",  "fputs",  "fputc",  "free",    "getenv",
      "malloc",  "memchr", "memcmp",   "perror", "printf", "putchar", "puts",
      "qsort",   "rand",   "realloc",  "strchr", "strcmp", "strlen",  "strncmp",
      "strrchr", "strstr", "strto"};
  return startsWithOneOf(Callee, Names);
}

/// Functions of libc that store to their first argument.
static bool storesToArgument(StringRef Callee) {
  static constexpr StringLiteral Names[] = {"fgets", "mem", "snprintf",
                                            "sprintf", "str"};
  return startsWithOneOf(Callee, Names);
}

/// Might others see what is stored there? Looked at before any optimization:
/// what is reached by a pointer that a variable holds counts as seen.
static bool isSeen(const Value *Address) {
  const Value *Object = getUnderlyingObject(Address);
  const auto *A = dyn_cast<Argument>(Object);
  return !isa<AllocaInst, GlobalVariable>(Object) &&
         (A == nullptr || !A->hasStructRetAttr());
}

namespace {

/// Which functions of a module may make something durable: an operation does,
/// itself or by what it calls, or stores what its caller will make durable.
class Durable {
public:
  explicit Durable(Module &M);
  bool contains(const Function &F) const {
    return Members.contains(&F);
  }

private:
  bool readsBody(const Function &F);
  bool readsCall(const CallBase &Call);

  SmallPtrSet<const Function *, 32> Members;
  DenseMap<const Function *, SmallVector<const Function *, 4>> CalledBy;
};

} // namespace

/// Does a call? If it depends on a function of this module, that is noted.
bool Durable::readsCall(const CallBase &Call) {
  if (isa<DbgInfoIntrinsic>(Call))
    return false;
  const Function *Callee = Call.getCalledFunction();
  if (Callee == nullptr)
    return true; // inline assembly, or a function that a pointer points to
  if (const auto *Block = dyn_cast<AnyMemIntrinsic>(&Call))
    return isSeen(Block->getRawDest());
  StringRef Name = Callee->getName();
  if (Callee->isIntrinsic())
    return Name.starts_with("llvm.x86.") || Name.starts_with("llvm.masked.");
  if (!Callee->isDeclaration()) {
    CalledBy[Callee].push_back(Call.getFunction());
    return false;
  }
  if (isHarmless(Name))
    return false;
  return !storesToArgument(Name) || Call.arg_empty() ||
         isSeen(Call.getArgOperand(0));
}

/// Does the function by itself? Notes what it calls in this module.
bool Durable::readsBody(const Function &F) {
  for (const Instruction &I : instructions(F)) {
    if (const auto *Store = dyn_cast<StoreInst>(&I)) {
      if (isSeen(Store->getPointerOperand()))
        return true;
    } else if (isa<FenceInst, AtomicRMWInst, AtomicCmpXchgInst>(I)) {
      return true;
    } else if (const auto *Call = dyn_cast<CallBase>(&I)) {
      if (readsCall(*Call))
        return true;
    }
  }
  return false;
}

Durable::Durable(Module &M) {
  SmallVector<const Function *, 32> Left;
  for (const Function &F : M)
    if (!F.isDeclaration() && readsBody(F))
      Left.push_back(&F);
  while (!Left.empty()) {
    const Function *F = Left.pop_back_val();
    if (Members.insert(F).second)
      append_range(Left, CalledBy[F]);
  }
}

// ---- marking

static void mark(Instruction *Before, DebugLoc At, Constant *Name,
                 MarkKind Kind) {
  IRBuilder<> Builder(Before);
  Builder.SetCurrentDebugLocation(At);
  Constant *None = ConstantPointerNull::get(Builder.getPtrTy());
  Builder.CreateIntrinsic(
      Intrinsic::var_annotation, {Builder.getPtrTy(), Builder.getPtrTy()},
      {None, Name, None, Builder.getInt32(static_cast<unsigned>(Kind)), None});
}

static void markFunction(Function &F, function_ref<bool(Function &)> IsMarked) {
  Module &M = *F.getParent();
  Constant *Text = ConstantDataArray::getString(M.getContext(), F.getName());
  auto *Name = new GlobalVariable(M, Text->getType(), /*isConstant=*/true,
                                  GlobalValue::PrivateLinkage, Text,
                                  MarkPrefix + F.getName());
  DebugLoc Entry;
  if (DISubprogram *Subprogram = F.getSubprogram())
    Entry = DILocation::get(F.getContext(), Subprogram->getScopeLine(), 0,
                            Subprogram);
  mark(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca(), Entry, Name,
       MarkKind::Begin);
  for (BasicBlock &Block : F) {
    Instruction *Exit = Block.getTerminator();
    MarkKind Kind = MarkKind::End;
    // Nothing may stand between such a call and its return. What an unmarked
    // function does there is seen to be over when its caller goes on.
    if (CallInst *Jump = Block.getTerminatingMustTailCall()) {
      Function *Callee = Jump->getCalledFunction();
      if (Callee == nullptr || !IsMarked(*Callee))
        continue;
      Exit = Jump;
      Kind = MarkKind::Tail;
    } else if (!isa<ReturnInst, ResumeInst>(Exit)) {
      continue;
    }
    mark(Exit, Exit->getDebugLoc() ? Exit->getDebugLoc() : Entry, Name, Kind);
  }
  ++MarkedOperations;
}

PreservedAnalyses MarkPass::run(Module &M, ModuleAnalysisManager &) {
  bool Changed = false;
  Durable MayPersist(M);
  auto IsMarked = [&](Function &F) {
    return isInstrumentable(F) && F.getName() != "main" &&
           !F.isPresplitCoroutine() && isOwn(F) && MayPersist.contains(F);
  };
  for (Function &F : M)
    if (IsMarked(F)) {
      markFunction(F, IsMarked);
      Changed = true;
    }
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

// ---- reading marks

StringRef Mark::symbol() const {
  return cast<ConstantDataArray>(Name->getInitializer())->getAsCString();
}

std::optional<Mark> markOf(const CallBase &Call) {
  if (Call.getIntrinsicID() != Intrinsic::var_annotation)
    return std::nullopt;
  auto *Name = dyn_cast<GlobalVariable>(Call.getArgOperand(1));
  if (Name == nullptr || !Name->getName().starts_with(MarkPrefix))
    return std::nullopt;
  uint64_t Kind = cast<ConstantInt>(Call.getArgOperand(3))->getZExtValue();
  return Mark{static_cast<MarkKind>(Kind), Name};
}

void forEachMark(Module &M, function_ref<void(CallInst &, const Mark &)> Each) {
  SmallVector<CallInst *, 64> Calls;
  for (Function &F : M)
    if (F.getIntrinsicID() == Intrinsic::var_annotation)
      for (User *By : F.users())
        if (auto *Call = dyn_cast<CallInst>(By))
          Calls.push_back(Call);
  // The uses of a function are kept in the reverse of their order.
  for (CallInst *Call : reverse(Calls))
    if (std::optional<Mark> Found = markOf(*Call))
      Each(*Call, *Found);
}

MarksByFunction marksByFunction(Module &M) {
  MarksByFunction Marks;
  forEachMark(M, [&](CallInst &Call, const Mark &) {
    Marks[Call.getFunction()].push_back(&Call);
  });
  return Marks;
}

// ---- settling

/// Is the place in the inlined call, or in the function, that the mark is of?
static bool isWithin(const DILocation *Place, const DILocation *Of) {
  if (Place == nullptr || Of == nullptr)
    return false;
  const DILocation *Call = Place->getInlinedAt();
  while (Call != nullptr && Call != Of->getInlinedAt())
    Call = Call->getInlinedAt();
  return Call == Of->getInlinedAt();
}

/// What a mark may not be moved past: what is ordered with stores by itself.
static bool keepsOrder(const Instruction &I) {
  if (isa<CallBase>(I))
    return !isa<MemIntrinsic, DbgInfoIntrinsic>(I);
  return I.isTerminator() || I.isAtomic() || I.isEHPad() || isa<PHINode>(I);
}

static void settle(CallInst &Call, bool Forward) {
  const DILocation *Of = Call.getDebugLoc();
  Instruction *Last = nullptr;
  auto Next = [=](Instruction *I) {
    return Forward ? I->getNextNode() : I->getPrevNode();
  };
  for (Instruction *I = Next(&Call); I != nullptr && !keepsOrder(*I);
       I = Next(I))
    if (I->mayWriteToMemory() && isWithin(I->getDebugLoc(), Of))
      Last = I;
  if (Last != nullptr && Forward)
    Call.moveAfter(Last);
  else if (Last != nullptr)
    Call.moveBefore(*Last->getParent(), Last->getIterator());
}

void settleMarks(Module &M) {
  forEachMark(M, [](CallInst &Call, const Mark &Found) {
    settle(Call, Found.Kind != MarkKind::Begin);
  });
}

} // namespace fencepost
