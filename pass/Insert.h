// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From events to calls of the runtime's hooks.
#ifndef FENCEPOST_PASS_INSERT_H
#define FENCEPOST_PASS_INSERT_H

#include "Group.h"
#include "Hooks.h"

namespace fencepost {

/// How many hooks of each kind were inserted.
struct HookCounts {
  unsigned Stores = 0;
  unsigned Loads = 0;
  unsigned Flushes = 0;
  unsigned Fences = 0;
};

class Inserter {
public:
  /// With Guarded, inlined checks keep the hooks off the ordinary path.
  /// Without, F runs in recovery only: stores are always reported, and loads
  /// that the runtime wants to know of.
  Inserter(llvm::Function &F, Hooks &Runtime, HookCounts &Counts, bool Guarded);

  void insert(const EventGroup &Group);
  /// Before each return: undecided memory must not stay open in the caller.
  void insertLeaveAtReturns();

private:
  void insertStores(const EventGroup &Group);
  void insertLoads(const EventGroup &Group);
  void insertAtomic(const Event &E);
  void insertFlush(const Event &E);
  void insertTouch(const Event &E);
  void insertSync(const Event &E);
  void insertFence(const Event &E);
  void insertClient(const Event &E);
  void insertLeave(llvm::Instruction *Before, bool Returns);

  llvm::Instruction *placeOf(const Event &E);
  llvm::Instruction *branchIf(llvm::Value *Condition,
                              llvm::Instruction *Before);
  llvm::Instruction *branchIfLoads(llvm::Instruction *Before,
                                   const llvm::Instruction &Cause);
  llvm::Value *isInRange(llvm::IRBuilderBase &Builder, llvm::Value *Address);
  llvm::Instruction *branchIfReported(const EventGroup &Group);
  llvm::Value *arePersistent(llvm::IRBuilderBase &Builder);
  llvm::Value *addressOf(llvm::IRBuilderBase &Builder, const Event &E);
  llvm::Value *sizeOf(llvm::IRBuilderBase &Builder, const Event &E);
  llvm::Value *laneAddress(llvm::IRBuilderBase &Builder, const Event &E,
                           unsigned Lane);
  void callStore(llvm::IRBuilderBase &Builder, const Event &E);
  void callLoad(llvm::IRBuilderBase &Builder, const Event &E);
  void position(llvm::IRBuilderBase &Builder, llvm::Instruction *Before,
                const llvm::Instruction &Cause);

  llvm::Function &F;
  Hooks &Runtime;
  HookCounts &Counts;
  bool Guarded;
  llvm::MDNode *Unlikely;
  llvm::DenseMap<llvm::Instruction *, llvm::Instruction *> Behind;
};

} // namespace fencepost

#endif // FENCEPOST_PASS_INSERT_H
