/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "rt/heap/slabs.h"

#include <string.h>

/* Multiples of 16, so that every object is aligned for any type. */
static const uint32_t class_sizes[] = {
    16,   32,   48,   64,   80,   96,    112,   128,   160,   192,
    256,  320,  384,  512,  640,  768,   1024,  1280,  1536,  2048,
    3072, 4096, 5120, 6144, 8192, 10240, 12288, 16384, 20480, 32768};

#define CLASSES (sizeof(class_sizes) / sizeof(class_sizes[0]))
_Static_assert(CLASSES <= FPOST_SLAB_CLASSES, "a list of chunks per class");

static uint32_t class_find(size_t size, size_t align) {
  for (uint32_t c = 0; c < CLASSES; c++) {
    if (class_sizes[c] >= size && class_sizes[c] % align == 0) {
      return c;
    }
  }
  return CLASSES;
}

static uint32_t class_places(uint32_t class_) {
  return (uint32_t)(FPOST_CHUNK_SIZE / class_sizes[class_]);
}

/* The first of count chunks in a row that are free, aligned; or chunks_count.
 */
static uint32_t chunks_find(const struct fpost_slabs *slabs, uint32_t count,
                            uint32_t step) {
  uint32_t run = 0;
  uint32_t first = 0;
  for (uint32_t i = 0; i < slabs->chunks_count; i++) {
    if (slabs->chunks[i].kind != 0) {
      run = 0;
      continue;
    }
    if (run == 0) {
      if (i % step != 0) {
        continue;
      }
      first = i;
    }
    if (++run == count) {
      return first;
    }
  }
  return slabs->chunks_count;
}

static void chunks_mark(struct fpost_slabs *slabs, uint32_t first,
                        uint32_t count) {
  if (first + count > slabs->chunks_used) {
    slabs->chunks_used = first + count;
  }
}

static void *large_take(struct fpost_slabs *slabs, size_t size, size_t align) {
  size_t chunks = (size + FPOST_CHUNK_SIZE - 1) / FPOST_CHUNK_SIZE;
  size_t step = align > FPOST_CHUNK_SIZE ? align / FPOST_CHUNK_SIZE : 1;
  if (chunks > slabs->chunks_count || step > slabs->chunks_count) {
    return NULL;
  }
  uint32_t count = (uint32_t)chunks;
  uint32_t first = chunks_find(slabs, count, (uint32_t)step);
  if (first == slabs->chunks_count) {
    return NULL;
  }
  for (uint32_t i = 0; i < count; i++) {
    slabs->chunks[first + i].kind = FPOST_CHUNK_MORE;
  }
  slabs->chunks[first].kind = FPOST_CHUNK_LARGE;
  slabs->chunks[first].taken = count;
  chunks_mark(slabs, first, count);
  return slabs->heap + first * FPOST_CHUNK_SIZE;
}

/* A chunk of the class with room, at the head of its list; or null. */
static struct fpost_chunk *chunk_with_room(struct fpost_slabs *slabs,
                                           uint32_t class_) {
  if (slabs->room[class_] == 0) {
    uint32_t index = slabs->chunks_used;
    if (index == slabs->chunks_count) {
      index = chunks_find(slabs, 1, 1);
    }
    if (index == slabs->chunks_count) {
      return NULL;
    }
    memset(&slabs->chunks[index], 0, sizeof(slabs->chunks[index]));
    slabs->chunks[index].kind = 1 + class_;
    chunks_mark(slabs, index, 1);
    slabs->room[class_] = 1 + index;
  }
  return &slabs->chunks[slabs->room[class_] - 1];
}

void *fpost_slabs_take(struct fpost_slabs *slabs, size_t size, size_t align) {
  size = size == 0 ? 1 : size;
  uint32_t class_ = class_find(size, align);
  if (class_ == CLASSES) {
    return large_take(slabs, size, align);
  }
  struct fpost_chunk *chunk = chunk_with_room(slabs, class_);
  if (chunk == NULL) {
    return NULL;
  }
  uint32_t word = chunk->hint;
  while (~chunk->bits[word] == 0) {
    word++;
  }
  uint32_t bit = (uint32_t)__builtin_ctzll(~chunk->bits[word]);
  uint32_t place = word * 64 + bit;
  chunk->bits[word] |= UINT64_C(1) << bit;
  chunk->hint = word;
  chunk->taken++;
  if (chunk->taken == class_places(class_)) {
    slabs->room[class_] = chunk->next;
    chunk->next = 0;
  }
  size_t index = (size_t)(chunk - slabs->chunks);
  return slabs->heap + index * FPOST_CHUNK_SIZE +
         (size_t)place * class_sizes[class_];
}

static size_t heap_offset(const struct fpost_slabs *slabs,
                          const void *address) {
  return (size_t)((const uint8_t *)address - slabs->heap);
}

size_t fpost_slabs_size(const struct fpost_slabs *slabs, const void *address) {
  const struct fpost_chunk *chunk =
      &slabs->chunks[heap_offset(slabs, address) / FPOST_CHUNK_SIZE];
  if (chunk->kind == FPOST_CHUNK_LARGE) {
    return chunk->taken * FPOST_CHUNK_SIZE;
  }
  return chunk->kind - 1 < CLASSES ? class_sizes[chunk->kind - 1] : 0;
}

static bool large_give(struct fpost_slabs *slabs, size_t index) {
  uint32_t count = slabs->chunks[index].taken;
  for (size_t i = index; i < index + count; i++) {
    memset(&slabs->chunks[i], 0, sizeof(slabs->chunks[i]));
  }
  return true;
}

bool fpost_slabs_give(struct fpost_slabs *slabs, const void *address) {
  size_t offset = heap_offset(slabs, address);
  size_t index = offset / FPOST_CHUNK_SIZE;
  size_t inside = offset % FPOST_CHUNK_SIZE;
  struct fpost_chunk *chunk = &slabs->chunks[index];
  if (chunk->kind == FPOST_CHUNK_LARGE) {
    return inside == 0 && large_give(slabs, index);
  }
  uint32_t class_ = chunk->kind - 1;
  if (class_ >= CLASSES || inside % class_sizes[class_] != 0) {
    return false;
  }
  size_t place = inside / class_sizes[class_];
  uint64_t bit = UINT64_C(1) << (place % 64);
  if ((chunk->bits[place / 64] & bit) == 0) {
    return false;
  }
  chunk->bits[place / 64] &= ~bit;
  if (place / 64 < chunk->hint) {
    chunk->hint = (uint32_t)(place / 64);
  }
  if (chunk->taken == class_places(class_)) {
    chunk->next = slabs->room[class_];
    slabs->room[class_] = 1 + (uint32_t)index;
  }
  chunk->taken--;
  return true;
}
