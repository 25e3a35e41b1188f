// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AsmTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace fencepost {

/// One spelling per line, with where it is met. Before the prefixes below.
static constexpr AsmSpelling Spellings[] = {
    // PMDK libpmem2/x86_64/flush.h: _mm_clflush; old code everywhere.
    {"clflush", AsmEffect::Clflush, 0},
    {"clflushopt", AsmEffect::Clflushopt, 0}, // binutils 2.24 and later
    {"clwb", AsmEffect::Clwb, 0},             // binutils 2.26 and later
    {"sfence", AsmEffect::Sfence, 0},
    {"mfence", AsmEffect::Mfence, 0},
    {"lfence", AsmEffect::Ordinary, 0},  // rule F7
    {"pcommit", AsmEffect::Ordinary, 0}, // withdrawn by Intel before it shipped
    {"movnti", AsmEffect::Direct, 0}, // kernel's memcpy_flushcache; AT&T, Intel
    {"movntil", AsmEffect::Direct, 4},
    {"movntiq", AsmEffect::Direct, 8},
    {"movntq", AsmEffect::Direct, 8},
    {"movntdq", AsmEffect::Direct, 16}, // PMDK's memcpy loops, as intrinsics
    {"movntps", AsmEffect::Direct, 16},
    {"movntpd", AsmEffect::Direct, 16},
    {"movntss", AsmEffect::Direct, 4},
    {"movntsd", AsmEffect::Direct, 8},
    {"vmovntdq", AsmEffect::Direct, 0},
    {"vmovntps", AsmEffect::Direct, 0},
    {"vmovntpd", AsmEffect::Direct, 0},
    {"movdiri", AsmEffect::Direct, 0},
    {"movdiril", AsmEffect::Direct, 4},
    {"movdiriq", AsmEffect::Direct, 8},
    {"movdir64b", AsmEffect::DirectLine, 64},
    {"enqcmd", AsmEffect::Ordinary, 0}, // to a device
    {"enqcmds", AsmEffect::Ordinary, 0},
    {"maskmovdqu", AsmEffect::Unknown, 0}, // at rdi, under a mask
    {"vmaskmovdqu", AsmEffect::Unknown, 0},
    {"maskmovq", AsmEffect::Unknown, 0},
    {"xchg", AsmEffect::Exchange, 0},
    {"xchgb", AsmEffect::Exchange, 1},
    {"xchgw", AsmEffect::Exchange, 2},
    {"xchgl", AsmEffect::Exchange, 4},
    {"xchgq", AsmEffect::Exchange, 8},
    {"stosb", AsmEffect::StringSet, 1},
    {"stosw", AsmEffect::StringSet, 2},
    {"stosl", AsmEffect::StringSet, 4},
    {"stosd", AsmEffect::StringSet, 4},
    {"stosq", AsmEffect::StringSet, 8},
    {"movsb", AsmEffect::StringCopy, 1},
    {"movsw", AsmEffect::StringCopy, 2},
    {"movsl", AsmEffect::StringCopy, 4},
    {"movsq", AsmEffect::StringCopy, 8},
    // Less than the register beside the memory.
    {"movd", AsmEffect::Ordinary, 4},
    {"movss", AsmEffect::Ordinary, 4},
    {"movsd", AsmEffect::Ordinary, 8},
    {"movlps", AsmEffect::Ordinary, 8},
    {"movhps", AsmEffect::Ordinary, 8},
    {"movlpd", AsmEffect::Ordinary, 8},
    {"movhpd", AsmEffect::Ordinary, 8},
    {"movq", AsmEffect::Ordinary, 8},
    {"vmovd", AsmEffect::Ordinary, 4},
    {"vmovss", AsmEffect::Ordinary, 4},
    {"vmovsd", AsmEffect::Ordinary, 8},
    {"vmovlps", AsmEffect::Ordinary, 8},
    {"vmovhps", AsmEffect::Ordinary, 8},
    {"vmovq", AsmEffect::Ordinary, 8},
    {"cmpxchg16b", AsmEffect::Ordinary, 16},
    {"cmpxchg8b", AsmEffect::Ordinary, 8},
    // What runs elsewhere, or writes more than an operand says.
    {"call", AsmEffect::Unknown, 0},
    {"callq", AsmEffect::Unknown, 0},
    {"syscall", AsmEffect::Unknown, 0},
    {"sysenter", AsmEffect::Unknown, 0},
    {"int", AsmEffect::Unknown, 0},
    {"vmcall", AsmEffect::Unknown, 0},
    {"ud2", AsmEffect::Ordinary, 0},
    {"xsave", AsmEffect::Unknown, 0},
    {"xsave64", AsmEffect::Unknown, 0},
    {"xsavec", AsmEffect::Unknown, 0},
    {"xsavec64", AsmEffect::Unknown, 0},
    {"xsaves", AsmEffect::Unknown, 0},
    {"xsaveopt", AsmEffect::Unknown, 0}, // behind 0x66 it is clwb, see below
    {"xsaveopt64", AsmEffect::Unknown, 0},
    {"fxsave", AsmEffect::Unknown, 0},
    {"fxsave64", AsmEffect::Unknown, 0},
    {"fnsave", AsmEffect::Unknown, 0},
    {"fnstenv", AsmEffect::Unknown, 0},
    {"ins", AsmEffect::Unknown, 0},
    {"insb", AsmEffect::Unknown, 0},
    {"insw", AsmEffect::Unknown, 0},
    {"insl", AsmEffect::Unknown, 0},
};

/// Instructions that write no memory although an operand in the destination's
/// place may be memory. By prefix of the name.
static constexpr const char *Readers[] = {
    "cmp",     "test",   "bt",     "prefetch", "jmp",  "push", "nop",  "lea",
    "fld",     "fild",   "fadd",   "fmul",     "fsub", "fdiv", "fcom", "ucom",
    "comi",    "vcom",   "vucomi", "ldmxcsr",  "div",  "idiv", "mul",  "imul",
    "fxrstor", "xrstor", "invlpg", "cldemote", "lidt", "lgdt", "ver",  "ptest"};

/// Of these, the ones that do write it.
static constexpr const char *NotReaders[] = {"cmpxchg", "bts", "btr", "btc"};

/// Instructions that write their destination and nothing else, by prefix.
/// Whatever is in no table may do anything.
static constexpr const char *Writers[] = {
    "add",    "adc",      "sub",        "sbb",      "and",      "or",
    "xor",    "not",      "neg",        "inc",      "dec",      "mov",
    "xadd",   "cmpxchg",  "cmov",       "set",      "shl",      "shr",
    "sal",    "sar",      "rol",        "ror",      "rcl",      "rcr",
    "bs",     "bt",       "blsr",       "blsi",     "bextr",    "bzhi",
    "pdep",   "pext",     "popcnt",     "lzcnt",    "tzcnt",    "crc32",
    "pop",    "ret",      "leave",      "enter",    "j",        "loop",
    "cpuid",  "rdtsc",    "rdrand",     "rdseed",   "rdpid",    "rdpmc",
    "rdmsr",  "rdfsbase", "rdgsbase",   "wrfsbase", "wrgsbase", "xgetbv",
    "pause",  "cl",       "st",         "cbw",      "cwd",      "cwtl",
    "cltq",   "cltd",     "cqto",       "cdq",      "cqo",      "lahf",
    "sahf",   "endbr",    "serialize",  "xbegin",   "xend",     "xabort",
    "xtest",  "mwait",    "umwait",     "umonitor", "monitor",  "tpause",
    "emms",   "vzero",    "kmov",       "aes",      "sha",      "pclmul",
    "padd",   "psub",     "pand",       "por",      "pxor",     "pshuf",
    "punpck", "psl",      "psr",        "pcmp",     "pmov",     "pext",
    "pins",   "pmul",     "pmadd",      "pmax",     "pmin",     "palign",
    "pack",   "unpck",    "shuf",       "extract",  "insert",   "cvt",
    "sqrt",   "max",      "min",        "vp",       "vmov",     "vadd",
    "vsub",   "vmul",     "vdiv",       "vxor",     "vand",     "vor",
    "vshuf",  "vunpck",   "vbroadcast", "vextract", "vinsert",  "vfm",
    "vfnm",   "vcvt",     "vsqrt",      "vmax",     "vmin",     "vaes",
    "vlddqu", "lddqu",    "fst",        "fist",     "fxch",     "fabs",
    "fchs",   "fsin",     "fcos",       "fsqrt",    "fprem",    "frndint",
    "fscale", "fyl2x",    "f2xm1",      "fninit",   "fwait",    "fnclex",
    "fnstcw", "fnstsw",   "fxam",       "ffree",    "stmxcsr",  "vstmxcsr",
    "in",     "out",      "hlt",        "std",      "sti",      "mul",
    "adox",   "adcx",     "rorx"};

AsmSpelling spellingOf(StringRef Mnemonic) {
  for (const AsmSpelling &S : Spellings)
    if (Mnemonic == S.Name)
      return S;
  auto IsIn = [&](ArrayRef<const char *> Prefixes) {
    return any_of(Prefixes, [&](const char *Prefix) {
      return Mnemonic.starts_with(Prefix);
    });
  };
  if (IsIn(NotReaders))
    return {"", AsmEffect::Ordinary, 0};
  if (IsIn(Readers))
    return {"", AsmEffect::Read, 0};
  if (IsIn(Writers))
    return {"", AsmEffect::Ordinary, 0};
  return {"", AsmEffect::Unlisted, 0};
}

namespace {

/// The operand bytes of an instruction: ModRM, SIB, displacement.
struct ModRm {
  bool IsRegister = false;
  unsigned Field = 0; ///< the register field, or the rest of the opcode
  AsmOperand Operand; ///< of kind Opaque if there is an index or no base
};

} // namespace

static std::optional<ModRm> readModRm(ArrayRef<uint8_t> &Bytes, uint8_t Rex) {
  if (Bytes.empty())
    return std::nullopt;
  uint8_t Byte = Bytes[0];
  Bytes = Bytes.drop_front();
  unsigned Mode = Byte >> 6;
  unsigned Base = Byte & 7;
  ModRm Result;
  Result.Field = ((Byte >> 3) & 7) | ((Rex & 4) ? 8u : 0u);
  Result.IsRegister = Mode == 3;
  if (Result.IsRegister)
    return Result;
  bool Named = !(Mode == 0 && Base == 5); // else relative to the instruction
  unsigned DisplacementSize = Mode == 1 ? 1 : Mode == 2 || !Named ? 4 : 0;
  if (Base == 4) {
    if (Bytes.empty())
      return std::nullopt;
    uint8_t Sib = Bytes[0];
    Bytes = Bytes.drop_front();
    Base = Sib & 7;
    bool HasIndex = ((Sib >> 3) & 7) != 4 || (Rex & 2) != 0;
    if (Mode == 0 && Base == 5)
      DisplacementSize = 4;
    Named = !HasIndex && !(Mode == 0 && Base == 5);
  }
  if (Bytes.size() < DisplacementSize)
    return std::nullopt;
  if (DisplacementSize == 1)
    Result.Operand.Displacement = int8_t(Bytes[0]);
  if (DisplacementSize == 4)
    Result.Operand.Displacement =
        int32_t(uint32_t(Bytes[0]) | uint32_t(Bytes[1]) << 8 |
                uint32_t(Bytes[2]) << 16 | uint32_t(Bytes[3]) << 24);
  Bytes = Bytes.drop_front(DisplacementSize);
  if (Named) {
    Result.Operand.Kind = AsmOperand::Memory;
    Result.Operand.Reg = {AsmRegister::General, Base | ((Rex & 1) ? 8u : 0u),
                          8};
  }
  return Result;
}

namespace {

/// The encodings worth knowing: Intel SDM volume 2. Field -1 is any.
struct Encoding {
  int Prefix; ///< 0x66, 0xf3, or 0 for none
  std::initializer_list<uint8_t> Opcode;
  bool RegisterForm;
  int Field;
  AsmEffect What;
  unsigned Size; ///< 0: 4, or 8 with REX.W
};

const Encoding Encodings[] = {
    {0, {0x0f, 0xae}, false, 7, AsmEffect::Clflush, 0},
    {0x66, {0x0f, 0xae}, false, 7, AsmEffect::Clflushopt, 0},
    {0x66, {0x0f, 0xae}, false, 6, AsmEffect::Clwb, 0},
    {0, {0x0f, 0xae}, true, 7, AsmEffect::Sfence, 0},
    {0x66, {0x0f, 0xae}, true, 7, AsmEffect::Ordinary, 0}, // pcommit
    {0, {0x0f, 0xae}, true, 6, AsmEffect::Mfence, 0},
    {0, {0x0f, 0xae}, true, 5, AsmEffect::Ordinary, 0},       // lfence
    {0xf3, {0x0f, 0xae}, true, -1, AsmEffect::Ordinary, 0},   // fsgsbase,
                                                              // umonitor
    {0x66, {0x0f, 0xae}, true, 6, AsmEffect::Ordinary, 0},    // tpause
    {0, {0x0f, 0xc3}, false, -1, AsmEffect::Direct, 0},       // movnti
    {0x66, {0x0f, 0xe7}, false, -1, AsmEffect::Direct, 16},   // movntdq
    {0x66, {0x0f, 0x2b}, false, -1, AsmEffect::Direct, 16},   // movntpd
    {0, {0x0f, 0x2b}, false, -1, AsmEffect::Direct, 16},      // movntps
    {0, {0x0f, 0x38, 0xf9}, false, -1, AsmEffect::Direct, 0}, // movdiri
    {0x66, {0x0f, 0x38, 0xf8}, false, -1, AsmEffect::DirectLine, 64},
    {0, {0x0f, 0x18}, false, -1, AsmEffect::Ordinary, 0}, // prefetch
    {0, {0x0f, 0x1f}, false, -1, AsmEffect::Ordinary, 0}, // nop
    {0, {0x0f, 0x1c}, false, -1, AsmEffect::Ordinary, 0}, // cldemote
};

} // namespace

std::optional<AsmEncoding> readAsmEncoding(ArrayRef<uint8_t> &Bytes) {
  ArrayRef<uint8_t> Rest = Bytes;
  int Prefix = 0;
  uint8_t Rex = 0;
  while (!Rest.empty() && (Rest[0] == 0x66 || Rest[0] == 0xf3)) {
    Prefix = Rest[0];
    Rest = Rest.drop_front();
  }
  if (!Rest.empty() && (Rest[0] & 0xf0) == 0x40) {
    Rex = Rest[0];
    Rest = Rest.drop_front();
  }
  if (!Rest.empty() && Rest[0] == 0x90) { // nop, pause
    Bytes = Rest.drop_front();
    return AsmEncoding();
  }
  for (const Encoding &Known : Encodings) {
    ArrayRef<uint8_t> Opcode(Known.Opcode.begin(), Known.Opcode.size());
    if (Known.Prefix != Prefix || Rest.take_front(Opcode.size()) != Opcode)
      continue;
    ArrayRef<uint8_t> After = Rest.drop_front(Opcode.size());
    std::optional<ModRm> Fields = readModRm(After, Rex);
    if (!Fields || Fields->IsRegister != Known.RegisterForm ||
        (Known.Field >= 0 && int(Fields->Field & 7) != Known.Field))
      continue;
    AsmEncoding Found;
    Found.What = Known.What;
    Found.Size = Known.Size != 0 ? Known.Size : (Rex & 8) ? 8 : 4;
    Found.Memory = Fields->Operand;
    if (Found.What == AsmEffect::DirectLine) {
      // The destination is the address in the register operand.
      Found.Memory = AsmOperand();
      Found.Memory.Kind = AsmOperand::Memory;
      Found.Memory.Reg = {AsmRegister::General, Fields->Field, 8};
    }
    Bytes = After;
    return Found;
  }
  return std::nullopt;
}

} // namespace fencepost
