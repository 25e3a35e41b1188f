/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of functions as they were written. */
#ifndef FPOST_TOOLS_DEMANGLE_H
#define FPOST_TOOLS_DEMANGLE_H

/*
 * The demangled form of a C++ or Rust name, or a copy of the name; the caller
 * frees it. Null if there is no memory. Rust's legacy scheme is C++'s with a
 * hash at the end, which is cut off; names of Rust's v0 scheme (_R...) are
 * printed without the arguments of generic functions.
 */
char *fpost_demangle(const char *name);

#endif /* FPOST_TOOLS_DEMANGLE_H */
