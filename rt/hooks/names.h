/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Patterns for the names of functions, demangled: "insert", "ns::Map<*>::put",
 * "put(int)" (docs/OPERATIONS.md).
 */
#ifndef FPOST_HOOKS_NAMES_H
#define FPOST_HOOKS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a name that are looked at. */
#define FPOST_NAME_MAX 1024u

/*
 * Does the glob pattern name the function? A pattern with "::" outside of
 * brackets is held against the whole name, another one against its last part;
 * in both cases with and without template arguments, and with the parameters
 * ("(int)") as well. '*' matches any run of characters, '?' one.
 */
bool fpost_name_matches(const char *pattern, const char *name,
                        const char *parameters);

/* Edits that turn the pattern into what it was held against, without template
   arguments; at most FPOST_NAME_NEAR_MAX characters are looked at. */
#define FPOST_NAME_NEAR_MAX 95u
uint32_t fpost_name_distance(const char *pattern, const char *name);

#endif /* FPOST_HOOKS_NAMES_H */
