// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Names.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Demangle/Demangle.h"

#include <cstdlib>

using namespace llvm;

namespace fencepost {

/// What the demangler has allocated.
static std::string taken(char *Text) {
  std::string Copy = Text == nullptr ? "" : Text;
  std::free(Text);
  return Copy;
}

/// The older names of Rust are those of C++ with a hash as the last part.
static bool endsInHash(StringRef Name) {
  constexpr size_t Size = 19; // "::h" and 16 digits
  return Name.size() > Size && Name.take_back(Size).starts_with("::h") &&
         all_of(Name.take_back(Size - 3), isHexDigit);
}

/// Such names spell what may not stand in a symbol "$LT$", and "::" "..".
static std::string withoutEscapes(StringRef Name) {
  static constexpr std::pair<StringLiteral, StringLiteral> Escapes[] = {
      {"$LT$", "<"},  {"$GT$", ">"},  {"$RF$", "&"},  {"$BP$", "*"},
      {"$C$", ","},   {"$LP$", "("},  {"$RP$", ")"},  {"$u20$", " "},
      {"$u27$", "'"}, {"$u5b$", "["}, {"$u5d$", "]"}, {"$u7b$", "{"},
      {"$u7d$", "}"}, {"$u3b$", ";"}, {"$u2b$", "+"}, {"..", "::"}};
  std::string Plain;
  while (!Name.empty()) {
    const auto *Found = find_if(
        Escapes, [&](const auto &E) { return Name.starts_with(E.first); });
    if (Found != std::end(Escapes)) {
      Plain += Found->second;
      Name = Name.drop_front(Found->first.size());
    } else {
      Plain += Name.front();
      Name = Name.drop_front();
    }
  }
  // An underscore makes a part that begins with an escape an identifier.
  for (size_t At; (At = Plain.find("_<")) != std::string::npos &&
                  (At == 0 || Plain[At - 1] == ':');)
    Plain.erase(At, 1);
  return Plain;
}

/// The end of the bracket that opens at the beginning; npos if it stays open.
static size_t bracketEnd(StringRef Text) {
  unsigned Depth = 0;
  for (size_t At = 0; At < Text.size(); ++At) {
    if (Text[At] == '<')
      ++Depth;
    else if (Text[At] == '>' && Text[At - 1] != '-' && --Depth == 0)
      return At;
  }
  return StringRef::npos;
}

/// "<a::B<T> as a::Trait>::f::<u8>" to "a::B<T>::f<u8>".
static std::string rustPath(StringRef Name) {
  std::string Plain;
  size_t End = Name.starts_with("<") ? bracketEnd(Name) : StringRef::npos;
  if (End != StringRef::npos) {
    StringRef Inside = Name.substr(1, End - 1);
    for (size_t As = 0; (As = Inside.find(" as ", As)) != StringRef::npos; ++As)
      if (Inside.take_front(As).count('<') == Inside.take_front(As).count('>'))
        Inside = Inside.take_front(As); // and not one of the arguments' own
    Plain = Inside.str();
    Name = Name.drop_front(End + 1);
  }
  Plain += Name;
  for (size_t At; (At = Plain.find("::<")) != std::string::npos;)
    Plain.erase(At, 2);
  return Plain;
}

PlainName plainName(StringRef Symbol) {
  std::string Text = Symbol.str();
  if (Symbol.starts_with("_R"))
    return {rustPath(demangle(Text)), ""};
  ItaniumPartialDemangler Demangler;
  if (!Symbol.starts_with("_Z") || Demangler.partialDemangle(Text.c_str()))
    return {Text, ""};
  std::string Name = taken(Demangler.getFunctionName(nullptr, nullptr));
  if (Name.empty())
    return {Text, ""};
  if (endsInHash(Name))
    return {rustPath(withoutEscapes(StringRef(Name).drop_back(19))), ""};
  return {Name, taken(Demangler.getFunctionParameters(nullptr, nullptr))};
}

} // namespace fencepost
