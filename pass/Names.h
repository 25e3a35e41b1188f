// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The names of functions as a user writes them.
#ifndef FENCEPOST_PASS_NAMES_H
#define FENCEPOST_PASS_NAMES_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace fencepost {

/// A demangled symbol.
struct PlainName {
  /// With its scopes and template arguments, without a result: "a::B<int>::f".
  /// In Rust, methods are named by the type alone: "krate::Map<K>::insert".
  std::string Name;
  /// "(int, char const*)"; empty where the symbol does not tell.
  std::string Parameters;
};

PlainName plainName(llvm::StringRef Symbol);

} // namespace fencepost

#endif // FENCEPOST_PASS_NAMES_H
