/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t mapping %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t file %t.pool | FileCheck %s
 * RUN: rm -f %t.pool && not %fencepost crash --recover '%t check %t.pool' -- %t part %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t mapping %t.pool
 * RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t file %t.pool
 * RUN: rm -f %t.pool && %fencepost crash --recover '%t check %t.pool' -- %t part %t.pool
 *
 * Intent: memory that the program declares to be PM by pmemcheck's requests is
 * the file that it shows: a crash can be tested without naming the file.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: store of 8 bytes to {{.*}} in fill
 * CHECK: recovery exited with 1
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { REGISTER = 0, REGISTER_FILE = 1, FLUSH = 5, FENCE = 6 };

/* As <valgrind/pmemcheck.h> spells a request. */
static uint64_t request(uint64_t code, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d) {
  volatile uint64_t words[6] = {0x50430000 + code, a, b, c, d};
  volatile uint64_t result;
  __asm__ volatile(
      "rolq $3,  %%rdi ; rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi ; rolq $51, %%rdi\n\t"
      "xchgq %%rbx,%%rbx"
      : "=d"(result)
      : "a"(&words[0]), "0"(0)
      : "cc", "memory");
  return result;
}

static void flush(uint64_t *word) {
  request(FLUSH, (uint64_t)word, 8, 0, 0);
}

static void fill(uint64_t *pm) {
  pm[600] = 1;
  flush(&pm[600]);
#ifdef FIXED
  request(FENCE, 0, 0, 0, 0);
#endif
  pm[1000] = 1;
  flush(&pm[1000]);
  request(FENCE, 0, 0, 0, 0);
}

int main(int argc, char **argv) {
  int fd = argc == 3 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
  uint64_t *pm;

  if (fd < 0 || ftruncate(fd, 8192) != 0)
    return 2;
  pm = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (pm == MAP_FAILED)
    return 2;
  if (strcmp(argv[1], "check") == 0)
    return pm[1000] != 0 && pm[600] == 0;
  if (strcmp(argv[1], "file") == 0)
    request(REGISTER_FILE, (uint64_t)fd, (uint64_t)pm, 8192, 0);
  else if (strcmp(argv[1], "part") == 0)
    request(REGISTER, (uint64_t)&pm[597], 1000 * 8 - 597 * 8 + 8, 0, 0);
  else
    request(REGISTER, (uint64_t)pm, 8192, 0, 0);
  close(fd);
  fill(pm);
  return 0;
}
