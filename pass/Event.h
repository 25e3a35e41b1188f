// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an instruction does to persistent memory, in the words of
// fencepost/events.h. Classify makes events, Insert turns them into hook calls.
#ifndef FENCEPOST_PASS_EVENT_H
#define FENCEPOST_PASS_EVENT_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Instruction.h"

namespace fencepost {

enum class EventKind {
  Store,  ///< `size` bytes at the address
  Load,   ///< the same, read
  Atomic, ///< atomic store, RMW or cmpxchg: bracketed by two hooks
  Flush,  ///< of the line at the address
  Fence,  ///< no address
  Touch,  ///< an access to a variable, for who looks for races
  Sync,   ///< what orders threads: enum fencepost_sync_flag
  Client, ///< a Valgrind client request
  Leave,  ///< a call that may run code without hooks
};

/// How the elements of a store or load lie in memory.
enum class Lanes {
  Whole,     ///< all of `size` bytes
  Masked,    ///< side by side, those whose mask bit is set
  Packed,    ///< as many as mask bits are set, without gaps
  Scattered, ///< an address per element, given by a vector of pointers
  Indexed,   ///< an address per element: base plus index times scale
};

struct Event {
  EventKind Kind = EventKind::Store;
  llvm::Instruction *At = nullptr;  ///< the instruction that causes it
  llvm::Value *Address = nullptr;   ///< pointer, or vector of pointers
  int64_t Displacement = 0;         ///< added to Address, in bytes
  uint64_t Size = 0;                ///< in bytes; of one element unless Whole
  llvm::Value *SizeValue = nullptr; ///< in units of Size, if not constant
  unsigned Flags = 0;  ///< store flags, flush kind, fence kind, atomic flags
  bool After = false;  ///< the hook belongs behind the instruction
  bool Atomic = false; ///< a load that is atomic or volatile

  Lanes Layout = Lanes::Whole;
  llvm::Value *Mask = nullptr;  ///< <N x i1>, <N x iM> by sign, or an integer
  llvm::Value *Index = nullptr; ///< vector of integers, for Indexed
  unsigned Scale = 1;           ///< bytes per unit of Index
  unsigned Count = 0;           ///< of elements, unless Whole
};

/// Flags of atomic_begin (fencepost/hooks.def).
enum AtomicFlag : unsigned {
  AtomicLocked = 1,
  AtomicReads = 2,
  AtomicPointer = 4,
  AtomicMaybe = 8,
};

} // namespace fencepost

#endif // FENCEPOST_PASS_EVENT_H
