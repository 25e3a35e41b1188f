/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 -fno-builtin %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 -D_FORTIFY_SOURCE=2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: memory that libc writes for the program is seen, as a call of libc,
 * as the compiler's own expansion, and in the fortified spelling.
 */
#include "Inputs/pm.h"

#define LINE 64

static const char *volatile text = "sixteen letters.";

/* Each writes 17 bytes or so at the start of its own line. */
static void fill(char *pm) {
  memset(pm + 0 * LINE, 'x', 17);
  memcpy(pm + 1 * LINE, text, 17);
  memmove(pm + 2 * LINE, pm + 1 * LINE, 17);
  strcpy(pm + 3 * LINE, text);
  strncpy(pm + 4 * LINE, text, 20);
  snprintf(pm + 5 * LINE, LINE, "%s", text);
#ifdef FIXED
  pm_persist(pm, 6 * LINE);
#endif
}
/* CHECK-DAG: to {{.*}}+0x0 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 * CHECK-DAG: to {{.*}}+0x40 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 * CHECK-DAG: to {{.*}}+0x80 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 * CHECK-DAG: to {{.*}}+0xc0 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 * CHECK-DAG: to {{.*}}+0x100 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 * CHECK-DAG: to {{.*}}+0x140 {{.*}}missing-flush-libc.c:[[#@LINE-10]]
 */

int main(int argc, char **argv) {
  if (!pm_is_check(argc, argv))
    fill(pm_map(argv[2]));
  return 0;
}
