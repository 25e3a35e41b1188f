/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -rf %t.d && mkdir %t.d
 * RUN: not %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.d/pool --only recovery-failure --recover '%t check %t.d/pool' -- %t run %t.d/pool | FileCheck %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.fpdb | FileCheck --check-prefix=REPLAY %s
 * RUN: rm -rf %t.d && mkdir %t.d
 * RUN: %fencepost record --pool %t.d/pool -o %t.fpt -- %t.fixed run %t.d/pool
 * RUN: cp %t.d/pool %t.before
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed check %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed away %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed links %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed other-names %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed beside %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed exchange %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed temporary %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm -f %t.fpdb && not %fencepost explore %t.fpt --db %t.fpdb --only recovery-failure --recover '%t.fixed directory %t.d/pool' | FileCheck --check-prefix=DIRECTORY %s
 * RUN: cp %t.d/pool %t.d/pool.backup
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t.fixed backup %t.d/pool' | FileCheck --check-prefix=FIXED %s
 * RUN: cmp %t.d/pool.backup %t.before && rm %t.d/pool.backup
 * RUN: cmp %t.d/pool %t.before
 * RUN: ls %t.d | FileCheck --check-prefix=LEFT %s
 *
 * Intent: a recovery writes a new file beside the pool and renames it over it:
 * what it wrote is the pool from then on, as far as this run goes. All else
 * that names can be made to do is as on a file system, and the next run finds
 * everything as it was.
 *
 * CHECK: recovery-failure
 * CHECK: 1 error
 * CHECK-SAME: cover all of
 * REPLAY: replayed 1
 * FIXED: 0 errors, 0 warnings; {{.*}} cover all of
 * DIRECTORY: fencepost: recovery renames the directory of a pool
 *
 * LEFT: pool
 * LEFT-NOT: {{.}}
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define EXPECT(good)                                                           \
  do {                                                                         \
    if (!(good)) {                                                             \
      fprintf(stderr, "line %d: %s (errno %d)\n", __LINE__, #good, errno);     \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static const char *beside(const char *path, const char *end) {
  static char names[4][4096];
  static int next;
  char *name = names[next++ % 4];

  snprintf(name, sizeof names[0], "%s%s", path, end);
  return name;
}

static int exists(const char *path) {
  struct stat state;

  return stat(path, &state) == 0;
}

static uint64_t word_of(const char *path, int at) {
  uint64_t word = UINT64_MAX;
  int fd = open(path, O_RDONLY);

  EXPECT(fd >= 0 && pread(fd, &word, 8, at * 8) == 8);
  close(fd);
  return word;
}

static int write_file(const char *path, uint64_t first, uint64_t second) {
  uint64_t words[16] = {first};
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

  words[8] = second;
  EXPECT(fd >= 0 && write(fd, words, sizeof words) == sizeof words);
  EXPECT(fsync(fd) == 0);
  return fd;
}

/* What the pool holds goes into a new file. */
static int rewrite(const char *path) {
  const char *other = beside(path, ".new");
  volatile uint64_t *pm = pm_map(path);
  uint64_t data = pm[0];
  uint64_t flag = pm[8];
  int fd = write_file(other, data, flag + 10);

  EXPECT(rename(other, path) == 0);
  EXPECT(!exists(other) && exists(path));
  EXPECT(pm[8] == flag);                 /* the old file */
  EXPECT(word_of(path, 8) == flag + 10); /* the new one */
  EXPECT(pwrite(fd, &flag, 8, 64) == 8);
  EXPECT(ftruncate(fd, 2 * PM_SIZE) == 0);
  close(fd);
  pm = pm_map(path);
  EXPECT(pm[PM_SIZE / 8 - 1] == 0);
  return pm[8] == 1 && pm[0] != 7;
}

static int away(const char *path) {
  const char *old = beside(path, ".old");
  uint64_t flag = word_of(path, 8);
  int fd = open(path, O_RDWR);

  EXPECT(rename(path, old) == 0);
  EXPECT(!exists(path) && open(path, O_RDWR) < 0 && errno == ENOENT);
  EXPECT(exists(old) && word_of(old, 8) == flag);
  close(write_file(path, 3, 4));
  EXPECT(word_of(path, 8) == 4 && word_of(old, 8) == flag);
  EXPECT(pwrite(fd, "x", 1, 100) == 1 && (word_of(old, 12) >> 32) == 'x');
  EXPECT(rename(old, path) == 0 && word_of(path, 8) == flag && !exists(old));
  EXPECT(unlink(path) == 0 && !exists(path) && unlink(path) == -1);
  EXPECT(pread(fd, &flag, 8, 96) == 8);
  close(fd);
  return 0;
}

static int links(const char *path) {
  const char *link_path = beside(path, ".link");
  const char *hard = beside(path, ".hard");
  uint64_t flag = word_of(path, 8);

  EXPECT(symlink(path, link_path) == 0);
  EXPECT(word_of(link_path, 8) == flag);
  EXPECT(unlink(link_path) == 0 && !exists(link_path) && exists(path));
  EXPECT(symlink("pool", link_path) == 0);
  EXPECT(word_of(link_path, 0) == word_of(path, 0));
  EXPECT(open(link_path, O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
  EXPECT(unlink(link_path) == 0);
  EXPECT(link(path, hard) == 0 && link(path, hard) == -1 && errno == EEXIST);
  EXPECT(word_of(hard, 8) == flag);
  EXPECT(rename(path, hard) == 0 && exists(path) && exists(hard));
  EXPECT(unlink(path) == 0 && !exists(path) && word_of(hard, 8) == flag);
  EXPECT(link(hard, path) == 0 && unlink(hard) == 0);
  EXPECT(word_of(path, 8) == flag && !exists(hard));
  return 0;
}

/* Ways to say the same path. */
static int other_names(const char *path) {
  char directory[4096];
  char name[64];
  uint64_t flag = word_of(path, 8);
  uint64_t word = 99;
  int at, fd;

  strcpy(directory, path);
  *strrchr(directory, '/') = 0;
  at = open(directory, O_RDONLY | O_DIRECTORY);
  fd = openat(at, "pool", O_RDWR);
  EXPECT(at >= 0 && fd >= 0 && pread(fd, &word, 8, 64) == 8 && word == flag);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  EXPECT(word_of(name, 8) == flag);
  EXPECT(renameat(at, "pool", at, "moved") == 0);
  EXPECT(faccessat(at, "pool", F_OK, 0) == -1);
  EXPECT(word_of(name, 8) == flag &&
         word_of(beside(directory, "/moved"), 8) == flag);
  EXPECT(chdir(directory) == 0 && rename("moved", "./pool") == 0);
  EXPECT(word_of("pool", 8) == flag && word_of(path, 8) == flag);
  EXPECT(unlinkat(at, "pool", 0) == 0 && !exists(path));
  close(fd);
  fd = open(path, O_RDWR | O_CREAT, 0600);
  EXPECT(fd >= 0 && lseek(fd, 0, SEEK_END) == 0);
  EXPECT(open("pool", O_RDWR | O_TRUNC) >= 0);
  return 0;
}

/* A file that is mapped takes the pool's place. */
static int mapped_beside(const char *path) {
  const char *other = beside(path, ".new");
  uint64_t flag = word_of(path, 8);
  int fd = write_file(other, 1, 2);
  volatile uint64_t *pm;

  EXPECT(ftruncate(fd, 8192) == 0);
  pm = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  EXPECT(pm != MAP_FAILED && pm[8] == 2);
  EXPECT(rename(other, path) == 0);
  pm[8] = flag + 5;
  EXPECT(word_of(path, 8) == flag + 5);
  EXPECT(truncate(path, 4096) == 0);
  return 0;
}

static int exchange(const char *path) {
  const char *other = beside(path, ".new");
  uint64_t flag = word_of(path, 8);

  close(write_file(other, 5, 6));
  EXPECT(renameat2(AT_FDCWD, other, AT_FDCWD, path, RENAME_NOREPLACE) == -1);
  EXPECT(renameat2(AT_FDCWD, other, AT_FDCWD, path, RENAME_EXCHANGE) == 0);
  EXPECT(word_of(path, 8) == 6 && word_of(other, 8) == flag);
  EXPECT(rename(other, path) == 0 && word_of(path, 8) == flag);
  EXPECT(!exists(other));
  EXPECT(unlink(other) == -1);
  return 0;
}

/* A file without a name gets the pool's. */
static int temporary(const char *path) {
  char directory[4096];
  char name[64];
  uint64_t flag = word_of(path, 8) + 1;
  int fd;

  strcpy(directory, path);
  *strrchr(directory, '/') = 0;
  fd = open(directory, O_TMPFILE | O_RDWR, 0600);
  EXPECT(fd >= 0 && pwrite(fd, &flag, 8, 64) == 8);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  EXPECT(linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == -1);
  EXPECT(errno == EEXIST && unlink(path) == 0);
  EXPECT(linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0);
  EXPECT(word_of(path, 8) == flag);
  close(fd);
  return 0;
}

/* A file that was there before, and is there again in the next run. */
static int backup(const char *path) {
  const char *other = beside(path, ".backup");

  EXPECT(word_of(path, 8) < 2 && word_of(other, 8) == 1);
  EXPECT(rename(other, path) == 0 && !exists(other));
  EXPECT(word_of(path, 8) == 1 && truncate(path, 64) == 0);
  return 0;
}

static int directory(const char *path) {
  char from[4096];

  (void)word_of(path, 8);
  strcpy(from, path);
  *strrchr(from, '/') = 0;
  return rename(from, beside(from, ".moved")) != 0;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    int (*recover)(const char *path);
  } ways[] = {{"check", rewrite},        {"away", away},
              {"links", links},          {"other-names", other_names},
              {"beside", mapped_beside}, {"exchange", exchange},
              {"temporary", temporary},  {"backup", backup},
              {"directory", directory}};
  volatile uint64_t *pm;

  if (argc != 3)
    return 2;
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    if (strcmp(argv[1], ways[i].name) == 0)
      return exists(argv[2]) ? ways[i].recover(argv[2]) : 0;
  }
  pm = pm_map(argv[2]);
  pm[0] = 7;
#ifdef FIXED
  pm_persist((const void *)pm, 8);
#endif
  pm[8] = 1;
  pm_persist((const void *)pm, 72);
  return 0;
}
