// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Inline assembly: which flushes, fences and stores a block of it holds.
#ifndef FENCEPOST_PASS_FLUSHASM_H
#define FENCEPOST_PASS_FLUSHASM_H

#include "Event.h"

#include "llvm/IR/DataLayout.h"
#include "llvm/IR/InstrTypes.h"

namespace fencepost {

/// Appends the events of an inline assembly call in the order of its text.
/// Returns false if the block may write memory in a way that was not
/// understood.
bool classifyAsm(llvm::CallBase &Call, const llvm::DataLayout &Layout,
                 llvm::SmallVectorImpl<Event> &Events);

} // namespace fencepost

#endif // FENCEPOST_PASS_FLUSHASM_H
