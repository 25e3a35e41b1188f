/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Linked with libgcc_eh.a into one relocatable object of which only
 * fpost_unwind stays global (rt/hooks/CMakeLists.txt).
 */
#include "rt/hooks/unwind.h"

#include <stddef.h>
#include <stdlib.h>
#include <unwind.h>

/* Frames of the runtime itself that may lie in front of the wanted one. */
#define OWN_FRAMES_MAX 16u

/* A walk that is going on. */
struct walk {
  uintptr_t pc;
  uintptr_t cfa;
  struct fpost_frame *frames;
  uint32_t max;
  uint32_t count;
  uint32_t skipped;
};

/*
 * The unwinder allocates only for frames registered by __register_frame, and
 * its own copy knows of none. These stand in, visible to the relocatable object
 * alone.
 */
void *malloc(size_t size) {
  (void)size;
  return NULL;
}
void free(void *ptr) {
  (void)ptr;
}

static _Unwind_Reason_Code frame_see(struct _Unwind_Context *context,
                                     void *data) {
  struct walk *walk = data;
  uintptr_t ip = _Unwind_GetIP(context);
  uintptr_t sp = _Unwind_GetCFA(context);
  if (walk->count == 0 && (ip != walk->pc || sp != walk->cfa)) {
    return ++walk->skipped > OWN_FRAMES_MAX ? _URC_NORMAL_STOP : _URC_NO_REASON;
  }
  if (ip == 0) {
    return _URC_NO_REASON;
  }
  if (walk->count == walk->max) {
    return _URC_NORMAL_STOP;
  }
  uintptr_t slot = sp - sizeof(uintptr_t);
  bool plain = *(const uintptr_t *)slot == ip;
  walk->frames[walk->count++] =
      (struct fpost_frame){.pc = ip, .slot = plain ? slot : 0};
  return _URC_NO_REASON;
}

uint32_t fpost_unwind(uintptr_t pc, uintptr_t cfa, struct fpost_frame *frames,
                      uint32_t max, bool *ended) {
  struct walk walk = {.pc = pc, .cfa = cfa, .frames = frames, .max = max};
  *ended = _Unwind_Backtrace(frame_see, &walk) == _URC_END_OF_STACK;
  return walk.count;
}
