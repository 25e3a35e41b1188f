/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/trace_reader.h"

#include "rt/model/rules.h"
#include "tools/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define PAGE_SIZE 4096u
/* The kernel lets a command line have no more, in bytes. */
#define COMMAND_MAX (4u << 20)
/* A trace that is followed is mapped once, up to this size. */
#define FOLLOW_MAX ((size_t)1 << 40)
/* Between looks at a trace that has not grown. */
#define FOLLOW_NANOSECONDS 500000

struct fpost_reader_file {
  char *path;
  const uint8_t *bytes; /* the file, mapped */
  size_t size;
  size_t mapped; /* size of the mapping */
  const atomic_bool
      *over; /* null, or not: the file may grow until it is true */
  int fd;    /* while followed */
  size_t at; /* of the next frame; in a raw trace, of the next record */

  const uint8_t *part; /* records: the raw file, or the frame expanded */
  size_t part_size;
  size_t part_at;
  uint8_t *frame; /* FPOST_PACKED_FRAME_MAX bytes, or null */
  uint64_t expanded;
  double ratio;  /* packed bytes per byte of the part */
  uint64_t next; /* number of the next record */

  struct fpost_trace_state state;
  bool ended;
  uint64_t pool_size[FPOST_POOLS_MAX]; /* rounded up to a page */
  bool pool_known[FPOST_POOLS_MAX];
  uint8_t *stacks; /* a bit per stack id */
};

static int no_memory(struct fpost_reader *reader) {
  snprintf(reader->error, sizeof reader->error, "out of memory");
  return FPOST_ENOMEM;
}

static int damaged(struct fpost_reader *reader, const char *what) {
  struct fpost_reader_file *file = reader->file;
  snprintf(reader->error, sizeof reader->error,
           "'%.400s' is damaged at record %" PRIu64 ", byte %" PRIu64
           " of the file: %s; record again",
           file->path, file->next, (uint64_t)file->at, what);
  return FPOST_EINVAL;
}

/* Expand the next frame. Returns 0, FPOST_ENOENT after the last, or an error.
 */
static int frame_next(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  struct fpost_packed_frame head;
  size_t left = file->size - file->at;
  if (left < sizeof head) {
    return damaged(reader, "the file ends before the trace does: truncated");
  }
  memcpy(&head, file->bytes + file->at, sizeof head);
  if (head.size == 0) {
    if (head.packed_size != 0 || head.hash != file->expanded ||
        left != sizeof head) {
      return damaged(reader, "the last frame is not as it was written");
    }
    return FPOST_ENOENT;
  }
  if (head.size > FPOST_PACKED_FRAME_MAX) {
    return damaged(reader, "a frame is larger than any that is written");
  }
  if (head.packed_size > left - sizeof head) {
    return damaged(reader, "the file ends in a frame: truncated");
  }
  const uint8_t *packed = file->bytes + file->at + sizeof head;
  if (XXH64(packed, head.packed_size, 0) != head.hash) {
    return damaged(reader, "the checksum of a frame is wrong");
  }
  size_t size = ZSTD_decompress(file->frame, FPOST_PACKED_FRAME_MAX, packed,
                                head.packed_size);
  if (ZSTD_isError(size) != 0 || size != head.size) {
    return damaged(reader, "a frame does not expand to its size");
  }
  file->at += sizeof head + head.packed_size;
  file->expanded += size;
  file->part = file->frame;
  file->part_size = size;
  file->part_at = 0;
  file->ratio = (double)(sizeof head + head.packed_size) / (double)size;
  return FPOST_OK;
}

/* The header and the command that open the part. */
static int header_read(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  struct fpost_trace_header *header = &reader->header;
  if (file->part_size < sizeof *header) {
    return damaged(reader, "it is too short for a header: truncated");
  }
  memcpy(header, file->part, sizeof *header);
  if (memcmp(header->magic, FPOST_TRACE_MAGIC, sizeof header->magic) != 0) {
    return damaged(reader, "it does not hold a trace");
  }
  if (header->version != FPOST_TRACE_VERSION) {
    snprintf(reader->error, sizeof reader->error,
             "'%.400s' was made by version %" PRIu32
             " of the trace format, this is version %u: record again",
             file->path, header->version, FPOST_TRACE_VERSION);
    return FPOST_EVERSION;
  }
  if (header->header_size != sizeof *header ||
      header->command_size > COMMAND_MAX ||
      header->command_size > file->part_size - sizeof *header) {
    return damaged(reader, "its header has impossible sizes");
  }
  const char *command = (const char *)file->part + sizeof *header;
  if (header->command_size != 0 && command[header->command_size - 1] != '\0') {
    return damaged(reader, "the command in its header does not end");
  }
  free((void *)(uintptr_t)reader->command);
  char *copy = malloc(header->command_size + 1u);
  if (copy == NULL) {
    return no_memory(reader);
  }
  memcpy(copy, command, header->command_size);
  copy[header->command_size] = '\0';
  reader->command = copy;
  file->part_at = sizeof *header + header->command_size;
  return FPOST_OK;
}

static int packed_begin(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  struct fpost_packed_header head;
  memcpy(&head, file->bytes, sizeof head);
  if (head.version != FPOST_PACKED_VERSION) {
    snprintf(reader->error, sizeof reader->error,
             "'%.400s' was packed by version %" PRIu32
             " of the trace format, this is version %u: record again",
             file->path, head.version, FPOST_PACKED_VERSION);
    return FPOST_EVERSION;
  }
  reader->packed = true;
  if (file->frame == NULL) {
    file->frame = malloc(FPOST_PACKED_FRAME_MAX);
  }
  if (file->frame == NULL) {
    return no_memory(reader);
  }
  file->at = sizeof head;
  int err = frame_next(reader);
  return err == FPOST_ENOENT ? damaged(reader, "it is empty") : err;
}

/* Does the file begin like this, as far as there is any of it? */
static bool begins_as(const struct fpost_reader_file *file, const char *magic) {
  size_t size = file->size < 8 ? file->size : 8;
  return size == 0 || memcmp(file->bytes, magic, size) == 0;
}

int fpost_reader_rewind(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  file->at = 0;
  file->expanded = 0;
  file->next = 0;
  file->ended = false;
  reader->index = 0;
  reader->file_size = file->size;
  memset(&file->state, 0, sizeof file->state);
  memset(file->pool_known, 0, sizeof file->pool_known);
  memset(file->stacks, 0, FPOST_TRACE_STACKS_MAX / 8);
  bool packed = begins_as(file, FPOST_PACKED_MAGIC);
  if (!packed && !begins_as(file, FPOST_TRACE_MAGIC)) {
    snprintf(
        reader->error, sizeof reader->error,
        "'%.400s' is no trace: it does not begin as one; traces are made by "
        "'fencepost record'",
        file->path);
    return FPOST_EINVAL;
  }
  if (file->size < sizeof(struct fpost_packed_header)) {
    return damaged(reader, "it is too short for a trace: truncated");
  }
  if (packed) {
    int err = packed_begin(reader);
    return err != FPOST_OK ? err : header_read(reader);
  }
  file->part = file->bytes;
  file->part_size = file->size;
  file->ratio = 1.0;
  return header_read(reader);
}

/*
 * Is there a complete record behind what was read? The tag is written last. A
 * file may be cut behind its last record: a page of which nothing has been read
 * yet may not be there, and is looked at by a system call.
 */
static bool follow_ready(struct fpost_reader_file *file) {
  uint8_t tag = 0;
  struct stat status;
  if (file->part_at < file->size && file->part_at % PAGE_SIZE != 0) {
    tag = __atomic_load_n(&file->bytes[file->part_at], __ATOMIC_ACQUIRE);
  } else if (fstat(file->fd, &status) != 0 ||
             pread(file->fd, &tag, 1, (off_t)file->part_at) != 1) {
    return false;
  } else {
    file->size = (size_t)status.st_size;
    file->part_size = file->size;
  }
  return tag != 0;
}

/* Waits for a record, or for the end of the program. */
static void follow_wait(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  const struct timespec pause = {.tv_nsec = FOLLOW_NANOSECONDS};
  struct stat status;
  /* A record that is there is whole, but may reach beyond the size last seen.
   */
  while (!follow_ready(file)) {
    if (!atomic_load(file->over)) {
      nanosleep(&pause, NULL);
    } else if (!follow_ready(file)) {
      file->over = NULL;
      break;
    }
  }
  if ((file->over == NULL ||
       file->part_size - file->part_at < FPOST_RECORD_MAX) &&
      fstat(file->fd, &status) == 0) {
    file->size = (size_t)status.st_size;
    file->part_size = file->size;
  }
  reader->file_size = file->size;
}

static int file_map(struct fpost_reader *reader, const char *path) {
  struct fpost_reader_file *file = reader->file;
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    snprintf(reader->error, sizeof reader->error,
             "cannot read the trace '%.400s': %s", path,
             fd < 0 ? strerror(errno) : "it is not a file");
    if (fd >= 0) {
      close(fd);
    }
    return FPOST_ENOENT;
  }
  file->size = (size_t)status.st_size;
  if (file->size != 0) {
    file->mapped = file->over == NULL ? file->size : FOLLOW_MAX;
    void *bytes =
        mmap(NULL, file->mapped, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    file->bytes = bytes == MAP_FAILED ? NULL : bytes;
  }
  file->fd = fd;
  if (file->over == NULL) {
    close(fd);
    file->fd = -1;
  }
  if (file->size != 0 && file->bytes == NULL) {
    snprintf(reader->error, sizeof reader->error, "cannot map '%.400s': %s",
             path, strerror(errno));
    return FPOST_EIO;
  }
  return FPOST_OK;
}

static int reader_open(struct fpost_reader *reader, const char *path,
                       const atomic_bool *over) {
  memset(reader, 0, sizeof *reader);
  reader->file = calloc(1, sizeof *reader->file);
  if (reader->file != NULL) {
    reader->file->fd = -1;
    reader->file->over = over;
    reader->file->path = strdup(path);
    reader->file->stacks = calloc(1, FPOST_TRACE_STACKS_MAX / 8);
  }
  int err = FPOST_OK;
  if (reader->file == NULL || reader->file->path == NULL ||
      reader->file->stacks == NULL) {
    err = no_memory(reader);
  } else {
    err = file_map(reader, path);
  }
  if (err == FPOST_OK) {
    err = fpost_reader_rewind(reader);
  }
  if (err != FPOST_OK) {
    fpost_reader_close(reader);
  }
  return err;
}

int fpost_reader_open(struct fpost_reader *reader, const char *path) {
  return reader_open(reader, path, NULL);
}

/* Are header and command there, which the first record follows? */
static bool follow_begun(const char *path) {
  struct fpost_trace_header header;
  uint8_t tag = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  bool whole = pread(fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
               header.header_size == sizeof header;
  off_t first = (off_t)sizeof header + (off_t)header.command_size;
  whole = whole && pread(fd, &tag, 1, first) == 1 && tag != 0;
  close(fd);
  return whole;
}

int fpost_reader_follow(struct fpost_reader *reader, const char *path,
                        const atomic_bool *over) {
  const struct timespec pause = {.tv_nsec = FOLLOW_NANOSECONDS};
  while (!atomic_load(over) && !follow_begun(path)) {
    nanosleep(&pause, NULL);
  }
  return reader_open(reader, path, atomic_load(over) ? NULL : over);
}

void fpost_reader_close(struct fpost_reader *reader) {
  struct fpost_reader_file *file = reader->file;
  if (file != NULL) {
    if (file->bytes != NULL) {
      munmap((void *)(uintptr_t)file->bytes, file->mapped);
    }
    if (file->fd >= 0) {
      close(file->fd);
    }
    free(file->frame);
    free(file->path);
    free(file->stacks);
    free(file);
  }
  free((void *)(uintptr_t)reader->command);
  reader->file = NULL;
  reader->command = NULL;
}

static bool range_valid(const struct fpost_reader_file *file,
                        const struct fpost_record *record) {
  uint32_t pool = fpost_pm_pool(record->address);
  uint64_t offset = fpost_pm_offset(record->address);
  return pool < FPOST_POOLS_MAX && file->pool_known[pool] &&
         offset <= file->pool_size[pool] &&
         record->size <= file->pool_size[pool] - offset;
}

static bool stack_valid(const struct fpost_reader_file *file, uint32_t id) {
  return id == 0 || (id < FPOST_TRACE_STACKS_MAX &&
                     (file->stacks[id / 8] >> (id % 8) & 1) != 0);
}

/* Take note of what a record introduces. Null, or what is wrong with it. */
static const char *definition_check(struct fpost_reader_file *file,
                                    const struct fpost_record *record) {
  uint64_t size_max = UINT64_C(1) << FPOST_POOL_SHIFT;
  switch (record->kind) {
  case FPOST_RECORD_MODULE:
    return record->id < FPOST_TRACE_MODULES_MAX ? NULL : "a module too many";
  case FPOST_RECORD_STACK:
    if (record->id == 0 || record->id >= FPOST_TRACE_STACKS_MAX) {
      return "a stack whose number is out of range";
    }
    file->stacks[record->id / 8] |= (uint8_t)(1u << (record->id % 8));
    return NULL;
  case FPOST_RECORD_POOL:
  case FPOST_RECORD_RESIZE:
    if (record->id >= FPOST_POOLS_MAX || record->size > size_max) {
      return "a pool whose number or size is out of range";
    }
    if (record->kind == FPOST_RECORD_RESIZE && !file->pool_known[record->id]) {
      return "a pool that was not introduced changes its size";
    }
    uint64_t size = (record->size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    if (file->pool_known[record->id] && size < file->pool_size[record->id]) {
      return "a pool becomes smaller";
    }
    file->pool_known[record->id] = true;
    file->pool_size[record->id] = size;
    return NULL;
  default:
    return NULL;
  }
}

static const char *record_check(struct fpost_reader_file *file,
                                const struct fpost_record *record) {
  switch (record->kind) {
  case FPOST_RECORD_IMAGE:
  case FPOST_RECORD_UNMAP:
  case FPOST_RECORD_STORE:
  case FPOST_RECORD_FLUSH:
  case FPOST_RECORD_DURABLE:
  case FPOST_RECORD_IGNORE:
    if (!range_valid(file, record)) {
      return "an address outside of every pool";
    }
    break;
  default:
    break;
  }
  if (record->kind == FPOST_RECORD_MARK &&
      record->flags == FPOST_MARK_FINDING &&
      (record->id >= FPOST_CLASS_COUNT ||
       record->value >> 32 >= FPOST_DETAIL_COUNT ||
       !stack_valid(file, (uint32_t)record->value))) {
    return "a finding of an unknown class or stack";
  }
  if (!stack_valid(file, record->stack)) {
    return "a stack that was not introduced";
  }
  if (record->thread >= FPOST_TRACE_THREADS_MAX) {
    return "a thread whose number is out of range";
  }
  return definition_check(file, record);
}

int fpost_reader_next(struct fpost_reader *reader,
                      struct fpost_record *record) {
  struct fpost_reader_file *file = reader->file;
  size_t used = 0;
  if (file->ended) {
    return FPOST_ENOENT;
  }
  while (reader->packed && file->part_at == file->part_size) {
    int err = frame_next(reader);
    if (err != FPOST_OK) {
      return err == FPOST_ENOENT ? damaged(reader, "it has no end record")
                                 : err;
    }
  }
  if (!reader->packed) {
    file->at = file->part_at;
  }
  reader->bytes = NULL;
  if (file->over != NULL) {
    follow_wait(reader);
  }
  if (file->part_at == file->part_size) {
    *record =
        (struct fpost_record){.kind = FPOST_RECORD_END, .value = UINT64_MAX};
  } else {
    int err =
        fpost_trace_decode(&file->state, file->part + file->part_at,
                           file->part_size - file->part_at, record, &used);
    if (err != FPOST_OK) {
      return damaged(reader,
                     err == FPOST_ENOENT
                         ? "it ends in the middle of a record: truncated"
                         : "its bytes are no record");
    }
    reader->bytes = file->part + file->part_at;
    reader->bytes_size = used;
  }
  const char *wrong = record_check(file, record);
  if (wrong != NULL) {
    return damaged(reader, wrong);
  }
  file->part_at += used;
  reader->index = file->next++;
  reader->size = used;
  reader->packed_share = (double)used * file->ratio;
  if (record->kind == FPOST_RECORD_END) {
    file->ended = true;
    if (!reader->packed) {
      return FPOST_OK;
    }
    int err = file->part_at == file->part_size ? frame_next(reader) : FPOST_OK;
    if (err != FPOST_ENOENT) {
      return err != FPOST_OK ? err
                             : damaged(reader, "it goes on after its end");
    }
  }
  return FPOST_OK;
}
