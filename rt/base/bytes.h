/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef FPOST_BASE_BYTES_H
#define FPOST_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Are all size bytes zero? size is at least 1. */
static inline bool fpost_bytes_zero(const uint8_t *bytes, size_t size) {
  return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

#endif /* FPOST_BASE_BYTES_H */
