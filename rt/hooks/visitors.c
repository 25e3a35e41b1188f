/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/hooks/visitors.h"

#include "fencepost/fencepost.h"

#include <stdatomic.h>

#define VISITORS_MAX 64u

/* Entries are added and never changed; count is set last. */
static struct {
  uint64_t type;
  fpost_visitor *visitor;
} visitors[VISITORS_MAX];
static _Atomic uint32_t count;

bool fpost_visitors_add(uint64_t type, fpost_visitor *visitor) {
  uint32_t at = atomic_load(&count);
  for (uint32_t i = 0; i < at; i++) {
    if (visitors[i].type == type && visitors[i].visitor == visitor) {
      return true;
    }
  }
  if (at == VISITORS_MAX) {
    return false;
  }
  visitors[at].type = type;
  visitors[at].visitor = visitor;
  atomic_store(&count, at + 1);
  return true;
}

bool fpost_visitors_any(void) {
  return atomic_load(&count) != 0;
}

void fpost_visitors_call(uint64_t type, const void *object, size_t size) {
  uint32_t end = atomic_load(&count);
  for (uint32_t i = 0; i < end; i++) {
    if (visitors[i].type == type || visitors[i].type == FENCEPOST_TYPE_ANY) {
      visitors[i].visitor(object, size);
    }
  }
}
