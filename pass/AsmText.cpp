// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "AsmText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>

using namespace llvm;

namespace fencepost {

// An argument stands in the expanded text as its number between these two.
static constexpr char ArgumentOpen = '\1';
static constexpr char ArgumentClose = '\2';

AsmRegister parseRegister(StringRef Name) {
  using R = AsmRegister;
  Name = Name.trim("%{} ");
  auto Numbered = [&](StringRef Prefix, R::KindType Kind, unsigned Size) {
    unsigned Number = 0;
    StringRef Rest = Name;
    if (Rest.consume_front(Prefix) && !Rest.getAsInteger(10, Number))
      return R{Kind, Number, Size};
    return R{};
  };
  for (auto [Prefix, Size] :
       {std::pair<StringRef, unsigned>("xmm", 16), {"ymm", 32}, {"zmm", 64}})
    if (R Found = Numbered(Prefix, R::Vector, Size))
      return Found;
  if (R Found = Numbered("mm", R::Other, 8))
    return Found;
  if (R Found = Numbered("k", R::Other, 8))
    return Found;
  if (R Found = Numbered("r", R::General, 8); Found && Found.Number >= 8)
    return Found;
  for (auto [Suffix, Size] :
       {std::pair<char, unsigned>('b', 1), {'w', 2}, {'d', 4}}) {
    unsigned Number = 0;
    if (Name.size() > 2 && Name.front() == 'r' && Name.back() == Suffix &&
        !Name.drop_front().drop_back().getAsInteger(10, Number))
      return R{R::General, Number, Size};
  }
  if (Name.starts_with("st"))
    return R{R::Other, 0, 10};
  // a, c, d, b, sp, bp, si, di with the decorations of each width.
  static constexpr StringLiteral Names[] = {"ax", "cx", "dx", "bx",
                                            "sp", "bp", "si", "di"};
  for (unsigned Number = 0; Number < 8; ++Number) {
    StringRef Base = Names[Number];
    if (Name == Base)
      return R{R::General, Number, 2};
    if (Name.size() == 3 && Name.drop_front() == Base &&
        (Name[0] == 'e' || Name[0] == 'r'))
      return R{R::General, Number, Name[0] == 'e' ? 4u : 8u};
    bool IsByte =
        Number < 4
            ? Name.size() == 2 && Name[0] == Base[0] && Name[1] == 'l'
            : Name.size() == 3 && Name.drop_back() == Base && Name[2] == 'l';
    if (IsByte)
      return R{R::General, Number, 1};
  }
  return R{};
}

/// Lower case; comments gone; arguments between marks; one dialect of two.
static std::string expand(StringRef Text, bool Intel) {
  std::string Out;
  bool InChoice = false;
  unsigned Alternative = 0;
  bool InComment = false;
  for (size_t I = 0; I < Text.size(); ++I) {
    char C = Text[I];
    char Next = I + 1 < Text.size() ? Text[I + 1] : '\0';
    bool Dropped = InChoice && Alternative != (Intel ? 1u : 0u);
    if (C == '\n')
      InComment = false;
    if (C == '#')
      InComment = true;
    if (InComment)
      continue;
    if (C == '/' && Next == '*') {
      size_t End = Text.find("*/", I + 2);
      if (End == StringRef::npos)
        break;
      I = End + 1;
      continue;
    }
    if (C != '$') {
      if (!Dropped)
        Out += toLower(C);
      continue;
    }
    ++I;
    if (Next == '(') {
      InChoice = true;
      Alternative = 0;
    } else if (Next == '|' && InChoice) {
      ++Alternative;
    } else if (Next == ')' && InChoice) {
      InChoice = false;
    } else if (Next == '{' || isDigit(Next)) {
      StringRef Digits = Text.substr(Next == '{' ? I + 1 : I);
      Digits = Digits.take_while(isDigit);
      if (!Dropped)
        Out += (Twine(ArgumentOpen) + Digits + Twine(ArgumentClose)).str();
      I = Next == '{' ? std::min(Text.find('}', I), Text.size() - 1)
                      : I + Digits.size() - 1;
    } else if (!Dropped) {
      Out += Next; // $$
    }
  }
  return Out;
}

/// The number of an argument that is all of Text, or -1.
static int argumentNumber(StringRef Text) {
  Text = Text.trim();
  int Number = -1;
  if (Text.size() >= 3 && Text.front() == ArgumentOpen &&
      Text.back() == ArgumentClose &&
      !Text.drop_front().drop_back().getAsInteger(10, Number))
    return Number;
  return -1;
}

static bool isNumber(StringRef Text, int64_t &Number) {
  return !Text.trim().getAsInteger(0, Number);
}

/// Takes Text for the base of a memory operand; false if it is none.
static bool setBase(AsmOperand &Operand, StringRef Text) {
  Operand.Number = argumentNumber(Text);
  Operand.Reg = parseRegister(Text);
  if (Operand.Number < 0 && Operand.Reg.Kind != AsmRegister::General)
    return false;
  Operand.Kind = AsmOperand::Memory;
  return true;
}

static AsmOperand parseAtt(StringRef Text) {
  AsmOperand Operand;
  Text = Text.trim().ltrim('*');
  int64_t Number = 0;
  if (Text.starts_with("$")) {
    Operand.Kind = AsmOperand::Immediate;
    return Operand;
  }
  if (Text.starts_with("%") && Text.find(':') == StringRef::npos) {
    Operand.Kind = AsmOperand::Register;
    Operand.Reg = parseRegister(Text.split(' ').first);
    return Operand;
  }
  size_t Open = Text.find('(');
  if (Open == StringRef::npos) {
    // $0, or 8+$0 for what lies behind it.
    size_t Mark = Text.find(ArgumentOpen);
    if (Mark == StringRef::npos)
      return Operand;
    StringRef Before = Text.take_front(Mark).trim(" +");
    if (!Before.empty() && !isNumber(Before, Number))
      return Operand;
    Operand.Number = argumentNumber(Text.drop_front(Mark));
    Operand.Displacement = Number;
    if (Operand.Number >= 0)
      Operand.Kind = AsmOperand::Argument;
    return Operand;
  }
  StringRef Before = Text.take_front(Open).trim();
  if (!Before.empty() && !isNumber(Before, Number))
    return Operand;
  StringRef Inside = Text.drop_front(Open + 1).split(')').first.trim();
  if (Inside.find(',') == StringRef::npos && setBase(Operand, Inside))
    Operand.Displacement = Number;
  return Operand;
}

static AsmOperand parseIntel(StringRef Text) {
  AsmOperand Operand;
  Text = Text.trim();
  auto [Width, Rest] = Text.split(" ptr");
  if (!Rest.empty() || Text.ends_with(" ptr")) {
    Operand.Size = StringSwitch<unsigned>(Width.trim())
                       .Case("byte", 1)
                       .Case("word", 2)
                       .Case("dword", 4)
                       .Case("qword", 8)
                       .Case("tbyte", 10)
                       .Case("xmmword", 16)
                       .Case("ymmword", 32)
                       .Case("zmmword", 64)
                       .Default(0);
    Text = Rest.trim();
  }
  int64_t Number = 0;
  if (isNumber(Text, Number)) {
    Operand.Kind = AsmOperand::Immediate;
    return Operand;
  }
  size_t Open = Text.find('[');
  if (Open == StringRef::npos) {
    Operand.Number = argumentNumber(Text);
    Operand.Reg = parseRegister(Text);
    if (Operand.Number >= 0)
      Operand.Kind = AsmOperand::Argument;
    else if (Operand.Reg)
      Operand.Kind = AsmOperand::Register;
    return Operand;
  }
  if (!Text.take_front(Open).trim().empty()) // a segment, or a symbol
    return Operand;
  std::string Inside = Text.drop_front(Open + 1).split(']').first.str();
  // a - 8 is a + -8.
  for (size_t At = Inside.find('-'); At != std::string::npos;
       At = Inside.find('-', At + 2))
    Inside.insert(At, "+");
  SmallVector<StringRef, 4> Terms;
  StringRef(Inside).split(Terms, '+', -1, /*KeepEmpty=*/false);
  int64_t Displacement = 0;
  for (StringRef Term : Terms) {
    std::string Compact;
    std::copy_if(Term.begin(), Term.end(), std::back_inserter(Compact),
                 [](char C) { return C != ' '; });
    if (isNumber(Compact, Number))
      Displacement += Number;
    else if (Operand.Kind == AsmOperand::Memory || !setBase(Operand, Compact))
      return AsmOperand(); // an index
  }
  Operand.Displacement = Displacement;
  return Operand;
}

/// Splits at commas outside parentheses and braces.
static SmallVector<StringRef, 3> splitOperands(StringRef Text) {
  SmallVector<StringRef, 3> Parts;
  int Depth = 0;
  size_t Start = 0;
  for (size_t I = 0; I < Text.size(); ++I) {
    if (Text[I] == '(' || Text[I] == '[')
      ++Depth;
    if (Text[I] == ')' || Text[I] == ']')
      --Depth;
    if (Text[I] == ',' && Depth == 0) {
      Parts.push_back(Text.slice(Start, I));
      Start = I + 1;
    }
  }
  if (!Text.drop_front(Start).trim().empty())
    Parts.push_back(Text.drop_front(Start));
  return Parts;
}

namespace {

/// Puts together what several lines may say of one instruction: prefixes and
/// raw bytes come before the mnemonic, on lines of their own or not.
class StatementReader {
public:
  explicit StatementReader(bool Intel) : Intel(Intel) {}
  void read(StringRef Line);
  std::vector<AsmStatement> finish();

private:
  bool takePrefix(StringRef Word);
  void takeBytes(StringRef Numbers);

  bool Intel;
  bool Elsewhere =
      false; ///< in another section: tables, not code that runs here
  bool Started = false;
  AsmStatement Current;
  std::vector<AsmStatement> Statements;
};

} // namespace

bool StatementReader::takePrefix(StringRef Word) {
  if (Word == "lock") {
    Current.Lock = true;
  } else if (Word.starts_with("rep") && Word != "reps") {
    Current.Repeat = true;
  } else if (Word == "data16") {
    Current.Bytes.push_back(0x66);
  } else if (Word != "xacquire" && Word != "xrelease" && Word != "notrack" &&
             Word != "rex64" && Word != "{evex}" && Word != "{vex}") {
    return false;
  }
  Started = true;
  return true;
}

void StatementReader::takeBytes(StringRef Numbers) {
  for (StringRef Part : splitOperands(Numbers)) {
    unsigned Byte = 0;
    // An expression makes the instruction unreadable: 0x06 is in no encoding.
    if (Part.trim().getAsInteger(0, Byte) || Byte > 0xff)
      Byte = 0x06;
    Current.Bytes.push_back(uint8_t(Byte));
  }
  Started = true;
}

void StatementReader::read(StringRef Line) {
  Line = Line.trim();
  // Labels.
  for (;;) {
    StringRef Word = Line.take_until([](char C) { return isSpace(C); });
    if (!Word.ends_with(":"))
      break;
    Line = Line.drop_front(Word.size()).trim();
  }
  while (!Line.empty()) {
    StringRef Word = Line.take_until([](char C) { return isSpace(C); });
    StringRef Rest = Line.drop_front(Word.size()).trim();
    if (Word == ".pushsection" || Word == ".section")
      Elsewhere = true;
    if (Word == ".popsection" || Word == ".previous" || Word == ".text")
      Elsewhere = false;
    if (Elsewhere)
      return;
    if (Word == ".byte")
      return takeBytes(Rest);
    if (is_contained({".long", ".int", ".word", ".short", ".quad", ".octa",
                      ".ascii", ".string", ".insn"},
                     Word))
      return takeBytes("unreadable");
    if (takePrefix(Word)) {
      Line = Rest;
      continue;
    }
    if (Word.starts_with(".")) // a directive
      return;
    Current.Mnemonic = Word.str();
    for (StringRef Operand : splitOperands(Rest))
      Current.Operands.push_back(Intel ? parseIntel(Operand)
                                       : parseAtt(Operand));
    if (!Intel)
      std::reverse(Current.Operands.begin(), Current.Operands.end());
    Statements.push_back(std::move(Current));
    Current = AsmStatement();
    Started = false;
    return;
  }
}

std::vector<AsmStatement> StatementReader::finish() {
  if (Started)
    Statements.push_back(std::move(Current));
  return std::move(Statements);
}

std::vector<AsmStatement> parseAsmText(StringRef Text, bool Intel) {
  std::string Expanded = expand(Text, Intel);
  StatementReader Reader(Intel);
  SmallVector<StringRef, 8> Lines;
  StringRef(Expanded).split(Lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef Line : Lines) {
    SmallVector<StringRef, 4> Parts;
    Line.split(Parts, ';', -1, /*KeepEmpty=*/false);
    for (StringRef Part : Parts)
      Reader.read(Part);
  }
  return Reader.finish();
}

} // namespace fencepost
