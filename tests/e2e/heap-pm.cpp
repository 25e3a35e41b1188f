// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %fencepost-clang++ -g -O1 %s -o %t
// RUN: rm -f %t.heap && not %fencepost check --heap-pm %t.heap -- %t | FileCheck %s
// RUN: %fencepost-clang++ -g -O1 -DFIXED %s -o %t
// RUN: rm -f %t.heap && %fencepost check --heap-pm %t.heap -- %t | FileCheck --check-prefix=CLEAN %s
// RUN: %fencepost check --heap-pm %t.heap -- %t | FileCheck --check-prefix=CLEAN %s
// RUN: echo precious > %t.file && not %fencepost check --heap-pm %t.file -- %t 2>&1 | FileCheck --check-prefix=OTHER %s
// RUN: grep precious %t.file
// RUN: env FENCEPOST_OPTIONS=heap_pm=%t.heap not %t 2>&1 | FileCheck --check-prefix=ALONE %s
//
// Intent: with --heap-pm every allocation of the program is persistent memory,
// from malloc, new and their aligned forms; what is freed need not be flushed.
// A heap file is made anew by each run; no other file is overwritten.
#include <cstdint>
#include <cstdlib>
#include <immintrin.h>
#include <new>

static void persist(void *address) {
  _mm_clflush(address);
}

struct alignas(64) Node {
  uint64_t Key;
  Node *Next;
};

// Keeps the compiler from seeing that nobody looks at the objects.
void *volatile Kept;

int main() {
  auto *Temporary = new uint64_t[4];
  Kept = Temporary;
  Temporary[0] = 1; // freed below: not reported
  auto *Grown = static_cast<uint64_t *>(std::realloc(std::malloc(16), 4096));
  Kept = Grown;
  Grown[100] = 1;
  persist(&Grown[100]);
  auto *Head = new Node;
  Kept = Head;
  // CHECK: ERROR: fencepost: missing-flush
  // CHECK-NEXT: store of 8 bytes to {{.*}}heap-pm.cpp:[[#@LINE+1]]
  Head->Key = 1;
  // CHECK-NOT: ERROR
#ifdef FIXED
  persist(Head);
#endif
  // CHECK: SUMMARY: fencepost: 1 error
  // CLEAN: SUMMARY: fencepost: 0 errors, 0 warnings
  // OTHER: heap-pm: not overwriting a file that holds something else
  // ALONE: heap_pm= without its allocator
  delete[] Temporary;
  return 0;
}
