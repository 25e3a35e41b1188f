// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From an instruction to the events it causes. Reads IR, never changes it.
#ifndef FENCEPOST_PASS_CLASSIFY_H
#define FENCEPOST_PASS_CLASSIFY_H

#include "Event.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"

namespace fencepost {

/// Classifies the instructions of one function. Remembers what it found out
/// about the objects that pointers point to.
class Classifier {
public:
  explicit Classifier(const llvm::Function &F)
      : Layout(F.getParent()->getDataLayout()) {}

  /// Appends the events of I in the order in which they happen.
  void classify(llvm::Instruction &I, llvm::SmallVectorImpl<Event> &Events);

  /// Instructions that may write memory and were not understood.
  unsigned unknownCount() const {
    return Unknown;
  }

private:
  void classifyCall(llvm::CallBase &Call, llvm::SmallVectorImpl<Event> &Events);
  void classifyLibrarySync(llvm::CallBase &Call,
                           llvm::SmallVectorImpl<Event> &Events);
  bool classifyIntrinsic(llvm::CallBase &Call,
                         llvm::SmallVectorImpl<Event> &Events);
  bool classifyX86(llvm::CallBase &Call, llvm::SmallVectorImpl<Event> &Events);
  bool classifyX86Vector(llvm::CallBase &Call, llvm::StringRef Name,
                         llvm::SmallVectorImpl<Event> &Events);
  bool cannotBePersistent(const llvm::Value *Address);
  void addAccess(llvm::SmallVectorImpl<Event> &Events, Event E);
  void classifyAccess(llvm::Instruction &I,
                      llvm::SmallVectorImpl<Event> &Events);
  void addSync(llvm::SmallVectorImpl<Event> &Events, Event E, unsigned Flags);
  bool isUnshared(const llvm::Value *Address);
  uint64_t sizeOf(llvm::Type *Type) const;

  const llvm::DataLayout &Layout;
  llvm::DenseMap<const llvm::Value *, bool> Objects;
  unsigned Unknown = 0;
};

/// Whether the function called is defined here and gets instrumented, or cannot
/// touch memory: no code without hooks runs on its behalf.
bool staysInstrumented(const llvm::CallBase &Call);

/// Whether the pass instruments F.
bool isInstrumentable(const llvm::Function &F);

} // namespace fencepost

#endif // FENCEPOST_PASS_CLASSIFY_H
