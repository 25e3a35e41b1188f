/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/checker.h"

#include "rt/base/assert.h"
#include "rt/base/bytes.h"
#include "tools/explore/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* How a shell, and exec, say that there is nothing to run. */
#define CANNOT_EXECUTE 126u
#define NOT_FOUND 127u
#define PAGE 4096u

struct explore_good {
  XXH128_hash_t hash;
  bool used;
};

int explore_checker_init(struct explore_checker *checker, const char *command,
                         char error[512]) {
  *checker = (struct explore_checker){0};
  char path[PATH_MAX];
  return explore_command_split("checker", command, &checker->words, path,
                               error);
}

void explore_checker_free(struct explore_checker *checker) {
  wordfree(&checker->words);
  free(checker->good);
  *checker = (struct explore_checker){0};
}

/* ---- contents that were found good ---- */

static struct explore_good *good_find(const struct explore_checker *checker,
                                      XXH128_hash_t hash) {
  uint64_t at = hash.low64 & (checker->good_size - 1);
  while (checker->good[at].used &&
         !XXH128_isEqual(checker->good[at].hash, hash)) {
    at = (at + 1) & (checker->good_size - 1);
  }
  return &checker->good[at];
}

static void good_grow(struct explore_checker *checker) {
  if (checker->good_used * 2 < checker->good_size) {
    return;
  }
  struct explore_checker bigger = {
      .good_size = checker->good_size == 0 ? 256 : checker->good_size * 2};
  bigger.good = calloc(bigger.good_size, sizeof *bigger.good);
  FPOST_ASSERT(bigger.good != NULL);
  for (uint64_t i = 0; i < checker->good_size; i++) {
    if (checker->good[i].used) {
      *good_find(&bigger, checker->good[i].hash) = checker->good[i];
    }
  }
  free(checker->good);
  checker->good = bigger.good;
  checker->good_size = bigger.good_size;
}

/* Pages of zeros and holes are the same. */
static void hash_file(XXH3_state_t *state, int fd) {
  uint8_t page[PAGE];
  struct stat file = {.st_size = 0};
  (void)fstat(fd, &file);
  (void)XXH3_128bits_update(state, &file.st_size, sizeof file.st_size);
  ssize_t got = 1;
  for (off_t at = 0; got > 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0;
       at += got) {
    got = pread(fd, page, sizeof page, at);
    if (got > 0 && !fpost_bytes_zero(page, (size_t)got)) {
      (void)XXH3_128bits_update(state, &at, sizeof at);
      (void)XXH3_128bits_update(state, page, (size_t)got);
    }
  }
}

static XXH128_hash_t hash_files(const struct explore_material *material) {
  XXH3_state_t *state = XXH3_createState();
  FPOST_ASSERT(state != NULL);
  (void)XXH3_128bits_reset(state);
  for (uint32_t i = 0; i < material->count; i++) {
    if (material->files[i] >= 0) {
      hash_file(state, material->files[i]);
    }
  }
  XXH128_hash_t hash = XXH3_128bits_digest(state);
  (void)XXH3_freeState(state);
  return hash;
}

/* ---- running ---- */

static int cannot_run(const struct explore_checker *checker, int output,
                      uint32_t value, char error[512]) {
  char text[201];
  ssize_t got = pread(output, text, sizeof text - 1, 0);
  text[got < 0 ? 0 : got] = '\0';
  text[strcspn(text, "\n")] = '\0';
  snprintf(error, 512,
           "the checker '%.200s' could not be run: exit code %u, which is a "
           "shell's word for that%s%s",
           checker->words.we_wordv[0], value,
           *text == '\0' ? "" : "; it said: ", text);
  return FPOST_ENOENT;
}

int explore_checker_run(struct explore_checker *checker,
                        const struct explore_material *material,
                        struct explore_material_run how,
                        struct fpost_plan_run *run, char error[512]) {
  struct fpost_plan_run own;
  XXH128_hash_t hash = hash_files(material);
  good_grow(checker);
  struct explore_good *good = good_find(checker, hash);
  if (good->used) {
    return FPOST_OK;
  }
  how.words = checker->words.we_wordv;
  how.data_max = 0; /* what it starts may need it */
  how.observe = 0;
  explore_material_run(material, &how, &own);
  if ((own.flags & FPOST_RUN_OPENED) != 0) {
    run->flags |= FPOST_RUN_CHECKED;
  }
  if (own.outcome == FPOST_OUTCOME_EXIT &&
      (own.value == NOT_FOUND || own.value == CANNOT_EXECUTE)) {
    return cannot_run(checker, how.output, own.value, error);
  }
  if (own.outcome == FPOST_OUTCOME_EXIT && own.value == 0) {
    *good = (struct explore_good){.hash = hash, .used = true};
    checker->good_used++;
    return FPOST_OK;
  }
  run->outcome = own.outcome;
  run->value = own.value;
  run->flags |= FPOST_RUN_CHECKER;
  return FPOST_OK;
}
