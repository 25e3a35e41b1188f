/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -lpmemobj -o %t
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check -- %t all %t.pool
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no not-robust,persistency-race --recover '%t check %t.pool' -- %t reserving %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no not-robust,persistency-race --recover '%t check %t.pool' -- %t logs %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no not-robust,persistency-race --recover '%t check %t.pool' -- %t params %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost crash --no not-robust,persistency-race --recover '%t check %t.pool' -- %t iterate %t.pool | FileCheck --check-prefix=NONE %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t atomics1 %t.pool | FileCheck -DCLASS=missing-flush -DIN=construct %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t atomics2 %t.pool | FileCheck -DCLASS=missing-flush -DIN=atomics %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t atomics3 %t.pool | FileCheck -DCLASS=leak -DIN=atomics %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t lists4 %t.pool | FileCheck -DCLASS=missing-flush -DIN=lists %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t lists5 %t.pool | FileCheck -DCLASS=leak -DIN=lists_new %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t lists6 %t.pool | FileCheck -DCLASS=dangling-pointer -DIN=lists %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t reserving7 %t.pool | FileCheck -DCLASS=leak -DIN=reserving %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --check-heap -- %t reserving8 %t.pool | FileCheck --check-prefix=LEFT %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t reserving9 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=reserving_tx %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t reserving10 %t.pool | FileCheck -DCLASS=dangling-pointer -DIN=reserving_tx %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t allocs11 %t.pool | FileCheck -DCLASS=leak -DIN=allocs_new %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t allocs12 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=allocs_change %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t allocs13 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=allocs_change %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t allocs14 %t.pool | FileCheck -DCLASS=dangling-pointer -DIN=allocs_free %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t logs15 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=logs %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t logs16 %t.pool | FileCheck -DCLASS=missing-flush -DIN=logs %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t logs17 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=logs %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t copies18 %t.pool | FileCheck -DCLASS=missing-flush -DIN=copies %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t copies19 %t.pool | FileCheck -DCLASS=missing-fence -DIN=copies %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t params20 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=params %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t params21 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=failing %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check -- %t settings22 %t.pool | FileCheck -DCLASS=unlogged-store -DIN=settings %s
 * RUN: rm -f %t.pool && %t create %t.pool && not %fencepost check --only leak -- %t lists5 %t.pool | FileCheck -DCLASS=leak -DIN=lists_new %s
 * RUN: rm -f %t.pool && %t create %t.pool && %fencepost check --no leak,dangling-pointer,foreign-pointer,volatile-pointer,unlogged-store,duplicate-log -- %t lists5 %t.pool
 *
 * Intent: libpmemobj's functions and macros, used as its manual has them, are
 * no findings; each mistake is one, in the function that makes it. Among them
 * objects that are reserved outside of a transaction and stored to in one
 * before they are published, and objects without a pointer to them that the
 * program finds by their type.
 *
 * CHECK: {{ERROR|WARNING}}: fencepost: [[CLASS]]
 * CHECK: obj-macros.c:{{[0-9]+}} in [[IN]]{{$}}
 * CHECK: SUMMARY: fencepost: {{[1-9] error|0 errors, [1-9] warning}}
 * LEFT: ERROR: fencepost: dangling-pointer
 * LEFT: at the end the pool still points to an object that has been freed
 * NONE: SUMMARY: fencepost: 0 errors, 0 warnings{{.*}} cover all of
 */
#include "Inputs/pmobj.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <wchar.h>

/* The mistake to be made: the number behind the name of what is run. */
static int bug;

POBJ_LAYOUT_BEGIN(test);
POBJ_LAYOUT_ROOT(test, struct root);
POBJ_LAYOUT_TOID(test, struct item);
POBJ_LAYOUT_TOID(test, char);
POBJ_LAYOUT_TOID(test, wchar_t);
POBJ_LAYOUT_END(test);

struct item {
  POBJ_LIST_ENTRY(struct item) link;
  POBJ_LIST_ENTRY(struct item) other;
  uint64_t value;
  uint64_t pad[16];
};
POBJ_LIST_HEAD(head, struct item);

struct root {
  struct head list;
  struct head second;
  TOID(struct item) a;
  TOID(struct item) b;
  TOID(struct item) c;
  TOID(struct item) d;
  TOID(char) text;
  TOID(wchar_t) wide;
  PMEMmutex mutex;
  PMEMrwlock lock;
  uint64_t words[512]; /* of transactions */
  uint64_t plain[512]; /* of none */
};

static PMEMobjpool *pool;
static TOID(struct root) root;

static void persist(const uint64_t *word) {
  pmemobj_persist(pool, word, sizeof *word);
}

/* ---- atomic functions ---- */

static int construct(PMEMobjpool *of, void *object, void *value) {
  struct item *item = object;

  memset(item, 0, sizeof *item);
  item->value = *(uint64_t *)value;
  if (bug != 1)
    pmemobj_persist(of, item, sizeof *item);
  return 0;
}

static int refuse(PMEMobjpool *of, void *object, void *value) {
  construct(of, object, value);
  return 1;
}

static void atomics(void) {
  uint64_t value = 5;
  struct root *r = D_RW(root);

  POBJ_NEW(pool, &r->a, struct item, construct, &value);
  POBJ_ALLOC(pool, &r->b, struct item, sizeof(struct item) + 64, construct,
             &value);
  POBJ_ZNEW(pool, &r->c, struct item);
  POBJ_ZALLOC(pool, &r->d, struct item, sizeof(struct item) + 640);
  if (POBJ_NEW(pool, NULL, struct item, refuse, &value) == 0)
    exit(40);
  POBJ_REALLOC(pool, &r->b, struct item, sizeof(struct item) + 4096);
  POBJ_ZREALLOC(pool, &r->d, struct item, sizeof(struct item) + 8192);
  D_RW(r->b)->value = 9;
  if (bug != 2)
    persist(&D_RW(r->b)->value);
  POBJ_FREE(&r->a);
  POBJ_FREE(&r->b);
  POBJ_FREE(&r->c);
  POBJ_FREE(&r->d);
  pmemobj_xalloc(pool, &r->a.oid, 256, 4, POBJ_XALLOC_ZERO, NULL, NULL);
  pmemobj_strdup(pool, &r->text.oid, "text", 5);
  pmemobj_wcsdup(pool, &r->wide.oid, L"wide", 6);
  if (bug == 3) {
    r->text.oid = OID_NULL;
    pmemobj_persist(pool, &r->text, sizeof r->text);
  }
  POBJ_FREE(&r->a);
  POBJ_FREE(&r->text);
  POBJ_FREE(&r->wide);
}

static void lists_new(struct head *list) {
  uint64_t value = 7;

  POBJ_LIST_INSERT_NEW_HEAD(pool, list, link, sizeof(struct item), construct,
                            &value);
  POBJ_LIST_INSERT_NEW_TAIL(pool, list, link, sizeof(struct item), construct,
                            &value);
  POBJ_LIST_INSERT_NEW_AFTER(pool, list, POBJ_LIST_FIRST(list), link,
                             sizeof(struct item), construct, &value);
  POBJ_LIST_INSERT_NEW_BEFORE(pool, list, POBJ_LIST_FIRST(list), link,
                              sizeof(struct item), construct, &value);
}

static void lists_move(struct head *list, struct head *second) {
  TOID(struct item) two = POBJ_LIST_NEXT(POBJ_LIST_FIRST(list), link);

  POBJ_LIST_INSERT_HEAD(pool, second, POBJ_LIST_FIRST(list), other);
  POBJ_LIST_INSERT_TAIL(pool, second, POBJ_LIST_LAST(list, link), other);
  POBJ_LIST_INSERT_AFTER(pool, second, POBJ_LIST_FIRST(second), two, other);
  POBJ_LIST_INSERT_BEFORE(pool, second, two, POBJ_LIST_NEXT(two, link), other);
  POBJ_LIST_MOVE_ELEMENT_HEAD(pool, list, list, two, link, link);
  POBJ_LIST_MOVE_ELEMENT_TAIL(pool, list, list, two, link, link);
  POBJ_LIST_MOVE_ELEMENT_AFTER(pool, list, list, POBJ_LIST_FIRST(list), two,
                               link, link);
  POBJ_LIST_MOVE_ELEMENT_BEFORE(pool, list, list, POBJ_LIST_FIRST(list), two,
                                link, link);
  while (!POBJ_LIST_EMPTY(second))
    POBJ_LIST_REMOVE(pool, second, POBJ_LIST_FIRST(second), other);
}

static void lists(void) {
  struct head *list = &D_RW(root)->list;
  TOID(struct item) item;

  lists_new(list);
  lists_move(list, &D_RW(root)->second);
  POBJ_LIST_FOREACH(item, list, link) {
    D_RW(item)->value++;
    if (bug != 4)
      persist(&D_RW(item)->value);
  }
  item = POBJ_LIST_FIRST(list);
  if (bug == 5)
    POBJ_LIST_REMOVE(pool, list, item, link);
  if (bug == 6) {
    POBJ_LIST_REMOVE_FREE(pool, list, item, link);
    POBJ_FREE(&item);
  }
  while (bug != 4 && !POBJ_LIST_EMPTY(list))
    POBJ_LIST_REMOVE_FREE(pool, list, POBJ_LIST_FIRST(list), link);
}

/* ---- reserving and publishing ---- */

static void reserving(void) {
  struct root *r = D_RW(root);
  struct pobj_action act[6];
  TOID(struct item) first = POBJ_RESERVE_NEW(pool, struct item, &act[0]);
  TOID(struct item)
  second = POBJ_RESERVE_ALLOC(pool, struct item, 512, &act[1]);

  POBJ_XRESERVE_NEW(pool, struct item, &act[2], POBJ_XALLOC_ZERO);
  pmemobj_cancel(pool, &act[2], 1);
  pmemobj_memset_persist(pool, D_RW(first), 0, sizeof(struct item));
  pmemobj_memset_persist(pool, D_RW(second), 0, 512);
  D_RW(second)->link.pe_next = first;
  pmemobj_persist(pool, &D_RW(second)->link, sizeof D_RO(second)->link);
  pmemobj_set_value(pool, &act[2], &r->plain[0], 77);
  pmemobj_set_value(pool, &act[3], &r->a.oid.off, second.oid.off);
  pmemobj_set_value(pool, &act[4], &r->a.oid.pool_uuid_lo,
                    second.oid.pool_uuid_lo);
  pmemobj_publish(pool, act, bug == 7 ? 2 : 5);
  if (bug == 7)
    return;
  pmemobj_defer_free(pool, second.oid, &act[0]);
  pmemobj_defer_free(pool, first.oid, &act[1]);
  pmemobj_set_value(pool, &act[2], &r->a.oid.off, 0);
  pmemobj_set_value(pool, &act[3], &r->a.oid.pool_uuid_lo, 0);
  pmemobj_publish(pool, act, bug == 8 ? 2 : 4);
}

static void reserving_tx(void) {
  struct root *r = D_RW(root);
  struct pobj_action act;
  TOID(struct item) item = POBJ_RESERVE_NEW(pool, struct item, &act);

  pmemobj_memset(pool, D_RW(item), 0, sizeof(struct item),
                 PMEMOBJ_F_MEM_NODRAIN);
  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, b);
    D_RW(item)->value = 4; /* not published yet */
    pmemobj_flush(pool, &D_RW(item)->value, 8);
    pmemobj_tx_publish(&act, 1);
    r->b = item;
    D_RW(item)->pad[15] = 5;
    pmemobj_flush(pool, &D_RW(item)->pad[15], 8);
    if (bug == 9)
      r->words[1] = 1;
  }
  TX_END
  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, b);
    pmemobj_defer_free(pool, r->b.oid, &act);
    pmemobj_tx_xpublish(&act, 1, POBJ_XPUBLISH_NO_ABORT);
    r->b = TOID_NULL(struct item);
    if (bug == 10)
      pmemobj_tx_free(item.oid);
  }
  TX_END
  item = POBJ_XRESERVE_ALLOC(pool, struct item, 300, &act, 0);
  TX_BEGIN(pool) {
    D_RW(item)->value = 4;
    persist(&D_RW(item)->value);
    pmemobj_tx_publish(&act, 1);
    pmemobj_tx_abort(ECANCELED);
  }
  TX_END
}

/* ---- objects of transactions ---- */

static void objects_add(void) {
  pmemobj_tx_add_range(root.oid, offsetof(struct root, a), 6 * sizeof(PMEMoid));
}

static void allocs_new(void) {
  struct root *r = D_RW(root);

  TX_BEGIN(pool) {
    objects_add();
    r->a = TX_NEW(struct item);
    D_RW(r->a)->value = 1;
    r->b = TX_ZNEW(struct item);
    r->c = TX_ALLOC(struct item, 1000);
    r->d = TX_ZALLOC(struct item, 2000);
    D_RW(r->d)->pad[3] = 8;
    pmemobj_memset(pool, D_RW(r->c), 0, 1000, PMEMOBJ_F_RELAXED);
    r->text.oid = TX_STRDUP("a string", 5);
    r->wide.oid = TX_WCSDUP(L"wide", 6);
    if (bug == 11)
      r->b = TX_NEW(struct item);
  }
  TX_END
}

static void allocs_change(void) {
  struct root *r = D_RW(root);
  TOID(struct item) old = r->a;

  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, c);
    r->c = TX_REALLOC(r->c, 5000);
    D_RW(r->c)->pad[9] = 1;
    TX_ADD_FIELD(root, d);
    r->d = TX_ZREALLOC(r->d, 9000);
    if (bug == 12)
      D_RW(r->a)->pad[2] = 1;
  }
  TX_END
  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, text);
    TX_FREE(r->text);
    r->text.oid = TX_XSTRDUP("x", 5, POBJ_XALLOC_NO_FLUSH);
    pmemobj_persist(pool, D_RW(r->text), 2);
    TX_ADD_FIELD(root, a);
    TX_FREE(old);
    r->a = TX_XALLOC(struct item, 256, POBJ_XALLOC_ZERO);
    TX_FREE(r->b);
    TX_SET(root, b, TX_XALLOC(struct item, 512, POBJ_XALLOC_ZERO));
    if (bug == 13)
      D_RW(old)->value = 3;
  }
  TX_END
}

static void allocs_free(void) {
  struct root *r = D_RW(root);

  TX_BEGIN(pool) {
    objects_add();
    TX_FREE(r->a);
    TX_FREE(r->b);
    TX_FREE(r->c);
    TX_XFREE(r->d, 0);
    TX_FREE(r->text);
    TX_FREE(r->wide);
    if (bug == 14)
      TX_FREE(r->a);
    r->a = r->b = r->c = r->d = TOID_NULL(struct item);
    r->text = TOID_NULL(char);
    r->wide = TOID_NULL(wchar_t);
  }
  TX_END
}

static void allocs(void) {
  allocs_new();
  allocs_change();
  allocs_free();
}

/* ---- logs and copies ---- */

static void logs(void) {
  uint64_t *w = D_RW(root)->words;
  const uint64_t from[4] = {1, 2, 3, 4};

  TX_BEGIN(pool) {
    TX_SET_DIRECT(D_RW(root), words[2], 1);
    TX_MEMCPY(&w[3], from, sizeof from);
    TX_MEMSET(&w[7], 1, 8);
    TX_XADD_FIELD(root, words[24], POBJ_XADD_NO_FLUSH);
    w[24] = 3;
    persist(&w[24]);
  }
  TX_END
  TX_BEGIN(pool) {
    pmemobj_tx_xadd_range_direct(&w[40], 8, POBJ_XADD_NO_SNAPSHOT);
    w[40] = 1;
    pmemobj_tx_xadd_range(root.oid, offsetof(struct root, words[41]), 8,
                          POBJ_XADD_ASSUME_INITIALIZED);
    w[41] = 1;
    if (bug == 15)
      w[42] = 1;
    pmemobj_tx_xadd_range_direct(&w[80], 8, POBJ_XADD_NO_FLUSH);
    w[80] = 1;
    if (bug != 16)
      persist(&w[80]);
    TX_XADD_DIRECT(&w[120], POBJ_XADD_NO_FLUSH | POBJ_XADD_NO_SNAPSHOT);
    w[120] = 2;
    pmemobj_flush(pool, &w[120], 8);
  }
  TX_END
  TX_BEGIN(pool) {
    TX_ADD_FIELD_DIRECT(D_RW(root), words[160]);
    w[160] = 2;
    pmemobj_tx_add_range_direct(&w[200], 64);
    pmemobj_memcpy(pool, &w[200], from, 32, PMEMOBJ_F_MEM_NODRAIN);
    pmemobj_memmove(pool, &w[204], from, 24, PMEMOBJ_F_MEM_NOFLUSH);
    pmemobj_memset(pool, &w[207], 0, 8, PMEMOBJ_F_MEM_TEMPORAL);
    if (bug == 17)
      pmemobj_memcpy(pool, &w[240], from, 32, PMEMOBJ_F_MEM_WC);
  }
  TX_END
}

static void copies(void) {
  uint64_t *w = D_RW(root)->plain;
  const uint64_t from[4] = {1, 2, 3, 4};

  pmemobj_memcpy(pool, &w[16], from, 32, PMEMOBJ_F_MEM_NONTEMPORAL);
  pmemobj_memmove(pool, &w[32], from, 32, PMEMOBJ_F_MEM_WB);
  pmemobj_memcpy_persist(pool, &w[48], from, 32);
  pmemobj_memset_persist(pool, &w[64], 0, 32);
  w[80] = 5;
  pmemobj_xpersist(pool, &w[80], 8, PMEMOBJ_F_RELAXED);
  pmemobj_memcpy(pool, &w[96], from, 32, PMEMOBJ_F_MEM_NOFLUSH);
  if (bug != 18)
    pmemobj_persist(pool, &w[96], 32);
  w[112] = 6;
  pmemobj_xflush(pool, &w[112], 8, PMEMOBJ_F_RELAXED);
  pmemobj_memset(pool, &w[128], 1, 32, PMEMOBJ_F_MEM_NODRAIN);
  if (bug != 19)
    pmemobj_drain(pool);
  else
    _exit(0);
}

/* ---- parameters, callbacks, failures, settings ---- */

static void count(PMEMobjpool *of, enum pobj_tx_stage stage, void *calls) {
  (void)of;
  (void)stage;
  ++*(int *)calls;
}

static void bump(uint64_t *word) {
  ++*word;
  persist(word);
}

static void params(void) {
  struct root *r = D_RW(root);
  int calls = 0;

  TX_BEGIN_PARAM(pool, TX_PARAM_MUTEX, &r->mutex, TX_PARAM_RWLOCK, &r->lock,
                 TX_PARAM_CB, count, &calls, TX_PARAM_NONE) {
    pmemobj_tx_add_range_direct(&r->words[300], 8);
    r->words[300]++;
    TX_BEGIN_PARAM(pool, TX_PARAM_MUTEX, &r->mutex, TX_PARAM_NONE) {
      pmemobj_tx_add_range_direct(&r->words[301], 8);
      r->words[301]++;
    }
    TX_ONCOMMIT {
      calls++;
    }
    TX_END
    r->words[301]++;
    r->words[300]++;
    if (bug == 20)
      r->words[302]++;
  }
  TX_ONCOMMIT {
    bump(&r->plain[300]);
  }
  TX_FINALLY {
    bump(&r->plain[300]);
  }
  TX_END
  if (calls < 2)
    exit(41);
}

static void failing(void) {
  struct root *r = D_RW(root);

  TX_BEGIN(pool) {
    pmemobj_tx_set_user_data(r);
    TX_BEGIN(pool) {
      pmemobj_tx_add_range_direct(&r->words[310], 8);
      r->words[310]++;
      TX_ALLOC(struct item, UINT64_C(1) << 40);
      exit(42);
    }
    TX_ONABORT {
      bump(&r->plain[310]);
    }
    TX_END
  }
  TX_ONABORT {
    bump(&r->plain[310]);
  }
  TX_END
  TX_BEGIN(pool) {
    pmemobj_tx_xlock(TX_PARAM_MUTEX, &r->mutex, POBJ_XLOCK_NO_ABORT);
    pmemobj_tx_set_failure_behavior(POBJ_TX_FAILURE_RETURN);
    if (pmemobj_tx_add_range_direct(&bug, sizeof bug) == 0 ||
        !OID_IS_NULL(
            pmemobj_tx_xalloc(UINT64_C(1) << 40, 1, POBJ_XALLOC_NO_ABORT)))
      exit(43);
    pmemobj_tx_add_range_direct(&r->words[311], 8);
    r->words[311]++;
    if (bug == 21)
      r->words[312]++;
  }
  TX_END
}

static void settings(void) {
  struct root *r = D_RW(root);
  size_t size = 16384;
  struct pobj_alloc_class_desc class = {.unit_size = 192,
                                        .alignment = 64,
                                        .units_per_block = 100,
                                        .header_type = POBJ_HEADER_NONE};

  if (pmemobj_ctl_set(pool, "tx.cache.size", &size) != 0 ||
      pmemobj_ctl_set(pool, "heap.alloc_class.new.desc", &class) != 0)
    exit(44);
  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, a);
    r->a.oid = pmemobj_tx_xalloc(
        192, 0, POBJ_CLASS_ID(class.class_id) | POBJ_XALLOC_ZERO);
    D_RW(r->a)->value = 4;
    if (bug == 22)
      r->words[320] = 1;
  }
  TX_END
  TX_BEGIN(pool) {
    TX_ADD_FIELD(root, a);
    TX_FREE(r->a);
    r->a = TOID_NULL(struct item);
  }
  TX_END
}

static void iterate(void) {
  TOID(struct item) item;
  TOID(struct item) next;

  POBJ_ZNEW(pool, NULL, struct item);
  POBJ_ZNEW(pool, NULL, struct item);
  POBJ_FOREACH_TYPE(pool, item) {
    D_RW(item)->value = 9;
    persist(&D_RW(item)->value);
  }
  POBJ_FOREACH_SAFE_TYPE(pool, item, next) {
    POBJ_FREE(&item);
  }
}

static int runs(const char *what, const char *name) {
  size_t size = strlen(name);

  return strcmp(what, "all") == 0 ||
         (strncmp(what, name, size) == 0 &&
          (what[size] == '\0' || isdigit((unsigned char)what[size])));
}

int main(int argc, char **argv) {
  const char *what = argc == 3 ? argv[1] : "";

  pool = pmobj_open(argc, argv, sizeof(struct root));
  root = POBJ_ROOT(pool, struct root);
  bug = atoi(what + strcspn(what, "0123456789"));
  if (runs(what, "atomics"))
    atomics();
  if (runs(what, "lists"))
    lists();
  if (runs(what, "reserving")) {
    reserving();
    reserving_tx();
  }
  if (runs(what, "allocs"))
    allocs();
  if (runs(what, "logs"))
    logs();
  if (runs(what, "copies"))
    copies();
  if (runs(what, "params")) {
    params();
    failing();
  }
  if (runs(what, "settings"))
    settings();
  if (runs(what, "iterate"))
    iterate();
  pmemobj_close(pool);
  return 0;
}
