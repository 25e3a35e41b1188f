/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Three maps from 64-bit keys to 64-bit values in a libpmemobj pool: a binary
 * search tree, a chained hash table and a B+tree. They are written as a user of
 * libpmemobj would write them, through its public macros only, and serve as
 * programs under test, as recovery programs and as benchmarks.
 *
 * Each map file can be built with one seeded bug, -DBUG_1 to -DBUG_3; the file
 * says at each place what is wrong. Without them there is nothing to report.
 */
#ifndef FPOST_TESTS_PROGRAMS_MAPS_H
#define FPOST_TESTS_PROGRAMS_MAPS_H

#include <libpmemobj.h>
#include <stdbool.h>
#include <stdint.h>

POBJ_LAYOUT_BEGIN(maps);
POBJ_LAYOUT_ROOT(maps, struct maps_root);
POBJ_LAYOUT_TOID(maps, struct bst_node);
POBJ_LAYOUT_TOID(maps, struct kv_table);
POBJ_LAYOUT_TOID(maps, struct kv_node);
POBJ_LAYOUT_TOID(maps, struct btree_node);
POBJ_LAYOUT_END(maps);

/* A pool holds one map; the links of the other two stay null. */
struct maps_root {
  uint64_t map;   /* 1 + index in maps[], 0: none yet */
  uint64_t count; /* keys in the map */
  TOID(struct bst_node) bst;
  TOID(struct kv_table) kv;
  TOID(struct btree_node) btree;
};

/* A value as it is stored: check is map_mark(key, value). */
struct map_item {
  uint64_t value;
  uint64_t check;
};

/* What check has seen: the same for the same set of keys and values. */
struct map_summary {
  uint64_t count;
  uint64_t sum; /* of map_mark over all items */
};

/*
 * The operations of one kind of map. put and remove are failure-atomic: a crash
 * leaves the map as it was before or as it is after.
 */
struct map {
  const char *name;
  /* Makes the empty map, once per pool, inside a transaction of the caller. */
  void (*create)(PMEMobjpool *pool);
  /* Returns 1 if the key is new, 0 if its value was replaced, -1 on error. */
  int (*put)(PMEMobjpool *pool, uint64_t key, uint64_t value);
  /* Returns whether the key is there; *value is written only then. */
  bool (*get)(PMEMobjpool *pool, uint64_t key, uint64_t *value);
  /* Returns 1 if the key was there, 0 if not, -1 on error. */
  int (*remove)(PMEMobjpool *pool, uint64_t key);
  /*
   * Walks everything and verifies the structure. Returns 0, or -1 with a
   * message on stderr.
   */
  int (*check)(PMEMobjpool *pool, struct map_summary *summary);
};

extern const struct map bst_map;
extern const struct map kv_map;
extern const struct map btree_map;

/* A mixing function with good spread, also used to derive values from keys. */
static inline uint64_t map_mix(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static inline uint64_t map_mark(uint64_t key, uint64_t value) {
  return map_mix(key ^ map_mix(value));
}

static inline TOID(struct maps_root) maps_root(PMEMobjpool *pool) {
  return POBJ_ROOT(pool, struct maps_root);
}

/* Prints "MAP: what: key" to stderr; returns -1. */
int map_broken(const char *map, const char *what, uint64_t key);

#endif /* FPOST_TESTS_PROGRAMS_MAPS_H */
