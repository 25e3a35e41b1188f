/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmem -o %t
 * RUN: rm -f %t.pool && %fencepost check -- %t run %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost check --fail-on performance -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmem -o %t
 * RUN: rm -f %t.pool && %fencepost check --fail-on performance -- %t run %t.pool
 *
 * Intent: persisting a field and then the whole record flushes the field's line
 * twice. That is slow, not wrong: it fails the run only if asked to.
 */
#include "Inputs/pm.h"

#include <libpmem.h>

struct record {
  uint64_t id;
  uint64_t fields[7];
} PM_ALIGNED;

static void record_write(struct record *record) {
  record->id = 7;
  record->fields[0] = 8;
  pmem_persist(record, sizeof *record);
#ifndef FIXED
  /* CHECK: fencepost: redundant-flush
   * CHECK: redundant-flush-pmem.c:[[#@LINE+2]] in record_write
   */
  pmem_persist(&record->id, sizeof record->id);
#endif
}

int main(int argc, char **argv) {
  struct record *record;
  size_t size;

  if (pm_is_check(argc, argv))
    return 0;
  record = pmem_map_file(argv[2], PM_SIZE, PMEM_FILE_CREATE, 0600, &size, NULL);
  if (record == NULL)
    return 2;
  record_write(record);
  pmem_unmap(record, size);
  return 0;
}
