/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Packing: the records of a trace are read, checked and cut into zstd frames at
 * record boundaries. What cannot be read is not packed.
 */
#include "tools/trace_file.h"
#include "tools/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define ERROR_SIZE 640
/* Beyond 4 a trace gets little smaller and takes several times as long. The run
   waits for the packing of a long trace, so that its rest is packed faster. */
#define ZSTD_LEVEL 4
#define ZSTD_LEVEL_FAST 1
#define FAST_FROM ((uint64_t)16 << 20) /* bytes of records */
/* Threads that compress, and frames on the way at a time. */
#define WORKERS_COUNT 2u
#define FRAMES_COUNT 4u

/* A frame on its way: filled by the caller, compressed by a worker, written by
   the caller; frames are in use one after the other, round and round. */
struct frame {
  uint8_t *bytes; /* FPOST_PACKED_FRAME_MAX bytes */
  size_t size;
  int level; /* of zstd */
  uint8_t *packed;
  size_t packed_size; /* or an error of zstd */
  uint64_t hash;
  enum { FRAME_FREE, FRAME_FULL, FRAME_TAKEN, FRAME_PACKED } state;
};

struct packer {
  FILE *out;
  size_t packed_max;
  struct frame frames[FRAMES_COUNT];
  uint32_t filling; /* the frame that records are added to */
  uint32_t next;    /* the first frame that no worker has taken */
  uint32_t workers_count;
  pthread_t workers[WORKERS_COUNT];
  pthread_mutex_t lock; /* of the frames' states, next and over */
  pthread_cond_t changed;
  bool over;
  struct fpost_trace_state *state;
  struct fpost_pack_counts counts;
};

static void *worker_run(void *data) {
  struct packer *packer = data;
  ZSTD_CCtx *zstd = ZSTD_createCCtx();
  pthread_mutex_lock(&packer->lock);
  for (;;) {
    struct frame *frame = &packer->frames[packer->next];
    if (frame->state != FRAME_FULL) {
      if (packer->over) {
        break;
      }
      pthread_cond_wait(&packer->changed, &packer->lock);
      continue;
    }
    frame->state = FRAME_TAKEN;
    packer->next = (packer->next + 1) % FRAMES_COUNT;
    pthread_mutex_unlock(&packer->lock);
    /* Without memory for it zstd reports an error. */
    frame->packed_size =
        ZSTD_compressCCtx(zstd, frame->packed, packer->packed_max, frame->bytes,
                          frame->size, ZSTD_LEVEL);
    if (ZSTD_isError(frame->packed_size) == 0) {
      frame->hash = XXH64(frame->packed, frame->packed_size, 0);
    }
    pthread_mutex_lock(&packer->lock);
    frame->state = FRAME_PACKED;
    pthread_cond_broadcast(&packer->changed);
  }
  pthread_mutex_unlock(&packer->lock);
  ZSTD_freeCCtx(zstd);
  return NULL;
}

static bool packer_write(struct packer *packer, const void *bytes,
                         size_t size) {
  packer->counts.packed_bytes += size;
  return fwrite(bytes, 1, size, packer->out) == size;
}

/* Waits until the frame is compressed, if it is in use, and writes it. */
static bool frame_finish(struct packer *packer, struct frame *frame) {
  pthread_mutex_lock(&packer->lock);
  while (frame->state == FRAME_FULL || frame->state == FRAME_TAKEN) {
    pthread_cond_wait(&packer->changed, &packer->lock);
  }
  bool packed = frame->state == FRAME_PACKED;
  frame->state = FRAME_FREE;
  pthread_mutex_unlock(&packer->lock);
  if (!packed) {
    return true;
  }
  if (ZSTD_isError(frame->packed_size) != 0) {
    errno = EIO;
    return false;
  }
  struct fpost_packed_frame head = {.packed_size = (uint32_t)frame->packed_size,
                                    .size = (uint32_t)frame->size,
                                    .hash = frame->hash};
  frame->size = 0;
  return packer_write(packer, &head, sizeof head) &&
         packer_write(packer, frame->packed, frame->packed_size);
}

/* The frame being filled is complete: the next one is the oldest on its way. */
static bool packer_frame(struct packer *packer) {
  struct frame *frame = &packer->frames[packer->filling];
  if (frame->size == 0) {
    return true;
  }
  frame->level =
      packer->counts.raw_bytes < FAST_FROM ? ZSTD_LEVEL : ZSTD_LEVEL_FAST;
  pthread_mutex_lock(&packer->lock);
  frame->state = FRAME_FULL;
  pthread_cond_broadcast(&packer->changed);
  pthread_mutex_unlock(&packer->lock);
  packer->filling = (packer->filling + 1) % FRAMES_COUNT;
  return frame_finish(packer, &packer->frames[packer->filling]);
}

static bool packer_header(struct packer *packer,
                          const struct fpost_reader *reader) {
  struct fpost_packed_header head = {.version = FPOST_PACKED_VERSION};
  memcpy(head.magic, FPOST_PACKED_MAGIC, sizeof head.magic);
  struct frame *frame = &packer->frames[packer->filling];
  memcpy(frame->bytes, &reader->header, sizeof reader->header);
  memcpy(frame->bytes + sizeof reader->header, reader->command,
         reader->header.command_size);
  frame->size = sizeof reader->header + reader->header.command_size;
  packer->counts.raw_bytes = frame->size;
  return packer_write(packer, &head, sizeof head);
}

/* A record keeps its encoding, because the order of records stays. Only an END
   that the reader added has none yet. */
static size_t record_put(struct packer *packer,
                         const struct fpost_reader *reader,
                         const struct fpost_record *record, uint8_t *out) {
  if (reader->bytes == NULL) {
    return fpost_trace_encode(packer->state, record, out);
  }
  memcpy(out, reader->bytes, reader->bytes_size);
  return reader->bytes_size;
}

static bool packer_record(struct packer *packer,
                          const struct fpost_reader *reader,
                          const struct fpost_record *record) {
  struct fpost_pack_counts *counts = &packer->counts;
  struct frame *frame = &packer->frames[packer->filling];
  size_t size = record_put(packer, reader, record, frame->bytes + frame->size);
  frame->size += size;
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
  return frame->size < FPOST_PACKED_FRAME_AIM || packer_frame(packer);
}

static bool packer_finish(struct packer *packer) {
  struct fpost_packed_frame last = {.hash = packer->counts.raw_bytes};
  bool written = packer_frame(packer);
  for (uint32_t i = 1; written && i < FRAMES_COUNT; i++) {
    uint32_t at = (packer->filling + i) % FRAMES_COUNT;
    written = frame_finish(packer, &packer->frames[at]);
  }
  return written && packer_write(packer, &last, sizeof last) &&
         fflush(packer->out) == 0;
}

/* All records of reader into packer. */
static int packer_run(struct packer *packer, struct fpost_reader *reader,
                      const char *path, char error[ERROR_SIZE]) {
  struct fpost_record record;
  bool written = packer_header(packer, reader);
  int err = FPOST_OK;
  while (written && (err = fpost_reader_next(reader, &record)) == FPOST_OK) {
    written = packer_record(packer, reader, &record);
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

static bool packer_memory(struct packer *packer) {
  packer->packed_max = ZSTD_compressBound(FPOST_PACKED_FRAME_MAX);
  packer->state = calloc(1, sizeof *packer->state);
  bool enough = packer->state != NULL;
  for (uint32_t i = 0; i < FRAMES_COUNT; i++) {
    packer->frames[i].bytes = malloc(FPOST_PACKED_FRAME_MAX);
    packer->frames[i].packed = malloc(packer->packed_max);
    enough = enough && packer->frames[i].bytes != NULL &&
             packer->frames[i].packed != NULL;
  }
  return enough;
}

static int packer_open(struct packer *packer, const char *path,
                       char error[ERROR_SIZE]) {
  pthread_mutex_init(&packer->lock, NULL);
  pthread_cond_init(&packer->changed, NULL);
  if (!packer_memory(packer)) {
    snprintf(error, ERROR_SIZE, "out of memory");
    return FPOST_ENOMEM;
  }
  while (packer->workers_count < WORKERS_COUNT &&
         pthread_create(&packer->workers[packer->workers_count], NULL,
                        worker_run, packer) == 0) {
    packer->workers_count++;
  }
  if (packer->workers_count == 0) {
    snprintf(error, ERROR_SIZE, "cannot start a thread to pack the trace");
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
  pthread_mutex_lock(&packer->lock);
  packer->over = true;
  pthread_cond_broadcast(&packer->changed);
  pthread_mutex_unlock(&packer->lock);
  for (uint32_t i = 0; i < packer->workers_count; i++) {
    pthread_join(packer->workers[i], NULL);
  }
  if (packer->out != NULL) {
    fclose(packer->out);
  }
  for (uint32_t i = 0; i < FRAMES_COUNT; i++) {
    free(packer->frames[i].bytes);
    free(packer->frames[i].packed);
  }
  free(packer->state);
  pthread_cond_destroy(&packer->changed);
  pthread_mutex_destroy(&packer->lock);
}

bool fpost_trace_replaces(const char *path, char error[ERROR_SIZE]) {
  struct stat status;
  if (stat(path, &status) != 0 ||
      (S_ISREG(status.st_mode) && status.st_size == 0)) {
    return true;
  }
  char magic[8] = "";
  int fd = S_ISREG(status.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  ssize_t got = fd < 0 ? 0 : read(fd, magic, sizeof magic);
  if (fd >= 0) {
    close(fd);
  }
  bool is_trace = got == (ssize_t)sizeof magic &&
                  (memcmp(magic, FPOST_PACKED_MAGIC, sizeof magic) == 0 ||
                   memcmp(magic, FPOST_TRACE_MAGIC, sizeof magic) == 0);
  if (!is_trace) {
    snprintf(error, ERROR_SIZE,
             "cannot write the trace '%.400s': what is there is no trace and "
             "is not overwritten; name another file",
             path);
  }
  return is_trace;
}

int fpost_trace_pack(const char *raw_path, const char *packed_path,
                     const atomic_bool *over, struct fpost_pack_counts *counts,
                     char error[ERROR_SIZE]) {
  struct fpost_reader reader;
  struct packer packer = {.out = NULL};
  char part[4096];
  int length = snprintf(part, sizeof part, "%s.part", packed_path);
  if (length < 0 || (size_t)length >= sizeof part) {
    snprintf(error, ERROR_SIZE, "the path of the trace is too long");
    return FPOST_EINVAL;
  }
  int err = over == NULL ? fpost_reader_open(&reader, raw_path)
                         : fpost_reader_follow(&reader, raw_path, over);
  if (err != FPOST_OK) {
    snprintf(error, ERROR_SIZE, "%s", reader.error);
    return err;
  }
  err = packer_open(&packer, part, error);
  if (err == FPOST_OK) {
    err = packer_run(&packer, &reader, packed_path, error);
    if (err == FPOST_OK && !fpost_trace_replaces(packed_path, error)) {
      err = FPOST_EINVAL;
    } else if (err == FPOST_OK && rename(part, packed_path) != 0) {
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
