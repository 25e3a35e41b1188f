/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Packing: the records of a trace are read, checked and encoded again, and cut
 * into zstd frames at record boundaries. What cannot be read is not packed.
 */
#include "tools/trace_file.h"
#include "tools/trace_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define ERROR_SIZE 640
#define ZSTD_LEVEL 9

struct packer {
  FILE *out;
  ZSTD_CCtx *zstd;
  uint8_t *frame; /* FPOST_PACKED_FRAME_MAX bytes */
  size_t size;
  uint8_t *packed;
  size_t packed_max;
  struct fpost_trace_state *state;
  struct fpost_pack_counts counts;
};

static bool packer_write(struct packer *packer, const void *bytes,
                         size_t size) {
  packer->counts.packed_bytes += size;
  return fwrite(bytes, 1, size, packer->out) == size;
}

static bool packer_frame(struct packer *packer) {
  if (packer->size == 0) {
    return true;
  }
  size_t size =
      ZSTD_compressCCtx(packer->zstd, packer->packed, packer->packed_max,
                        packer->frame, packer->size, ZSTD_LEVEL);
  if (ZSTD_isError(size) != 0) {
    errno = EIO;
    return false;
  }
  struct fpost_packed_frame head = {.packed_size = (uint32_t)size,
                                    .size = (uint32_t)packer->size,
                                    .hash = XXH64(packer->packed, size, 0)};
  packer->size = 0;
  return packer_write(packer, &head, sizeof head) &&
         packer_write(packer, packer->packed, size);
}

static bool packer_header(struct packer *packer,
                          const struct fpost_reader *reader) {
  struct fpost_packed_header head = {.version = FPOST_PACKED_VERSION};
  memcpy(head.magic, FPOST_PACKED_MAGIC, sizeof head.magic);
  memcpy(packer->frame, &reader->header, sizeof reader->header);
  memcpy(packer->frame + sizeof reader->header, reader->command,
         reader->header.command_size);
  packer->size = sizeof reader->header + reader->header.command_size;
  packer->counts.raw_bytes = packer->size;
  return packer_write(packer, &head, sizeof head);
}

static bool packer_record(struct packer *packer,
                          const struct fpost_record *record) {
  struct fpost_pack_counts *counts = &packer->counts;
  size_t size =
      fpost_trace_encode(packer->state, record, packer->frame + packer->size);
  packer->size += size;
  counts->raw_bytes += size;
  counts->records++;
  counts->stores += record->kind == FPOST_RECORD_STORE;
  counts->flushes += record->kind == FPOST_RECORD_FLUSH;
  counts->fences += record->kind == FPOST_RECORD_FENCE;
  if (record->kind == FPOST_RECORD_STORE ||
      record->kind == FPOST_RECORD_FLUSH ||
      record->kind == FPOST_RECORD_FENCE) {
    counts->run_bytes += size;
  }
  if (record->kind == FPOST_RECORD_END) {
    counts->end_status = record->value;
  }
  return packer->size < FPOST_PACKED_FRAME_AIM || packer_frame(packer);
}

static bool packer_finish(struct packer *packer) {
  struct fpost_packed_frame last = {.hash = packer->counts.raw_bytes};
  return packer_frame(packer) && packer_write(packer, &last, sizeof last) &&
         fflush(packer->out) == 0;
}

/* All records of reader into packer. */
static int packer_run(struct packer *packer, struct fpost_reader *reader,
                      const char *path, char error[ERROR_SIZE]) {
  struct fpost_record record;
  bool written = packer_header(packer, reader);
  int err = FPOST_OK;
  while (written && (err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    written = packer_record(packer, &record);
  }
  if (written && err != FPOST_ENOENT) {
    snprintf(error, ERROR_SIZE, "%s", reader->error);
    return err;
  }
  if (!written || !packer_finish(packer)) {
    snprintf(error, ERROR_SIZE, "cannot write the trace '%.400s': %s", path,
             strerror(errno));
    return errno == ENOSPC ? FPOST_ENOSPC : FPOST_EIO;
  }
  return FPOST_OK;
}

static int packer_open(struct packer *packer, const char *path,
                       char error[ERROR_SIZE]) {
  packer->packed_max = ZSTD_compressBound(FPOST_PACKED_FRAME_MAX);
  packer->zstd = ZSTD_createCCtx();
  packer->frame = malloc(FPOST_PACKED_FRAME_MAX);
  packer->packed = malloc(packer->packed_max);
  packer->state = calloc(1, sizeof *packer->state);
  if (packer->zstd == NULL || packer->frame == NULL || packer->packed == NULL ||
      packer->state == NULL) {
    snprintf(error, ERROR_SIZE, "out of memory");
    return FPOST_ENOMEM;
  }
  packer->out = fopen(path, "wbe");
  if (packer->out == NULL) {
    snprintf(error, ERROR_SIZE, "cannot write the trace '%.400s': %s", path,
             strerror(errno));
    return FPOST_EIO;
  }
  return FPOST_OK;
}

static void packer_close(struct packer *packer) {
  if (packer->out != NULL) {
    fclose(packer->out);
  }
  ZSTD_freeCCtx(packer->zstd);
  free(packer->frame);
  free(packer->packed);
  free(packer->state);
}

int fpost_trace_pack(const char *raw_path, const char *packed_path,
                     struct fpost_pack_counts *counts, char error[ERROR_SIZE]) {
  struct fpost_reader reader;
  struct packer packer = {.out = NULL};
  char part[4096];
  int length = snprintf(part, sizeof part, "%s.part", packed_path);
  if (length < 0 || (size_t)length >= sizeof part) {
    snprintf(error, ERROR_SIZE, "the path of the trace is too long");
    return FPOST_EINVAL;
  }
  int err = fpost_reader_open(&reader, raw_path);
  if (err != FPOST_OK) {
    snprintf(error, ERROR_SIZE, "%s", reader.error);
    return err;
  }
  err = packer_open(&packer, part, error);
  if (err == FPOST_OK) {
    err = packer_run(&packer, &reader, packed_path, error);
    if (err == FPOST_OK && rename(part, packed_path) != 0) {
      snprintf(error, ERROR_SIZE, "cannot write the trace '%.400s': %s",
               packed_path, strerror(errno));
      err = FPOST_EIO;
    }
    if (err != FPOST_OK) {
      unlink(part);
    }
  }
  packer_close(&packer);
  fpost_reader_close(&reader);
  if (err == FPOST_OK) {
    *counts = packer.counts;
  }
  return err;
}
