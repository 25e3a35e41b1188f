/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * An append-only log in an 8 MiB pool, on libpmem.
 *
 *   applog append COUNT POOL     appends COUNT records
 *   applog check POOL            recovery: verifies every record
 *
 * A record is written behind the last one and persisted; then the header's
 * `used` takes it in, with one 8-byte store. What lies behind `used` does not
 * count.
 *
 * BUG_1: record and `used` leave with one fence: a crash may keep `used` alone.
 * BUG_2: the head of the record is not flushed.
 * BUG_3: `used` is flushed, but no fence follows.
 *
 * Exit code: 0, 1 if the log is broken, 2 for usage or environment.
 */
#include <errno.h>
#include <inttypes.h>
#include <libpmem.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_SIZE ((size_t)8 << 20)
#define LOG_MAGIC UINT64_C(0x676f6c7070612131)
#define PAYLOAD_MAX 120u

struct log_header {
  uint64_t magic; /* 0 until the rest is valid */
  uint64_t used;  /* bytes of records that count */
  uint8_t spare[48];
};

struct log_record {
  uint32_t size; /* of the payload, a multiple of 8 */
  uint32_t sequence;
  uint64_t check;
  uint8_t payload[];
};

struct log {
  struct log_header *header;
  uint8_t *records;
  size_t records_max; /* bytes */
};

static uint64_t payload_check(uint32_t sequence, const uint8_t *payload,
                              uint32_t size) {
  uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ sequence;
  for (uint32_t i = 0; i < size; i++) {
    sum = (sum ^ payload[i]) * UINT64_C(0x100000001b3);
  }
  return sum;
}

/* Returns 0, or 2 with a message. */
static int log_map(struct log *log, const char *path, bool create) {
  size_t size = 0;
  int is_pmem;
  uint8_t *base = create ? pmem_map_file(path, POOL_SIZE, PMEM_FILE_CREATE,
                                         0600, &size, &is_pmem)
                         : pmem_map_file(path, 0, 0, 0, &size, &is_pmem);
  if (base == NULL || size < POOL_SIZE) {
    fprintf(stderr, "applog: %s: %s\n", path,
            base == NULL ? pmem_errormsg() : "smaller than a log");
    return 2;
  }
  log->header = (struct log_header *)(void *)base;
  log->records = base + sizeof(struct log_header);
  log->records_max = size - sizeof(struct log_header);
  if (create && log->header->magic == 0) {
    log->header->used = 0;
    pmem_persist(&log->header->used, sizeof(log->header->used));
    log->header->magic = LOG_MAGIC;
    pmem_persist(&log->header->magic, sizeof(log->header->magic));
  }
  return 0;
}

static bool log_append(struct log *log, uint32_t sequence,
                       const uint8_t *payload, uint32_t size) {
  uint64_t used = log->header->used;
  if (used + sizeof(struct log_record) + size > log->records_max) {
    fputs("applog: the log is full\n", stderr);
    return false;
  }
  struct log_record *record = (void *)(log->records + used);
  pmem_memcpy_nodrain(record->payload, payload, size);
  record->size = size;
  record->sequence = sequence;
  record->check = payload_check(sequence, payload, size);
#ifndef BUG_2
  pmem_flush(record, sizeof(*record));
#endif
#ifndef BUG_1
  pmem_drain();
#endif
  log->header->used = used + sizeof(*record) + size;
  pmem_flush(&log->header->used, sizeof(log->header->used));
#ifndef BUG_3
  pmem_drain();
#endif
  return true;
}

/* Walks the records; returns 0 with their number, or 1 with a message. */
static int log_check(const struct log *log, uint32_t *count) {
  uint64_t used = log->header->magic == LOG_MAGIC ? log->header->used : 0;
  *count = 0;
  if (used > log->records_max) {
    fprintf(stderr, "applog: used is %" PRIu64 "\n", used);
    return 1;
  }
  for (uint64_t at = 0; at < used;) {
    const struct log_record *record = (const void *)(log->records + at);
    if (record->size == 0 || record->size > PAYLOAD_MAX ||
        record->sequence != *count ||
        record->check !=
            payload_check(record->sequence, record->payload, record->size)) {
      fprintf(stderr, "applog: record %" PRIu32 " is broken\n", *count);
      return 1;
    }
    at += sizeof(*record) + record->size;
    (*count)++;
  }
  return 0;
}

static int run_append(struct log *log, uint64_t count) {
  uint32_t sequence;
  if (log_check(log, &sequence) != 0) {
    return 1;
  }
  for (uint64_t i = 0; i < count; i++, sequence++) {
    uint8_t payload[PAYLOAD_MAX];
    uint32_t size = 8 + 8 * (sequence % (PAYLOAD_MAX / 8));
    memset(payload, (int)('a' + sequence % 26), size);
    if (!log_append(log, sequence, payload, size)) {
      return 1;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  struct log log;
  uint32_t count;
  if (argc == 4 && strcmp(argv[1], "append") == 0) {
    int result = log_map(&log, argv[3], true);
    return result != 0 ? result : run_append(&log, strtoull(argv[2], NULL, 10));
  }
  if (argc == 3 && strcmp(argv[1], "check") == 0) {
    int result = log_map(&log, argv[2], false);
    if (result == 0 && (result = log_check(&log, &count)) == 0) {
      printf("applog: %" PRIu32 " records\n", count);
    }
    return result;
  }
  fputs("usage: applog append COUNT POOL | applog check POOL\n", stderr);
  return 2;
}
