/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The objects of persistent heaps, by the PM address of their first byte: a
 * hash table in the caller's memory. An object that was freed stays, so that
 * pointers to it can be told, until an object at the same address takes its
 * place.
 */
#ifndef FPOST_MODEL_OBJECTS_H
#define FPOST_MODEL_OBJECTS_H

#include "rt/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum fpost_object_state {
  FPOST_OBJECT_NONE = 0, /* a free place of the table */
  FPOST_OBJECT_LIVE,
  FPOST_OBJECT_PENDING, /* reserved, or allocated by a transaction that goes on
                         */
  FPOST_OBJECT_FREED
};

struct fpost_object {
  uint64_t address; /* PM address */
  uint64_t size;    /* usable bytes */
  uint32_t stack;   /* of what made it, or freed it; 0: before the run */
  uint8_t state;    /* enum fpost_object_state */
  bool root;        /* found from outside of the heap: it needs no pointer */
  bool reached;     /* for whoever looks for what is reachable */
};

struct fpost_objects {
  struct fpost_object *items; /* max of them, zeroed at the start */
  uint32_t count;             /* places taken */
  uint32_t max;               /* a power of two */
};

/* The object at address, of any state, or null. */
struct fpost_object *fpost_objects_get(const struct fpost_objects *objects,
                                       uint64_t address);

/*
 * The object at address is as given: made, or changed. Returns 0 or
 * FPOST_ENOMEM: three quarters of the table are taken.
 */
FPOST_MUST_USE int fpost_objects_put(struct fpost_objects *objects,
                                     struct fpost_object object);

/* Put all objects of old into objects, which is empty and has more room. */
void fpost_objects_move(struct fpost_objects *objects,
                        const struct fpost_objects *old);

#endif /* FPOST_MODEL_OBJECTS_H */
