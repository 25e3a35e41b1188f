/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: not %fencepost check -- %t > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: %fencepost check -- %t
 *
 * Intent: pmemcheck's client requests, as its header spells them, declare
 * memory persistent, flush, fence, clean, and answer what is asked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The request of <valgrind/pmemcheck.h>: six words, their address in rax, the
   default result in rdx, which also returns the answer. */
static uint64_t request(uint64_t code, const void *address, uint64_t size) {
  volatile uint64_t words[6] = {0x50430000 + code, (uint64_t)address, size};
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

enum { REGISTER = 0, REMOVE = 2, IS = 3, FLUSH = 5, FENCE = 6, CLEAN = 17 };

static _Alignas(64) uint64_t pm[1024];

int main(void) {
  if (request(IS, pm, sizeof pm) != 0)
    return 3;
  request(REGISTER, pm, sizeof pm);
  if (request(IS, pm, sizeof pm) != 1 || request(IS, &pm[1023], 16) != 2)
    return 4;
  pm[0] = 1;
  request(FLUSH, &pm[0], 8);
  request(FENCE, 0, 0);
  pm[8] = 2;
  request(CLEAN, &pm[8], 8);
  /* CHECK-DAG: missing-flush
   * CHECK-DAG: store of 8 bytes {{.*}}runtime-client-requests.c:[[#@LINE+2]] in main
   */
  pm[16] = 3;
#ifdef FIXED
  request(FLUSH, &pm[16], 8);
  request(FENCE, 0, 0);
#endif
  /* CHECK-DAG: missing-fence
   * CHECK-DAG: store of 8 bytes {{.*}}runtime-client-requests.c:[[#@LINE+2]] in main
   */
  pm[24] = 4;
  request(FLUSH, &pm[24], 8);
#ifdef FIXED
  request(FENCE, 0, 0);
#endif
  request(REMOVE, &pm[512], 512 * 8);
  pm[600] = 5; /* no longer PM */
  return 0;
}
/* CHECK: SUMMARY: fencepost: 2 errors
 */
