/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The panic of a Rust program, as it prints it. */
#ifndef FPOST_TOOLS_EXPLORE_RUST_PANIC_H
#define FPOST_TOOLS_EXPLORE_RUST_PANIC_H

#include <stdbool.h>
#include <stdint.h>

/* Pointers into the text that was searched; nothing is copied. */
struct explore_rust_panic {
  const char *start;  /* of the first line, "thread 'main' panicked at ..." */
  const char *end;    /* behind the message; the backtrace follows, or hints */
  const char *file;   /* as the compiler was given it */
  uint32_t file_size; /* bytes */
  uint32_t line, column; /* from 1 */
};

/* The first panic in what a program has printed; false if there is none. */
bool explore_rust_panic_find(const char *output,
                             struct explore_rust_panic *panic);

#endif /* FPOST_TOOLS_EXPLORE_RUST_PANIC_H */
