/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/model/objects.h"

#include "rt/base/assert.h"

#include <stddef.h>

/* The place of address: its own, or the free one where it belongs. */
static struct fpost_object *place_of(const struct fpost_objects *objects,
                                     uint64_t address) {
  uint64_t hash = address * UINT64_C(0x9e3779b97f4a7c15);
  for (uint64_t at = hash >> 32;; at++) {
    struct fpost_object *object = &objects->items[at & (objects->max - 1)];
    if (object->state == FPOST_OBJECT_NONE || object->address == address) {
      return object;
    }
  }
}

struct fpost_object *fpost_objects_get(const struct fpost_objects *objects,
                                       uint64_t address) {
  if (objects->count == 0) {
    return NULL;
  }
  struct fpost_object *object = place_of(objects, address);
  return object->state == FPOST_OBJECT_NONE ? NULL : object;
}

int fpost_objects_put(struct fpost_objects *objects,
                      struct fpost_object object) {
  FPOST_ASSERT(object.state != FPOST_OBJECT_NONE);
  FPOST_ASSERT((objects->max & (objects->max - 1)) == 0);
  if (objects->count >= objects->max / 4 * 3) {
    return FPOST_ENOMEM;
  }
  struct fpost_object *place = place_of(objects, object.address);
  objects->count += place->state == FPOST_OBJECT_NONE;
  *place = object;
  return FPOST_OK;
}

void fpost_objects_move(struct fpost_objects *objects,
                        const struct fpost_objects *old) {
  FPOST_ASSERT(objects->count == 0);
  FPOST_ASSERT(objects->max > old->max || old->count == 0);
  for (uint32_t i = 0; i < old->max; i++) {
    if (old->items[i].state != FPOST_OBJECT_NONE) {
      *place_of(objects, old->items[i].address) = old->items[i];
      objects->count++;
    }
  }
}
