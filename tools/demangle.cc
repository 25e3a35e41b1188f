// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C++ runtime's demangler, for C. The one C++ file of the tools: the
// demangler of the runtime that compiled programs use is the one that knows
// their names.
#include <cstddef>
#include <cxxabi.h>

extern "C" char *fpost_demangle_cxx(const char *name) {
  int status = 0;
  return abi::__cxa_demangle(name, nullptr, nullptr, &status);
}
