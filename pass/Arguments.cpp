// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Arguments.h"

#include "Versions.h"

#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DebugInfoMetadata.h"

using namespace llvm;

namespace fencepost {

// ---- types

/// Without typedefs and qualifiers.
static const DIType *plainType(const DIType *Type) {
  while (const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type)) {
    unsigned Tag = Derived->getTag();
    if (Tag != dwarf::DW_TAG_typedef && Tag != dwarf::DW_TAG_const_type &&
        Tag != dwarf::DW_TAG_volatile_type &&
        Tag != dwarf::DW_TAG_restrict_type)
      break;
    Type = Derived->getBaseType();
  }
  return Type;
}

static bool isChar(const DIType *Type) {
  const auto *Basic = dyn_cast_or_null<DIBasicType>(plainType(Type));
  return Basic != nullptr && Basic->getName() == "char";
}

/// The strings of libstdc++, whose objects begin with a pointer to the text and
/// its size.
static bool isStdString(const DIType *Type) {
  const auto *Class = dyn_cast_or_null<DICompositeType>(plainType(Type));
  if (Class == nullptr || !Class->getName().starts_with("basic_string<char,"))
    return false;
  const DIScope *Scope = Class->getScope();
  return Scope != nullptr && Scope->getName() == "__cxx11";
}

static char letterOf(const DIBasicType &Type) {
  switch (Type.getEncoding()) {
  case dwarf::DW_ATE_boolean:
    return 'b';
  case dwarf::DW_ATE_float:
    return 'd';
  case dwarf::DW_ATE_signed:
    return 'i';
  case dwarf::DW_ATE_signed_char:
    return isChar(&Type) ? 'c' : 'i';
  default:
    return 'u';
  }
}

static char letterOf(const DIType *Type) {
  Type = plainType(Type);
  if (const auto *Basic = dyn_cast_or_null<DIBasicType>(Type))
    return letterOf(*Basic);
  if (isStdString(Type))
    return 'S';
  if (const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type)) {
    const DIType *To = Derived->getBaseType();
    if (Derived->getTag() == dwarf::DW_TAG_pointer_type)
      return isChar(To) ? 's' : 'p';
    return isStdString(To) ? 'S' : 'p';
  }
  const auto *Composite = dyn_cast_or_null<DICompositeType>(Type);
  if (Composite == nullptr)
    return 'p';
  if (Composite->getTag() == dwarf::DW_TAG_enumeration_type)
    return Composite->getBaseType() != nullptr
               ? letterOf(Composite->getBaseType())
               : 'i';
  return 'x';
}

static char letterOf(const Argument &A) {
  if (A.hasPassPointeeByValueCopyAttr() ||
      !(A.getType()->isPointerTy() || A.getType()->isFloatingPointTy() ||
        A.getType()->isIntegerTy()))
    return 'x';
  if (A.getType()->isPointerTy())
    return 'p';
  if (A.getType()->isFloatingPointTy())
    return 'd';
  return A.hasZExtAttr() ? 'u' : 'i';
}

// ---- parameters

std::string Parameters::text() const {
  if (!Read)
    return "x";
  std::string Text;
  for (const One &P : List) {
    Text += Text.empty() ? "" : ",";
    Text += P.Type;
    Text += P.Name;
  }
  if (More)
    Text += Text.empty() ? "x" : ",x";
  return Text;
}

static void addParameter(Parameters &All, char Type) {
  if (All.List.size() < FENCEPOST_OP_ARGUMENTS)
    All.List.push_back({Type, ""});
  else
    All.More = true;
}

static void readTypes(const DISubprogram &Subprogram, Parameters &All) {
  DITypeRefArray Types = Subprogram.getType()->getTypeArray();
  for (unsigned I = 1; I < Types.size(); ++I)
    if (Types[I] == nullptr)
      All.More = true; // variadic
    else if (!Types[I]->isArtificial())
      addParameter(All, letterOf(Types[I]));
}

/// How they are numbered here: those that are not written in the source (this)
/// are left out.
static int numberOf(const DISubprogram &Subprogram, unsigned Parameter) {
  DITypeRefArray Types = Subprogram.getType()->getTypeArray();
  int Number = -1;
  for (unsigned I = 1; I <= Parameter && I < Types.size(); ++I)
    if (Types[I] == nullptr || !Types[I]->isArtificial())
      ++Number;
    else if (I == Parameter)
      return -1;
  return Number;
}

// ---- values

namespace {

/// Looks for the values at one mark.
class Finder {
public:
  Finder(const CallInst &Begin, Parameters &All,
         function_ref<const DominatorTree &()> Tree)
      : Begin(Begin), At(Begin.getDebugLoc()),
        Subprogram(At->getScope()->getSubprogram()), All(All), Tree(Tree) {}

  ArgumentValues find();

private:
  void see(const DbgVariableRecord &Record);
  Value *valueOf(const DbgVariableRecord &Record, char Letter) const;
  Value *stored(Value *Variable) const;
  bool isThere(const Value *V) const;
  Value *thereOrNull(Value *V) const;

  const CallInst &Begin;
  const DILocation *At;
  const DISubprogram *Subprogram;
  Parameters &All;
  function_ref<const DominatorTree &()> Tree;
  ArgumentValues Values = {};
  unsigned Seen = 0; ///< parameters, as bits: the nearest record decides
};

} // namespace

/// Does the value exist before the mark?
bool Finder::isThere(const Value *V) const {
  const auto *Defined = dyn_cast<Instruction>(V);
  return Defined == nullptr || Tree().dominates(Defined, &Begin);
}

/// The value, or what is only widened behind the mark (bool).
Value *Finder::thereOrNull(Value *V) const {
  if (isa<ZExtInst, SExtInst>(V) && !isThere(V))
    V = cast<CastInst>(V)->getOperand(0);
  return isThere(V) ? V : nullptr;
}

/// What is stored first to a variable, behind the mark.
Value *Finder::stored(Value *Variable) const {
  StoreInst *First = nullptr;
  for (User *By : Variable->users())
    if (auto *Store = dyn_cast<StoreInst>(By))
      if (Store->getPointerOperand() == Variable &&
          Store->getParent() == Begin.getParent() && Begin.comesBefore(Store) &&
          (First == nullptr || Store->comesBefore(First)))
        First = Store;
  return First == nullptr ? nullptr : thereOrNull(First->getValueOperand());
}

/// Does the expression only widen, without a sign? The optimizer drops such an
/// instruction and leaves that to the debugger.
static bool widens(const DIExpression &Expression) {
  if (Expression.getNumElements() == 0)
    return false;
  for (const DIExpression::ExprOperand &Step : Expression.expr_ops())
    if (Step.getOp() != dwarf::DW_OP_stack_value &&
        (Step.getOp() != dwarf::DW_OP_LLVM_convert ||
         Step.getArg(1) != dwarf::DW_ATE_unsigned))
      return false;
  return true;
}

/// The value of a parameter, where a variable record says what it is.
Value *Finder::valueOf(const DbgVariableRecord &Record, char Letter) const {
  const DIExpression &Expression = *Record.getExpression();
  // A class that is passed by its address.
  bool ByAddress = Letter == 'S' && Expression.getNumElements() == 1 &&
                   Expression.getElement(0) == dwarf::DW_OP_deref;
  bool Unsigned = (Letter == 'u' || Letter == 'b') && widens(Expression);
  if (Record.getNumVariableLocationOps() != 1 ||
      !(Expression.getNumElements() == 0 || ByAddress || Unsigned))
    return nullptr;
  Value *Place = Record.getVariableLocationOp(0);
  if (Place == nullptr || isa<UndefValue>(Place))
    return nullptr;
  if (Record.getType() != DbgVariableRecord::LocationType::Declare)
    return thereOrNull(Place);
  if (isa<Argument>(Place))
    return Letter == 'S' ? Place : nullptr;
  return stored(Place);
}

/// Takes what a record says, unless a nearer one has been seen.
void Finder::see(const DbgVariableRecord &Record) {
  const DILocalVariable *Variable = Record.getVariable();
  if (Variable->getArg() == 0 ||
      Record.getDebugLoc()->getInlinedAt() != At->getInlinedAt() ||
      Variable->getScope()->getSubprogram() != Subprogram)
    return;
  int Number = numberOf(*Subprogram, Variable->getArg());
  if (Number < 0 || Number >= int(All.List.size()))
    return;
  Parameters::One &Parameter = All.List[Number];
  Parameter.Name = Variable->getName().str();
  if ((Seen >> Number & 1) == 0)
    Values[Number] = valueOf(Record, Parameter.Type);
  Seen |= 1U << Number;
}

/// What is said behind the mark is nearest to the call; in an unrolled loop
/// what stands before it may belong to an earlier one.
ArgumentValues Finder::find() {
  const Instruction *I = &Begin;
  while ((I = I->getNextNode()) != nullptr) {
    for (DbgVariableRecord &Record : filterDbgVars(I->getDbgRecordRange()))
      see(Record);
    const auto *Call = dyn_cast<CallInst>(I);
    std::optional<Mark> Other = Call ? markOf(*Call) : std::nullopt;
    if (Other && Other->Kind == MarkKind::Begin &&
        Call->getDebugLoc().get() == At)
      break;
  }
  for (I = &Begin; I != nullptr; I = I->getPrevNode())
    for (DbgVariableRecord &Record :
         reverse(filterDbgVars(I->getDbgRecordRange())))
      see(Record);
  return Values;
}

/// Without types in the debug information: if this is the function itself.
static ArgumentValues ownArguments(const CallInst &Begin, StringRef Symbol,
                                   Parameters &All) {
  ArgumentValues Values = {};
  const Function *F = Begin.getFunction();
  StringRef Own = F->getName();
  Own.consume_back(VersionSuffix);
  if (Own != Symbol)
    return Values;
  unsigned Number = 0;
  for (const Argument &A : F->args()) {
    if (A.hasStructRetAttr())
      continue;
    if (!All.Read)
      addParameter(All, letterOf(A));
    if (Number < FENCEPOST_OP_ARGUMENTS)
      Values[Number++] = const_cast<Argument *>(&A);
  }
  All.More = All.More || F->isVarArg();
  All.Read = true;
  return Values;
}

ArgumentValues argumentsAt(const CallInst &Begin, StringRef Symbol,
                           Parameters &All,
                           function_ref<const DominatorTree &()> Tree) {
  const DILocation *At = Begin.getDebugLoc();
  const DISubprogram *Subprogram =
      At == nullptr ? nullptr : At->getScope()->getSubprogram();
  if (Subprogram == nullptr ||
      Subprogram->getType()->getTypeArray().size() == 0)
    return ownArguments(Begin, Symbol, All);
  if (!All.Read)
    readTypes(*Subprogram, All);
  All.Read = true;
  return Finder(Begin, All, Tree).find();
}

Value *asBits(IRBuilderBase &Builder, Value *V, char Letter) {
  Type *I64 = Builder.getInt64Ty();
  if (V == nullptr || Letter == 'x')
    return nullptr;
  Type *Is = V->getType();
  if (Is->isPointerTy())
    return Letter == 'i' || Letter == 'd' ? nullptr
                                          : Builder.CreatePtrToInt(V, I64);
  if (Is->isFloatingPointTy()) {
    if (Letter != 'd')
      return nullptr;
    return Builder.CreateBitCast(Builder.CreateFPCast(V, Builder.getDoubleTy()),
                                 I64);
  }
  if (!Is->isIntegerTy() || Is->getIntegerBitWidth() > 64 || Letter == 'd')
    return nullptr;
  return Letter == 'i' || Letter == 'c' ? Builder.CreateSExt(V, I64)
                                        : Builder.CreateZExt(V, I64);
}

} // namespace fencepost
