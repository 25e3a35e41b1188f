// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "FlushAsm.h"

#include "AsmTable.h"
#include "AsmText.h"

#include "fencepost/events.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"

#include <optional>

using namespace llvm;

namespace fencepost {

namespace {

/// An operand of the block, by its number in the text.
struct BlockOperand {
  Value *Argument = nullptr; ///< its value on entry, if it has one
  bool Indirect = false;     ///< memory; Argument is its address
  bool Output = false;
  bool Covered = false; ///< an event speaks for its memory already
  uint64_t Size = 0;    ///< bytes; of memory if indirect
  AsmRegister Register; ///< if the constraint names one
};

class BlockReader {
public:
  BlockReader(CallBase &Call, const DataLayout &Layout,
              SmallVectorImpl<Event> &Events);
  bool read();

private:
  struct Place {
    Value *Address = nullptr;
    int64_t Displacement = 0;
    uint64_t Size = 0;
    BlockOperand *Named = nullptr;
  };

  void readOperands(const DataLayout &Layout);
  bool readClientRequest(StringRef Text);
  void readStatement(const AsmStatement &Statement);
  void readBytes(ArrayRef<uint8_t> &Bytes);
  bool readEncoding(ArrayRef<uint8_t> &Bytes);
  void readOrdinary(const AsmStatement &Statement, AsmEffect What,
                    unsigned Size);
  void readString(const AsmStatement &Statement, AsmEffect What, unsigned Size);
  void addRemaining();
  void placeAll();

  std::optional<Place> resolve(const AsmOperand &Operand);
  BlockOperand *byRegister(unsigned Number);
  uint64_t sizeOf(const AsmStatement &Statement, const Place &At);
  Event &add(EventKind Kind, unsigned Flags = 0);
  void addAt(EventKind Kind, const std::optional<Place> &At, unsigned Flags,
             uint64_t Size = 0);
  void addLocked(const std::optional<Place> &At, unsigned Flags, bool OnStack,
                 uint64_t Size);

  CallBase &Call;
  const InlineAsm &Asm;
  SmallVectorImpl<Event> &Events;
  size_t First; ///< of our events
  SmallVector<BlockOperand, 8> Operands;
  bool Understood = true;
  bool MayReadElsewhere = false;
  bool ClobbersMemory = false;
};

} // namespace

BlockReader::BlockReader(CallBase &Call, const DataLayout &Layout,
                         SmallVectorImpl<Event> &Events)
    : Call(Call), Asm(*cast<InlineAsm>(Call.getCalledOperand())),
      Events(Events), First(Events.size()) {
  readOperands(Layout);
}

/// Outputs first, then inputs, as the text counts them.
void BlockReader::readOperands(const DataLayout &Layout) {
  unsigned ArgumentNumber = 0;
  for (const InlineAsm::ConstraintInfo &Info : Asm.ParseConstraints()) {
    if (Info.Type == InlineAsm::isClobber) {
      ClobbersMemory |= is_contained(Info.Codes, "{memory}");
      continue;
    }
    BlockOperand Operand;
    Operand.Output = Info.Type == InlineAsm::isOutput;
    Operand.Indirect = Info.isIndirect;
    if (!Info.Codes.empty() && StringRef(Info.Codes[0]).starts_with("{"))
      Operand.Register = parseRegister(Info.Codes[0]);
    bool HasArgument = Info.Type == InlineAsm::isInput || Info.isIndirect;
    if (HasArgument && Info.Type != InlineAsm::isLabel &&
        ArgumentNumber < Call.arg_size()) {
      Operand.Argument = Call.getArgOperand(ArgumentNumber);
      Type *InMemory = Call.getParamElementType(ArgumentNumber);
      if (!Operand.Indirect)
        InMemory = Operand.Argument->getType();
      if (InMemory != nullptr && InMemory->isSized())
        Operand.Size = Layout.getTypeStoreSize(InMemory).getKnownMinValue();
      ++ArgumentNumber;
      // An input tied to an output: the output's register holds it on entry.
      unsigned Tied = 0;
      if (!Info.Codes.empty() &&
          !StringRef(Info.Codes[0]).getAsInteger(10, Tied) &&
          Tied < Operands.size() && Operands[Tied].Argument == nullptr)
        Operands[Tied].Argument = Operand.Argument;
    }
    Operands.push_back(Operand);
  }
}

Event &BlockReader::add(EventKind Kind, unsigned Flags) {
  Event E;
  E.Kind = Kind;
  E.At = &Call;
  E.Flags = Flags;
  Events.push_back(E);
  return Events.back();
}

BlockOperand *BlockReader::byRegister(unsigned Number) {
  for (BlockOperand &Operand : Operands)
    if (Operand.Register.Kind == AsmRegister::General &&
        Operand.Register.Number == Number && Operand.Argument != nullptr)
      return &Operand;
  return nullptr;
}

/// The address of a memory operand, in terms of the block's arguments.
std::optional<BlockReader::Place>
BlockReader::resolve(const AsmOperand &Operand) {
  Place At;
  At.Displacement = Operand.Displacement;
  At.Size = Operand.Size;
  BlockOperand *Named = nullptr;
  if (Operand.Kind != AsmOperand::Memory &&
      Operand.Kind != AsmOperand::Argument)
    return std::nullopt;
  if (Operand.Number >= 0)
    Named = unsigned(Operand.Number) < Operands.size()
                ? &Operands[unsigned(Operand.Number)]
                : nullptr;
  else
    Named = byRegister(Operand.Reg.Number);
  if (Named == nullptr || Named->Argument == nullptr)
    return std::nullopt;
  // By itself an argument is memory only if its constraint says so.
  if (Operand.Kind == AsmOperand::Argument && !Named->Indirect)
    return std::nullopt;
  Type *Type = Named->Argument->getType();
  if (!Type->isPointerTy() && !Type->isIntegerTy(64))
    return std::nullopt;
  At.Address = Named->Argument;
  if (Named->Indirect) {
    At.Named = Named;
    if (At.Size == 0)
      At.Size = Named->Size;
  }
  return At;
}

/// Whether the operand is memory, wherever that is.
static bool isMemory(const AsmOperand &Operand,
                     ArrayRef<BlockOperand> Operands) {
  if (Operand.Kind == AsmOperand::Argument)
    return unsigned(Operand.Number) < Operands.size() &&
           Operands[unsigned(Operand.Number)].Indirect;
  return Operand.Kind == AsmOperand::Memory ||
         Operand.Kind == AsmOperand::Opaque;
}

/// The width of an access: a register beside it says so, or the operand itself,
/// or the suffix of the instruction (AT&T only).
uint64_t BlockReader::sizeOf(const AsmStatement &Statement, const Place &At) {
  StringRef Name = Statement.Mnemonic;
  if (Name.starts_with("set"))
    return 1;
  for (const AsmOperand &Operand : Statement.Operands)
    if (Operand.Kind == AsmOperand::Register && Operand.Reg)
      return Operand.Reg.Size;
  if (At.Size != 0)
    return At.Size;
  bool HasSuffix =
      Asm.getDialect() == InlineAsm::AD_ATT &&
      !is_contained({"sub", "sbb", "shl", "sal", "rol", "rcl"}, Name);
  switch (HasSuffix ? Name.back() : '\0') {
  case 'b':
    return 1;
  case 'w':
    return 2;
  case 'l':
    return 4;
  case 'q':
    return 8;
  default:
    break;
  }
  for (const AsmOperand &Operand : Statement.Operands)
    if (Operand.Kind == AsmOperand::Argument &&
        unsigned(Operand.Number) < Operands.size())
      return Operands[unsigned(Operand.Number)].Size;
  return 0;
}

void BlockReader::addAt(EventKind Kind, const std::optional<Place> &At,
                        unsigned Flags, uint64_t Size) {
  if (!At || (Kind == EventKind::Store && Size == 0)) {
    Understood = false;
    return;
  }
  Event &E = add(Kind, Flags);
  E.Address = At->Address;
  E.Displacement = At->Displacement;
  E.Size = Size;
  if (At->Named != nullptr)
    At->Named->Covered = true;
}

/// A locked read-modify-write: a fence, and a store unless it is to the stack.
void BlockReader::addLocked(const std::optional<Place> &At, unsigned Flags,
                            bool OnStack, uint64_t Size) {
  if (At && Size != 0)
    return addAt(EventKind::Atomic, At, AtomicLocked | AtomicReads | Flags,
                 Size);
  add(EventKind::Fence, FENCEPOST_LOCKED);
  if (!OnStack)
    Understood = false;
}

static bool isStackPointer(const AsmOperand &Operand) {
  return Operand.Kind == AsmOperand::Memory && Operand.Number < 0 &&
         Operand.Reg.Number == 4;
}

/// Instructions of general use: a destination in memory is written.
void BlockReader::readOrdinary(const AsmStatement &Statement, AsmEffect What,
                               unsigned Size) {
  const AsmOperand *Memory = nullptr;
  bool IsDestination = false;
  for (const AsmOperand &Operand : Statement.Operands) {
    if (!isMemory(Operand, Operands))
      continue;
    IsDestination = Memory == nullptr && &Operand == &Statement.Operands[0];
    Memory = &Operand;
    if (IsDestination)
      break;
  }
  bool Locked = Statement.Lock || What == AsmEffect::Exchange;
  if (Memory == nullptr) {
    if (Statement.Lock)
      add(EventKind::Fence, FENCEPOST_LOCKED);
    return;
  }
  std::optional<Place> At = resolve(*Memory);
  if (At && Size == 0)
    Size = unsigned(sizeOf(Statement, *At));
  if (Locked) {
    bool MayFail = StringRef(Statement.Mnemonic).starts_with("cmpxchg");
    return addLocked(At, MayFail ? AtomicMaybe : 0, isStackPointer(*Memory),
                     Size);
  }
  if (!IsDestination || What == AsmEffect::Read) {
    if (At && At->Named != nullptr && !At->Named->Output)
      return; // a load, see addRemaining
    if (At && At->Named != nullptr)
      return addAt(EventKind::Load, At, 0, Size);
    MayReadElsewhere |= !isStackPointer(*Memory);
    return;
  }
  if (isStackPointer(*Memory))
    return;
  addAt(EventKind::Store, At,
        FENCEPOST_STORE_ATOMIC |
            (What == AsmEffect::Direct ? unsigned{FENCEPOST_STORE_NT} : 0u),
        Size);
}

void BlockReader::readString(const AsmStatement &Statement, AsmEffect What,
                             unsigned Size) {
  constexpr unsigned Count = 1, Source = 6, Destination = 7; // rcx, rsi, rdi
  BlockOperand *To = byRegister(Destination);
  BlockOperand *From = byRegister(Source);
  BlockOperand *Times = Statement.Repeat ? byRegister(Count) : nullptr;
  if (To == nullptr || (Statement.Repeat && Times == nullptr)) {
    Understood = false;
    return;
  }
  auto Block = [&](EventKind Kind, BlockOperand *At) {
    Event &E = add(Kind);
    E.Address = At->Argument;
    E.Size = Size;
    E.SizeValue = Times == nullptr ? nullptr : Times->Argument;
  };
  if (What == AsmEffect::StringCopy && From != nullptr)
    Block(EventKind::Load, From);
  Block(EventKind::Store, To);
  // The memory is often named a second time, as an operand of its own.
  for (BlockOperand &Operand : Operands)
    if (Operand.Indirect && Operand.Argument == To->Argument)
      Operand.Covered = true;
}

void BlockReader::readStatement(const AsmStatement &Statement) {
  ArrayRef<uint8_t> Bytes = Statement.Bytes;
  readBytes(Bytes);
  if (Statement.Mnemonic.empty()) {
    if (Statement.Lock || !Bytes.empty())
      Understood = false; // half an instruction
    return;
  }
  bool Prefix66 = is_contained(Bytes, 0x66);
  AsmSpelling S = spellingOf(Statement.Mnemonic);
  AsmEffect What = S.What;
  // Assemblers that do not know the new instruction get the old one's encoding
  // with a prefix (PMDK libpmem2/x86_64/flush.h). Never taken for the old one.
  if (Prefix66 && What == AsmEffect::Clflush)
    What = AsmEffect::Clflushopt;
  if (Prefix66 && StringRef(Statement.Mnemonic) == "xsaveopt")
    What = AsmEffect::Clwb;
  bool Lock = Statement.Lock || is_contained(Bytes, 0xf0);

  auto Operand = [&](unsigned N) -> std::optional<Place> {
    if (N >= Statement.Operands.size())
      return std::nullopt;
    return resolve(Statement.Operands[N]);
  };
  switch (What) {
  case AsmEffect::Clflush:
    return addAt(EventKind::Flush, Operand(0), FENCEPOST_CLFLUSH);
  case AsmEffect::Clflushopt:
    return addAt(EventKind::Flush, Operand(0), FENCEPOST_CLFLUSHOPT);
  case AsmEffect::Clwb:
    return addAt(EventKind::Flush, Operand(0), FENCEPOST_CLWB);
  case AsmEffect::Sfence:
    add(EventKind::Fence, FENCEPOST_SFENCE);
    return;
  case AsmEffect::Mfence:
    add(EventKind::Fence, FENCEPOST_MFENCE);
    return;
  case AsmEffect::DirectLine: {
    // The destination operand is a register that holds the address.
    std::optional<Place> At;
    if (!Statement.Operands.empty()) {
      AsmOperand To = Statement.Operands[0];
      To.Kind = AsmOperand::Memory;
      At = resolve(To);
    }
    MayReadElsewhere = true;
    return addAt(EventKind::Store, At,
                 FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE, S.Size);
  }
  case AsmEffect::StringSet:
  case AsmEffect::StringCopy:
    if (Statement.Operands.empty() || StringRef(S.Name) != "movsd")
      return readString(Statement, What, S.Size);
    return;
  case AsmEffect::Unknown:
    Understood = false;
    return;
  case AsmEffect::Unlisted:
    Understood &= !ClobbersMemory;
    return readOrdinary(Statement, What, S.Size);
  case AsmEffect::Ordinary:
  case AsmEffect::Read:
  case AsmEffect::Direct:
  case AsmEffect::Exchange: {
    AsmStatement Whole = Statement;
    Whole.Lock = Lock;
    return readOrdinary(Whole, What, S.Size);
  }
  }
}

/// Consumes the complete instructions among raw bytes; what is left are
/// prefixes of the mnemonic that follows.
void BlockReader::readBytes(ArrayRef<uint8_t> &Bytes) {
  while (!Bytes.empty()) {
    ArrayRef<uint8_t> Rest = Bytes;
    if (!readEncoding(Rest))
      return;
    Bytes = Rest;
  }
}

/// Reads one instruction; leaves Bytes alone and returns false if it is none.
bool BlockReader::readEncoding(ArrayRef<uint8_t> &Bytes) {
  std::optional<AsmEncoding> Found = readAsmEncoding(Bytes);
  if (!Found)
    return false;
  switch (Found->What) {
  case AsmEffect::Clflush:
    addAt(EventKind::Flush, resolve(Found->Memory), FENCEPOST_CLFLUSH);
    break;
  case AsmEffect::Clflushopt:
    addAt(EventKind::Flush, resolve(Found->Memory), FENCEPOST_CLFLUSHOPT);
    break;
  case AsmEffect::Clwb:
    addAt(EventKind::Flush, resolve(Found->Memory), FENCEPOST_CLWB);
    break;
  case AsmEffect::Sfence:
    add(EventKind::Fence, FENCEPOST_SFENCE);
    break;
  case AsmEffect::Mfence:
    add(EventKind::Fence, FENCEPOST_MFENCE);
    break;
  case AsmEffect::Direct:
    addAt(EventKind::Store, resolve(Found->Memory),
          FENCEPOST_STORE_NT | FENCEPOST_STORE_ATOMIC, Found->Size);
    break;
  case AsmEffect::DirectLine:
    MayReadElsewhere = true;
    addAt(EventKind::Store, resolve(Found->Memory),
          FENCEPOST_STORE_NT | FENCEPOST_STORE_WHOLE, Found->Size);
    break;
  default:
    break;
  }
  return true;
}

/// Memory operands that no instruction of the text was seen to use: an output
/// may be written, an input read.
void BlockReader::addRemaining() {
  for (BlockOperand &Operand : Operands) {
    if (!Operand.Indirect || Operand.Covered || Operand.Argument == nullptr ||
        Operand.Size == 0)
      continue;
    bool Known = any_of(Operands, [&](const BlockOperand &Other) {
      return Other.Covered && Other.Argument == Operand.Argument;
    });
    if (Known)
      continue;
    Event &E = add(Operand.Output ? EventKind::Store : EventKind::Load,
                   Operand.Output ? unsigned{FENCEPOST_STORE_ATOMIC} : 0u);
    E.Address = Operand.Argument;
    E.Size = Operand.Size;
  }
}

static bool isVariable(const Value *Address) {
  return Address->getType()->isPointerTy() &&
         isa<AllocaInst>(getUnderlyingObject(Address));
}

/// Hooks that are to see the block's stores come behind it, and then all that
/// follows in the text too, so that the order stays.
void BlockReader::placeAll() {
  SmallVector<Event, 4> Ours(Events.begin() + ptrdiff_t(First), Events.end());
  Events.truncate(First);
  // What a block stores to a variable, the outcome of an exchange for example,
  // is not in its way.
  bool Alone = count_if(Ours, [](const Event &E) {
                 return E.Kind != EventKind::Load &&
                        (E.Kind != EventKind::Store || !isVariable(E.Address));
               }) == 1;
  bool Behind = false;
  for (Event &E : Ours) {
    if (E.Kind == EventKind::Atomic && (!Alone || isa<CallBrInst>(Call))) {
      // Only a block that is nothing else can be bracketed.
      Event Fence = E;
      Fence.Kind = EventKind::Fence;
      Fence.Flags = FENCEPOST_LOCKED;
      Fence.After = Behind;
      Events.push_back(Fence);
      E.Kind = EventKind::Store;
      E.Flags = FENCEPOST_STORE_ATOMIC;
    }
    Behind |= E.Kind == EventKind::Store;
    if (E.Kind != EventKind::Load)
      E.After = Behind;
    Events.push_back(E);
  }
  // A block that jumps elsewhere after its stores skips their hooks.
  if (Behind && isa<CallBrInst>(Call))
    Understood = false;
}

/// Valgrind's client requests: five instructions that change nothing, with the
/// address of six words in rax and the default answer in rdx.
bool BlockReader::readClientRequest(StringRef Text) {
  size_t At = 0;
  for (StringRef Part : {"rol", "$$3", "$$13", "$$61", "$$51", "xchg"}) {
    At = Text.find(Part, At);
    if (At == StringRef::npos)
      return false;
  }
  StringRef Exchanged = Text.drop_front(At);
  if (!Exchanged.contains("rbx")) // the others ask Valgrind about itself
    return true;
  BlockOperand *Block = byRegister(0);
  if (Block == nullptr || !Call.getType()->isIntegerTy(64))
    return true;
  Event &E = add(EventKind::Client);
  E.Address = Block->Argument;
  E.After = true;
  return true;
}

bool BlockReader::read() {
  std::string Text = StringRef(Asm.getAsmString()).lower();
  if (readClientRequest(Text))
    return true;
  for (const AsmStatement &Statement : parseAsmText(
           Asm.getAsmString(), Asm.getDialect() == InlineAsm::AD_Intel))
    readStatement(Statement);
  addRemaining();
  bool MayWrite = Call.mayWriteToMemory();
  placeAll();
  if (MayReadElsewhere || (!Understood && MayWrite)) {
    Event Leave;
    Leave.Kind = EventKind::Leave;
    Leave.At = &Call;
    Events.insert(Events.begin() + ptrdiff_t(First), Leave);
  }
  return Understood || !MayWrite;
}

bool classifyAsm(CallBase &Call, const DataLayout &Layout,
                 SmallVectorImpl<Event> &Events) {
  return BlockReader(Call, Layout, Events).read();
}

} // namespace fencepost
