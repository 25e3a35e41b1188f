/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions of fencepost/fencepost.h. */
#include "rt/hooks/context.h"
#include "rt/hooks/events.h"
#include "rt/hooks/heap_rules.h"
#include "rt/hooks/mapping.h"
#include "rt/hooks/races.h"
#include "rt/hooks/real.h"
#include "rt/hooks/recover.h"
#include "rt/hooks/recover_heap.h"
#include "rt/hooks/visitors.h"
#include "rt/os/heap.h"

#include "fencepost/fencepost.h"

FPOST_INTERPOSE void fencepost_region_add_(const void *address, size_t size) {
  if (fpost_enter() != NULL) {
    fpost_mapping_memory(address, size, FPOST_POOL_API);
    fpost_leave();
  }
}

FPOST_INTERPOSE void fencepost_region_remove_(const void *address,
                                              size_t size) {
  if (fpost_enter() != NULL) {
    fpost_mapping_gone(address, size);
    fpost_leave();
  }
}

FPOST_INTERPOSE void fencepost_validated_(const void *address, size_t size) {
  if (fpost_recover_on) {
    fpost_recover_validated(address, size);
  }
}

FPOST_INTERPOSE void fencepost_ignore_(const void *address, size_t size) {
  if (fpost_enter() != NULL) {
    fpost_event_unused(address, size, false);
    fpost_heap_exempt(address, size);
    fpost_leave();
  }
}

FPOST_INTERPOSE void fencepost_volatile_ok_(const void *address, size_t size) {
  if (fpost_enter() != NULL) {
    fpost_heap_volatile_ok(address, size);
    fpost_leave();
  }
}

/* ---- transactions and objects of libraries that are not libpmemobj ---- */

/* Enter, with the stack of the caller. */
#define ENTER(self)                                                            \
  struct fpost_thread_state *self = fpost_enter();                             \
  uint32_t stack = self == NULL ? 0 : FPOST_CALLER_STACK(self);                \
  if (self == NULL) {                                                          \
    return;                                                                    \
  }

FPOST_INTERPOSE void fencepost_tx_begin_(void) {
  ENTER(self)
  fpost_tx_begin(self, NULL, stack);
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_tx_add_(const void *address, size_t size) {
  ENTER(self)
  fpost_tx_add(self, address, size, FPOST_TX_ADD, FPOST_CALLER_PC, stack);
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_tx_end_(int committed) {
  struct fpost_thread_state *self = fpost_enter();
  if (self != NULL) {
    fpost_tx_end(self, committed != 0);
    fpost_leave();
  }
}

FPOST_INTERPOSE void fencepost_alloc_(const void *address, size_t size) {
  ENTER(self)
  fpost_heap_made(self, address, size,
                  self->tx.depth != 0 ? FPOST_MADE_TX : FPOST_MADE_NOW, stack);
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_free_(const void *address) {
  ENTER(self)
  fpost_heap_freeing(self, address, stack);
  fpost_heap_freed(self, address, true, stack);
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_root_(const void *address, size_t size) {
  ENTER(self)
  const struct fpost_region *region = fpost_region_at(address);
  if (region != NULL) {
    fpost_heap_opened((const void *)region->start, 0);
    fpost_heap_made(self, address, size, FPOST_MADE_ROOT, stack);
  }
  fpost_leave();
}

FPOST_INTERPOSE void fencepost_reach_(const void *object) {
  if (fpost_recover_on) {
    fpost_recover_heap_reach(object);
  } else if (!fpost_reach_visited(object) && fpost_enter() != NULL) {
    fpost_heap_found(object);
    fpost_leave();
  }
}

FPOST_INTERPOSE void fencepost_visit_(unsigned long long type,
                                      fpost_visitor *visitor) {
  if (!fpost_visitors_add(type, visitor)) {
    fpost_refuse("the program has more than 64 visitors", "",
                 "let one of FENCEPOST_TYPE_ANY look at several types");
  }
}

FPOST_INTERPOSE void fencepost_pointer_(const void *field, const void *target) {
  if (fpost_recover_on) {
    fpost_recover_heap_reach(target);
    return;
  }
  ENTER(self)
  fpost_heap_pointer(self, field, target, stack);
  fpost_leave();
}

FPOST_INTERPOSE const char *fencepost_heap_file_(uint64_t *size,
                                                 int *recovering) {
  const struct fpost_flags *flags = &fpost_context.flags;
  *size = flags->heap_size;
  *recovering = fpost_context.run == FPOST_RUN_RECOVER;
  return flags->heap_pm[0] != '\0' ? flags->heap_pm : NULL;
}

FPOST_INTERPOSE void fencepost_heap_freed_(const void *address, size_t size) {
  if (fpost_enter() != NULL) {
    fpost_event_unused(address, size, true);
    if (fpost_races_on) {
      fpost_races_forget(address, size);
    }
    fpost_leave();
  }
}
