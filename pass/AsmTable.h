// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What machine instructions do to persistent memory: one table by spelling, one
// by encoding.
#ifndef FENCEPOST_PASS_ASMTABLE_H
#define FENCEPOST_PASS_ASMTABLE_H

#include "AsmText.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace fencepost {

enum class AsmEffect {
  Ordinary, ///< writes its destination, be it memory
  Unlisted, ///< seems ordinary, but is not in the table
  Unknown,  ///< may write memory that its operands do not name
  Clflush,
  Clflushopt,
  Clwb,
  Sfence,
  Mfence,
  Direct,     ///< store past the caches, not ordered with others
  DirectLine, ///< movdir64b: the destination register holds the address
  Exchange,   ///< locked without a prefix, if it has a memory operand
  Read,       ///< the destination position is only read
  StringSet,  ///< stos: at rdi, rcx times
  StringCopy, ///< movs: from rsi too
};

/// One spelling of an instruction. Size in bytes, 0: by the operands.
struct AsmSpelling {
  const char *Name;
  AsmEffect What;
  unsigned Size;
};

/// What the mnemonic (lower case) stands for.
AsmSpelling spellingOf(llvm::StringRef Mnemonic);

/// An instruction given by its bytes.
struct AsmEncoding {
  AsmEffect What = AsmEffect::Ordinary;
  unsigned Size = 0; ///< bytes written
  AsmOperand Memory; ///< of kind Opaque if the address has an index or no base
};

/// Reads one instruction off the front of Bytes. Returns nothing, and leaves
/// Bytes alone, if they do not begin with a complete instruction of the table.
std::optional<AsmEncoding> readAsmEncoding(llvm::ArrayRef<uint8_t> &Bytes);

} // namespace fencepost

#endif // FENCEPOST_PASS_ASMTABLE_H
