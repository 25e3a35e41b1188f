/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A B+tree: items in the leaves, which are chained; inner nodes hold
 * separators:
 *
 *         keys:      k0      k1      k2
 *     children:   c0     c1      c2      c3       c1 holds k0 <= key < k1
 *
 * On the way down, insertion splits full nodes and removal fills up poor ones,
 * so that neither ever has to go back up. All changes are transactional.
 *
 * BUG_1: a split links the new leaf into the chain without adding the old
 *        leaf's link to the transaction.
 *
 * BUG_2: insertion into a leaf adds the leaf to the transaction only after
 *        changing it: what is restored after a crash is the changed leaf.
 *
 * BUG_3: replacing a value persists value and check word each by itself,
 *        outside a transaction.
 */
#include "maps.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Odd, so that a split inner node gives two halves of equal size. */
#define BTREE_KEYS_MAX 15u
#define BTREE_KEYS_MIN 7u
#define BTREE_DEPTH_MAX 24u

struct btree_node {
  uint32_t leaf; /* 1: items, 0: children */
  uint32_t keys_count;
  uint64_t keys[BTREE_KEYS_MAX];
  TOID(struct btree_node) next; /* leaves: the next one to the right */
  union {
    struct map_item items[BTREE_KEYS_MAX];
    TOID(struct btree_node) children[BTREE_KEYS_MAX + 1];
  };
};

typedef TOID(struct btree_node) btree_link;

static void btree_create(PMEMobjpool *pool) {
  btree_link node = TX_ZNEW(struct btree_node);
  D_RW(node)->leaf = 1;
  TX_SET(maps_root(pool), btree, node);
}

/* The child to follow for key; in a leaf, the number of keys below it. */
static uint32_t btree_position(const struct btree_node *n, uint64_t key) {
  uint32_t i = 0;
  while (i < n->keys_count &&
         (n->leaf ? n->keys[i] < key : n->keys[i] <= key)) {
    i++;
  }
  return i;
}

/* The leaf that holds, or would hold, the key. */
static struct btree_node *btree_leaf(PMEMobjpool *pool, uint64_t key) {
  struct btree_node *n = D_RW(D_RW(maps_root(pool))->btree);
  while (!n->leaf) {
    n = D_RW(n->children[btree_position(n, key)]);
  }
  return n;
}

/* The key's item in its leaf, or null. */
static struct map_item *btree_item(PMEMobjpool *pool, uint64_t key) {
  struct btree_node *n = btree_leaf(pool, key);
  uint32_t i = btree_position(n, key);
  return i < n->keys_count && n->keys[i] == key ? &n->items[i] : NULL;
}

static bool btree_get(PMEMobjpool *pool, uint64_t key, uint64_t *value) {
  const struct map_item *item = btree_item(pool, key);
  if (item == NULL) {
    return false;
  }
  *value = item->value;
  return true;
}

/* Makes room at keys[at] and children[at + 1] of an inner node. */
static void btree_open_gap(struct btree_node *n, uint32_t at) {
  memmove(&n->keys[at + 1], &n->keys[at],
          (n->keys_count - at) * sizeof(n->keys[0]));
  memmove(&n->children[at + 2], &n->children[at + 1],
          (n->keys_count - at) * sizeof(n->children[0]));
  n->keys_count++;
}

/* Drops keys[at] and children[at + 1] of an inner node. */
static void btree_close_gap(struct btree_node *n, uint32_t at) {
  n->keys_count--;
  memmove(&n->keys[at], &n->keys[at + 1],
          (n->keys_count - at) * sizeof(n->keys[0]));
  memmove(&n->children[at + 1], &n->children[at + 2],
          (n->keys_count - at) * sizeof(n->children[0]));
}

static void btree_leaf_insert(struct btree_node *n, uint32_t at, uint64_t key,
                              struct map_item item) {
  memmove(&n->keys[at + 1], &n->keys[at],
          (n->keys_count - at) * sizeof(n->keys[0]));
  memmove(&n->items[at + 1], &n->items[at],
          (n->keys_count - at) * sizeof(n->items[0]));
  n->keys[at] = key;
  n->items[at] = item;
  n->keys_count++;
}

static void btree_leaf_delete(struct btree_node *n, uint32_t at) {
  n->keys_count--;
  memmove(&n->keys[at], &n->keys[at + 1],
          (n->keys_count - at) * sizeof(n->keys[0]));
  memmove(&n->items[at], &n->items[at + 1],
          (n->keys_count - at) * sizeof(n->items[0]));
}

/*
 * Splits the full child number at of parent, which is in the transaction and
 * has room for another key.
 */
static void btree_split(struct btree_node *parent, uint32_t at) {
  struct btree_node *left = D_RW(parent->children[at]);
  btree_link fresh = TX_ZNEW(struct btree_node);
  struct btree_node *right = D_RW(fresh);
  uint32_t half = BTREE_KEYS_MAX / 2;
  right->leaf = left->leaf;
#ifndef BUG_1
  TX_ADD_DIRECT(&left->next);
#endif
  TX_ADD_DIRECT(&left->keys_count);
  btree_open_gap(parent, at);
  if (left->leaf) {
    /* The middle key stays in the right leaf and is copied up. */
    right->keys_count = BTREE_KEYS_MAX - half;
    memcpy(right->keys, &left->keys[half],
           right->keys_count * sizeof(right->keys[0]));
    memcpy(right->items, &left->items[half],
           right->keys_count * sizeof(right->items[0]));
    right->next = left->next;
    left->next = fresh;
    parent->keys[at] = right->keys[0];
  } else {
    /* The middle key moves up. */
    right->keys_count = BTREE_KEYS_MAX - half - 1;
    memcpy(right->keys, &left->keys[half + 1],
           right->keys_count * sizeof(right->keys[0]));
    memcpy(right->children, &left->children[half + 1],
           (right->keys_count + 1) * sizeof(right->children[0]));
    parent->keys[at] = left->keys[half];
  }
  left->keys_count = half;
  parent->children[at + 1] = fresh;
}

/* Inside a transaction: a full root becomes the only child of a new root. */
static void btree_grow(TOID(struct maps_root) root) {
  btree_link top = TX_ZNEW(struct btree_node);
  D_RW(top)->children[0] = D_RO(root)->btree;
  btree_split(D_RW(top), 0);
  TX_SET(root, btree, top);
}

/* Inside a transaction: inserts a key that is not there. */
static void btree_insert(TOID(struct maps_root) root, uint64_t key,
                         struct map_item item) {
  if (D_RO(D_RO(root)->btree)->keys_count == BTREE_KEYS_MAX) {
    btree_grow(root);
  }
  btree_link node = D_RO(root)->btree;
  while (!D_RO(node)->leaf) {
    uint32_t i = btree_position(D_RO(node), key);
    if (D_RO(D_RO(node)->children[i])->keys_count == BTREE_KEYS_MAX) {
      TX_ADD(node);
      btree_split(D_RW(node), i);
      i += key >= D_RO(node)->keys[i];
    }
    node = D_RO(node)->children[i];
  }
#ifdef BUG_2
  btree_leaf_insert(D_RW(node), btree_position(D_RO(node), key), key, item);
  TX_ADD(node);
#else
  TX_ADD(node);
  btree_leaf_insert(D_RW(node), btree_position(D_RO(node), key), key, item);
#endif
  TX_ADD_FIELD(root, count);
  D_RW(root)->count++;
}

static int btree_put(PMEMobjpool *pool, uint64_t key, uint64_t value) {
  struct map_item *old = btree_item(pool, key);
  struct map_item item = {value, map_mark(key, value)};
  volatile int result = old == NULL;
#ifdef BUG_3
  if (old != NULL) {
    old->value = item.value;
    pmemobj_persist(pool, &old->value, sizeof(old->value));
    old->check = item.check;
    pmemobj_persist(pool, &old->check, sizeof(old->check));
    return 0;
  }
#endif
  TX_BEGIN(pool) {
    if (old == NULL) {
      btree_insert(maps_root(pool), key, item);
    } else {
      TX_ADD_DIRECT(old);
      *old = item;
    }
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

/*
 * Moves one key from child number from to its neighbour number to; parent and
 * both are in the transaction.
 */
static void btree_borrow(struct btree_node *parent, uint32_t from,
                         uint32_t to) {
  struct btree_node *a = D_RW(parent->children[from]);
  struct btree_node *b = D_RW(parent->children[to]);
  bool leftward = to < from;
  uint32_t separator = leftward ? to : from;
  uint32_t source = leftward ? 0 : a->keys_count - 1;
  if (a->leaf) {
    btree_leaf_insert(b, leftward ? b->keys_count : 0, a->keys[source],
                      a->items[source]);
    btree_leaf_delete(a, source);
    parent->keys[separator] = leftward ? a->keys[0] : b->keys[0];
  } else if (leftward) {
    b->keys[b->keys_count] = parent->keys[separator];
    b->children[b->keys_count + 1] = a->children[0];
    b->keys_count++;
    parent->keys[separator] = a->keys[0];
    a->children[0] = a->children[1];
    btree_close_gap(a, 0);
  } else {
    btree_open_gap(b, 0);
    b->children[1] = b->children[0];
    b->children[0] = a->children[a->keys_count];
    b->keys[0] = parent->keys[separator];
    parent->keys[separator] = a->keys[source];
    a->keys_count--;
  }
}

/*
 * Moves all of child number at + 1 into child number at and frees it; parent
 * and the left one are in the transaction.
 */
static void btree_merge(struct btree_node *parent, uint32_t at) {
  btree_link gone = parent->children[at + 1];
  struct btree_node *left = D_RW(parent->children[at]);
  const struct btree_node *right = D_RO(gone);
  uint32_t n = left->keys_count;
  if (left->leaf) {
    memcpy(&left->items[n], right->items,
           right->keys_count * sizeof(left->items[0]));
    left->next = right->next;
  } else {
    left->keys[n++] = parent->keys[at];
    memcpy(&left->children[n], right->children,
           (right->keys_count + 1) * sizeof(left->children[0]));
  }
  memcpy(&left->keys[n], right->keys,
         right->keys_count * sizeof(left->keys[0]));
  left->keys_count = n + right->keys_count;
  btree_close_gap(parent, at);
  TX_FREE(gone);
}

/*
 * Inside a transaction: gives child number i of node a key to spare. Returns
 * the number of the child that now covers its keys.
 */
static uint32_t btree_fill(btree_link node, uint32_t i) {
  struct btree_node *n = D_RW(node);
  TX_ADD(node);
  TX_ADD(n->children[i]);
  if (i > 0) {
    TX_ADD(n->children[i - 1]);
    if (D_RO(n->children[i - 1])->keys_count > BTREE_KEYS_MIN) {
      btree_borrow(n, i - 1, i);
      return i;
    }
    btree_merge(n, i - 1);
    return i - 1;
  }
  if (D_RO(n->children[1])->keys_count > BTREE_KEYS_MIN) {
    TX_ADD(n->children[1]);
    btree_borrow(n, 1, 0);
  } else {
    btree_merge(n, 0);
  }
  return 0;
}

/* Inside a transaction: deletes a key that is there. */
static void btree_delete(TOID(struct maps_root) root, uint64_t key) {
  btree_link node = D_RO(root)->btree;
  while (!D_RO(node)->leaf) {
    uint32_t i = btree_position(D_RO(node), key);
    if (D_RO(D_RO(node)->children[i])->keys_count <= BTREE_KEYS_MIN) {
      i = btree_fill(node, i);
    }
    btree_link child = D_RO(node)->children[i];
    if (D_RO(node)->keys_count == 0) {
      /* Only the root can run out of keys: its one child takes over. */
      TX_SET(root, btree, child);
      TX_FREE(node);
    }
    node = child;
  }
  TX_ADD(node);
  btree_leaf_delete(D_RW(node), btree_position(D_RO(node), key));
  TX_ADD_FIELD(root, count);
  D_RW(root)->count--;
}

static int btree_remove(PMEMobjpool *pool, uint64_t key) {
  if (btree_item(pool, key) == NULL) {
    return 0;
  }
  volatile int result = 1;
  TX_BEGIN(pool) {
    btree_delete(maps_root(pool), key);
  }
  TX_ONABORT {
    result = -1;
  }
  TX_END
  return result;
}

/* Where a walk through the tree stands. */
struct btree_walk {
  struct {
    const struct btree_node *node;
    uint32_t child; /* the next one to visit */
    uint64_t low;   /* keys are at least low ... */
    uint64_t high;  /* ... and at most high */
  } path[BTREE_DEPTH_MAX];
  uint32_t depth;                     /* nodes on the path */
  uint32_t leaf_depth;                /* of the first leaf, 0: none seen */
  const struct btree_node *leaf_next; /* whom the last leaf links to */
};

/* Enters a node whose keys must lie in [low, high]. */
static int btree_check_enter(struct btree_walk *walk, btree_link link,
                             uint64_t low, uint64_t high) {
  if (TOID_IS_NULL(link)) {
    return map_broken("btree", "null child", low);
  }
  if (walk->depth == BTREE_DEPTH_MAX) {
    return map_broken("btree", "too deep, or a cycle", low);
  }
  const struct btree_node *n = D_RO(link);
  uint32_t least = walk->depth == 0 ? !n->leaf : BTREE_KEYS_MIN;
  if (n->keys_count < least || n->keys_count > BTREE_KEYS_MAX) {
    return map_broken("btree", "bad number of keys", n->keys_count);
  }
  for (uint32_t i = 0; i < n->keys_count; i++) {
    if (n->keys[i] < low || n->keys[i] > high ||
        (i > 0 && n->keys[i] <= n->keys[i - 1])) {
      return map_broken("btree", "key out of order", n->keys[i]);
    }
  }
  walk->path[walk->depth].node = n;
  walk->path[walk->depth].child = 0;
  walk->path[walk->depth].low = low;
  walk->path[walk->depth].high = high;
  walk->depth++;
  return 0;
}

/* The top of the path is a leaf: verifies its items and its link. */
static int btree_check_leaf(struct btree_walk *walk,
                            struct map_summary *summary) {
  const struct btree_node *n = walk->path[walk->depth - 1].node;
  if (walk->leaf_depth == 0) {
    walk->leaf_depth = walk->depth;
  } else if (walk->leaf_depth != walk->depth) {
    return map_broken("btree", "leaves of unequal depth", n->keys[0]);
  } else if (walk->leaf_next != n) {
    return map_broken("btree", "leaf missing in the chain", n->keys[0]);
  }
  for (uint32_t i = 0; i < n->keys_count; i++) {
    if (n->items[i].check != map_mark(n->keys[i], n->items[i].value)) {
      return map_broken("btree", "value and check word differ", n->keys[i]);
    }
    summary->count++;
    summary->sum += n->items[i].check;
  }
  walk->leaf_next = TOID_IS_NULL(n->next) ? NULL : D_RO(n->next);
  return 0;
}

static int btree_check(PMEMobjpool *pool, struct map_summary *summary) {
  TOID(struct maps_root) root = maps_root(pool);
  struct btree_walk walk = {.depth = 0};
  *summary = (struct map_summary){0, 0};
  if (btree_check_enter(&walk, D_RO(root)->btree, 0, UINT64_MAX) < 0) {
    return -1;
  }
  while (walk.depth > 0) {
    const struct btree_node *n = walk.path[walk.depth - 1].node;
    uint32_t i = walk.path[walk.depth - 1].child++;
    uint64_t low = walk.path[walk.depth - 1].low;
    uint64_t high = walk.path[walk.depth - 1].high;
    if (n->leaf) {
      if (btree_check_leaf(&walk, summary) < 0) {
        return -1;
      }
      walk.depth--;
    } else if (i > n->keys_count) {
      walk.depth--;
    } else if (btree_check_enter(
                   &walk, n->children[i], i == 0 ? low : n->keys[i - 1],
                   i == n->keys_count ? high : n->keys[i] - 1) < 0) {
      return -1;
    }
  }
  if (walk.leaf_next != NULL) {
    return map_broken("btree", "chain of leaves too long", 0);
  }
  if (summary->count != D_RO(root)->count) {
    return map_broken("btree", "wrong count", D_RO(root)->count);
  }
  return 0;
}

const struct map btree_map = {.name = "btree",
                              .create = btree_create,
                              .put = btree_put,
                              .get = btree_get,
                              .remove = btree_remove,
                              .check = btree_check};
