/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * The driver of the maps:
 *
 *   maps MAP OP COUNT POOL [--seed N] [--rounds N]
 *   maps MAP check POOL [--forks N]
 *
 * MAP is bst, kv or btree. POOL is created if it does not exist. OP is
 *   INIT  only make the pool and an empty map (COUNT is ignored)
 *   INS   put COUNT keys; PUT is another word for it
 *   CHK   verify the structure, and look each of the COUNT keys up
 *   GET   look each of the COUNT keys up
 *   REM   remove each of the COUNT keys
 *   RAND  COUNT random puts, removals and look-ups among 2 * COUNT + 16 keys
 * The keys follow from the seed; --rounds repeats the OP, with other values.
 *
 * `check` is what recovery does: it opens the pool, verifies the structure and
 * prints what it found, the same line for the same content. --forks does so in
 * N processes and prints the time of one.
 *
 * Exit code: 0; 1 if the map is broken or an answer is wrong; 2 for usage or
 * environment.
 */
#include "maps.h"

#include "stopwatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_SIZE_DEFAULT ((size_t)8 << 20)
#define POOL_BYTES_PER_KEY 1024u

static const struct map *const maps[] = {&bst_map, &kv_map, &btree_map};
#define MAPS_COUNT (sizeof(maps) / sizeof(maps[0]))

struct run {
  const struct map *map;
  PMEMobjpool *pool;
  uint64_t count;
  uint64_t seed;
  uint64_t round;
};

int map_broken(const char *map, const char *what, uint64_t key) {
  fprintf(stderr, "%s: %s: %" PRIu64 "\n", map, what, key);
  return -1;
}

static uint64_t run_key(const struct run *run, uint64_t i) {
  return map_mix(run->seed * UINT64_C(0x100000001) + i);
}

static int wrong(const struct run *run, const char *what, uint64_t key) {
  map_broken(run->map->name, what, key);
  return 1;
}

static int op_insert(const struct run *run) {
  for (uint64_t i = 0; i < run->count; i++) {
    uint64_t key = run_key(run, i);
    if (run->map->put(run->pool, key, run->round << 32 | i) < 0) {
      return wrong(run, pmemobj_errormsg(), key);
    }
  }
  return 0;
}

static int op_get(const struct run *run) {
  for (uint64_t i = 0; i < run->count; i++) {
    uint64_t key = run_key(run, i);
    uint64_t value;
    if (!run->map->get(run->pool, key, &value)) {
      return wrong(run, "key is missing", key);
    }
    if ((value & UINT32_MAX) != i) {
      return wrong(run, "key has the wrong value", key);
    }
  }
  return 0;
}

static int op_remove(const struct run *run) {
  for (uint64_t i = 0; i < run->count; i++) {
    uint64_t key = run_key(run, i);
    if (run->map->remove(run->pool, key) != 1) {
      return wrong(run, "key is not there to be removed", key);
    }
  }
  return 0;
}

static int op_check(const struct run *run) {
  struct map_summary summary;
  if (run->map->check(run->pool, &summary) < 0) {
    return 1;
  }
  printf("%s: %" PRIu64 " keys, sum %016" PRIx64 "\n", run->map->name,
         summary.count, summary.sum);
  return 0;
}

static int op_check_and_get(const struct run *run) {
  int result = op_check(run);
  return result != 0 ? result : op_get(run);
}

/* One random step on one key; *present is what the map ought to know. */
static int random_step(const struct run *run, uint64_t key, uint64_t dice,
                       uint64_t *present) {
  uint64_t value;
  if (dice < 2) {
    int fresh = run->map->put(run->pool, key, dice);
    if (fresh < 0 || (fresh == 1) != (*present == 0)) {
      return wrong(run, "put gave the wrong answer", key);
    }
    *present = dice + 1;
  } else if (dice == 2) {
    if (run->map->remove(run->pool, key) != (*present != 0)) {
      return wrong(run, "remove gave the wrong answer", key);
    }
    *present = 0;
  } else if (run->map->get(run->pool, key, &value) != (*present != 0)) {
    return wrong(run, "get gave the wrong answer", key);
  }
  return 0;
}

static int op_random(const struct run *run) {
  uint64_t keys_count = 2 * run->count + 16;
  /* Per key: 0 if it is not in the map, anything else if it is. */
  uint64_t *present = calloc(keys_count, sizeof(*present));
  int result = present == NULL ? 2 : 0;
  for (uint64_t i = 0; result == 0 && i < keys_count; i++) {
    uint64_t value;
    present[i] = run->map->get(run->pool, run_key(run, i), &value);
  }
  uint64_t state = run->seed;
  for (uint64_t i = 0; result == 0 && i < run->count; i++) {
    state = map_mix(state);
    uint64_t at = state % keys_count;
    result = random_step(run, run_key(run, at), state >> 62, &present[at]);
  }
  free(present);
  return result;
}

static int op_nothing(const struct run *run) {
  (void)run;
  return 0;
}

static const struct {
  const char *name;
  int (*run)(const struct run *run);
} ops[] = {{"INIT", op_nothing},      {"INS", op_insert}, {"PUT", op_insert},
           {"CHK", op_check_and_get}, {"GET", op_get},    {"REM", op_remove},
           {"RAND", op_random},       {"check", op_check}};
#define OPS_COUNT (sizeof(ops) / sizeof(ops[0]))

static int usage(void) {
  fputs(
      "usage: maps bst|kv|btree INIT|INS|PUT|CHK|GET|REM|RAND COUNT POOL "
      "[--seed N] "
      "[--rounds N]\n"
      "       maps bst|kv|btree check POOL [--forks N]\n",
      stderr);
  return 2;
}

/* Opens the pool, or creates it with an empty map. */
static PMEMobjpool *pool_open(const char *path, size_t map_index,
                              uint64_t count, bool create) {
  const char *layout = POBJ_LAYOUT_NAME(maps);
  PMEMobjpool *pool;
  if (create && access(path, F_OK) != 0) {
    pool = pmemobj_create(path, layout,
                          POOL_SIZE_DEFAULT + count * POOL_BYTES_PER_KEY, 0600);
  } else {
    pool = pmemobj_open(path, layout);
  }
  if (pool == NULL) {
    fprintf(stderr, "maps: %s: %s\n", path, pmemobj_errormsg());
    return NULL;
  }
  TOID(struct maps_root) root = maps_root(pool);
  if (create && D_RO(root)->map == 0) {
    TX_BEGIN(pool) {
      TX_SET(root, map, map_index + 1);
      maps[map_index]->create(pool);
    }
    TX_END
  }
  if (D_RO(root)->map != map_index + 1) {
    fprintf(stderr, "maps: %s: holds no %s\n", path, maps[map_index]->name);
    pmemobj_close(pool);
    return NULL;
  }
  return pool;
}

static bool parse_number(const char *text, uint64_t *number) {
  char *end;
  errno = 0;
  *number = strtoull(text, &end, 10);
  return errno == 0 && end != text && *end == '\0';
}

struct arguments {
  struct run run; /* all but the pool */
  size_t map;     /* index in maps[] */
  size_t op;      /* index in ops[] */
  bool checks;    /* recovery: the pool must be there, and is left as it is */
  const char *path;
  uint64_t rounds;
  uint64_t forks;
};

static bool parse_options(char **words, struct arguments *arguments) {
  for (; *words != NULL; words += 2) {
    uint64_t *number = strcmp(*words, "--seed") == 0     ? &arguments->run.seed
                       : strcmp(*words, "--rounds") == 0 ? &arguments->rounds
                       : strcmp(*words, "--forks") == 0  ? &arguments->forks
                                                         : NULL;
    if (number == NULL || words[1] == NULL || !parse_number(words[1], number)) {
      return false;
    }
  }
  return true;
}

static bool parse(int argc, char **argv, struct arguments *arguments) {
  if (argc < 4) {
    return false;
  }
  while (arguments->map < MAPS_COUNT &&
         strcmp(maps[arguments->map]->name, argv[1]) != 0) {
    arguments->map++;
  }
  while (arguments->op < OPS_COUNT &&
         strcmp(ops[arguments->op].name, argv[2]) != 0) {
    arguments->op++;
  }
  if (arguments->map == MAPS_COUNT || arguments->op == OPS_COUNT) {
    return false;
  }
  arguments->run.map = maps[arguments->map];
  arguments->checks = ops[arguments->op].run == op_check;
  if (arguments->checks) {
    arguments->path = argv[3];
    return parse_options(&argv[4], arguments);
  }
  arguments->path = argv[4];
  return argc >= 5 && parse_number(argv[3], &arguments->run.count) &&
         parse_options(&argv[5], arguments);
}

/* Everything between the opening and the closing of the pool. */
static int run_all(struct arguments *arguments) {
  int result = 0;
  arguments->run.pool = pool_open(arguments->path, arguments->map,
                                  arguments->run.count, !arguments->checks);
  if (arguments->run.pool == NULL) {
    return arguments->checks ? 1 : 2;
  }
  for (uint64_t i = 0; result == 0 && i < arguments->rounds; i++) {
    arguments->run.round = i;
    result = ops[arguments->op].run(&arguments->run);
  }
  pmemobj_close(arguments->run.pool);
  return result;
}

/* The same in forks processes, one after the other. */
static int run_forked(struct arguments *arguments) {
  uint64_t start = stopwatch_wall();
  for (uint64_t i = 0; i < arguments->forks; i++) {
    pid_t child = fork();
    if (child == 0) {
      _exit(run_all(arguments));
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      return 1;
    }
  }
  stopwatch_print(stopwatch_wall() - start, arguments->forks);
  return 0;
}

int main(int argc, char **argv) {
  struct arguments arguments = {.run = {.seed = 1}, .rounds = 1};
  if (!parse(argc, argv, &arguments)) {
    return usage();
  }
  return arguments.forks > 0 ? run_forked(&arguments) : run_all(&arguments);
}
