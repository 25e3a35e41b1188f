/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Lines of source files, read when first asked for and kept. A file that is not
 * there, is not regular or is larger than FPOST_SOURCE_MAX has no lines.
 */
#ifndef FPOST_TOOLS_SOURCE_H
#define FPOST_TOOLS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#define FPOST_SOURCE_MAX (UINT64_C(16) << 20) /* bytes */

struct fpost_sources;

/* Null: no memory. */
struct fpost_sources *fpost_sources_new(void);
void fpost_sources_free(struct fpost_sources *sources);

/*
 * Line number `line` (from 1) of the file at path, without its newline, *size
 * bytes, not ended by NUL. Null if there is none, or path is null. Lives as
 * long as sources.
 */
const char *fpost_source_line(struct fpost_sources *sources, const char *path,
                              uint32_t line, size_t *size);

/* How many lines the file has; 0 if it cannot be read. */
uint32_t fpost_source_count(struct fpost_sources *sources, const char *path);

#endif /* FPOST_TOOLS_SOURCE_H */
