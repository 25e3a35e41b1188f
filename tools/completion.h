/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Completion for shells, made from the commands' tables. */
#ifndef FPOST_TOOLS_COMPLETION_H
#define FPOST_TOOLS_COMPLETION_H

#include "tools/options.h"

/*
 * Write what completes `fencepost` in a shell ("bash", "zsh" or "fish"): the
 * commands, their options, the words that an option takes, classes of findings,
 * and files. Returns false, with nothing written, for another shell.
 */
bool fpost_completion_print(const char *shell,
                            const struct fpost_command *const *commands,
                            size_t count, FILE *out);

#endif /* FPOST_TOOLS_COMPLETION_H */
