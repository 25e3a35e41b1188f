/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Large transactions on libpmemobj: many lines outstanding until the commit.
 *
 *   bigtx log OBJECTS POOL       one transaction logs and changes a word in
 * each of OBJECTS lines bigtx rebuild OBJECTS POOL   one transaction fills a
 * table of OBJECTS lines afresh, while an older one keeps its place
 *
 * Repeated until enough objects were handled; prints the time of one.
 */
#include "stopwatch.h"

#include <libpmemobj.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

POBJ_LAYOUT_BEGIN(bigtx);
POBJ_LAYOUT_ROOT(bigtx, struct bigtx_root);
POBJ_LAYOUT_TOID(bigtx, struct cell);
POBJ_LAYOUT_END(bigtx);

/* One line. */
struct cell {
  uint64_t word;
  uint8_t spare[56];
};

struct bigtx_root {
  uint64_t count;
  TOID(struct cell) table;
};

#define OBJECTS_AT_LEAST 400000u

static void step_log(PMEMobjpool *pool, TOID(struct bigtx_root) root,
                     uint64_t count) {
  TX_BEGIN(pool) {
    struct cell *cells = D_RW(D_RW(root)->table);
    for (uint64_t i = 0; i < count; i++) {
      TX_ADD_DIRECT(&cells[i].word);
      cells[i].word++;
    }
  }
  TX_END
}

static void step_rebuild(PMEMobjpool *pool, TOID(struct bigtx_root) root,
                         uint64_t count) {
  TX_BEGIN(pool) {
    TOID(struct cell) old = D_RO(root)->table;
    TOID(struct cell)
    table = TX_ALLOC(struct cell, count * sizeof(struct cell));
    struct cell *cells = D_RW(table);
    for (uint64_t i = 0; i < count; i++) {
      cells[i] = (struct cell){.word = i};
    }
    TX_ADD(root);
    D_RW(root)->table = table;
    D_RW(root)->count = count;
    TX_FREE(old);
  }
  TX_END
}

int main(int argc, char **argv) {
  bool logs = argc == 4 && strcmp(argv[1], "log") == 0;
  if (!logs && !(argc == 4 && strcmp(argv[1], "rebuild") == 0)) {
    fputs("usage: bigtx log|rebuild OBJECTS POOL\n", stderr);
    return 2;
  }
  uint64_t count = strtoull(argv[2], NULL, 10);
  PMEMobjpool *pool = pmemobj_create(argv[3], POBJ_LAYOUT_NAME(bigtx),
                                     ((size_t)32 << 20) + count * 512, 0600);
  if (pool == NULL || count == 0) {
    fprintf(stderr, "bigtx: %s: %s\n", argv[3], pmemobj_errormsg());
    return 2;
  }
  TOID(struct bigtx_root) root = POBJ_ROOT(pool, struct bigtx_root);
  uint64_t repeat = 1 + OBJECTS_AT_LEAST / count;
  step_rebuild(pool, root, count);
  (logs ? step_log : step_rebuild)(pool, root, count);
  uint64_t start = stopwatch_now();
  for (uint64_t i = 0; i < repeat; i++) {
    (logs ? step_log : step_rebuild)(pool, root, count);
  }
  stopwatch_print(stopwatch_now() - start, repeat * count);
  pmemobj_close(pool);
  return 0;
}
