// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions as operations (docs/OPERATIONS.md): their entries and exits are
// marked before anything is inlined. What becomes of the marks: Ops.h.
#ifndef FENCEPOST_PASS_MARK_H
#define FENCEPOST_PASS_MARK_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/PassManager.h"

#include <optional>

namespace fencepost {

enum class MarkKind : unsigned {
  Begin = 1,
  End = 2,
  Tail = 3, ///< before a call that replaces the frame by a marked function's
};

/// Marks the functions that may be operations: those of the user that may store
/// to memory that others see, fence, or call what does. A mark is an
/// annotation, which costs the optimizer nothing and keeps its place among
/// calls.
class MarkPass : public llvm::PassInfoMixin<MarkPass> {
public:
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
  static bool isRequired() {
    return true;
  }
};

/// What a mark says.
struct Mark {
  MarkKind Kind;
  llvm::GlobalVariable *Name; ///< holds the symbol of the function

  llvm::StringRef symbol() const;
};

/// The mark that I is, if it is one.
std::optional<Mark> markOf(const llvm::CallBase &Call);

/// A mark keeps its place among calls, but stores that the optimizer moves may
/// have come past it. Puts it in front of, or behind, the stores next to it
/// that belong to the call: all, if nothing has been inlined, else by debug
/// information. Before hooks are inserted.
void settleMarks(llvm::Module &M);

/// The functions that hold marks, their own or of what was inlined: each gets a
/// version in which they are lowered, so that the other has none.
using MarksByFunction = llvm::DenseMap<const llvm::Function *,
                                       llvm::SmallVector<llvm::CallInst *, 4>>;
MarksByFunction marksByFunction(llvm::Module &M);

/// Calls Each for each mark of the module, which it may erase.
void forEachMark(llvm::Module &M,
                 llvm::function_ref<void(llvm::CallInst &, const Mark &)> Each);

} // namespace fencepost

#endif // FENCEPOST_PASS_MARK_H
