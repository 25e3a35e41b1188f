// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Ops.h"

#include "Classify.h"
#include "Versions.h"

#include "fencepost/module.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(MarkedOperations, "Functions marked as possible operations");

/// What tells a mark from the program's own annotations.
static constexpr StringLiteral MarkPrefix = "fencepost.mark.";
static constexpr unsigned BeginLine = 1;
static constexpr unsigned EndLine = 2;

// ---- marking

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

/// Functions of libc that make nothing durable, by the start of their names.
static bool isHarmless(StringRef Callee) {
  static constexpr StringLiteral Names[] = {
      "abort",    "assert",  "__assert", "atoi",   "calloc",  "exit",
      "fclose",   "fflush",  "fgets",    "fopen",  "fprintf", "fputs",
      "fputc",    "free",    "getenv",   "malloc", "mem",     "perror",
      "printf",   "putchar", "puts",     "qsort",  "rand",    "realloc",
      "snprintf", "sprintf", "str"};
  return any_of(Names,
                [=](StringRef Name) { return Callee.starts_with(Name); });
}

namespace {

/// Which functions of a module may make something durable: an operation does,
/// itself or by what it calls.
class Durable {
public:
  explicit Durable(Module &M);
  bool contains(const Function &F) const {
    return Members.contains(&F);
  }

private:
  bool readsBody(Function &F);

  SmallPtrSet<const Function *, 32> Members;
  DenseMap<const Function *, SmallVector<const Function *, 4>> CalledBy;
};

} // namespace

/// Does the function by itself? Notes what it calls in this module.
bool Durable::readsBody(Function &F) {
  for (Instruction &I : instructions(F)) {
    if (isa<FenceInst>(I))
      return true;
    auto *Call = dyn_cast<CallBase>(&I);
    if (Call == nullptr || isa<DbgInfoIntrinsic>(I))
      continue;
    const Function *Callee = Call->getCalledFunction();
    if (Callee == nullptr)
      return true;
    if (Callee->isIntrinsic()
            ? Callee->getName().starts_with("llvm.x86.")
            : Callee->isDeclaration() && !isHarmless(Callee->getName()))
      return true;
    if (!Callee->isDeclaration())
      CalledBy[Callee].push_back(&F);
  }
  return false;
}

Durable::Durable(Module &M) {
  SmallVector<const Function *, 32> Left;
  for (Function &F : M)
    if (!F.isDeclaration() && readsBody(F))
      Left.push_back(&F);
  while (!Left.empty()) {
    const Function *F = Left.pop_back_val();
    if (Members.insert(F).second)
      append_range(Left, CalledBy[F]);
  }
}

static void mark(Instruction *Before, DebugLoc At, Constant *Name,
                 unsigned Line) {
  IRBuilder<> Builder(Before);
  Builder.SetCurrentDebugLocation(At);
  Constant *None = ConstantPointerNull::get(Builder.getPtrTy());
  Builder.CreateIntrinsic(Intrinsic::var_annotation,
                          {Builder.getPtrTy(), Builder.getPtrTy()},
                          {None, Name, None, Builder.getInt32(Line), None});
}

static void markFunction(Function &F) {
  Module &M = *F.getParent();
  Constant *Text = ConstantDataArray::getString(M.getContext(), F.getName());
  auto *Name = new GlobalVariable(M, Text->getType(), /*isConstant=*/true,
                                  GlobalValue::PrivateLinkage, Text,
                                  MarkPrefix + F.getName());
  DebugLoc Entry;
  if (DISubprogram *Subprogram = F.getSubprogram())
    Entry = DILocation::get(F.getContext(), Subprogram->getScopeLine(), 0,
                            Subprogram);
  SmallVector<Instruction *, 4> Exits;
  for (BasicBlock &Block : F) {
    Instruction *End = Block.getTerminator();
    // Nothing may stand between such a call and its return.
    if ((isa<ReturnInst>(End) && !Block.getTerminatingMustTailCall()) ||
        isa<ResumeInst>(End))
      Exits.push_back(End);
  }
  mark(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca(), Entry, Name,
       BeginLine);
  for (Instruction *Exit : Exits)
    mark(Exit, Exit->getDebugLoc() ? Exit->getDebugLoc() : Entry, Name,
         EndLine);
  ++MarkedOperations;
}

PreservedAnalyses MarkPass::run(Module &M, ModuleAnalysisManager &) {
  bool Changed = false;
  Durable MayPersist(M);
  for (Function &F : M) {
    if (!isInstrumentable(F) || F.getName() == "main" ||
        F.isPresplitCoroutine() || !isOwn(F) || !MayPersist.contains(F))
      continue;
    markFunction(F);
    Changed = true;
  }
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

// ---- arguments

namespace {

/// An argument of an operation, as far as it is known.
struct Argument_ {
  char Type = 'p'; ///< as in struct fencepost_function
  std::string Name;
};

struct Site {
  CallInst *Mark;
  bool Begins;
  bool Guarded; ///< else the function runs only if calls are reported
  Value *Values[FENCEPOST_OP_ARGUMENTS] = {};
};

struct Marked {
  SmallVector<Argument_, FENCEPOST_OP_ARGUMENTS> Arguments;
  SmallVector<Site, 4> Sites;
};

using MarkedMap = MapVector<GlobalVariable *, Marked>;

} // namespace

/// Without typedefs and qualifiers.
static const DIType *plainType(const DIType *Type) {
  while (const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type)) {
    unsigned Tag = Derived->getTag();
    if (Tag != dwarf::DW_TAG_typedef && Tag != dwarf::DW_TAG_const_type &&
        Tag != dwarf::DW_TAG_volatile_type &&
        Tag != dwarf::DW_TAG_restrict_type)
      break;
    Type = Derived->getBaseType();
  }
  return Type;
}

static bool isChar(const DIType *Type) {
  const auto *Basic = dyn_cast_or_null<DIBasicType>(plainType(Type));
  return Basic != nullptr && Basic->getName() == "char";
}

static char letterOf(const DIType *Type) {
  Type = plainType(Type);
  if (const auto *Basic = dyn_cast_or_null<DIBasicType>(Type)) {
    switch (Basic->getEncoding()) {
    case dwarf::DW_ATE_boolean:
      return 'b';
    case dwarf::DW_ATE_float:
      return 'd';
    case dwarf::DW_ATE_signed:
      return 'i';
    case dwarf::DW_ATE_signed_char:
      return isChar(Type) ? 'c' : 'i';
    default:
      return 'u';
    }
  }
  if (const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type))
    return Derived->getTag() == dwarf::DW_TAG_pointer_type &&
                   isChar(Derived->getBaseType())
               ? 's'
               : 'p';
  const auto *Composite = dyn_cast_or_null<DICompositeType>(Type);
  return Composite != nullptr &&
                 Composite->getTag() == dwarf::DW_TAG_enumeration_type
             ? 'i'
             : 'p';
}

static char letterOf(const Argument &A) {
  if (A.getType()->isPointerTy())
    return 'p';
  if (A.getType()->isFloatingPointTy())
    return 'd';
  return A.hasZExtAttr() ? 'u' : 'i';
}

/// The value of a parameter, where a variable record says what it is.
static Value *valueOf(const DbgVariableRecord &Record) {
  if (Record.getNumVariableLocationOps() != 1 ||
      Record.getExpression()->getNumElements() != 0)
    return nullptr;
  Value *At = Record.getVariableLocationOp(0);
  if (Record.getType() != DbgVariableRecord::LocationType::Declare)
    return isa_and_nonnull<UndefValue>(At) ? nullptr : At;
  if (At == nullptr)
    return nullptr;
  for (User *By : At->users())
    if (auto *Store = dyn_cast<StoreInst>(By))
      if (Store->getPointerOperand() == At &&
          isa<Argument>(Store->getValueOperand()))
        return Store->getValueOperand();
  return nullptr;
}

/// How the descriptor numbers the parameter: those that are not written in the
/// source (this) are left out.
static int numberOf(const DISubprogram &Subprogram, unsigned Parameter) {
  DITypeRefArray Types = Subprogram.getType()->getTypeArray();
  int Number = -1;
  for (unsigned I = 1; I <= Parameter && I < Types.size(); ++I)
    if (Types[I] == nullptr || !Types[I]->isArtificial())
      ++Number;
    else if (I == Parameter)
      return -1;
  return Number;
}

/// Fills in the arguments of a site from debug information.
static void readVariables(Marked &Function, Site &S,
                          function_ref<DominatorTree &()> Tree) {
  const DILocation *At = S.Mark->getDebugLoc();
  const DISubprogram *Subprogram = At->getScope()->getSubprogram();
  for (Instruction &I : *S.Mark->getParent())
    for (DbgVariableRecord &Record : filterDbgVars(I.getDbgRecordRange())) {
      const DILocalVariable *Variable = Record.getVariable();
      if (Variable->getArg() == 0 ||
          Record.getDebugLoc()->getInlinedAt() != At->getInlinedAt() ||
          Variable->getScope()->getSubprogram() != Subprogram)
        continue;
      int Number = numberOf(*Subprogram, Variable->getArg());
      if (Number < 0 || Number >= int(Function.Arguments.size()))
        continue;
      Function.Arguments[Number].Name = Variable->getName().str();
      Value *V = valueOf(Record);
      auto *Defined = dyn_cast_or_null<Instruction>(V);
      if (V != nullptr && S.Values[Number] == nullptr &&
          (Defined == nullptr || Tree().dominates(Defined, S.Mark)))
        S.Values[Number] = V;
    }
}

static void describeArguments(Marked &Function, Site &S, StringRef Name,
                              function_ref<DominatorTree &()> Tree) {
  if (const DILocation *At = S.Mark->getDebugLoc()) {
    if (Function.Arguments.empty()) {
      DITypeRefArray Types =
          At->getScope()->getSubprogram()->getType()->getTypeArray();
      for (unsigned I = 1; I < Types.size(); ++I)
        if ((Types[I] == nullptr || !Types[I]->isArtificial()) &&
            Function.Arguments.size() < FENCEPOST_OP_ARGUMENTS)
          Function.Arguments.push_back({letterOf(Types[I]), ""});
    }
    return readVariables(Function, S, Tree);
  }
  llvm::Function *F = S.Mark->getFunction();
  StringRef Own = F->getName();
  Own.consume_back(VersionSuffix);
  if (Own != Name)
    return; // inlined, and nothing says where its arguments are
  for (Argument &A : F->args()) {
    if (A.getArgNo() == FENCEPOST_OP_ARGUMENTS)
      break;
    if (A.getArgNo() == Function.Arguments.size())
      Function.Arguments.push_back({letterOf(A), ""});
    S.Values[A.getArgNo()] = &A;
  }
}

// ---- lowering

static std::string demangled(StringRef Name) {
  std::string Plain = Name.str();
  ItaniumPartialDemangler Demangler;
  if (Name.starts_with("_Z") && !Demangler.partialDemangle(Plain.c_str())) {
    size_t Size = 0;
    if (char *Text = Demangler.getFunctionName(nullptr, &Size)) {
      Plain = Text;
      std::free(Text);
    }
    // The older names of Rust end in a hash.
    constexpr size_t HashSize = 19;
    if (Plain.size() > HashSize &&
        StringRef(Plain).substr(Plain.size() - HashSize).starts_with("::h"))
      Plain.resize(Plain.size() - HashSize);
  } else if (Name.starts_with("_R")) {
    Plain = demangle(Plain);
  }
  return Plain;
}

static Constant *textConstant(Module &M, StringRef Text) {
  Constant *Bytes = ConstantDataArray::getString(M.getContext(), Text);
  auto *Global =
      new GlobalVariable(M, Bytes->getType(), /*isConstant=*/true,
                         GlobalValue::PrivateLinkage, Bytes, "fencepost.text");
  Global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return Global;
}

/// A value as 64 bits; null if it is none that can be shown.
static Value *asBits(IRBuilderBase &Builder, Value *V, char Letter) {
  Type *I64 = Builder.getInt64Ty();
  if (V == nullptr)
    return nullptr;
  if (V->getType()->isPointerTy())
    return Builder.CreatePtrToInt(V, I64);
  if (V->getType()->isFloatTy())
    V = Builder.CreateFPExt(V, Builder.getDoubleTy());
  if (V->getType()->isDoubleTy())
    return Builder.CreateBitCast(V, I64);
  if (!V->getType()->isIntegerTy() || V->getType()->getIntegerBitWidth() > 64)
    return nullptr;
  return Letter == 'i' || Letter == 'c' ? Builder.CreateSExt(V, I64)
                                        : Builder.CreateZExt(V, I64);
}

static void lowerSite(const Site &S, const Marked &Function,
                      Constant *Descriptor, Hooks &Runtime) {
  IRBuilder<> Builder(S.Mark);
  if (S.Guarded) {
    Value *Ops =
        Runtime.loadState(Builder, Builder.getInt8Ty(), FENCEPOST_STATE_OPS);
    Builder.SetInsertPoint(SplitBlockAndInsertIfThen(
        Builder.CreateIsNotNull(Ops), S.Mark->getIterator(),
        /*Unreachable=*/false,
        MDBuilder(Builder.getContext()).createUnlikelyBranchWeights()));
    Builder.SetCurrentDebugLocation(S.Mark->getDebugLoc());
  }
  if (!S.Begins) {
    Runtime.call(Builder, Hooks::op_end, {Descriptor});
    return;
  }
  uint64_t Known = 0;
  Value *Operands[2 + FENCEPOST_OP_ARGUMENTS] = {Descriptor};
  for (unsigned I = 0; I < FENCEPOST_OP_ARGUMENTS; ++I) {
    Value *Bits = I < Function.Arguments.size()
                      ? asBits(Builder, S.Values[I], Function.Arguments[I].Type)
                      : nullptr;
    Known |= uint64_t(Bits != nullptr) << I;
    Operands[2 + I] = Bits != nullptr ? Bits : Builder.getInt64(0);
  }
  Operands[1] = Builder.getInt64(Known);
  Runtime.call(Builder, Hooks::op_begin, Operands);
}

/// The symbol of the function that a mark names.
static StringRef symbolOf(const GlobalVariable &Name) {
  return cast<ConstantDataArray>(Name.getInitializer())->getAsCString();
}

/// The marks of a module by function, with what is known of arguments.
static MarkedMap collectMarks(Module &M) {
  MarkedMap Marks;
  SmallVector<CallInst *, 64> Calls;
  for (Function &F : M)
    if (F.getIntrinsicID() == Intrinsic::var_annotation)
      for (User *By : F.users())
        if (auto *Call = dyn_cast<CallInst>(By))
          Calls.push_back(Call);
  DenseMap<Function *, std::unique_ptr<DominatorTree>> Trees;
  for (CallInst *Call : reverse(Calls)) {
    auto *Name = dyn_cast<GlobalVariable>(Call->getArgOperand(1));
    if (Name == nullptr || !Name->getName().starts_with(MarkPrefix))
      continue;
    Function *F = Call->getFunction();
    bool Copy = isVersionForRecovery(*F);
    if (F->hasAvailableExternallyLinkage() || (!Copy && versionOf(*F))) {
      Call->eraseFromParent();
      continue;
    }
    Marked &Function = Marks[Name];
    Site S = {Call,
              cast<ConstantInt>(Call->getArgOperand(3))->equalsInt(BeginLine),
              /*Guarded=*/!Copy};
    if (S.Begins)
      describeArguments(Function, S, symbolOf(*Name), [&]() -> DominatorTree & {
        auto &Tree = Trees[F];
        if (!Tree)
          Tree = std::make_unique<DominatorTree>(*F);
        return *Tree;
      });
    Function.Sites.push_back(S);
  }
  return Marks;
}

MarkedFunctions lowerMarks(Module &M, Hooks &Runtime) {
  LLVMContext &Context = M.getContext();
  auto *Pointer = PointerType::getUnqual(Context);
  auto *I64 = Type::getInt64Ty(Context);
  MarkedMap Marks = collectMarks(M);
  if (Marks.empty())
    return {ConstantPointerNull::get(Pointer), 0};
  SmallVector<Constant *, 64> Entries;
  for (auto &[Name, Function] : Marks) {
    std::string Arguments;
    for (const Argument_ &A : Function.Arguments) {
      Arguments += Arguments.empty() ? "" : ",";
      Arguments += A.Type;
      Arguments += A.Name;
    }
    Constant *Fields[] = {textConstant(M, demangled(symbolOf(*Name))),
                          textConstant(M, Arguments), ConstantInt::get(I64, 0)};
    Entries.push_back(ConstantStruct::getAnon(Context, Fields));
  }
  auto *Type = ArrayType::get(Entries[0]->getType(), Entries.size());
  auto *Table = new GlobalVariable(
      M, Type, /*isConstant=*/false, GlobalValue::InternalLinkage,
      ConstantArray::get(Type, Entries), "fencepost.marked");
  uint64_t Index = 0;
  for (auto &[Name, Function] : Marks) {
    Constant *Descriptor = ConstantExpr::getInBoundsGetElementPtr(
        Type, Table,
        ArrayRef<Constant *>{ConstantInt::get(I64, 0),
                             ConstantInt::get(I64, Index++)});
    for (const Site &S : Function.Sites) {
      lowerSite(S, Function, Descriptor, Runtime);
      S.Mark->eraseFromParent();
    }
    Name->eraseFromParent();
  }
  return {Table, Entries.size()};
}

} // namespace fencepost
