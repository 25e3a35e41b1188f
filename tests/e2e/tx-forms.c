/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t run %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no not-robust,persistency-race --recover '%t check %t.pool' -- %t most %t.pool | FileCheck --check-prefix=NONE %s
 *
 * Intent: forms of transactions that the other tests do not have. One that is
 * left by an abort two levels down, by longjmp in the library, is over; ONABORT
 * and FINALLY are not in it. Buffers for logs, locks taken inside, copies with
 * flags, objects that grow, and publishing. In each, a store that nothing
 * covers.
 *
 * CHECK-DAG: transaction begun {{.*}} in after_abort
 * CHECK-DAG: transaction begun {{.*}} in copies
 * CHECK-DAG: transaction begun {{.*}} in locked
 * CHECK-DAG: transaction begun {{.*}} in buffers
 * CHECK-DAG: transaction begun {{.*}} in grown
 * CHECK-DAG: transaction begun {{.*}} in published
 * CHECK: SUMMARY: fencepost: 6 errors, 0 warnings
 * NONE: SUMMARY: fencepost: 0 errors, 0 warnings
 */
#include "Inputs/pmobj.h"

#include <stdint.h>
#include <wchar.h>

struct root {
  PMEMmutex mutex;
  uint64_t words[64];
  uint64_t aborts; /* stored in ONABORT, and persisted */
  PMEMoid buffer;
  PMEMoid object;
  PMEMoid text;
  PMEMoid wide;
};

/* The bug of each function: a word that is in no log. */
static void forgotten(uint64_t *word) {
#ifndef FIXED
  *(volatile uint64_t *)word = 1;
#else
  (void)word;
#endif
}

static void after_abort(PMEMobjpool *pool, struct root *root) {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->words[0], 8);
    root->words[0]++;
    TX_BEGIN(pool){TX_BEGIN(pool){pmemobj_tx_abort(ECANCELED);
  }
  TX_END
}
TX_ONABORT {
  root->aborts++;
  pmemobj_persist(pool, &root->aborts, sizeof root->aborts);
}
TX_END
}
TX_ONABORT {
  root->aborts++;
  pmemobj_persist(pool, &root->aborts, sizeof root->aborts);
}
TX_FINALLY {
  root->aborts++;
  pmemobj_persist(pool, &root->aborts, sizeof root->aborts);
}
TX_END
root->aborts++; /* in none */
pmemobj_persist(pool, &root->aborts, sizeof root->aborts);
TX_BEGIN(pool) {
  forgotten(&root->words[1]);
  if (pmemobj_tx_xadd_range_direct((void *)(uintptr_t)64, 8,
                                   POBJ_XADD_NO_ABORT) == 0)
    exit(4); /* in no pool: an error, and the transaction goes on */
  pmemobj_tx_add_range_direct(&root->words[2], 8);
  root->words[2]++;
}
TX_END
}

static void copies(PMEMobjpool *pool, struct root *root) {
  uint64_t value = 5;

  TX_BEGIN(pool) {
    pmemobj_tx_xadd_range_direct(&root->words[8], 32, POBJ_XADD_NO_FLUSH);
    pmemobj_memcpy(pool, &root->words[8], &value, 8, PMEMOBJ_F_MEM_NODRAIN);
    pmemobj_memset(pool, &root->words[9], 1, 8, PMEMOBJ_F_MEM_NONTEMPORAL);
    pmemobj_memmove(pool, &root->words[10], &value, 8, PMEMOBJ_F_RELAXED);
    pmemobj_memset(pool, &root->words[11], 0, 8, 0);
    pmemobj_persist(pool, &root->words[8], 32);
#ifndef FIXED
    pmemobj_memcpy(pool, &root->words[12], &value, 8, 0);
#endif
  }
  TX_END
}

static void locked(PMEMobjpool *pool, struct root *root) {
  TX_BEGIN_PARAM(pool, TX_PARAM_NONE) {
    pmemobj_tx_lock(TX_PARAM_MUTEX, &root->mutex);
    pmemobj_tx_xadd_range_direct(&root->words[16], 8,
                                 POBJ_XADD_ASSUME_INITIALIZED);
    root->words[16]++;
    forgotten(&root->words[17]);
  }
  TX_END
}

static void buffers(PMEMobjpool *pool, struct root *root) {
  size_t size = pmemobj_tx_log_snapshots_max_size((size_t[]){256}, 1);

  pmemobj_alloc(pool, &root->buffer, size, 1, NULL, NULL);
  TX_BEGIN(pool) {
    pmemobj_tx_log_append_buffer(TX_LOG_TYPE_SNAPSHOT,
                                 pmemobj_direct(root->buffer), size);
    pmemobj_tx_log_auto_alloc(TX_LOG_TYPE_SNAPSHOT, 0);
    pmemobj_tx_add_range_direct(&root->words[24], 256);
    for (int i = 0; i < 32; i++)
      root->words[24 + i]++;
    forgotten(&root->words[56]);
  }
  TX_END
}

static void grown(PMEMobjpool *pool, struct root *root) {
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->object, 3 * sizeof(PMEMoid));
    root->object = pmemobj_tx_zalloc(64, 2);
    root->object = pmemobj_tx_realloc(root->object, 4096, 2);
    *(uint64_t *)pmemobj_direct(root->object) = 1;
    root->text = pmemobj_tx_strdup("text", 3);
    root->wide = pmemobj_tx_wcsdup(L"wide", 4);
    *(char *)pmemobj_direct(root->text) = 'T';
    forgotten(&root->words[57]);
  }
  TX_END
  TX_BEGIN(pool) {
    pmemobj_tx_add_range_direct(&root->text, sizeof root->text);
    pmemobj_tx_free(root->text);
    root->text = OID_NULL;
  }
  TX_END
}

static void published(PMEMobjpool *pool, struct root *root) {
  struct pobj_action actions[2];
  PMEMoid oid = pmemobj_reserve(pool, &actions[0], 64, 5);

  *(uint64_t *)pmemobj_direct(oid) = 6;
  pmemobj_persist(pool, pmemobj_direct(oid), 8);
  pmemobj_set_value(pool, &actions[1], &root->words[60], 7);
  TX_BEGIN(pool) {
    pmemobj_tx_publish(actions, 2);
    *(uint64_t *)pmemobj_direct(oid) = 8;
    pmemobj_flush(pool, pmemobj_direct(oid), 8);
    pmemobj_tx_add_range_direct(&root->text, sizeof root->text);
    root->text = oid;
    forgotten(&root->words[61]);
  }
  TX_END
}

int main(int argc, char **argv) {
  PMEMobjpool *pool = pmobj_open(argc, argv, sizeof(struct root));
  struct root *root = pmemobj_direct(pmemobj_root(pool, sizeof(struct root)));

  if (strcmp(argv[1], "check") != 0) {
    after_abort(pool, root);
    copies(pool, root);
    locked(pool, root);
    /* libpmemobj 1.12 frees the buffer when it recovers from a crash in there,
       and the root still points to it. */
    if (strcmp(argv[1], "most") != 0)
      buffers(pool, root);
    grown(pool, root);
    published(pool, root);
  }
  pmemobj_close(pool);
  return 0;
}
