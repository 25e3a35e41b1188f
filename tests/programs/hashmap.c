/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * A chained hash map in a file that is mapped with mmap, with flushes and
 * fences of its own.
 *
 *   hashmap insert COUNT POOL
 *   hashmap check POOL           recovery: visits every chain, verifies all
 * nodes
 *
 * An insertion writes the node, flushes it, fences, links it into its chain
 * with one 8-byte store, flushes that and fences. Which nodes are in use
 * follows from the chains. All links are offsets in the file.
 *
 * BUG_1: the node is linked before it is flushed, both under one fence.
 * BUG_2: the link is not flushed.
 * BUG_3: a clflushopt of the node, with no fence before the link is stored.
 *
 * Exit code: 0, 1 if the map is broken, 2 for usage or environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL_SIZE ((size_t)1 << 20)
#define CHAINS_COUNT 64u
#define MAP_MAGIC UINT64_C(0x70616d6873616821)

struct node {
  uint64_t key;
  uint64_t value;
  uint64_t check; /* mix(key ^ mix(value)) */
  uint64_t next;  /* offset, 0: end of the chain */
  uint8_t spare[32];
};

struct table {
  uint64_t magic; /* 0: an empty map, all else is 0 too */
  uint8_t spare[56];
  uint64_t chains[CHAINS_COUNT]; /* offset of the first node, 0: none */
};

#define NODES_MAX ((POOL_SIZE - sizeof(struct table)) / sizeof(struct node))

struct map {
  struct table *table;
  struct node *nodes;
  uint64_t nodes_count; /* in use */
};

static uint64_t mix(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

__attribute__((target("clflushopt"))) static void flush(void *line) {
  _mm_clflushopt(line);
}

static void fence(void) {
  _mm_sfence();
}

static uint64_t node_offset(uint64_t index) {
  return sizeof(struct table) + index * sizeof(struct node);
}

static int broken(const char *what, uint64_t number) {
  fprintf(stderr, "hashmap: %s: %" PRIu64 "\n", what, number);
  return 1;
}

/* Visits everything; returns 0, or 1 with a message. */
static int map_check(struct map *map) {
  const struct table *table = map->table;
  map->nodes_count = 0;
  if (table->magic != MAP_MAGIC && table->magic != 0) {
    return broken("bad magic", table->magic);
  }
  for (uint64_t chain = 0; chain < CHAINS_COUNT; chain++) {
    for (uint64_t at = table->chains[chain]; at != 0;) {
      if (at < sizeof(struct table) || at % sizeof(struct node) != 0 ||
          at > POOL_SIZE - sizeof(struct node)) {
        return broken("link to nowhere", at);
      }
      if (++map->nodes_count > NODES_MAX) {
        return broken("a cycle in chain", chain);
      }
      const struct node *n = &map->nodes[(at - sizeof(*table)) / sizeof(*n)];
      if (n->check != mix(n->key ^ mix(n->value))) {
        return broken("value and check word differ", n->key);
      }
      if (mix(n->key) % CHAINS_COUNT != chain) {
        return broken("key in the wrong chain", n->key);
      }
      at = n->next;
    }
  }
  return 0;
}

static void map_insert(struct map *map, uint64_t key, uint64_t value) {
  struct node *n = &map->nodes[map->nodes_count];
  uint64_t *head = &map->table->chains[mix(key) % CHAINS_COUNT];
  n->key = key;
  n->value = value;
  n->check = mix(key ^ mix(value));
  n->next = *head;
#ifndef BUG_1
  flush(n);
#endif
#if !defined(BUG_1) && !defined(BUG_3)
  fence();
#endif
  *(volatile uint64_t *)head = node_offset(map->nodes_count);
#ifdef BUG_1
  flush(n);
#endif
#ifndef BUG_2
  flush(head);
#endif
  fence();
  map->nodes_count++;
}

/* Returns 0, or 2 with a message. */
static int map_open(struct map *map, const char *path, int create) {
  int file = open(path, O_RDWR | (create ? O_CREAT : 0), 0600);
  struct stat info;
  if (file < 0 || fstat(file, &info) < 0 ||
      (info.st_size == 0 && ftruncate(file, (off_t)POOL_SIZE) < 0)) {
    fprintf(stderr, "hashmap: %s: %s\n", path, strerror(errno));
    return 2;
  }
  void *base =
      mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (base == MAP_FAILED) {
    fprintf(stderr, "hashmap: %s: %s\n", path, strerror(errno));
    return 2;
  }
  map->table = base;
  map->nodes = (void *)((uint8_t *)base + sizeof(struct table));
  if (create && map->table->magic == 0) {
    map->table->magic = MAP_MAGIC;
    flush(map->table);
    fence();
  }
  return 0;
}

int main(int argc, char **argv) {
  struct map map;
  int inserts = argc == 4 && strcmp(argv[1], "insert") == 0;
  if (!inserts && !(argc == 3 && strcmp(argv[1], "check") == 0)) {
    fputs("usage: hashmap insert COUNT POOL | hashmap check POOL\n", stderr);
    return 2;
  }
  int result = map_open(&map, argv[argc - 1], inserts);
  if (result != 0 || (result = map_check(&map)) != 0) {
    return result;
  }
  uint64_t count = inserts ? strtoull(argv[2], NULL, 10) : 0;
  if (count > NODES_MAX - map.nodes_count) {
    fputs("hashmap: no room for so many keys\n", stderr);
    return 2;
  }
  for (uint64_t i = 0; i < count; i++) {
    map_insert(&map, mix(map.nodes_count), i);
  }
  printf("hashmap: %" PRIu64 " keys\n", map.nodes_count);
  return 0;
}
