/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A key-value store: a hash table with chains, which doubles when it gets full.
 * Keys come and go in transactions. The value of an existing key is replaced
 * without one: it goes into the slot that is not in use, is persisted, and then
 * the slot is switched.
 *
 * BUG_1: the slot is switched before the new value is there: a crash in
 *        between shows what the slot held before.
 *
 * BUG_2: insertion stores the bucket's head without adding it to the
 *        transaction.
 *
 * BUG_3: the switch of the slot is never flushed.
 */
#include "maps.h"

#include <stddef.h>
#include <stdio.h>

#define KV_BUCKETS_FIRST 16u
/* Mean length of a chain at which the table doubles. */
#define KV_LOAD_MAX 2u

struct kv_node {
  uint64_t key;
  uint64_t slot; /* 0 or 1: the slot in use */
  struct map_item slots[2];
  TOID(struct kv_node) next;
};

struct kv_table {
  uint64_t buckets_count; /* a power of 2 */
  TOID(struct kv_node) buckets[];
};

static size_t kv_table_size(uint64_t buckets_count) {
  return sizeof(struct kv_table) + buckets_count * sizeof(TOID(struct kv_node));
}

static TOID(struct kv_table) kv_table_new(uint64_t buckets_count) {
  TOID(struct kv_table)
  table = TX_ZALLOC(struct kv_table, kv_table_size(buckets_count));
  D_RW(table)->buckets_count = buckets_count;
  return table;
}

static void kv_create(PMEMobjpool *pool) {
  TOID(struct maps_root) root = maps_root(pool);
  TX_SET(root, kv, kv_table_new(KV_BUCKETS_FIRST));
}

static TOID(struct kv_node) * kv_bucket(struct kv_table *table, uint64_t key) {
  return &table->buckets[map_mix(key) & (table->buckets_count - 1)];
}

/* The link that points to the key's node, or the null at its chain's end. */
static TOID(struct kv_node) * kv_find(PMEMobjpool *pool, uint64_t key) {
  struct kv_table *table = D_RW(D_RW(maps_root(pool))->kv);
  TOID(struct kv_node) *link = kv_bucket(table, key);
  while (!TOID_IS_NULL(*link) && D_RO(*link)->key != key) {
    link = &D_RW(*link)->next;
  }
  return link;
}

/* Inside a transaction: moves all nodes to a table of twice the size. */
static void kv_grow(TOID(struct maps_root) root) {
  TOID(struct kv_table) old = D_RO(root)->kv;
  uint64_t count = D_RO(old)->buckets_count;
  TOID(struct kv_table) table = kv_table_new(2 * count);
  for (uint64_t i = 0; i < count; i++) {
    TOID(struct kv_node) node = D_RO(old)->buckets[i];
    while (!TOID_IS_NULL(node)) {
      TOID(struct kv_node) next = D_RO(node)->next;
      TOID(struct kv_node) *head = kv_bucket(D_RW(table), D_RO(node)->key);
      TX_SET(node, next, *head);
      *head = node;
      node = next;
    }
  }
  TX_SET(root, kv, table);
  TX_FREE(old);
}

static void kv_replace(PMEMobjpool *pool, struct kv_node *n, uint64_t value) {
  uint64_t slot = 1 - n->slot;
  struct map_item *item = &n->slots[slot];
#ifdef BUG_1
  n->slot = slot;
  pmemobj_persist(pool, &n->slot, sizeof(n->slot));
#endif
  item->value = value;
  item->check = map_mark(n->key, value);
  pmemobj_persist(pool, item, sizeof(*item));
#ifndef BUG_1
  n->slot = slot;
#endif
#ifndef BUG_3
  pmemobj_persist(pool, &n->slot, sizeof(n->slot));
#endif
}

static TOID(struct kv_node) kv_new(uint64_t key, uint64_t value) {
  TOID(struct kv_node) node = TX_ZNEW(struct kv_node);
  struct kv_node *n = D_RW(node);
  n->key = key;
  n->slots[0].value = value;
  n->slots[0].check = map_mark(key, value);
  return node;
}

static int kv_put(PMEMobjpool *pool, uint64_t key, uint64_t value) {
  TOID(struct kv_node) *found = kv_find(pool, key);
  if (!TOID_IS_NULL(*found)) {
    kv_replace(pool, D_RW(*found), value);
    return 0;
  }
  TOID(struct maps_root) root = maps_root(pool);
  volatile int result = 1;
  TX_BEGIN(pool) {
    if (D_RO(root)->count ==
        KV_LOAD_MAX * D_RO(D_RO(root)->kv)->buckets_count) {
      kv_grow(root);
    }
    TOID(struct kv_node) *head = kv_bucket(D_RW(D_RW(root)->kv), key);
    TOID(struct kv_node) node = kv_new(key, value);
    D_RW(node)->next = *head;
#ifndef BUG_2
    TX_ADD_DIRECT(head);
#endif
    *head = node;
    TX_ADD_FIELD(root, count);
    D_RW(root)->count++;
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

static bool kv_get(PMEMobjpool *pool, uint64_t key, uint64_t *value) {
  TOID(struct kv_node) *link = kv_find(pool, key);
  if (TOID_IS_NULL(*link)) {
    return false;
  }
  const struct kv_node *n = D_RO(*link);
  *value = n->slots[n->slot].value;
  return true;
}

static int kv_remove(PMEMobjpool *pool, uint64_t key) {
  TOID(struct maps_root) root = maps_root(pool);
  TOID(struct kv_node) *link = kv_find(pool, key);
  if (TOID_IS_NULL(*link)) {
    return 0;
  }
  volatile int result = 1;
  TX_BEGIN(pool) {
    TOID(struct kv_node) node = *link;
    TX_ADD_DIRECT(link);
    *link = D_RO(node)->next;
    TX_FREE(node);
    TX_ADD_FIELD(root, count);
    D_RW(root)->count--;
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

static int kv_check_node(const struct kv_table *table, uint64_t bucket,
                         const struct kv_node *n, struct map_summary *summary) {
  if ((map_mix(n->key) & (table->buckets_count - 1)) != bucket) {
    return map_broken("kv", "key in the wrong chain", n->key);
  }
  if (n->slot > 1) {
    return map_broken("kv", "no such slot", n->key);
  }
  const struct map_item *item = &n->slots[n->slot];
  if (item->check != map_mark(n->key, item->value)) {
    return map_broken("kv", "value and check word differ", n->key);
  }
  summary->count++;
  summary->sum += item->check;
  return 0;
}

static int kv_check(PMEMobjpool *pool, struct map_summary *summary) {
  TOID(struct maps_root) root = maps_root(pool);
  uint64_t count = D_RO(root)->count;
  *summary = (struct map_summary){0, 0};
  if (TOID_IS_NULL(D_RO(root)->kv)) {
    return map_broken("kv", "no table", 0);
  }
  const struct kv_table *table = D_RO(D_RO(root)->kv);
  if (table->buckets_count < KV_BUCKETS_FIRST ||
      (table->buckets_count & (table->buckets_count - 1)) != 0) {
    return map_broken("kv", "bad number of chains", table->buckets_count);
  }
  for (uint64_t i = 0; i < table->buckets_count; i++) {
    TOID(struct kv_node) node = table->buckets[i];
    for (; !TOID_IS_NULL(node); node = D_RO(node)->next) {
      if (summary->count == count) {
        return map_broken("kv", "more keys than counted", D_RO(node)->key);
      }
      if (kv_check_node(table, i, D_RO(node), summary) < 0) {
        return -1;
      }
    }
  }
  if (summary->count != count) {
    return map_broken("kv", "fewer keys than counted", count);
  }
  return 0;
}

const struct map kv_map = {.name = "kv",
                           .create = kv_create,
                           .put = kv_put,
                           .get = kv_get,
                           .remove = kv_remove,
                           .check = kv_check};
