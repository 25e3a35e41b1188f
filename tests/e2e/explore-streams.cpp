/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang++ -std=c++17 -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp %t.pool %t.before
 * RUN: not %fencepost explore %t.fpt --db %t.a.fpdb --recover '%t ifstream %t.pool' | FileCheck %s
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --recover '%t fileno %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --db %t.c.fpdb --recover '%t ofstream %t.pool' | FileCheck --check-prefix=OK %s
 * RUN: cmp %t.pool %t.before
 *
 * Intent: a recovery that reads its pool through a C++ stream, or maps the
 * descriptor of a C stream, sees the crash states; what it writes stays there.
 *
 * CHECK: recovery exited with 3
 * CHECK: cover all
 * OK: 0 errors
 */
#include "Inputs/pm.h"

#include <fstream>
#include <string>

static int verdict(const volatile uint64_t *pm) {
  return pm[0] == 1 && pm[8] != 42 ? 3 : 0;
}

static int by_ifstream(const char *path) {
  uint64_t bytes[16];
  std::ifstream stream(path, std::ios::binary);

  stream.read(reinterpret_cast<char *>(bytes), sizeof bytes);
  return stream ? verdict(bytes) : 9;
}

static int by_fileno(const char *path) {
  FILE *stream = fopen(path, "r+b");
  void *pm = mmap(NULL, PM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                  fileno(stream), 0);
  uint64_t first;

  if (pm == MAP_FAILED || fread(&first, sizeof first, 1, stream) != 1 ||
      first != *static_cast<volatile uint64_t *>(pm) || fclose(stream) != 0)
    return 9;
  return verdict(static_cast<volatile uint64_t *>(pm));
}

static int by_ofstream(const char *path) {
  std::string text;

  std::ofstream(path) << "junk";
  std::ifstream(path) >> text;
  return text != "junk";
}

int main(int argc, char **argv) {
  std::string how = argc == 3 ? argv[1] : "";

  if (how == "ifstream")
    return by_ifstream(argv[2]);
  if (how == "fileno")
    return by_fileno(argv[2]);
  if (how == "ofstream")
    return by_ofstream(argv[2]);
  auto pm = static_cast<volatile uint64_t *>(pm_map(argv[2]));
  pm[8] = 42;
  pm_flush(const_cast<uint64_t *>(&pm[8]), 8);
  pm[0] = 1; /* nothing orders it after the 42 */
  pm_persist(const_cast<uint64_t *>(pm), 8);
  return 0;
}
