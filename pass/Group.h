// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which events can share one inlined check. A check costs a branch and two
// blocks for the compiler to work on, so neighbours are put behind the same
// one.
#ifndef FENCEPOST_PASS_GROUP_H
#define FENCEPOST_PASS_GROUP_H

#include "Event.h"

#include "llvm/IR/Function.h"

#include <vector>

namespace fencepost {

/// Events behind one check, in order. All loads, or all stores near one
/// address, or one event of any kind.
struct EventGroup {
  llvm::Instruction *Before = nullptr; ///< the check stands before it
  llvm::SmallVector<Event, 2> Events;
  bool InTightLoop = false; ///< of loads: in a loop that calls nothing
};

/// Groups the events of F, which are in the order of its instructions, and puts
/// the groups in the order in which they are to be inserted. Moves computations
/// of addresses up to where a group needs them, changes nothing else.
std::vector<EventGroup> groupEvents(llvm::Function &F,
                                    llvm::ArrayRef<Event> Events);

} // namespace fencepost

#endif // FENCEPOST_PASS_GROUP_H
