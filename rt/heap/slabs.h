/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * An allocator that keeps what it knows outside of the memory it hands out, so
 * that a cache line of the heap holds the program's data and nothing else.
 *
 * The heap is an array of chunks of 64 KiB. A chunk is free, holds objects of
 * one size class (a bit per place says whether it is taken), or begins or
 * continues a large object:
 *
 *     heap    | 48 B objects | 192 B objects | large ------------> | free | ...
 *     chunks  | class, bits  | class, bits   | 3 chunks | - | -    |      |
 *
 * Not thread-safe: the caller locks.
 */
#ifndef FPOST_HEAP_SLABS_H
#define FPOST_HEAP_SLABS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FPOST_CHUNK_SIZE ((size_t)65536)
#define FPOST_SLAB_CLASSES 32u
/* Places in a chunk of the smallest class, 16 bytes. */
#define FPOST_CHUNK_PLACES 4096u

struct fpost_chunk {
  uint32_t kind;  /* 0 free, 1 + class, or one of the two below */
  uint32_t taken; /* places; for a large object its chunks */
  uint32_t next;  /* 1 + next chunk of the class that has room; 0: none */
  uint32_t hint;  /* word of bits where the search for a free place begins */
  uint64_t bits[FPOST_CHUNK_PLACES / 64];
};

enum { FPOST_CHUNK_LARGE = 1000, FPOST_CHUNK_MORE = 1001 };

struct fpost_slabs {
  uint8_t *heap;              /* aligned to FPOST_CHUNK_SIZE */
  struct fpost_chunk *chunks; /* zeroed, chunks_count */
  uint32_t chunks_count;
  uint32_t chunks_used; /* none at or after this one was ever used */
  uint32_t room[FPOST_SLAB_CLASSES]; /* 1 + first chunk with room, 0: none */
};

/*
 * size bytes, aligned to align (a power of two). Null if the heap is full. Size
 * 0 counts as 1.
 */
void *fpost_slabs_take(struct fpost_slabs *slabs, size_t size, size_t align);

/* The size of the object at address, which fpost_slabs_take returned. */
size_t fpost_slabs_size(const struct fpost_slabs *slabs, const void *address);

/*
 * Give the object back. Returns false if address is none, or was given back
 * before; nothing is changed then.
 */
bool fpost_slabs_give(struct fpost_slabs *slabs, const void *address);

#endif /* FPOST_HEAP_SLABS_H */
