// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads that can share one check.
#ifndef FENCEPOST_PASS_GROUP_H
#define FENCEPOST_PASS_GROUP_H

#include "Event.h"

#include "llvm/ADT/ArrayRef.h"

namespace fencepost {

/// How many of the leading events are loads that can all be reported before the
/// first of them is executed: nothing in between writes memory or leaves the
/// block, and their addresses are known there, once the instructions that
/// compute them have been moved, which this does. Events holds at least one.
size_t groupLoads(llvm::ArrayRef<Event> Events);

} // namespace fencepost

#endif // FENCEPOST_PASS_GROUP_H
