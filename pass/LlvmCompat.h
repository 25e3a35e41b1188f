// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What differs between the LLVM versions that the pass is built for. No other
// file of the pass looks at LLVM_VERSION_MAJOR.
#ifndef FENCEPOST_PASS_LLVMCOMPAT_H
#define FENCEPOST_PASS_LLVMCOMPAT_H

#include "llvm/Analysis/CaptureTracking.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Passes/PassBuilder.h"

#if __has_include("llvm/Plugins/PassPlugin.h")
#include "llvm/Plugins/PassPlugin.h"
#else
#include "llvm/Passes/PassPlugin.h"
#endif

namespace fencepost {

/// Whether the address Object itself may be known outside its function.
inline bool mayBeCaptured(const llvm::Value *Object) {
#if LLVM_VERSION_MAJOR >= 22
  return llvm::PointerMayBeCaptured(Object, /*ReturnCaptures=*/true);
#else
  return llvm::PointerMayBeCaptured(Object, /*ReturnCaptures=*/true,
                                    /*StoreCaptures=*/true);
#endif
}

/// Removes what says that the pointer parameter Number of F is not kept.
inline void removeNotCaptured(llvm::Function &F, unsigned Number) {
#if LLVM_VERSION_MAJOR >= 22
  F.removeParamAttr(Number, llvm::Attribute::Captures);
#else
  F.removeParamAttr(Number, llvm::Attribute::NoCapture);
#endif
}

/// The mask of a masked, compressing, scattering, expanding or gathering
/// intrinsic; the older form has an alignment between pointer and mask.
inline llvm::Value *maskOf(const llvm::IntrinsicInst &Call,
                           unsigned AfterPointer) {
  llvm::Value *Operand = Call.getArgOperand(AfterPointer);
  if (llvm::isa<llvm::ConstantInt>(Operand))
    Operand = Call.getArgOperand(AfterPointer + 1);
  return Operand;
}

} // namespace fencepost

#endif // FENCEPOST_PASS_LLVMCOMPAT_H
