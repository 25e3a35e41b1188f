// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of inline assembly as a list of instructions with operands, for
// either dialect. Knows the grammar, not what an instruction does.
#ifndef FENCEPOST_PASS_ASMTEXT_H
#define FENCEPOST_PASS_ASMTEXT_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fencepost {

/// A register of the machine; Number counts within its kind.
struct AsmRegister {
  enum KindType { None, General, Vector, Other } Kind = None;
  unsigned Number = 0;
  unsigned Size = 0; ///< bytes
  explicit operator bool() const {
    return Kind != None;
  }
};

/// Reads "rax", "%eax", "{di}", "xmm3" and so on.
AsmRegister parseRegister(llvm::StringRef Name);

struct AsmOperand {
  enum KindType {
    Immediate,
    Register, ///< Reg
    Argument, ///< $N by itself: what it is, its constraint says
    Memory,   ///< Base plus Displacement
    Opaque,   ///< memory that the block's arguments do not name
  } Kind = Opaque;
  AsmRegister Reg;          ///< Register; Memory: the base, if not an argument
  int Number = -1;          ///< Argument; Memory: the base, if an argument
  int64_t Displacement = 0; ///< Argument and Memory: bytes
  unsigned Size = 0;        ///< bytes, where the text says ("qword ptr")
};

struct AsmStatement {
  std::string Mnemonic;                ///< lower case; empty for raw bytes
  llvm::SmallVector<uint8_t, 8> Bytes; ///< of .byte: prefixes, or everything
  bool Lock = false;
  bool Repeat = false;
  llvm::SmallVector<AsmOperand, 3> Operands; ///< destination first
};

/// Parses a text as InlineAsm keeps it ($0, ${1:q}, $$, $(a$|b$)).
std::vector<AsmStatement> parseAsmText(llvm::StringRef Text, bool Intel);

} // namespace fencepost

#endif // FENCEPOST_PASS_ASMTEXT_H
