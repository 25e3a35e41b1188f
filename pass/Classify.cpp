// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Classify.h"

#include "FlushAsm.h"
#include "Hooks.h"
#include "LlvmCompat.h"

#include "fencepost/events.h"

#include "llvm/ADT/Statistic.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

#define DEBUG_TYPE "fencepost"

using namespace llvm;

namespace fencepost {

STATISTIC(SkippedStack, "Accesses to stack objects that nobody else knows");
STATISTIC(SkippedGlobal, "Accesses to globals whose address is never taken");
STATISTIC(SkippedConstant, "Loads of constants");
STATISTIC(SkippedVariable, "Loads of variables");
STATISTIC(SkippedThreadLocal, "Accesses to thread-local variables");
STATISTIC(SkippedAddressSpace, "Accesses outside address space 0");
STATISTIC(SkippedSanitizer, "Accesses that a sanitizer inserted");

/// The opt-out of a function:
/// __attribute__((disable_sanitizer_instrumentation)).
static constexpr Attribute::AttrKind OptOut =
    Attribute::DisableSanitizerInstrumentation;

bool isInstrumentable(const Function &F) {
  // A naked function is all inline assembly and has no frame for a call.
  return !F.isDeclaration() && !F.hasFnAttribute(Attribute::Naked) &&
         !F.hasFnAttribute(OptOut) && !F.getName().starts_with(SymbolPrefix);
}

bool staysInstrumented(const CallBase &Call) {
  if (Call.isInlineAsm())
    return true;
  const Function *Callee = Call.getCalledFunction();
  if (Callee == nullptr)
    return false;
  if (Callee->isIntrinsic() || Callee->doesNotAccessMemory() ||
      Callee->getName().starts_with(SymbolPrefix))
    return true;
  // A function that is only there to be inlined is somebody else's when called.
  return isInstrumentable(*Callee) && !Callee->isInterposable() &&
         !Callee->hasAvailableExternallyLinkage();
}

uint64_t Classifier::sizeOf(Type *Type) const {
  return Layout.getTypeStoreSize(Type).getKnownMinValue();
}

/// Whether every use of the object, or of an address inside it, accesses memory
/// there, be it volatile: then its address never reaches the function that
/// registers PM.
static bool isOnlyAccessed(const Value *Address, unsigned Depth = 0) {
  constexpr unsigned DepthMax = 4;
  for (const Use &U : Address->uses()) {
    const User *By = U.getUser();
    if (isa<LoadInst>(By) || isa<LifetimeIntrinsic>(By))
      continue;
    if (const auto *Store = dyn_cast<StoreInst>(By))
      if (Store->getValueOperand() != Address)
        continue;
    if (isa<GEPOperator>(By) && Depth < DepthMax &&
        isOnlyAccessed(By, Depth + 1))
      continue;
    return false;
  }
  return true;
}

/// Memory that no run can make persistent. The API and annotations can declare
/// any range of addresses that they are handed to be PM, a global or a variable
/// on the stack too, so only what nobody was handed counts.
static bool isPrivateObject(const Value *Object) {
  if (isa<AllocaInst>(Object))
    return isOnlyAccessed(Object) || !mayBeCaptured(Object);
  if (const auto *Global = dyn_cast<GlobalVariable>(Object)) {
    if (Global->isConstant() || Global->getName().starts_with("__asan_") ||
        Global->getName().starts_with("__llvm_"))
      return true;
    return Global->hasLocalLinkage() && isOnlyAccessed(Global);
  }
  return false;
}

/// A thread-local variable is named by an intrinsic, errno by a function. It
/// ends with its thread: nobody declares it to be PM.
static bool isThreadLocal(const Value *Object) {
  if (const auto *Intrinsic = dyn_cast<IntrinsicInst>(Object))
    return Intrinsic->getIntrinsicID() == Intrinsic::threadlocal_address;
  if (const auto *Call = dyn_cast<CallInst>(Object))
    return Call->getCalledFunction() != nullptr &&
           Call->getCalledFunction()->getName() == "__errno_location";
  const auto *Global = dyn_cast<GlobalVariable>(Object);
  return Global != nullptr && Global->isThreadLocal();
}

/// Memory of one thread: nothing that happens there orders others.
bool Classifier::isUnshared(const Value *Address) {
  const Value *Object = getUnderlyingObject(Address);
  return Address->getType()->getScalarType()->getPointerAddressSpace() != 0 ||
         isThreadLocal(Object) ||
         (isa<AllocaInst>(Object) && cannotBePersistent(Address));
}

bool Classifier::cannotBePersistent(const Value *Address) {
  if (Address->getType()->getScalarType()->getPointerAddressSpace() != 0) {
    ++SkippedAddressSpace; // segment registers: thread-local data
    return true;
  }
  const Value *Object = getUnderlyingObject(Address);
  if (isThreadLocal(Object)) {
    ++SkippedThreadLocal;
    return true;
  }
  if (!isa<AllocaInst>(Object) && !isa<GlobalVariable>(Object))
    return false;
  auto [Place, New] = Objects.try_emplace(Object, false);
  if (New)
    Place->second = isPrivateObject(Object);
  if (!Place->second)
    return false;
  if (isa<AllocaInst>(Object))
    ++SkippedStack;
  else if (cast<GlobalVariable>(Object)->isConstant())
    ++SkippedConstant;
  else
    ++SkippedGlobal;
  return true;
}

/// By code with hooks: a constant, or what inline functions of libpmemobj look
/// at to see whether a pool has been closed.
static bool isNeverStored(const GlobalVariable &Global) {
  return Global.isConstant() || Global.getName() == "_pobj_cache_invalidate";
}

void Classifier::addAccess(SmallVectorImpl<Event> &Events, Event E) {
  E.After = E.Kind == EventKind::Store;
  bool Private = cannotBePersistent(E.Address);
  // Loads matter in recovery, which finds what a crash left in files or in the
  // heap: a variable, even one declared to be PM, is never undecided.
  const Value *Object = getUnderlyingObject(E.Address);
  bool Variable = isa<AllocaInst>(Object) || isa<GlobalVariable>(Object);
  if (Private || (E.Kind == EventKind::Load && Variable)) {
    SkippedVariable += !Private;
    const auto *Global = dyn_cast<GlobalVariable>(Object);
    if (Variable && !isUnshared(E.Address) &&
        (Global == nullptr || !isNeverStored(*Global))) {
      // Threads may tell each other something by it.
      E.Flags = E.Kind == EventKind::Store;
      E.Kind = EventKind::Touch;
      E.After = false;
      Events.push_back(E);
    }
    return;
  }
  Events.push_back(E);
}

static Event access(EventKind Kind, Instruction &At, Value *Address,
                    uint64_t Size, unsigned Flags = 0) {
  Event E;
  E.Kind = Kind;
  E.At = &At;
  E.Address = Address;
  E.Size = Size;
  E.Flags = Flags;
  return E;
}

static Event fence(Instruction &At, unsigned Kind) {
  Event E;
  E.Kind = EventKind::Fence;
  E.At = &At;
  E.Flags = Kind;
  return E;
}

/// A hook that tells what E means to other threads: before it what it releases,
/// behind it what it acquires.
void Classifier::addSync(SmallVectorImpl<Event> &Events, Event E,
                         unsigned Flags) {
  if (E.Address != nullptr && E.Address->getType()->isPointerTy() &&
      isUnshared(E.Address))
    return;
  E.Kind = EventKind::Sync;
  E.Flags = Flags;
  E.After = (Flags & (FENCEPOST_SYNC_ACQUIRE | FENCEPOST_SYNC_MADE)) != 0;
  Events.push_back(E);
}

/// What an access or a fence means to other threads.
struct SyncFlags {
  unsigned Release = 0; ///< before it
  unsigned Acquire = 0; ///< behind it
};

static SyncFlags syncOf(AtomicOrdering Order, bool Reads, bool Writes) {
  SyncFlags Flags;
  if (Writes)
    Flags.Release = FENCEPOST_SYNC_RELEASE |
                    (isReleaseOrStronger(Order) ? 0 : FENCEPOST_SYNC_RELAXED);
  if (Reads)
    Flags.Acquire = FENCEPOST_SYNC_ACQUIRE |
                    (isAcquireOrStronger(Order) ? 0 : FENCEPOST_SYNC_RELAXED);
  return Flags;
}

/// What a volatile access means on x86 is what programs older than C11 count
/// on.
static AtomicOrdering orderOf(AtomicOrdering Order, bool Volatile) {
  return Volatile ? AtomicOrdering::SequentiallyConsistent : Order;
}

/// An RMW that leaves memory as it was becomes a fence and a load: the compiler
/// itself turns fetch_add(0) into that.
static bool isIdempotent(const AtomicRMWInst &RMW) {
  const auto *Operand = dyn_cast<ConstantInt>(RMW.getValOperand());
  if (Operand == nullptr)
    return false;
  switch (RMW.getOperation()) {
  case AtomicRMWInst::Add:
  case AtomicRMWInst::Sub:
  case AtomicRMWInst::Or:
  case AtomicRMWInst::Xor:
    return Operand->isZero();
  case AtomicRMWInst::And:
    return Operand->isMinusOne();
  default:
    return false;
  }
}

/// The word that a parked thread of Rust waits for, by what stands for it.
static Event parked(Instruction &At) {
  Event E;
  E.At = &At;
  E.Address = ConstantExpr::getIntToPtr(
      ConstantInt::get(Type::getInt64Ty(At.getContext()),
                       FENCEPOST_SYNC_PARKED),
      PointerType::getUnqual(At.getContext()));
  E.Size = 1;
  return E;
}

/// Is it unpark, which swaps "notified" in and looks whether it was "parked"?
static bool isUnpark(const AtomicRMWInst &RMW) {
  const auto *Stored = dyn_cast<ConstantInt>(RMW.getValOperand());
  return RMW.getOperation() == AtomicRMWInst::Xchg && Stored != nullptr &&
         Stored->isOne() && isReleaseOrStronger(RMW.getOrdering()) &&
         any_of(RMW.users(), [](const User *U) {
           const auto *Compare = dyn_cast<ICmpInst>(U);
           const auto *With =
               Compare == nullptr
                   ? nullptr
                   : dyn_cast<ConstantInt>(Compare->getOperand(1));
           return With != nullptr && With->isMinusOne();
         });
}

/// Whether the value stored is an address, as far as types tell; null is none.
static bool isPointer(const Value *Stored) {
  if (isa<Constant>(Stored) && cast<Constant>(Stored)->isNullValue())
    return false;
  return Stored->getType()->isPtrOrPtrVectorTy() ||
         isa<PtrToIntOperator>(Stored->stripPointerCasts());
}

/// What _mm_stream_si32 and _mm_stream_si64 store.
static bool isMovnti(const Type &Stored) {
  return Stored.isIntegerTy(32) || Stored.isIntegerTy(64);
}

static unsigned atomicFlags(const Value *Stored, unsigned Flags) {
  return isPointer(Stored) ? Flags | AtomicPointer : Flags;
}

void Classifier::classify(Instruction &I, SmallVectorImpl<Event> &Events) {
  if (I.hasMetadata(LLVMContext::MD_nosanitize)) {
    ++SkippedSanitizer;
    return;
  }
  SyncFlags Sync;
  Event E;
  E.At = &I;
  if (auto *Store = dyn_cast<StoreInst>(&I)) {
    if (Store->isAtomic() || Store->isVolatile())
      Sync = syncOf(orderOf(Store->getOrdering(), Store->isVolatile()),
                    /*Reads=*/false, /*Writes=*/true);
    else if (Store->hasMetadata(LLVMContext::MD_nontemporal) &&
             isMovnti(*Store->getValueOperand()->getType()))
      Sync = syncOf(AtomicOrdering::Monotonic, /*Reads=*/false,
                    /*Writes=*/true);
    E.Address = Store->getPointerOperand();
    E.Size = sizeOf(Store->getValueOperand()->getType());
  } else if (auto *Load = dyn_cast<LoadInst>(&I)) {
    if (Load->isAtomic() || Load->isVolatile()) {
      Sync = syncOf(orderOf(Load->getOrdering(), Load->isVolatile()),
                    /*Reads=*/true, /*Writes=*/false);
      Sync.Acquire |= FENCEPOST_SYNC_READ;
    }
    E.Address = Load->getPointerOperand();
    E.Size = sizeOf(Load->getType());
  } else if (auto *RMW = dyn_cast<AtomicRMWInst>(&I)) {
    Sync = syncOf(orderOf(RMW->getOrdering(), RMW->isVolatile()),
                  /*Reads=*/true, /*Writes=*/true);
    E.Address = RMW->getPointerOperand();
    E.Size = sizeOf(RMW->getValOperand()->getType());
    if (isUnpark(*RMW))
      addSync(Events, parked(I), FENCEPOST_SYNC_RELEASE);
  } else if (auto *Exchange = dyn_cast<AtomicCmpXchgInst>(&I)) {
    Sync =
        syncOf(orderOf(Exchange->getMergedOrdering(), Exchange->isVolatile()),
               /*Reads=*/true, /*Writes=*/true);
    E.Address = Exchange->getPointerOperand();
    E.Size = sizeOf(Exchange->getNewValOperand()->getType());
  } else if (auto *Fence = dyn_cast<FenceInst>(&I)) {
    if (Fence->getSyncScopeID() != SyncScope::SingleThread)
      Sync.Release =
          (isReleaseOrStronger(Fence->getOrdering()) ? FENCEPOST_SYNC_RELEASE
                                                     : 0) |
          (isAcquireOrStronger(Fence->getOrdering()) ? FENCEPOST_SYNC_ACQUIRE
                                                     : 0);
  }
  if (Sync.Release != 0)
    addSync(Events, E, Sync.Release);
  classifyAccess(I, Events);
  if (Sync.Acquire != 0)
    addSync(Events, E, Sync.Acquire);
}

void Classifier::classifyAccess(Instruction &I,
                                SmallVectorImpl<Event> &Events) {
  if (auto *Store = dyn_cast<StoreInst>(&I)) {
    unsigned Flags = 0;
    if (Store->isVolatile() || Store->isAtomic())
      Flags |= FENCEPOST_STORE_ATOMIC;
    if (Store->hasMetadata(LLVMContext::MD_nontemporal)) {
      Flags |= FENCEPOST_STORE_NT;
      // Who asks for movnti by its intrinsic gets it: one instruction.
      if (isMovnti(*Store->getValueOperand()->getType()))
        Flags |= FENCEPOST_STORE_ATOMIC;
    }
    if (isPointer(Store->getValueOperand()))
      Flags |= FENCEPOST_STORE_POINTER;
    uint64_t Size = sizeOf(Store->getValueOperand()->getType());
    Value *Address = Store->getPointerOperand();
    // A seq_cst store is an xchg or carries a locked instruction (rule F7).
    bool Locked =
        Store->getOrdering() == AtomicOrdering::SequentiallyConsistent;
    if (!Store->isAtomic())
      addAccess(Events, access(EventKind::Store, I, Address, Size, Flags));
    else if (!cannotBePersistent(Address))
      Events.push_back(access(
          EventKind::Atomic, I, Address, Size,
          atomicFlags(Store->getValueOperand(), Locked ? AtomicLocked : 0)));
    else if (Locked)
      Events.push_back(fence(I, FENCEPOST_LOCKED));
    return;
  }
  if (auto *Load = dyn_cast<LoadInst>(&I)) {
    Event E = access(EventKind::Load, I, Load->getPointerOperand(),
                     sizeOf(Load->getType()));
    E.Atomic = Load->isAtomic() || Load->isVolatile();
    addAccess(Events, E);
    return;
  }
  if (auto *RMW = dyn_cast<AtomicRMWInst>(&I)) {
    uint64_t Size = sizeOf(RMW->getValOperand()->getType());
    if (isIdempotent(*RMW)) {
      Events.push_back(fence(I, FENCEPOST_LOCKED));
      addAccess(Events,
                access(EventKind::Load, I, RMW->getPointerOperand(), Size));
    } else if (cannotBePersistent(RMW->getPointerOperand())) {
      Events.push_back(fence(I, FENCEPOST_LOCKED));
    } else {
      Events.push_back(access(
          EventKind::Atomic, I, RMW->getPointerOperand(), Size,
          atomicFlags(RMW->getValOperand(), AtomicLocked | AtomicReads)));
    }
    return;
  }
  if (auto *Exchange = dyn_cast<AtomicCmpXchgInst>(&I)) {
    if (cannotBePersistent(Exchange->getPointerOperand()))
      Events.push_back(fence(I, FENCEPOST_LOCKED));
    else
      Events.push_back(access(EventKind::Atomic, I,
                              Exchange->getPointerOperand(),
                              sizeOf(Exchange->getNewValOperand()->getType()),
                              atomicFlags(Exchange->getNewValOperand(),
                                          AtomicLocked | AtomicReads)));
    return;
  }
  if (auto *Fence = dyn_cast<FenceInst>(&I)) {
    // Weaker fences and those against signal handlers emit no instruction
    // (rule F7).
    if (Fence->getOrdering() == AtomicOrdering::SequentiallyConsistent &&
        Fence->getSyncScopeID() != SyncScope::SingleThread)
      Events.push_back(fence(I, FENCEPOST_LOCKED));
    return;
  }
  if (auto *Call = dyn_cast<CallBase>(&I))
    classifyCall(*Call, Events);
}

void Classifier::classifyCall(CallBase &Call, SmallVectorImpl<Event> &Events) {
  if (Call.isInlineAsm()) {
    SmallVector<Event, 4> Found;
    if (!classifyAsm(Call, Layout, Found))
      ++Unknown;
    for (const Event &E : Found)
      if (E.Kind == EventKind::Atomic || E.Kind == EventKind::Store)
        addSync(Events, E, FENCEPOST_SYNC_RELEASE);
    for (Event &E : Found) {
      bool Private = E.Address != nullptr &&
                     E.Address->getType()->isPointerTy() &&
                     cannotBePersistent(E.Address);
      if (Private && E.Kind == EventKind::Atomic) {
        E.Kind = EventKind::Fence;
        E.Flags = FENCEPOST_LOCKED;
        Private = false;
      }
      if (!Private || E.Kind == EventKind::Client)
        Events.push_back(E);
    }
    // A block of a terminator has no single place behind it.
    for (const Event &E : Found)
      if (!Call.isTerminator() && E.Kind != EventKind::Flush &&
          E.Address != nullptr)
        addSync(Events, E, FENCEPOST_SYNC_ACQUIRE);
    return;
  }
  if (classifyIntrinsic(Call, Events))
    return;
  classifyLibrarySync(Call, Events);
  // The callee's copy of an argument by value is read here.
  for (unsigned Number = 0; Number < Call.arg_size(); ++Number)
    if (Type *Copied = Call.getParamByValType(Number))
      addAccess(Events, access(EventKind::Load, Call,
                               Call.getArgOperand(Number), sizeOf(Copied)));
  if (!staysInstrumented(Call)) {
    Event E;
    E.Kind = EventKind::Leave;
    E.At = &Call;
    Events.push_back(E);
  }
}

namespace {

/// A function of a library that orders threads by an object which an argument
/// points to, and how: of which C++ and Rust call the slow path only.
struct LibrarySync {
  StringLiteral Name;  ///< part of the mangled name
  StringLiteral Place; ///< another part of it
  int Argument;        ///< Parked: no argument says which
  unsigned Flags;
  unsigned Size = 4; ///< of the object, in bytes: any word of it may be the one
};

} // namespace

static constexpr int Parked = -1;
static constexpr unsigned Hands =
    FENCEPOST_SYNC_RELEASE | FENCEPOST_SYNC_ACQUIRE;

/// The guard of a static variable of C++: who has made the variable releases
/// it, and so does who gave up; who was waiting acquires it. Who finds the
/// variable made sees so by an atomic load. Rust's locks are the same: what is
/// done fast is done in the caller, by atomics. A condition gives its lock up
/// and takes it again. Once releases inside of the call, behind the program's
/// function. Which word park waits for is not known where it is called.
static constexpr LibrarySync LibrarySyncs[] = {
    {"__cxa_guard_acquire", "", 0, FENCEPOST_SYNC_ACQUIRE},
    {"__cxa_guard_release", "", 0, FENCEPOST_SYNC_RELEASE},
    {"__cxa_guard_abort", "", 0, FENCEPOST_SYNC_RELEASE},
    {"lock_contended", "5mutex5futex", 0, FENCEPOST_SYNC_ACQUIRE},
    {"read_contended", "6rwlock5futex", 0, FENCEPOST_SYNC_ACQUIRE, 8},
    {"write_contended", "6rwlock5futex", 0, FENCEPOST_SYNC_ACQUIRE, 8},
    {"wait", "7condvar5futex", 1, Hands},
    {"4call", "4once5futex", 0, FENCEPOST_SYNC_MAKES | FENCEPOST_SYNC_MADE},
    {"4wait", "3std4sync4once", 0, FENCEPOST_SYNC_ACQUIRE},
    {"10wait_force", "3std4sync4once", 0, FENCEPOST_SYNC_ACQUIRE},
    {"4wait", "3std4sync7barrier", 0, Hands},
    {"4park", "3std6thread", Parked, FENCEPOST_SYNC_ACQUIRE},
    {"12park_timeout", "3std6thread", Parked, FENCEPOST_SYNC_ACQUIRE},
    {"6unpark", "3std6thread", Parked, FENCEPOST_SYNC_RELEASE},
    {"decrement_num_running_threads", "3std6thread", 0, FENCEPOST_SYNC_RELEASE,
     24},
};

static const LibrarySync *librarySync(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (Callee == nullptr)
    return nullptr;
  StringRef Name = Callee->getName();
  for (const LibrarySync &Sync : LibrarySyncs) {
    bool Same = Sync.Place.empty()
                    ? Name == Sync.Name
                    : Name.contains(Sync.Place) && Name.contains(Sync.Name);
    if (!Same)
      continue;
    // By park's word nothing is told but in these functions, whoever has them.
    if (Sync.Argument == Parked)
      return &Sync;
    unsigned Argument = unsigned(Sync.Argument);
    if (Callee->isDeclaration() && Argument < Call.arg_size() &&
        Call.getArgOperand(Argument)->getType()->isPointerTy())
      return &Sync;
  }
  return nullptr;
}

void Classifier::classifyLibrarySync(CallBase &Call,
                                     SmallVectorImpl<Event> &Events) {
  const LibrarySync *Sync = librarySync(Call);
  if (Sync == nullptr)
    return;
  Event E = parked(Call);
  if (Sync->Argument != Parked)
    E.Address = Call.getArgOperand(unsigned(Sync->Argument));
  for (; E.Displacement < Sync->Size; E.Displacement += 4)
    for (unsigned Flag : {FENCEPOST_SYNC_RELEASE, FENCEPOST_SYNC_ACQUIRE,
                          FENCEPOST_SYNC_MAKES, FENCEPOST_SYNC_MADE})
      if ((Sync->Flags & Flag) != 0)
        addSync(Events, E, Flag);
}

static bool hasPointerArgument(const CallBase &Call) {
  return any_of(Call.args(),
                [](const Use &U) { return U->getType()->isPointerTy(); });
}

static Event laneAccess(EventKind Kind, CallBase &Call, Value *Address,
                        Type *Vector, Lanes Layout, Value *Mask,
                        const DataLayout &Data, unsigned Flags = 0) {
  Type *Element = cast<VectorType>(Vector)->getElementType();
  Event E = access(Kind, Call, Address,
                   Data.getTypeStoreSize(Element).getFixedValue(), Flags);
  E.Layout = Layout;
  E.Mask = Mask;
  E.Count = cast<FixedVectorType>(Vector)->getNumElements();
  return E;
}

static void setLength(Event &E, Value *Length) {
  if (auto *Constant = dyn_cast<ConstantInt>(Length))
    E.Size = Constant->getZExtValue();
  else
    E.SizeValue = Length;
}

bool Classifier::classifyIntrinsic(CallBase &Call,
                                   SmallVectorImpl<Event> &Events) {
  auto *Intrinsic = dyn_cast<IntrinsicInst>(&Call);
  if (Intrinsic == nullptr)
    return false;
  if (auto *Copy = dyn_cast<AnyMemTransferInst>(Intrinsic)) {
    Event Read = access(EventKind::Load, Call, Copy->getRawSource(), 1);
    Event Write = access(EventKind::Store, Call, Copy->getRawDest(), 1);
    setLength(Read, Copy->getLength());
    setLength(Write, Copy->getLength());
    // A copy of constant size is an assignment.
    if (Write.SizeValue != nullptr)
      Write.Flags |= FENCEPOST_STORE_BLOCK;
    addAccess(Events, Read);
    addAccess(Events, Write);
    return true;
  }
  if (auto *Set = dyn_cast<AnyMemSetInst>(Intrinsic)) {
    Event Write = access(EventKind::Store, Call, Set->getRawDest(), 1);
    setLength(Write, Set->getLength());
    addAccess(Events, Write);
    return true;
  }
  auto Argument = [&](unsigned N) { return Call.getArgOperand(N); };
  unsigned Flags = Call.hasMetadata(LLVMContext::MD_nontemporal)
                       ? unsigned{FENCEPOST_STORE_NT}
                       : 0u;
  switch (Intrinsic->getIntrinsicID()) {
  case Intrinsic::masked_store:
    addAccess(Events, laneAccess(EventKind::Store, Call, Argument(1),
                                 Argument(0)->getType(), Lanes::Masked,
                                 maskOf(*Intrinsic, 2), Layout, Flags));
    return true;
  case Intrinsic::masked_compressstore:
    addAccess(Events, laneAccess(EventKind::Store, Call, Argument(1),
                                 Argument(0)->getType(), Lanes::Packed,
                                 Argument(2), Layout));
    return true;
  case Intrinsic::masked_scatter:
    addAccess(Events, laneAccess(EventKind::Store, Call, Argument(1),
                                 Argument(0)->getType(), Lanes::Scattered,
                                 maskOf(*Intrinsic, 2), Layout));
    return true;
  case Intrinsic::masked_load:
    addAccess(Events,
              laneAccess(EventKind::Load, Call, Argument(0), Call.getType(),
                         Lanes::Masked, maskOf(*Intrinsic, 1), Layout));
    return true;
  case Intrinsic::masked_expandload:
    addAccess(Events,
              laneAccess(EventKind::Load, Call, Argument(0), Call.getType(),
                         Lanes::Packed, Argument(1), Layout));
    return true;
  case Intrinsic::masked_gather:
    addAccess(Events,
              laneAccess(EventKind::Load, Call, Argument(0), Call.getType(),
                         Lanes::Scattered, maskOf(*Intrinsic, 1), Layout));
    return true;
  default:
    if (!classifyX86(Call, Events) && Call.mayWriteToMemory() &&
        !Call.onlyAccessesInaccessibleMemory() && hasPointerArgument(Call))
      ++Unknown;
    return true;
  }
}

/// Bytes per element of a truncating store: the last letter of
/// avx512.mask.pmov.qb.mem.512 and its kin.
static uint64_t truncatedSize(StringRef Name) {
  switch (Name.split(".mem.").first.back()) {
  case 'b':
    return 1;
  case 'w':
    return 2;
  default:
    return 4;
  }
}

/// Intrinsics of the target, by name: their names do not change between
/// versions. Returns false if it may write memory and is not known.
bool Classifier::classifyX86(CallBase &Call, SmallVectorImpl<Event> &Events) {
  StringRef Name = Call.getCalledFunction()->getName();
  if (!Name.consume_front("llvm.x86."))
    return true;
  auto Argument = [&](unsigned N) { return Call.getArgOperand(N); };
  int Flush = StringSwitch<int>(Name)
                  .Case("sse2.clflush", FENCEPOST_CLFLUSH)
                  .Case("clflushopt", FENCEPOST_CLFLUSHOPT)
                  .Case("clwb", FENCEPOST_CLWB)
                  .Default(-1);
  if (Flush >= 0) {
    if (!cannotBePersistent(Argument(0)))
      Events.push_back(
          access(EventKind::Flush, Call, Argument(0), 0, unsigned(Flush)));
    return true;
  }
  int Fence = StringSwitch<int>(Name)
                  .Case("sse.sfence", FENCEPOST_SFENCE)
                  .Case("sse2.mfence", FENCEPOST_MFENCE)
                  .Default(-1);
  if (Fence >= 0) {
    Events.push_back(fence(Call, unsigned(Fence)));
    return true;
  }
  constexpr unsigned NonTemporal = FENCEPOST_STORE_NT;
  if (Name == "movdir64b") {
    addAccess(Events, access(EventKind::Load, Call, Argument(1), 64));
    addAccess(Events, access(EventKind::Store, Call, Argument(0), 64,
                             NonTemporal | FENCEPOST_STORE_WHOLE));
    return true;
  }
  if (Name == "directstore64" || Name == "directstore32") {
    addAccess(Events, access(EventKind::Store, Call, Argument(0),
                             Name.ends_with("64") ? 8 : 4,
                             NonTemporal | FENCEPOST_STORE_ATOMIC));
    return true;
  }
  if (Name == "mmx.movnt.dq") {
    addAccess(Events,
              access(EventKind::Store, Call, Argument(0), 8, NonTemporal));
    return true;
  }
  return classifyX86Vector(Call, Name, Events);
}

/// The ones that access elements of a vector; Name without "llvm.x86.".
bool Classifier::classifyX86Vector(CallBase &Call, StringRef Name,
                                   SmallVectorImpl<Event> &Events) {
  auto Argument = [&](unsigned N) { return Call.getArgOperand(N); };
  constexpr unsigned NonTemporal = FENCEPOST_STORE_NT;
  if (Name.starts_with("avx.maskstore.") ||
      Name.starts_with("avx2.maskstore.")) {
    addAccess(Events, laneAccess(EventKind::Store, Call, Argument(0),
                                 Argument(2)->getType(), Lanes::Masked,
                                 Argument(1), Layout));
    return true;
  }
  if (Name.starts_with("avx.maskload.") || Name.starts_with("avx2.maskload.")) {
    addAccess(Events,
              laneAccess(EventKind::Load, Call, Argument(0), Call.getType(),
                         Lanes::Masked, Argument(1), Layout));
    return true;
  }
  if (Name == "sse2.maskmov.dqu" || Name == "mmx.maskmovq") {
    Event E =
        laneAccess(EventKind::Store, Call, Argument(2), Argument(1)->getType(),
                   Lanes::Masked, Argument(1), Layout, NonTemporal);
    addAccess(Events, E);
    return Name != "mmx.maskmovq" || E.Size == 1;
  }
  if (Name.starts_with("avx512.mask.pmov") && Name.contains(".mem.")) {
    Event E =
        laneAccess(EventKind::Store, Call, Argument(0), Argument(1)->getType(),
                   Lanes::Masked, Argument(2), Layout);
    E.Size = truncatedSize(Name);
    addAccess(Events, E);
    return true;
  }
  bool Scatter = Name.starts_with("avx512.mask.scatter") ||
                 Name.starts_with("avx512.scatter");
  bool Gather = Name.starts_with("avx512.mask.gather") ||
                Name.starts_with("avx512.gather") ||
                Name.starts_with("avx512.mask.gather3") ||
                Name.starts_with("avx2.gather.");
  if (Scatter || Gather) {
    // scatter(base, mask, index, value, scale); gather(old, base, index, mask,
    // scale).
    Event E = laneAccess(Scatter ? EventKind::Store : EventKind::Load, Call,
                         Argument(Scatter ? 0 : 1),
                         Scatter ? Argument(3)->getType() : Call.getType(),
                         Lanes::Indexed, Argument(Scatter ? 1 : 3), Layout);
    E.Index = Argument(2);
    E.Count = std::min(
        E.Count, cast<FixedVectorType>(E.Index->getType())->getNumElements());
    E.Scale = unsigned(cast<ConstantInt>(Argument(4))->getZExtValue());
    addAccess(Events, E);
    return true;
  }
  return false;
}

} // namespace fencepost
