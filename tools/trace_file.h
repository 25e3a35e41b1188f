/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The bytes of a packed trace; docs/TRACE.md, "Packed". */
#ifndef FPOST_TOOLS_TRACE_FILE_H
#define FPOST_TOOLS_TRACE_FILE_H

#include <stdint.h>

#define FPOST_PACKED_MAGIC "fpostpk\n"
#define FPOST_PACKED_VERSION 1u

struct fpost_packed_header {
  char magic[8];
  uint32_t version;
  uint32_t spare; /* 0 */
};

/* Before each frame; the one with size 0 is the last, and has the sum of all
   sizes in place of a hash. */
struct fpost_packed_frame {
  uint32_t packed_size; /* bytes that follow: one zstd frame */
  uint32_t size;        /* bytes it expands to; whole records */
  uint64_t hash;        /* XXH64 of the packed bytes, seed 0 */
};

/* A frame expands to at most this, in bytes. */
#define FPOST_PACKED_FRAME_MAX (8u << 20)
/* The packer begins a new frame after this many. */
#define FPOST_PACKED_FRAME_AIM (4u << 20)

_Static_assert(sizeof(struct fpost_packed_header) == 16, "no padding");
_Static_assert(sizeof(struct fpost_packed_frame) == 16, "no padding");

#endif /* FPOST_TOOLS_TRACE_FILE_H */
