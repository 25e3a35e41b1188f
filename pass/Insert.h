// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From events to calls of the runtime's hooks.
#ifndef FENCEPOST_PASS_INSERT_H
#define FENCEPOST_PASS_INSERT_H

#include "Event.h"
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
  Inserter(llvm::Function &F, Hooks &Runtime, HookCounts &Counts);

  void insert(const Event &E);
  /// Loads of one block that share a check before the first.
  void insertLoads(llvm::ArrayRef<Event> Loads);
  /// Before each return: undecided memory must not stay open in the caller.
  void insertLeaveAtReturns();

private:
  void insertStore(const Event &E);
  void insertAtomic(const Event &E);
  void insertFlush(const Event &E);
  void insertFence(const Event &E);
  void insertClient(const Event &E);
  void insertLeave(llvm::Instruction *Before);

  llvm::Instruction *placeOf(const Event &E);
  llvm::Instruction *branchIf(llvm::Value *Condition,
                              llvm::Instruction *Before);
  llvm::Value *isInRange(llvm::IRBuilderBase &Builder, llvm::Value *Address);
  llvm::Value *areLoadsReported();
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
  llvm::MDNode *Unlikely;
  llvm::Value *LoadsReported = nullptr;
};

} // namespace fencepost

#endif // FENCEPOST_PASS_INSERT_H
