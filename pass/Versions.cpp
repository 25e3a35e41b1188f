// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Versions.h"

#include "fencepost/module.h"

#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace fencepost {

bool canHaveVersions(const Function &F) {
  // Arguments that lie on the caller's stack cannot be handed on by a jump in
  // all calling conventions; a function that is only there to be inlined has no
  // code of its own; a coroutine is cut into pieces later.
  if (F.isVarArg() || F.hasAvailableExternallyLinkage() ||
      F.isPresplitCoroutine())
    return false;
  for (const Argument &A : F.args())
    if (A.hasPassPointeeByValueCopyAttr() || A.hasSwiftErrorAttr() ||
        A.hasNestAttr())
      return false;
  for (const BasicBlock &Block : F) {
    // Tables of jump targets would lead from the copy back into the original.
    if (Block.hasAddressTaken() || isa<CallBrInst>(Block.getTerminator()) ||
        isa<IndirectBrInst>(Block.getTerminator()))
      return false;
  }
  return true;
}

Function *copyForRecovery(Function &F) {
  ValueToValueMapTy Map;
  Function *Copy = CloneFunction(&F, Map);
  Copy->setName(F.getName() + VersionSuffix);
  Copy->setLinkage(GlobalValue::InternalLinkage);
  Copy->setVisibility(GlobalValue::DefaultVisibility);
  Copy->setDLLStorageClass(GlobalValue::DefaultStorageClass);
  Copy->setComdat(F.getComdat());
  for (Attribute::AttrKind Kind :
       {Attribute::AlwaysInline, Attribute::InlineHint, Attribute::MinSize,
        Attribute::OptimizeForSize})
    Copy->removeFnAttr(Kind);
  Copy->addFnAttr(Attribute::OptimizeNone);
  Copy->addFnAttr(Attribute::NoInline);
  return Copy;
}

void dropVariables(Function &Copy) {
  for (Instruction &I : instructions(Copy)) {
    I.dropDbgRecords();
    I.setMetadata(LLVMContext::MD_DIAssignID, nullptr);
  }
}

void jumpToCopy(Function &F, Function &Copy, Hooks &Runtime) {
  BasicBlock &Entry = F.getEntryBlock();
  // Variables of fixed size have to stay in the entry block.
  Instruction *Place = &*Entry.getFirstNonPHIOrDbgOrAlloca();
  IRBuilder<> Builder(Place);
  if (DISubprogram *Subprogram = F.getSubprogram())
    Builder.SetCurrentDebugLocation(
        DILocation::get(F.getContext(), Subprogram->getLine(), 0, Subprogram));
  Value *Loads =
      Runtime.loadState(Builder, Builder.getInt8Ty(), FENCEPOST_STATE_LOADS);
  Instruction *End = SplitBlockAndInsertIfThen(
      Builder.CreateIsNotNull(Loads), Place->getIterator(),
      /*Unreachable=*/true,
      MDBuilder(F.getContext()).createUnlikelyBranchWeights());
  DebugLoc At = Builder.getCurrentDebugLocation();
  Builder.SetInsertPoint(End);
  Builder.SetCurrentDebugLocation(At);
  SmallVector<Value *, 8> Arguments;
  for (Argument &A : F.args())
    Arguments.push_back(&A);
  CallInst *Jump = Builder.CreateCall(&Copy, Arguments);
  Jump->setTailCallKind(CallInst::TCK_MustTail);
  Jump->setCallingConv(F.getCallingConv());
  // What decides how arguments are passed has to be the same on both sides.
  AttributeList Attributes = F.getAttributes();
  SmallVector<AttributeSet, 8> OfArguments;
  for (unsigned Number = 0; Number < F.arg_size(); ++Number)
    OfArguments.push_back(Attributes.getParamAttrs(Number));
  Jump->setAttributes(AttributeList::get(
      F.getContext(), AttributeSet(), Attributes.getRetAttrs(), OfArguments));
  if (F.getReturnType()->isVoidTy())
    Builder.CreateRetVoid();
  else
    Builder.CreateRet(Jump);
  End->eraseFromParent();
}

} // namespace fencepost
