// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Group.h"

#include "LlvmCompat.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace fencepost {

/// Instructions from the first load of the group on.
using Later = SmallPtrSet<const Instruction *, 32>;

static bool isWholeLoad(const Event &E) {
  return E.Kind == EventKind::Load && E.Layout == Lanes::Whole;
}

/// Whether a load can be reported on the other side of I. A store that is no
/// event is to memory that recovery's loads cannot mean.
static bool isBarrier(const Instruction &I) {
  if (I.isDebugOrPseudoInst() || I.isLifetimeStartOrEnd() || isa<AssumeInst>(I))
    return false;
  if (isa<LoadInst>(I))
    return !cast<LoadInst>(I).isUnordered();
  if (const auto *Store = dyn_cast<StoreInst>(&I))
    return !Store->isSimple();
  return I.mayHaveSideEffects();
}

/// Whether the value is known before the first load, or what computes it could
/// be moved there.
static bool canMove(const Value *V, const Later &After, unsigned Depth = 0) {
  constexpr unsigned DepthMax = 6;
  const auto *I = dyn_cast_or_null<Instruction>(V);
  if (I == nullptr || !After.contains(I))
    return true;
  if (Depth == DepthMax || I->mayReadOrWriteMemory() || isa<PHINode>(I) ||
      !isSafeToSpeculativelyExecute(I))
    return false;
  return all_of(I->operands(), [&](const Use &Operand) {
    return canMove(Operand, After, Depth + 1);
  });
}

static void move(Value *V, Later &After, Instruction &First) {
  auto *I = dyn_cast_or_null<Instruction>(V);
  if (I == nullptr || !After.erase(I))
    return;
  for (Use &Operand : I->operands())
    move(Operand, After, First);
  I->moveBefore(*First.getParent(), First.getIterator());
}

size_t groupLoads(ArrayRef<Event> Events) {
  constexpr size_t LoadsMax = 16;
  if (!isWholeLoad(Events.front()))
    return 1;
  Instruction &First = *Events.front().At;
  Later After;
  Instruction *At = &First;
  size_t Count = 1;
  while (Count < Events.size() && Count < LoadsMax) {
    const Event &E = Events[Count];
    if (!isWholeLoad(E) || E.At->getParent() != First.getParent())
      break;
    for (; At != E.At && !isBarrier(*At); At = At->getNextNode())
      After.insert(At);
    if (At != E.At || !canMove(E.Address, After) ||
        !canMove(E.SizeValue, After))
      break;
    move(E.Address, After, First);
    move(E.SizeValue, After, First);
    ++Count;
  }
  return Count;
}

} // namespace fencepost
