// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two versions of a function: one that reports loads, for recovery, and one
// that does not. The second begins with a test and a jump to the first, so that
// ordinary runs pay nothing for each load. The first is compiled without
// optimizing again, which costs a tenth of the time that branches around each
// hook would.
#ifndef FENCEPOST_PASS_VERSIONS_H
#define FENCEPOST_PASS_VERSIONS_H

#include "Hooks.h"

#include "llvm/IR/Function.h"

namespace fencepost {

inline constexpr llvm::StringLiteral VersionSuffix = ".fencepost";

/// Whether F can have two versions. If not, its loads are guarded one by one.
bool canHaveVersions(const llvm::Function &F);

/// Makes a copy of F for recovery and returns it.
llvm::Function *copyForRecovery(llvm::Function &F);

/// Is F such a copy?
inline bool isVersionForRecovery(const llvm::Function &F) {
  return F.getName().ends_with(VersionSuffix);
}

/// The copy of F; null if it has none.
inline llvm::Function *versionOf(const llvm::Function &F) {
  return F.getParent()->getFunction((F.getName() + VersionSuffix).str());
}

/// Forgets where a copy has its variables, once nothing asks for that any more:
/// what debuggers look at is the original, and the backend takes its time.
void dropVariables(llvm::Function &Copy);

/// Lets F begin with a jump to Copy while loads are to be reported.
void jumpToCopy(llvm::Function &F, llvm::Function &Copy, Hooks &Runtime);

} // namespace fencepost

#endif // FENCEPOST_PASS_VERSIONS_H
