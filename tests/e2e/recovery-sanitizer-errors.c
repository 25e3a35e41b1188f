/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t && %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool %t.*fpdb %t.*fpt
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: rm %t.pool && %fencepost record --pool %t.pool -o %t.fixed.fpt -- %t.fixed run %t.pool
 *
 * RUN: %fencepost-clang -g -O1 -fsanitize=address %s -o %t.asan
 * RUN: not %fencepost explore %t.fpt --db %t.1.fpdb --recover '%t.asan copy %t.pool' | FileCheck --check-prefixes=CHECK,ASAN %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.2.fpdb --recover '%t.asan copy %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: %clang -g -O1 -fsanitize=address %s -o %t.plain
 * RUN: not %fencepost explore %t.fpt --db %t.3.fpdb --recover '%t.plain copy %t.pool' | FileCheck --check-prefixes=CHECK,ASAN %s
 * RUN: not %fencepost explore %t.fpt --db %t.4.fpdb --recover '%t none %t.pool' --checker '%t.plain copy %t.pool' | FileCheck --check-prefixes=CHECK,CHECKER %s
 *
 * RUN: %fencepost-clang -g -O1 -fsanitize=undefined %s -o %t.ubsan
 * RUN: not %fencepost explore %t.fpt --db %t.5.fpdb --recover '%t.ubsan shift %t.pool' | FileCheck --check-prefixes=CHECK,UBSAN %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.6.fpdb --recover '%t.ubsan shift %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: env UBSAN_OPTIONS=halt_on_error=0 %fencepost explore %t.fpt --db %t.7.fpdb --only recovery-failure --recover '%t.ubsan shift %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: env UBSAN_OPTIONS=exitcode=57 not %fencepost explore %t.fpt --db %t.8.fpdb --recover '%t.ubsan shift %t.pool' | FileCheck --check-prefixes=CHECK,CODE %s
 * RUN: not %fencepost explore %t.fpt --db %t.9.fpdb --recover '%t.ubsan shift %t.pool' | sed -n 's/.* replay [^ ]* //p' > %t.state
 * RUN: not xargs %fencepost replay %t.9.fpdb < %t.state 2>&1 | FileCheck --check-prefix=REPLAY %s
 *
 * RUN: %fencepost-clang -g -O1 -fsanitize=thread %s -o %t.tsan -lpthread
 * RUN: not %fencepost explore %t.fpt --db %t.a.fpdb --recover '%t.tsan race %t.pool' | FileCheck --check-prefixes=CHECK,TSAN %s
 * RUN: %fencepost explore %t.fixed.fpt --db %t.b.fpdb --recover '%t.tsan race %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * Intent: what a sanitizer finds in a recovery, in a crash state alone, is a
 * failure of recovery, and its message is shown; also what UBSan finds, which
 * by itself prints and lets the program exit with 0.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK-NEXT: store of 8 bytes to pool+0x0 {{.*}} in main
 * ASAN: recovery exited with 1
 * ASAN: ERROR: AddressSanitizer: heap-buffer-overflow
 * CHECKER: the checker said no: {{.*}} exited with 1
 * CHECKER-NEXT: ERROR: AddressSanitizer: heap-buffer-overflow
 * UBSAN: recovery exited with 1
 * UBSAN: errors.c:{{[0-9]+:[0-9]+}}: runtime error: shift exponent
 * CODE: recovery exited with 57
 * REPLAY: runtime error: shift exponent
 * TSAN: recovery exited with 66
 * TSAN: WARNING: ThreadSanitizer: data race
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

#include <pthread.h>

/* A text, and how much room recovery must make for it. */
struct text {
  PM_ALIGNED uint64_t room;
  PM_ALIGNED uint64_t length;
  PM_ALIGNED char text[64];
};

static __attribute__((noinline)) int copy(const struct text *text) {
  char *buffer = malloc(text->room + 1);
  uint64_t i = 0;
  printf("%1000s\n", "what recovery says otherwise");
  fflush(stdout);
  for (; i < text->length; i++)
    buffer[i] = text->text[i];
  int bad = i > 0 && buffer[0] == '\0';
  free(buffer);
  return bad;
}

static __attribute__((noinline)) int shift(const struct text *text) {
  volatile int left = (int)text->room - (int)text->length;
  volatile unsigned mask = 1u << left;
  return mask == 0;
}

static int shared;

static void *count(void *unused) {
  shared++;
  return unused;
}

/* Room must be made: by a second thread, with a mistake. */
static __attribute__((noinline)) int race(const struct text *text) {
  pthread_t thread;
  if (text->length <= text->room)
    return 0;
  if (pthread_create(&thread, NULL, count, NULL) != 0)
    return 2;
  shared++;
  pthread_join(thread, NULL);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  struct text *text = pm_map(argv[2]);
  switch (argv[1][0]) {
  case 'c':
    return copy(text);
  case 's':
    return shift(text);
  case 'n':
    return 0;
  }
  if (strcmp(argv[1], "race") == 0)
    return race(text);
  memset(text->text, 'x', sizeof text->text);
  pm_persist(text->text, sizeof text->text);
  text->room = 24;
  pm_flush(&text->room, 8);
#ifdef FIXED
  pm_fence();
#endif
  text->length = 20;
  pm_persist(&text->length, 8);
  return 0;
}
