// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Insert.h"

#include "fencepost/events.h"
#include "fencepost/module.h"

#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace fencepost {

Inserter::Inserter(Function &F, Hooks &Runtime, HookCounts &Counts,
                   bool Guarded)
    : F(F), Runtime(Runtime), Counts(Counts), Guarded(Guarded),
      Unlikely(MDBuilder(F.getContext()).createUnlikelyBranchWeights()) {}

/// Where the user looks for the cause: its own line, else that of what stands
/// before it, else the function's. Inlined frames stay attached to it.
static DebugLoc placeInSource(const Instruction &Cause, const Function &F) {
  if (F.getSubprogram() == nullptr)
    return DebugLoc();
  for (const Instruction *I = &Cause; I != nullptr; I = I->getPrevNode())
    if (I->getDebugLoc() && I->getDebugLoc().getLine() != 0)
      return I->getDebugLoc();
  DISubprogram *Subprogram = F.getSubprogram();
  return DILocation::get(F.getContext(), Subprogram->getLine(), 0, Subprogram);
}

void Inserter::position(IRBuilderBase &Builder, Instruction *Before,
                        const Instruction &Cause) {
  Builder.SetInsertPoint(Before);
  Builder.SetCurrentDebugLocation(placeInSource(Cause, F));
}

Instruction *Inserter::branchIf(Value *Condition, Instruction *Before) {
  return SplitBlockAndInsertIfThen(Condition, Before->getIterator(),
                                   /*Unreachable=*/false, Unlikely);
}

/// A place before an instruction that is reached only while loads are reported.
Instruction *Inserter::branchIfLoads(Instruction *Before,
                                     const Instruction &Cause) {
  if (!Guarded)
    return Before;
  IRBuilder<> Builder(F.getContext());
  position(Builder, Before, Cause);
  Value *Loads =
      Runtime.loadState(Builder, Builder.getInt8Ty(), FENCEPOST_STATE_LOADS);
  return branchIf(Builder.CreateIsNotNull(Loads), Before);
}

/// The instruction before which the hook of E goes. Several hooks behind one
/// instruction keep their order.
Instruction *Inserter::placeOf(const Event &E) {
  if (!E.After)
    return E.At;
  Instruction *&Place = Behind[E.At];
  if (Place != nullptr)
    return Place;
  if (!E.At->isTerminator())
    return Place = E.At->getNextNode();
  BasicBlock *From = E.At->getParent();
  BasicBlock *To = E.At->getSuccessor(0);
  if (To->getSinglePredecessor() == nullptr)
    To = SplitEdge(From, To);
  return Place = &*To->getFirstInsertionPt();
}

Value *Inserter::isInRange(IRBuilderBase &Builder, Value *Address) {
  Type *I64 = Builder.getInt64Ty();
  Value *Base = Runtime.loadState(Builder, I64, FENCEPOST_STATE_PM_BASE);
  Value *Distance =
      Builder.CreateSub(Builder.CreatePtrToInt(Address, I64), Base);
  Value *Size = Runtime.loadState(Builder, I64, FENCEPOST_STATE_PM_SIZE);
  return Builder.CreateICmpULT(Distance, Size);
}

/// Whether there is any PM at all.
Value *Inserter::arePersistent(IRBuilderBase &Builder) {
  Value *Size =
      Runtime.loadState(Builder, Builder.getInt64Ty(), FENCEPOST_STATE_PM_SIZE);
  return Builder.CreateIsNotNull(Size);
}

Value *Inserter::addressOf(IRBuilderBase &Builder, const Event &E) {
  Value *Address = E.Address;
  if (!Address->getType()->isPointerTy())
    Address = Builder.CreateIntToPtr(Address, Builder.getPtrTy());
  if (E.Displacement != 0)
    Address = Builder.CreateGEP(Builder.getInt8Ty(), Address,
                                Builder.getInt64(uint64_t(E.Displacement)));
  return Address;
}

/// The mask as an integer with a bit per element.
static Value *maskBits(IRBuilderBase &Builder, Value *Mask) {
  auto *Vector = dyn_cast<FixedVectorType>(Mask->getType());
  if (Vector == nullptr)
    return Mask;
  unsigned Count = Vector->getNumElements();
  if (!Vector->getElementType()->isIntegerTy(1)) {
    // x86 looks at the sign of each element.
    Type *Integers = VectorType::getInteger(Vector);
    Mask = Builder.CreateICmpSLT(Builder.CreateBitCast(Mask, Integers),
                                 Constant::getNullValue(Integers));
  }
  return Builder.CreateBitCast(Mask, Builder.getIntNTy(Count));
}

Value *Inserter::sizeOf(IRBuilderBase &Builder, const Event &E) {
  Value *Size = Builder.getInt64(E.Size);
  Value *Count = E.SizeValue;
  if (E.Layout == Lanes::Packed) {
    Value *Bits = maskBits(Builder, E.Mask);
    Count = Builder.CreateUnaryIntrinsic(Intrinsic::ctpop, Bits);
  }
  if (Count == nullptr)
    return Size;
  Count = Builder.CreateZExtOrTrunc(Count, Builder.getInt64Ty());
  return E.Size == 1 ? Count : Builder.CreateMul(Count, Size);
}

Value *Inserter::laneAddress(IRBuilderBase &Builder, const Event &E,
                             unsigned Lane) {
  if (E.Layout == Lanes::Scattered)
    return Builder.CreateExtractElement(E.Address, Lane);
  Value *Offset = nullptr;
  if (E.Layout == Lanes::Indexed) {
    Offset = Builder.CreateSExt(Builder.CreateExtractElement(E.Index, Lane),
                                Builder.getInt64Ty());
    Offset = Builder.CreateMul(Offset, Builder.getInt64(E.Scale));
  } else {
    Offset = Builder.getInt64(Lane * E.Size);
  }
  return Builder.CreateGEP(Builder.getInt8Ty(), addressOf(Builder, E), Offset);
}

/// Size of element Lane if its mask bit is set, else 0.
static Value *laneSize(IRBuilderBase &Builder, const Event &E, Value *Bits,
                       unsigned Lane) {
  Value *Bit =
      Builder.CreateTrunc(Builder.CreateLShr(Bits, Lane), Builder.getInt1Ty());
  return Builder.CreateSelect(Bit, Builder.getInt64(E.Size),
                              Builder.getInt64(0));
}

void Inserter::callStore(IRBuilderBase &Builder, const Event &E) {
  constexpr unsigned MaskBits = 64;
  Value *Flags = Builder.getInt32(E.Flags);
  if (E.Layout == Lanes::Whole || E.Layout == Lanes::Packed) {
    Runtime.call(Builder, Hooks::store,
                 {addressOf(Builder, E), sizeOf(Builder, E), Flags});
    return;
  }
  Value *Bits = maskBits(Builder, E.Mask);
  unsigned Count = E.Count;
  if (E.Layout == Lanes::Masked) {
    for (unsigned First = 0; First < Count; First += MaskBits) {
      Value *Part = Builder.CreateZExtOrTrunc(Builder.CreateLShr(Bits, First),
                                              Builder.getInt64Ty());
      // A mask in a register may have bits for elements that are not there.
      if (Count - First < MaskBits)
        Part = Builder.CreateAnd(Part, (uint64_t(1) << (Count - First)) - 1);
      Runtime.call(Builder, Hooks::store_masked,
                   {laneAddress(Builder, E, First), Part,
                    Builder.getInt32(uint32_t(E.Size)), Flags});
    }
    return;
  }
  for (unsigned Lane = 0; Lane < Count; ++Lane) {
    Value *Address = laneAddress(Builder, E, Lane);
    Value *Size = Builder.CreateSelect(isInRange(Builder, Address),
                                       laneSize(Builder, E, Bits, Lane),
                                       Builder.getInt64(0));
    Runtime.call(Builder, Hooks::store, {Address, Size, Flags});
  }
}

void Inserter::callLoad(IRBuilderBase &Builder, const Event &E) {
  if (E.Layout == Lanes::Whole || E.Layout == Lanes::Packed) {
    Runtime.call(Builder, E.Atomic ? Hooks::load_atomic : Hooks::load,
                 {addressOf(Builder, E), sizeOf(Builder, E)});
    return;
  }
  Value *Bits = maskBits(Builder, E.Mask);
  for (unsigned Lane = 0; Lane < E.Count; ++Lane)
    Runtime.call(
        Builder, Hooks::load,
        {laneAddress(Builder, E, Lane), laneSize(Builder, E, Bits, Lane)});
}

void Inserter::insertStores(const EventGroup &Group) {
  IRBuilder<> Builder(F.getContext());
  const Event &First = Group.Events.front();
  Instruction *Place = Group.Before == First.At ? placeOf(First) : Group.Before;
  if (Guarded) {
    position(Builder, Place, *First.At);
    bool HasOneAddress =
        First.Layout != Lanes::Scattered && First.Layout != Lanes::Indexed;
    Value *Cold = HasOneAddress ? isInRange(Builder, addressOf(Builder, First))
                                : arePersistent(Builder);
    Place = branchIf(Cold, Place);
  }
  for (const Event &E : Group.Events) {
    position(Builder, Place, *E.At);
    callStore(Builder, E);
    ++Counts.Stores;
  }
}

/// Whether the address of the load says that it is not to be reported.
static bool isDecidedByAddress(const Event &E) {
  return E.Layout == Lanes::Whole && E.SizeValue == nullptr &&
         E.Size <= FENCEPOST_LOADS_SPAN && E.Address->getType()->isPointerTy();
}

/// A place for the hooks of a group of loads, in the version that reports them.
/// In a loop it is reached if one of them may touch what the runtime wants to
/// know of; elsewhere, for less to compile, the hook finds that out.
Instruction *Inserter::branchIfReported(const EventGroup &Group) {
  if (!Group.InTightLoop || !all_of(Group.Events, isDecidedByAddress))
    return Group.Before;
  IRBuilder<> Builder(F.getContext());
  position(Builder, Group.Before, *Group.Events.front().At);
  Type *I64 = Builder.getInt64Ty();
  Value *Base = Runtime.loadState(Builder, I64, FENCEPOST_STATE_LOADS_BASE);
  Value *Size = Runtime.loadState(Builder, I64, FENCEPOST_STATE_LOADS_SIZE);
  Value *Any = nullptr;
  for (const Event &E : Group.Events) {
    Value *Address = Builder.CreatePtrToInt(addressOf(Builder, E), I64);
    Value *One = Builder.CreateICmpULT(Builder.CreateSub(Address, Base), Size);
    Any = Any == nullptr ? One : Builder.CreateOr(Any, One);
  }
  return branchIf(Any, Group.Before);
}

void Inserter::insertLoads(const EventGroup &Group) {
  IRBuilder<> Builder(F.getContext());
  Instruction *End = Guarded
                         ? branchIfLoads(Group.Before, *Group.Events.front().At)
                         : branchIfReported(Group);
  for (const Event &E : Group.Events) {
    position(Builder, End, *E.At);
    callLoad(Builder, E);
    ++Counts.Loads;
  }
}

void Inserter::insertLeave(Instruction *Before, bool Returns) {
  IRBuilder<> Builder(F.getContext());
  position(Builder, branchIfLoads(Before, *Before), *Before);
  Runtime.call(Builder, Hooks::leave, {Builder.getInt32(Returns)});
}

void Inserter::insertTouch(const Event &E) {
  if (!E.Address->getType()->isPointerTy())
    return;
  IRBuilder<> Builder(F.getContext());
  position(Builder, branchIfLoads(E.At, *E.At), *E.At);
  Runtime.call(Builder, Hooks::touch,
               {addressOf(Builder, E), Builder.getInt32(E.Flags)});
}

void Inserter::insertSync(const Event &E) {
  IRBuilder<> Builder(F.getContext());
  position(Builder, branchIfLoads(placeOf(E), *E.At), *E.At);
  Value *Address = E.Address == nullptr
                       ? ConstantPointerNull::get(Builder.getPtrTy())
                       : addressOf(Builder, E);
  Runtime.call(Builder, Hooks::sync,
               {Address, Builder.getInt64(E.Size), Builder.getInt32(E.Flags)});
}

void Inserter::insertFlush(const Event &E) {
  IRBuilder<> Builder(F.getContext());
  Instruction *Place = placeOf(E);
  position(Builder, Place, *E.At);
  Value *Cold = isInRange(Builder, addressOf(Builder, E));
  position(Builder, branchIf(Cold, Place), *E.At);
  Runtime.call(Builder, Hooks::flush,
               {addressOf(Builder, E), Builder.getInt32(E.Flags)});
  ++Counts.Flushes;
}

void Inserter::insertFence(const Event &E) {
  IRBuilder<> Builder(F.getContext());
  Instruction *Place = placeOf(E);
  position(Builder, Place, *E.At);
  position(Builder, branchIf(arePersistent(Builder), Place), *E.At);
  Runtime.call(Builder, Hooks::fence, {Builder.getInt32(E.Flags)});
  ++Counts.Fences;
}

/// Whether the atomic instruction wrote: as an i32, 0 or 1, or 2 if nobody
/// knows.
static Value *storedBy(IRBuilderBase &Builder, const Event &E) {
  Instruction &At = *E.At;
  if ((E.Flags & AtomicMaybe) != 0)
    return Builder.getInt32(2);
  if (isa<AtomicCmpXchgInst>(At))
    return Builder.CreateZExt(Builder.CreateExtractValue(&At, 1),
                              Builder.getInt32Ty());
  return Builder.getInt32(1);
}

/// In PM the instruction is bracketed. Elsewhere it may still be a fence.
void Inserter::insertAtomic(const Event &E) {
  IRBuilder<> Builder(F.getContext());
  Instruction *Next = E.At->getNextNode();
  position(Builder, E.At, *E.At);
  Value *Address = addressOf(Builder, E);
  Value *Persistent = isInRange(Builder, Address);
  Value *Size = Builder.getInt64(E.Size);
  Value *Flags = Builder.getInt32(E.Flags);
  if ((E.Flags & AtomicLocked) == 0) {
    position(Builder, branchIf(Persistent, E.At), *E.At);
    Runtime.call(Builder, Hooks::atomic_begin, {Address, Size, Flags});
  } else {
    position(Builder, branchIf(arePersistent(Builder), E.At), *E.At);
    Instruction *Then = nullptr;
    Instruction *Else = nullptr;
    SplitBlockAndInsertIfThenElse(Persistent, &*Builder.GetInsertPoint(), &Then,
                                  &Else);
    position(Builder, Then, *E.At);
    Runtime.call(Builder, Hooks::atomic_begin, {Address, Size, Flags});
    position(Builder, Else, *E.At);
    Runtime.call(Builder, Hooks::fence, {Builder.getInt32(FENCEPOST_LOCKED)});
    ++Counts.Fences;
  }
  position(Builder, branchIf(Persistent, Next), *E.At);
  Runtime.call(Builder, Hooks::atomic_end,
               {Address, Size, storedBy(Builder, E)});
  Behind[E.At] = Next;
  ++Counts.Stores;
}

void Inserter::insert(const EventGroup &Group) {
  const Event &E = Group.Events.front();
  switch (E.Kind) {
  case EventKind::Store:
    return insertStores(Group);
  case EventKind::Load:
    return insertLoads(Group);
  case EventKind::Atomic:
    return insertAtomic(E);
  case EventKind::Flush:
    return insertFlush(E);
  case EventKind::Fence:
    return insertFence(E);
  case EventKind::Touch:
    return insertTouch(E);
  case EventKind::Sync:
    return insertSync(E);
  case EventKind::Client:
    return insertClient(E);
  case EventKind::Leave:
    return insertLeave(E.At, /*Returns=*/false);
  }
}

/// The request's asm keeps its place and answers its default; the hook's answer
/// replaces it.
void Inserter::insertClient(const Event &E) {
  IRBuilder<> Builder(F.getContext());
  position(Builder, placeOf(E), *E.At);
  CallInst *Answer =
      Runtime.call(Builder, Hooks::client, {addressOf(Builder, E), E.At});
  E.At->replaceUsesWithIf(Answer,
                          [&](const Use &U) { return U.getUser() != Answer; });
}

void Inserter::insertLeaveAtReturns() {
  SmallVector<Instruction *, 8> Returns;
  for (BasicBlock &Block : F)
    // Between a call that must be a jump and its return stands nothing; the
    // call itself has left.
    if (isa<ReturnInst>(Block.getTerminator()) &&
        Block.getTerminatingMustTailCall() == nullptr)
      Returns.push_back(Block.getTerminator());
  for (Instruction *Return : Returns)
    insertLeave(Return, /*Returns=*/true);
}

} // namespace fencepost
