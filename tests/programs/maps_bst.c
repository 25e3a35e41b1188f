/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A binary search tree, unbalanced: one allocation per key, links changed in
 * transactions.
 *
 * BUG_1: insertion stores the parent's link without adding it to the
 *        transaction: it is never flushed, and a crash may lose the key.
 *
 * BUG_2: removal changes the count outside the transaction's log and persists
 *        it at once: a crash leaves a count that does not fit the tree.
 *
 * BUG_3: replacing a value logs the value, but not the check word beside it.
 */
#include "maps.h"

#include <stddef.h>
#include <stdio.h>

struct bst_node {
  uint64_t key;
  struct map_item item;
  TOID(struct bst_node) child[2];
};

/* No tree of random keys comes near; a cycle in a broken one does. */
#define BST_DEPTH_MAX 4096

static void bst_create(PMEMobjpool *pool) {
  TOID(struct maps_root) root = maps_root(pool);
  TX_SET(root, bst, TOID_NULL(struct bst_node));
}

/* The link that points, or would point, to the key's node. */
static TOID(struct bst_node) * bst_find(PMEMobjpool *pool, uint64_t key) {
  TOID(struct bst_node) *link = &D_RW(maps_root(pool))->bst;
  while (!TOID_IS_NULL(*link) && D_RO(*link)->key != key) {
    link = &D_RW(*link)->child[key > D_RO(*link)->key];
  }
  return link;
}

static TOID(struct bst_node) bst_new(uint64_t key, uint64_t value) {
  TOID(struct bst_node) node = TX_NEW(struct bst_node);
  struct bst_node *n = D_RW(node);
  n->key = key;
  n->item.value = value;
  n->item.check = map_mark(key, value);
  n->child[0] = TOID_NULL(struct bst_node);
  n->child[1] = TOID_NULL(struct bst_node);
  return node;
}

static int bst_put(PMEMobjpool *pool, uint64_t key, uint64_t value) {
  TOID(struct maps_root) root = maps_root(pool);
  TOID(struct bst_node) *link = bst_find(pool, key);
  bool fresh = TOID_IS_NULL(*link);
  volatile int result = fresh;
  TX_BEGIN(pool) {
    if (fresh) {
#ifndef BUG_1
      TX_ADD_DIRECT(link);
#endif
      *link = bst_new(key, value);
      TX_ADD_FIELD(root, count);
      D_RW(root)->count++;
    } else {
      struct map_item *item = &D_RW(*link)->item;
#ifdef BUG_3
      TX_ADD_DIRECT(&item->value);
#else
      TX_ADD_DIRECT(item);
#endif
      item->value = value;
      item->check = map_mark(key, value);
    }
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

static bool bst_get(PMEMobjpool *pool, uint64_t key, uint64_t *value) {
  TOID(struct bst_node) *link = bst_find(pool, key);
  if (TOID_IS_NULL(*link)) {
    return false;
  }
  *value = D_RO(*link)->item.value;
  return true;
}

/* Inside a transaction: takes the node at link out of the tree and frees it. */
static void bst_unlink(TOID(struct bst_node) * link) {
  TOID(struct bst_node) node = *link;
  struct bst_node *n = D_RW(node);
  if (TOID_IS_NULL(n->child[0]) || TOID_IS_NULL(n->child[1])) {
    TX_ADD_DIRECT(link);
    *link = n->child[TOID_IS_NULL(n->child[0])];
    TX_FREE(node);
    return;
  }
  /* Two children: the smallest key on the right takes the node's place. */
  TOID(struct bst_node) *next = &n->child[1];
  while (!TOID_IS_NULL(D_RO(*next)->child[0])) {
    next = &D_RW(*next)->child[0];
  }
  TOID(struct bst_node) heir = *next;
  TX_ADD_DIRECT(&n->key);
  TX_ADD_DIRECT(&n->item);
  TX_ADD_DIRECT(next);
  n->key = D_RO(heir)->key;
  n->item = D_RO(heir)->item;
  *next = D_RO(heir)->child[1];
  TX_FREE(heir);
}

static int bst_remove(PMEMobjpool *pool, uint64_t key) {
  TOID(struct maps_root) root = maps_root(pool);
  TOID(struct bst_node) *link = bst_find(pool, key);
  if (TOID_IS_NULL(*link)) {
    return 0;
  }
  volatile int result = 1;
  TX_BEGIN(pool) {
#ifdef BUG_2
    D_RW(root)->count--;
    pmemobj_persist(pool, &D_RW(root)->count, sizeof(uint64_t));
#else
    TX_ADD_FIELD(root, count);
    D_RW(root)->count--;
#endif
    bst_unlink(link);
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

/*
 * In order, with a stack of our own. Keys must rise, which says all there is to
 * say of a search tree; a cycle shows as a key that does not.
 */
static int bst_check(PMEMobjpool *pool, struct map_summary *summary) {
  static TOID(struct bst_node) stack[BST_DEPTH_MAX];
  TOID(struct maps_root) root = maps_root(pool);
  TOID(struct bst_node) node = D_RO(root)->bst;
  size_t depth = 0;
  uint64_t last = 0;
  *summary = (struct map_summary){0, 0};
  while (depth > 0 || !TOID_IS_NULL(node)) {
    while (!TOID_IS_NULL(node)) {
      if (depth == BST_DEPTH_MAX) {
        return map_broken("bst", "too deep, or a cycle", last);
      }
      stack[depth++] = node;
      node = D_RO(node)->child[0];
    }
    node = stack[--depth];
    const struct bst_node *n = D_RO(node);
    if (summary->count > 0 && n->key <= last) {
      return map_broken("bst", "keys out of order", n->key);
    }
    if (n->item.check != map_mark(n->key, n->item.value)) {
      return map_broken("bst", "value and check word differ", n->key);
    }
    last = n->key;
    summary->count++;
    summary->sum += n->item.check;
    node = n->child[1];
  }
  if (summary->count != D_RO(root)->count) {
    return map_broken("bst", "wrong count", D_RO(root)->count);
  }
  return 0;
}

const struct map bst_map = {.name = "bst",
                            .create = bst_create,
                            .put = bst_put,
                            .get = bst_get,
                            .remove = bst_remove,
                            .check = bst_check};
