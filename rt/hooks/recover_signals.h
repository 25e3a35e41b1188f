/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The program's handlers of the signals that recover mode needs itself. */
#ifndef FPOST_HOOKS_RECOVER_SIGNALS_H
#define FPOST_HOOKS_RECOVER_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * As sigaction for SIGSEGV and SIGTRAP in a run: the handler is kept aside.
 * Returns false if the call is to be made as it stands.
 */
bool fpost_recover_sigaction(int number, const struct sigaction *action,
                             struct sigaction *old);

#endif /* FPOST_HOOKS_RECOVER_SIGNALS_H */
