/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Is a program the one that it was? By its build id, which linkers put in. */
#ifndef FPOST_TOOLS_EXPLORE_BUILD_H
#define FPOST_TOOLS_EXPLORE_BUILD_H

#include "tools/explore/info.h"

/* Its digits, two a byte; "": the file has none, or is no ELF file. */
#define EXPLORE_BUILD_MAX 129u
void explore_build_of(const char *path, char build[EXPLORE_BUILD_MAX]);

/*
 * The path of a module with hooks that ran when the trace was recorded, and
 * whose file has been built anew since; null if there is none. A file that is
 * gone, or has no build id, is not known to have changed.
 */
const char *explore_build_changed(const struct explore_info *info);

#endif /* FPOST_TOOLS_EXPLORE_BUILD_H */
