/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * How many processes can this machine fork in a second, at best?
 *
 *   bench_fork RUNS MIB PAGES     RUNS times: fork; the child writes to PAGES
 * pages of a private mapping of MIB mebibytes and exits; the parent waits for
 * it
 *
 * This is what an exploration has to do for each recovery run, and so the rate
 * that it is measured against.
 */
#include "tests/programs/stopwatch.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void child_run(uint8_t *image, size_t size, size_t pages) {
  size_t stride = size / pages / 4096 * 4096;
  for (size_t i = 0; i < pages; i++) {
    image[i * stride] = 1;
  }
  _exit(0);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: bench_fork RUNS MIB PAGES\n", stderr);
    return 2;
  }
  uint64_t runs = strtoull(argv[1], NULL, 10);
  size_t size = (size_t)strtoull(argv[2], NULL, 10) << 20;
  size_t pages = (size_t)strtoull(argv[3], NULL, 10);
  int file = memfd_create("image", MFD_CLOEXEC);
  if (pages == 0 || size / pages < 4096 || file < 0 ||
      ftruncate(file, (off_t)size) < 0) {
    fputs("bench_fork: cannot make the image\n", stderr);
    return 2;
  }
  uint8_t *image =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (image == MAP_FAILED) {
    fputs("bench_fork: cannot map the image\n", stderr);
    return 2;
  }
  uint64_t start = stopwatch_wall();
  for (uint64_t i = 0; i < runs; i++) {
    pid_t child = fork();
    if (child == 0) {
      child_run(image, size, pages);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child) {
      fputs("bench_fork: cannot fork\n", stderr);
      return 2;
    }
  }
  stopwatch_print(stopwatch_wall() - start, runs);
  return 0;
}
