// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Ops.h"

#include "Arguments.h"
#include "Mark.h"
#include "Names.h"
#include "Versions.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Support/xxhash.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace fencepost {

// ---- where in a function

namespace {

/// The calls that were inlined into a function, as nested intervals of numbers:
/// 0 is the function itself, which everything is in. Known by debug information
/// alone, where a call is the place that it was inlined at.
class Inlined {
public:
  explicit Inlined(const Function &F);
  /// Counts the call that this is in, and those around it.
  void add(const DILocation *Place);
  /// All have been added.
  void number();
  bool empty() const {
    return Calls.empty();
  }
  /// struct fencepost_function's instance of the call that a mark is in.
  uint64_t instanceAt(const DILocation *Mark) const;
  /// The innermost of the calls that a place is in.
  uint64_t placeAt(const DILocation *Place) const;

private:
  struct Interval {
    uint64_t First = 0, Last = FENCEPOST_INSTANCE_MAX;
  };
  void number(const DILocation *Call, uint64_t &Next);

  uint64_t Owner;
  SetVector<const DILocation *> Calls;
  DenseMap<const DILocation *, SmallVector<const DILocation *, 2>> Inside;
  DenseMap<const DILocation *, Interval> Intervals;
};

} // namespace

Inlined::Inlined(const Function &F)
    : Owner(xxh3_64bits(F.getName()) << FENCEPOST_INSTANCE_OWNER_SHIFT) {}

void Inlined::add(const DILocation *Place) {
  if (Place == nullptr)
    return;
  for (const DILocation *Call = Place->getInlinedAt();
       Call != nullptr && Calls.insert(Call); Call = Call->getInlinedAt())
    Inside[Call->getInlinedAt()].push_back(Call);
}

void Inlined::number(const DILocation *Call, uint64_t &Next) {
  uint64_t First = Next++;
  for (const DILocation *Inner : Inside.lookup(Call))
    number(Inner, Next);
  Intervals[Call] = {First, Next - 1};
}

void Inlined::number() {
  // As if nothing had been inlined.
  if (Calls.size() >= FENCEPOST_INSTANCE_MAX)
    Inside.clear();
  uint64_t Next = 1;
  for (const DILocation *Outer : Inside.lookup(nullptr))
    number(Outer, Next);
}

uint64_t Inlined::instanceAt(const DILocation *Mark) const {
  Interval At;
  if (Mark != nullptr)
    At = Intervals.lookup(Mark->getInlinedAt());
  return Owner | At.First << FENCEPOST_INSTANCE_FIRST_SHIFT | At.Last;
}

uint64_t Inlined::placeAt(const DILocation *Place) const {
  const DILocation *Call = Place->getInlinedAt();
  while (Call != nullptr && !Intervals.contains(Call))
    Call = Call->getInlinedAt();
  uint64_t Number = Call == nullptr ? 0 : Intervals.lookup(Call).First;
  return Owner | Number << FENCEPOST_INSTANCE_FIRST_SHIFT | Number;
}

// ---- the marks of a module

namespace {

struct Site {
  CallInst *Call;
  GlobalVariable *Name;
  MarkKind Kind;
};

/// A function that is marked somewhere.
struct Marked {
  Parameters Arguments;
  Constant *Descriptor = nullptr;
};

using MarkedMap = MapVector<GlobalVariable *, Marked>;
using SiteMap = MapVector<Function *, SmallVector<Site, 4>>;

/// Lowers the marks of one function, and says where it is come back to.
class Lowering {
public:
  Lowering(Function &F, Hooks &Runtime)
      : F(F), Runtime(Runtime), Guarded(!isVersionForRecovery(F)), Calls(F) {}

  void lower(ArrayRef<Site> Sites, MarkedMap &Functions);

private:
  void at(IRBuilder<> &Builder, Instruction *Place);
  Value *frame(IRBuilder<> &Builder);
  Value *store(IRBuilder<> &Builder, const Site &S, Parameters &Arguments,
               uint64_t &Known);
  void lowerSite(const Site &S, Marked &Function);
  void addLandings(bool Inlines);

  Function &F;
  Hooks &Runtime;
  bool Guarded; ///< else the function runs only if calls are reported
  Inlined Calls;
  std::unique_ptr<DominatorTree> Tree;
  AllocaInst *Values = nullptr; ///< for the arguments of a call
};

} // namespace

/// Lets the builder insert before Place, where operations are asked for.
void Lowering::at(IRBuilder<> &Builder, Instruction *Place) {
  DebugLoc Location = Builder.getCurrentDebugLocation();
  Builder.SetInsertPoint(Place);
  if (Guarded) {
    Value *Ops =
        Runtime.loadState(Builder, Builder.getInt8Ty(), FENCEPOST_STATE_OPS);
    Builder.SetInsertPoint(SplitBlockAndInsertIfThen(
        Builder.CreateIsNotNull(Ops), Place->getIterator(),
        /*Unreachable=*/false,
        MDBuilder(Builder.getContext()).createUnlikelyBranchWeights()));
  }
  Builder.SetCurrentDebugLocation(Location);
}

Value *Lowering::frame(IRBuilder<> &Builder) {
  return Builder.CreateIntrinsic(Intrinsic::frameaddress, {Builder.getPtrTy()},
                                 {Builder.getInt32(0)});
}

/// Stores the arguments that are known; returns where.
Value *Lowering::store(IRBuilder<> &Builder, const Site &S,
                       Parameters &Arguments, uint64_t &Known) {
  ArgumentValues Arrived =
      argumentsAt(*S.Call, Mark{S.Kind, S.Name}.symbol(), Arguments,
                  [&]() -> const DominatorTree & {
                    if (!Tree)
                      Tree = std::make_unique<DominatorTree>(F);
                    return *Tree;
                  });
  for (unsigned I = 0; I < Arguments.List.size(); ++I) {
    Value *Bits = asBits(Builder, Arrived[I], Arguments.List[I].Type);
    if (Bits == nullptr)
      continue;
    if (Values == nullptr)
      Values = IRBuilder<>(&*F.getEntryBlock().getFirstInsertionPt())
                   .CreateAlloca(ArrayType::get(Builder.getInt64Ty(),
                                                FENCEPOST_OP_ARGUMENTS));
    Builder.CreateStore(Bits, Builder.CreateConstInBoundsGEP1_64(
                                  Builder.getInt64Ty(), Values, I));
    Known |= uint64_t(1) << I;
  }
  return Known != 0 ? static_cast<Value *>(Values)
                    : ConstantPointerNull::get(Builder.getPtrTy());
}

void Lowering::lowerSite(const Site &S, Marked &Function) {
  IRBuilder<> Builder(F.getContext());
  Builder.SetCurrentDebugLocation(S.Call->getDebugLoc());
  at(Builder, S.Call);
  Value *Instance =
      Builder.getInt64(Calls.instanceAt(S.Call->getDebugLoc().get()));
  if (S.Kind == MarkKind::Begin) {
    uint64_t Known = 0;
    Value *Stored = store(Builder, S, Function.Arguments, Known);
    Runtime.call(Builder, Hooks::op_begin,
                 {Function.Descriptor, frame(Builder), Instance,
                  Builder.getInt64(Known), Stored});
  } else {
    Runtime.call(Builder,
                 S.Kind == MarkKind::End ? Hooks::op_end : Hooks::op_tail,
                 {Function.Descriptor, frame(Builder), Instance});
  }
}

/// Where the function goes on after an exception, or longjmp: operations that
/// were under way in what it had called, or that had been inlined, may be over.
/// One of a landing pad that only cleans up is over a moment later.
void Lowering::addLandings(bool Inlines) {
  SmallVector<std::pair<Instruction *, DebugLoc>, 4> Places;
  for (Instruction &I : instructions(F)) {
    auto *Pad = dyn_cast<LandingPadInst>(&I);
    auto *Call = dyn_cast<CallInst>(&I);
    if (Pad != nullptr
            ? Inlines || Pad->getNumClauses() != 0
            : Call != nullptr && Call->hasFnAttr(Attribute::ReturnsTwice) &&
                  !Call->isMustTailCall())
      Places.push_back({I.getNextNode(), I.getDebugLoc()});
  }
  for (auto [Place, Location] : Places) {
    IRBuilder<> Builder(F.getContext());
    Builder.SetCurrentDebugLocation(Location);
    at(Builder, Place);
    uint64_t Number = Location ? Calls.placeAt(Location.get()) : 0;
    Runtime.call(Builder, Hooks::op_landed,
                 {frame(Builder), Builder.getInt64(Number)});
  }
}

void Lowering::lower(ArrayRef<Site> Sites, MarkedMap &Functions) {
  for (const Site &S : Sites)
    Calls.add(S.Call->getDebugLoc().get());
  Calls.number();
  for (const Site &S : Sites)
    lowerSite(S, Functions[S.Name]);
  addLandings(!Calls.empty());
  for (const Site &S : Sites)
    S.Call->eraseFromParent();
}

/// The functions in which marks are to be lowered: not those with a version for
/// that.
static SiteMap targets(ArrayRef<Function *> Functions) {
  SiteMap Sites;
  for (Function *F : Functions) {
    Function *Copy = versionOf(*F);
    Function *Target = Copy != nullptr ? Copy : F;
    if (!Target->hasAvailableExternallyLinkage())
      Sites[Target];
  }
  return Sites;
}

/// Adds the marks of a module to the functions that they are in; those in
/// others go.
static MarkedMap collectMarks(Module &M, SiteMap &Sites) {
  MarkedMap Functions;
  forEachMark(M, [&](CallInst &Call, const Mark &Found) {
    auto *At = Sites.find(Call.getFunction());
    if (At == Sites.end()) {
      Call.eraseFromParent();
      return;
    }
    Functions[Found.Name];
    At->second.push_back({&Call, Found.Name, Found.Kind});
  });
  return Functions;
}

// ---- the table

static Constant *textConstant(Module &M, StringRef Text) {
  Constant *Bytes = ConstantDataArray::getString(M.getContext(), Text);
  auto *Global =
      new GlobalVariable(M, Bytes->getType(), /*isConstant=*/true,
                         GlobalValue::PrivateLinkage, Bytes, "fencepost.text");
  Global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return Global;
}

/// The table without its content, which is known later.
static GlobalVariable *addTable(Module &M, MarkedMap &Functions) {
  LLVMContext &Context = M.getContext();
  auto *Pointer = PointerType::getUnqual(Context);
  auto *I64 = Type::getInt64Ty(Context);
  auto *Type =
      ArrayType::get(StructType::get(Context, {Pointer, Pointer, Pointer, I64}),
                     Functions.size());
  auto *Table = new GlobalVariable(M, Type, /*isConstant=*/false,
                                   GlobalValue::InternalLinkage, nullptr,
                                   "fencepost.marked");
  uint64_t Index = 0;
  for (auto &[Name, Function] : Functions)
    Function.Descriptor = ConstantExpr::getInBoundsGetElementPtr(
        Type, Table,
        ArrayRef<Constant *>{ConstantInt::get(I64, 0),
                             ConstantInt::get(I64, Index++)});
  return Table;
}

static void fillTable(GlobalVariable &Table, const MarkedMap &Functions) {
  Module &M = *Table.getParent();
  auto *Type = cast<ArrayType>(Table.getValueType());
  SmallVector<Constant *, 64> Entries;
  for (const auto &[Name, Function] : Functions) {
    PlainName Plain = plainName(Mark{MarkKind::Begin, Name}.symbol());
    Constant *Fields[] = {
        textConstant(M, Plain.Name), textConstant(M, Plain.Parameters),
        textConstant(M, Function.Arguments.text()),
        ConstantInt::get(Type::getInt64Ty(M.getContext()), 0)};
    Entries.push_back(ConstantStruct::getAnon(M.getContext(), Fields));
  }
  Table.setInitializer(ConstantArray::get(Type, Entries));
}

MarkedFunctions lowerMarks(Module &M, ArrayRef<Function *> Functions,
                           Hooks &Runtime) {
  SiteMap Sites = targets(Functions);
  MarkedMap Named = collectMarks(M, Sites);
  GlobalVariable *Table = Named.empty() ? nullptr : addTable(M, Named);
  for (auto &[F, OfFunction] : Sites)
    Lowering(*F, Runtime).lower(OfFunction, Named);
  if (Table == nullptr)
    return {ConstantPointerNull::get(PointerType::getUnqual(M.getContext())),
            0};
  fillTable(*Table, Named);
  for (auto &[Name, Function] : Named)
    Name->eraseFromParent();
  return {Table, Named.size()};
}

} // namespace fencepost
