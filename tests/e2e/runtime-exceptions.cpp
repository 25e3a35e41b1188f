// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %fencepost-clang++ -g -O1 %s -o %t -rdynamic
// RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t %t.pool | FileCheck --check-prefix=OUT %s
// RUN: %clang++ -g -O1 %s -o %t.plain -rdynamic
// RUN: rm -f %t.pool && %t.plain %t.pool | FileCheck --check-prefix=OUT %s
//
// Intent: the runtime's own unwinding changes nothing for the program:
// exceptions pass through hooked frames, backtrace() sees the same, and the
// unwinder that is bound is the one of the program's libraries.
#include "Inputs/pm.h"

#include <dlfcn.h>
#include <exception>
#include <execinfo.h>
#include <stdexcept>

static uint64_t *pm;

struct guard {
  uint64_t *line;
  ~guard() {
    *line = 7;
    pm_persist(line, 8);
  }
};

__attribute__((noinline)) static void deep(int n) {
  guard g{&pm[8 * n]};
  pm[8 * n] = (uint64_t)n;
  pm_persist(&pm[8 * n], 8);
  if (n == 10) {
    throw std::runtime_error("from below");
  }
  deep(n + 1);
}

extern "C" void *_Unwind_RaiseException(void *);

int main(int argc, char **argv) {
  pm = static_cast<uint64_t *>(pm_map(argv[argc - 1]));
  try {
    deep(0);
  } catch (const std::exception &error) {
    // OUT: caught from below
    printf("caught %s\n", error.what());
  }
  int sevens = 0;
  for (int i = 0; i <= 10; i++)
    sevens += pm[8 * i] == 7;
  // OUT: unwound 11
  printf("unwound %d\n", sevens);
  void *frames[64];
  // OUT: frames enough
  printf("frames %s\n", backtrace(frames, 64) >= 3 ? "enough" : "missing");
  Dl_info info;
  // OUT: unwinder of libgcc_s
  void *raise = dlsym(RTLD_DEFAULT, "_Unwind_RaiseException");
  if (dladdr(raise, &info) && strstr(info.dli_fname, "libgcc_s"))
    printf("unwinder of libgcc_s\n");
  return 0;
}
