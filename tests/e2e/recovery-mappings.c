/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -o %t
 * RUN: rm -f %t.pool %t.fpt && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t private %t.pool' | FileCheck --check-prefix=NINE %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t plain-private %t.pool' | FileCheck --check-prefix=NINE %s
 * RUN: rm -f %t.fpdb && not %fencepost explore %t.fpt --db %t.fpdb --only recovery-failure --recover '%t lost %t.pool' | FileCheck --check-prefix=LOST %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t protect %t.pool' | FileCheck %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t moved %t.pool' | FileCheck %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t again %t.pool' | FileCheck %s
 * RUN: rm -f %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --no not-robust --recover '%t copied %t.pool' | FileCheck %s
 * RUN: cmp %t.pool %t.before
 *
 * Intent: however recovery maps the pool, it sees the crash state, and what it
 * stores goes where it does without us: into a private mapping, and then the
 * pool still has what a crash may leave; into all mappings that are shared.
 *
 * CHECK: 0 errors, 0 warnings; {{.*}} cover all of
 * NINE: 0 errors, 0 warnings; {{.*}} 9 runs cover all of 2^4 images
 * LOST: recovery exited with 1
 * LOST: 1 error
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <sys/sendfile.h>

#define MAP(address, size, prot, type, fd)                                     \
  mmap(address, size, prot, type, fd, 0)
#define BOTH (PROT_READ | PROT_WRITE)
#define EXPECT(good)                                                           \
  do {                                                                         \
    if (!(good)) {                                                             \
      fprintf(stderr, "line %d: %s\n", __LINE__, #good);                       \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

void plain_store(volatile uint64_t *pm, uint64_t value);
uint64_t plain_load(volatile uint64_t *pm);

#ifdef PLAIN
void plain_store(volatile uint64_t *pm, uint64_t value) {
  *pm = value;
}
uint64_t plain_load(volatile uint64_t *pm) {
  return *pm;
}
#else
static void hooked_store(volatile uint64_t *pm, uint64_t value) {
  *pm = value;
}
static uint64_t hooked_load(volatile uint64_t *pm) {
  return *pm;
}

/* Words 0, 8, 16 and 24 are 0 or 1, of one page. A private copy of the page
   has each as the crash has left it, but for word 8. */
static int private_copy(int fd, void (*store)(volatile uint64_t *, uint64_t),
                        uint64_t (*load)(volatile uint64_t *)) {
  volatile uint64_t *own = MAP(NULL, PM_SIZE, BOTH, MAP_PRIVATE, fd);
  volatile uint64_t *pm = MAP(NULL, PM_SIZE, BOTH, MAP_SHARED, fd);

  store(&own[1], 5);
  store(&own[8], 5);
  uint64_t first = load(&own[0]);
  EXPECT(first < 2 && load(&own[8]) == 5 && load(&own[1]) == 5);
  EXPECT(load(&pm[0]) == first && load(&pm[1]) == 0);
  uint64_t second = load(&pm[8]);
  EXPECT(second < 2 && load(&own[8]) == 5);
  uint64_t third = load(&pm[16]);
  EXPECT(load(&own[16]) == third);
  EXPECT(munmap((void *)(uintptr_t)own, PM_SIZE) == 0);
  EXPECT(load(&pm[8]) == second);
  return 0;
}

/* A recovery that thinks it has repaired the pool. */
static int lost_repair(int fd) {
  volatile uint64_t *own = MAP(NULL, PM_SIZE, BOTH, MAP_PRIVATE, fd);

  own[8] = 1;
  munmap((void *)(uintptr_t)own, PM_SIZE);
  volatile uint64_t *pm = MAP(NULL, PM_SIZE, PROT_READ, MAP_SHARED, fd);
  return pm[0] == 1 && pm[8] != 1;
}

static int protect(int fd) {
  volatile uint64_t *own = MAP(NULL, PM_SIZE, PROT_READ, MAP_PRIVATE, fd);
  uint64_t first = own[0];

  EXPECT(mprotect((void *)(uintptr_t)own, 4096, BOTH) == 0);
  own[0] = 9;
  own[9] = 9;
  volatile uint64_t *pm = MAP(NULL, PM_SIZE, BOTH, MAP_SHARED, fd);
  EXPECT(pm[0] == first && pm[9] == 0 && own[8] == pm[8] && own[9] == 9);
  return 0;
}

static int moved(int fd) {
  uint64_t *pm = MAP(NULL, 8192, BOTH, MAP_SHARED, fd);
  uint64_t *at = MAP(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  uint64_t first = pm[0];

  pm[512] = 3;
  pm = mremap(pm, 8192, PM_SIZE, MREMAP_MAYMOVE);
  EXPECT(pm != MAP_FAILED && pm[0] == first && pm[512] == 3);
  EXPECT(pm[8] < 2 && pm[PM_SIZE / 8 - 1] == 0);
  pm = mremap(pm, PM_SIZE, PM_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at);
  EXPECT(pm == at && pm[0] == first && pm[512] == 3 && pm[16] < 2);
  pm = mremap(pm, PM_SIZE, 4096, 0);
  EXPECT(pm == at && pm[0] == first);
  uint64_t *page = MAP(NULL, 8192, BOTH, MAP_SHARED, fd);
  page = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, at + 2048);
  EXPECT(page == at + 2048 && page[0] == first && page[24] < 2);
  return 0;
}

static int again(int fd) {
  uint64_t *pm = MAP(NULL, PM_SIZE, BOTH, MAP_SHARED, fd);
  uint64_t first = pm[0];

  pm[1] = 4;
  EXPECT(munmap(pm, PM_SIZE) == 0);
  pm = MAP(NULL, PM_SIZE, BOTH, MAP_SHARED, fd);
  EXPECT(pm[0] == first && pm[1] == 4 && pm[8] < 2);
  uint64_t *other = MAP(NULL, 8192, BOTH, MAP_SHARED, fd);
  EXPECT(other[8] == pm[8] && other[16] == pm[16]);
  other[2] = 6;
  EXPECT(pm[2] == 6 && pwrite(fd, "7", 1, 24) == 1 && other[3] == '7');
  EXPECT(munmap(pm, 4096) == 0 && other[24] < 2);
  return 0;
}

static int copied(int fd) {
  uint64_t *pm = MAP(NULL, PM_SIZE, BOTH, MAP_SHARED, fd);
  FILE *out = tmpfile();
  off_t from = 64;
  uint64_t words[512];

  EXPECT(out != NULL && sendfile(fileno(out), fd, &from, 64) == 64);
  EXPECT(from == 128 && pread(fileno(out), words, 64, 0) == 64);
  EXPECT(words[0] < 2 && words[0] == pm[8]);
  EXPECT(lseek(fd, 0, SEEK_SET) == 0 && lseek(fileno(out), 0, SEEK_SET) == 0);
  EXPECT(copy_file_range(fd, NULL, fileno(out), NULL, 4096, 0) == 4096);
  EXPECT(pread(fileno(out), words, 4096, 0) == 4096 && words[16] == pm[16]);
  from = 0;
  EXPECT(copy_file_range(fileno(out), &from, fd, &(off_t){4096}, 4096, 0) ==
         4096);
  EXPECT(pm[512 + 16] == pm[16] && pm[512 + 24] == words[24]);
  return 0;
}

int main(int argc, char **argv) {
  volatile uint64_t *pm;
  int fd;

  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "run") != 0) {
    fd = open(argv[2], O_RDWR);
    if (fd < 0)
      return 0;
    switch (argv[1][0] == 'p' ? argv[1][2] : argv[1][0]) {
    case 'i':
      return private_copy(fd, hooked_store, hooked_load);
    case 'a':
      return argv[1][0] == 'p' ? private_copy(fd, plain_store, plain_load)
                               : again(fd);
    case 'o':
      return protect(fd);
    case 'l':
      return lost_repair(fd);
    case 'm':
      return moved(fd);
    default:
      return copied(fd);
    }
  }
  pm = pm_map(argv[2]);
  for (int i = 0; i < 32; i += 8)
    pm[i] = 1;
  pm_persist((const void *)pm, 256);
  return 0;
}
#endif
