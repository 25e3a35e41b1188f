/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * From code addresses to places in the source, with libdw. Answers are cached
 * and live as long as the struct fpost_symbols.
 */
#ifndef FPOST_TOOLS_SYMBOLS_H
#define FPOST_TOOLS_SYMBOLS_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in the source. Strings may be null where nothing is known. */
struct fpost_frame {
  const char *function; /* demangled */
  const char *file;     /* absolute, as far as the debug information says */
  const char *shown;    /* file, relative to the compilation directory */
  uint32_t line;        /* from 1; 0: unknown */
  uint32_t column;      /* from 1; 0: unknown */
  const char *module;   /* path of the executable or library, or null */
  uint64_t offset;      /* in the module, as objdump prints it */
  bool inlined;         /* into the frame that follows */
};

struct fpost_symbols;

/* A new symboliser, or null if there is no memory. */
struct fpost_symbols *fpost_symbols_new(void);
void fpost_symbols_free(struct fpost_symbols *symbols);

/*
 * Make module `index` known: its file, and its build id as loaded (size 0:
 * none). Files are opened when first needed. An index may be given again (the
 * same file).
 */
FPOST_MUST_USE int fpost_symbols_module(struct fpost_symbols *symbols,
                                        uint32_t index, const char *path,
                                        const uint8_t *build_id,
                                        size_t build_id_size);

/*
 * The frames at pc = module index << 48 | offset, innermost first: more than
 * one if code was inlined there. *count is at least 1 (a frame without source
 * says module and offset).
 */
FPOST_MUST_USE int fpost_symbols_find(struct fpost_symbols *symbols,
                                      uint64_t pc,
                                      const struct fpost_frame **frames,
                                      uint32_t *count);

/*
 * Sentences about modules that were asked for and had no debug information, or
 * whose file has changed since the run; null after the last. Each is given
 * once.
 */
const char *fpost_symbols_hint(struct fpost_symbols *symbols, uint32_t index);

#endif /* FPOST_TOOLS_SYMBOLS_H */
