/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two kinds of operations, of which one can be cut so that recovery fails, and
   stores outside of them. */
#include <fencepost/fencepost.h>
#include <libpmem.h>
#include <string.h>

struct log {
  long count;
  char unused[56];
  long entries[8]; /* entry i is i + 1 */
  long settings;
};

static void append(struct log *log, long number) {
  fencepost_op_begin("append(%ld)", number);
  log->entries[number] = number + 1;
  log->count = number + 1;
  pmem_persist(log, sizeof *log);
  fencepost_op_end();
}

static void set(struct log *log, long value) {
  fencepost_op_begin("set(%ld)", value);
  log->settings = value;
  pmem_persist(&log->settings, sizeof log->settings);
  fencepost_op_end();
}

int main(int argc, char **argv) {
  struct log *log =
      pmem_map_file(argv[argc - 1], 4096, PMEM_FILE_CREATE, 0600, NULL, NULL);
  if (log == NULL) {
    return 2;
  }
  if (strcmp(argv[1], "check") == 0) {
    for (long i = 0; i < log->count; i++) {
      if (log->entries[i] != i + 1) {
        return 1;
      }
    }
    return 0;
  }
  log->settings = 1;
  pmem_persist(&log->settings, sizeof log->settings);
  append(log, 0);
  set(log, 2);
  append(log, 1);
  return 0;
}
