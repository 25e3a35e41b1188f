/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Where the parts of Fencepost lie, relative to the running `fencepost`: in a
 * build tree or in an installation, wherever that was moved to.
 */
#ifndef FPOST_TOOLS_PATHS_H
#define FPOST_TOOLS_PATHS_H

#include "rt/base/err.h"

#include <stddef.h>

/*
 * The absolute path of a part: built_at is its place relative to the build
 * tree, installed_at relative to the prefix. Returns 0 with path set, or
 * FPOST_ENOENT if it is at neither; path is then where an installation would
 * have it.
 */
FPOST_MUST_USE int fpost_path_part(const char *built_at,
                                   const char *installed_at, char *path,
                                   size_t size);

#endif /* FPOST_TOOLS_PATHS_H */
