// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads. Those of a block, up to the next store or call, are reported together
// where the first of them stands, if their addresses can be known there.
// Reported early is reported: all of them execute, and what they read is
// decided once. Bytes that were reported before on the same path, without a
// call in between, are left out.
//
// Stores. A hook reads what was stored, so it may come late but not after the
// same bytes were overwritten. A group is a run of stores at constant distances
// from one address, without overlap and without anything between them that
// could show their order to somebody else: a call, an atomic access, a flush, a
// fence, a load hook (which would take undecided bytes for what the store has
// just written).
#include "Group.h"

#include "Mark.h"

#include "fencepost/events.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/Statistic.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

#include <optional>

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(SkippedChecked, "Loads of bytes that were checked just before");
STATISTIC(MergedLoads, "Loads reported by the hook of a neighbour");
STATISTIC(SharedChecks, "Hooks behind another's check");

/// Stores this far apart, in bytes, belong to one object: one check decides for
/// all. Less than a page, the unit in which PM is mapped.
static constexpr int64_t SpanMax = 2048;
/// Address computations that are moved up for one load.
static constexpr unsigned DepthMax = 4;

namespace {

/// Bytes [Low, High) from a base.
struct Range {
  int64_t Low = 0;
  int64_t High = 0;
};

using CheckedRanges = DenseMap<const Value *, SmallVector<Range, 2>>;

class Grouper {
public:
  explicit Grouper(Function &F) : Layout(F.getParent()->getDataLayout()) {}
  std::vector<EventGroup> run(Function &F, ArrayRef<Event> Events);

private:
  void visit(Instruction &I, ArrayRef<Event> Events);
  bool isInTightLoop(const BasicBlock *Block);
  void addLoad(Event E);
  void addStore(const Event &E);
  void addSingle(const Event &E);
  void closeStores(Instruction *Before);
  void closeGroup();
  void closeLoads();
  Event rebased(Event E) const;
  bool isAvailable(Value *V, unsigned Depth) const;
  void makeAvailable(Value *V);

  const DataLayout &Layout;
  std::optional<LoopInfo> Loops; ///< if there are loads
  DenseMap<const Loop *, bool> Tight;
  std::vector<EventGroup> Groups;
  DenseMap<const BasicBlock *, CheckedRanges> AtEnd;

  // Of the block at hand.
  DenseMap<const Instruction *, unsigned> Order;
  CheckedRanges Checked;
  SmallVector<Event, 4> Stores;
  size_t Loads = SIZE_MAX; ///< index of the open group of loads
  Instruction *Anchor = nullptr;
};

} // namespace

static bool isWhole(const Event &E) {
  return E.Layout == Lanes::Whole && E.SizeValue == nullptr;
}

/// The address in terms of what it is computed from by a constant.
Event Grouper::rebased(Event E) const {
  if (!E.Address->getType()->isPointerTy())
    return E;
  int64_t Offset = 0;
  E.Address = GetPointerBaseWithConstantOffset(E.Address, Offset, Layout);
  E.Displacement += Offset;
  return E;
}

/// Cheap to compute earlier than needed, and harmless.
static bool isMovable(const Instruction &I) {
  return isa<GetElementPtrInst>(I) || isa<CastInst>(I) ||
         (isa<BinaryOperator>(I) && !I.isIntDivRem());
}

bool Grouper::isAvailable(Value *V, unsigned Depth) const {
  auto *I = dyn_cast<Instruction>(V);
  if (I == nullptr || I->getParent() != Anchor->getParent())
    return true;
  auto Place = Order.find(I);
  if (Place != Order.end() && Place->second < Order.lookup(Anchor))
    return true;
  return Depth < DepthMax && isMovable(*I) &&
         all_of(I->operands(),
                [&](Use &U) { return isAvailable(U.get(), Depth + 1); });
}

void Grouper::makeAvailable(Value *V) {
  auto *I = dyn_cast<Instruction>(V);
  if (I == nullptr || I->getParent() != Anchor->getParent() ||
      Order.lookup(I) < Order.lookup(Anchor))
    return;
  for (Use &U : I->operands())
    makeAvailable(U.get());
  I->moveBefore(*Anchor->getParent(), Anchor->getIterator());
  Order[I] = Order.lookup(Anchor) - 1;
}

static bool contains(ArrayRef<Range> Ranges, Range R) {
  return any_of(Ranges, [&](const Range &Known) {
    return Known.Low <= R.Low && R.High <= Known.High;
  });
}

void Grouper::addLoad(Event E) {
  Instruction *At = E.At;
  E = rebased(E);
  Range Bytes{E.Displacement, E.Displacement + int64_t(E.Size)};
  bool Whole = isWhole(E);
  if (Whole) {
    auto Known = Checked.find(E.Address);
    if (Known != Checked.end() && contains(Known->second, Bytes)) {
      ++SkippedChecked;
      return;
    }
  }
  bool Joins = Loads != SIZE_MAX && isAvailable(E.Address, 0) &&
               (E.SizeValue == nullptr || isAvailable(E.SizeValue, 0)) &&
               (Whole || E.Layout == Lanes::Whole);
  if (!Joins) {
    closeStores(At);
    Loads = Groups.size();
    Anchor = At;
    Groups.push_back({At, {}});
    Groups.back().InTightLoop = isInTightLoop(At->getParent());
  } else {
    makeAvailable(E.Address);
    if (E.SizeValue != nullptr)
      makeAvailable(E.SizeValue);
  }
  if (Whole)
    Checked[E.Address].push_back(Bytes);
  SmallVectorImpl<Event> &Group = Groups[Loads].Events;
  if (Whole) {
    for (Event &Other : Group) {
      if (!isWhole(Other) || Other.Address != E.Address ||
          Other.Atomic != E.Atomic)
        continue;
      int64_t High = Other.Displacement + int64_t(Other.Size);
      if (Bytes.Low > High || Bytes.High < Other.Displacement)
        continue;
      // They touch: one hook for both, exactly the bytes of both.
      Other.Displacement = std::min(Other.Displacement, Bytes.Low);
      Other.Size = uint64_t(std::max(High, Bytes.High) - Other.Displacement);
      ++MergedLoads;
      return;
    }
  }
  SharedChecks += Group.empty() ? 0 : 1;
  Group.push_back(E);
}

void Grouper::addStore(const Event &Original) {
  Event E = rebased(Original);
  int64_t Low = E.Displacement;
  int64_t High = Low + int64_t(E.Size);
  bool Joins = isWhole(E) && all_of(Stores, [&](const Event &Other) {
                 int64_t OtherLow = Other.Displacement;
                 int64_t OtherHigh = OtherLow + int64_t(Other.Size);
                 return isWhole(Other) && Other.Address == E.Address &&
                        (High <= OtherLow || OtherHigh <= Low) &&
                        std::abs(Low - OtherLow) < SpanMax;
               });
  if (!Joins)
    closeStores(E.At);
  SharedChecks += Stores.empty() ? 0 : 1;
  Stores.push_back(E);
}

void Grouper::addSingle(const Event &E) {
  Groups.push_back({E.At, {E}});
}

/// Reports the stores so far before the instruction.
void Grouper::closeStores(Instruction *Before) {
  if (Stores.empty())
    return;
  Groups.push_back({Before, {}});
  Groups.back().Events.append(Stores.begin(), Stores.end());
  Stores.clear();
}

/// Loads behind this point are reported behind it: what is overwritten before
/// it is read need not be decided.
void Grouper::closeGroup() {
  Loads = SIZE_MAX;
  Anchor = nullptr;
}

void Grouper::closeLoads() {
  closeGroup();
  Checked.clear();
}

/// Whether others may see, behind the instruction, what was stored before it,
/// or the instruction may not come to its end.
static bool isBarrier(const Instruction &I) {
  if (I.isAtomic() || I.isVolatile())
    return true;
  const auto *Call = dyn_cast<CallBase>(&I);
  if (Call == nullptr)
    return I.mayThrow();
  if (isa<AnyMemIntrinsic>(Call))
    return false;
  if (const auto *Intrinsic = dyn_cast<IntrinsicInst>(Call))
    return !Intrinsic->isAssumeLikeIntrinsic() &&
           (Intrinsic->mayHaveSideEffects() ||
            Intrinsic->getIntrinsicID() == Intrinsic::trap);
  return !Call->doesNotAccessMemory() || !Call->willReturn() ||
         !Call->doesNotThrow();
}

/// Whether it may run other code or end the path.
static bool endsLoads(const Instruction &I) {
  return isa<CallBase>(I) && isBarrier(I);
}

static bool callsOthers(const BasicBlock &Block) {
  return any_of(Block, [](const Instruction &I) {
    return isa<CallBase>(I) && !isa<IntrinsicInst>(I) &&
           !cast<CallBase>(I).isInlineAsm();
  });
}

/// Is the block in a loop that calls nothing, and so has a hook as its cost?
bool Grouper::isInTightLoop(const BasicBlock *Block) {
  const Loop *L = Loops->getLoopFor(Block);
  if (L == nullptr)
    return false;
  auto [Place, New] = Tight.try_emplace(L, false);
  if (New)
    Place->second = none_of(
        L->blocks(), [](const BasicBlock *B) { return callsOthers(*B); });
  return Place->second;
}

void Grouper::visit(Instruction &I, ArrayRef<Event> Events) {
  Order[&I] = unsigned(2 * Order.size() + 2);
  const auto *Call = dyn_cast<CallInst>(&I);
  // What is stored before a mark is reported before it; loads do not matter.
  bool IsMark = Call != nullptr && markOf(*Call);
  bool Barrier = isBarrier(I);
  bool Sync = false;
  if (Barrier || IsMark)
    closeStores(&I);
  for (const Event &E : Events) {
    Sync |= E.Kind == EventKind::Sync;
    if (E.Kind == EventKind::Load) {
      addLoad(E);
    } else if (E.Kind == EventKind::Store && !Barrier && E.After) {
      addStore(E);
    } else {
      closeStores(&I);
      addSingle(E);
    }
  }
  // What was read before it is not what is read behind it, by other threads'
  // order.
  if (endsLoads(I) || Sync)
    closeLoads();
  else if (I.mayWriteToMemory() && !IsMark)
    closeGroup();
}

std::vector<EventGroup> Grouper::run(Function &F, ArrayRef<Event> Events) {
  if (any_of(Events, [](const Event &E) { return E.Kind == EventKind::Load; }))
    Loops.emplace(DominatorTree(F));
  DenseMap<const Instruction *, SmallVector<Event, 1>> Of;
  for (const Event &E : Events)
    Of[E.At].push_back(E);
  ReversePostOrderTraversal<Function *> Blocks(&F);
  for (BasicBlock *Block : Blocks) {
    Order.clear();
    closeLoads();
    if (const BasicBlock *Before = Block->getSinglePredecessor())
      Checked = AtEnd.lookup(Before);
    SmallVector<Instruction *, 32> Instructions;
    for (Instruction &I : *Block)
      Instructions.push_back(&I);
    for (Instruction *I : Instructions)
      visit(*I, Of.lookup(I));
    closeStores(Block->getTerminator());
    AtEnd[Block] = Checked;
  }
  return std::move(Groups);
}

std::vector<EventGroup> groupEvents(Function &F, ArrayRef<Event> Events) {
  return Grouper(F).run(F, Events);
}

} // namespace fencepost
