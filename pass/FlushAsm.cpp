// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FlushAsm.h"

#include "fencepost/events.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/InlineAsm.h"

using namespace llvm;

namespace fencepost {

bool classifyAsm(CallBase &Call, const DataLayout &,
                 SmallVectorImpl<Event> &Events) {
  const auto *Asm = cast<InlineAsm>(Call.getCalledOperand());
  std::string Text = StringRef(Asm->getAsmString()).lower();
  StringRef T = StringRef(Text).trim(" \t\n;");
  Event E;
  E.At = &Call;
  if (T == "sfence" || T == "mfence") {
    E.Kind = EventKind::Fence;
    E.Flags = T == "sfence" ? FENCEPOST_SFENCE : FENCEPOST_MFENCE;
    Events.push_back(E);
    return true;
  }
  int Kind = -1;
  if (T.contains("0x66") && T.contains("clflush"))
    Kind = FENCEPOST_CLFLUSHOPT;
  else if (T.contains("0x66") && T.contains("xsaveopt"))
    Kind = FENCEPOST_CLWB;
  else if (T.starts_with("clflushopt"))
    Kind = FENCEPOST_CLFLUSHOPT;
  else if (T.starts_with("clwb"))
    Kind = FENCEPOST_CLWB;
  else if (T.starts_with("clflush"))
    Kind = FENCEPOST_CLFLUSH;
  if (Kind >= 0 && Call.arg_size() > 0 &&
      Call.getArgOperand(0)->getType()->isPointerTy()) {
    E.Kind = EventKind::Flush;
    E.Flags = unsigned(Kind);
    E.Address = Call.getArgOperand(0);
    Events.push_back(E);
    return true;
  }
  return T.empty() || !Call.mayWriteToMemory();
}

} // namespace fencepost
