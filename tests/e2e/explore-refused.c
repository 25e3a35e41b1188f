/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: cp -p %t.pool %t.before && chmod 640 %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.a.fpdb --recover '%t system %t.pool' | FileCheck --check-prefix=EXEC %s
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --recover '%t popen %t.pool' | FileCheck --check-prefixes=SAID,EXEC %s
 * RUN: %fencepost explore %t.fpt --db %t.c.fpdb --recover '%t spawn %t.pool' | FileCheck --check-prefix=EXEC %s
 * RUN: %fencepost explore %t.fpt --db %t.d.fpdb --recover '%t vfork %t.pool' | FileCheck --check-prefix=EXEC %s
 * RUN: not %fencepost explore %t.fpt --db %t.e.fpdb --recover '%t freopen %t.pool' | FileCheck --check-prefix=FREOPEN %s
 * RUN: %fencepost explore %t.fpt --db %t.g.fpdb --recover '%t nothing %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: cmp %t.pool %t.before && find %t.pool -perm 640 | FileCheck --check-prefix=MODE %s
 *
 * Intent: a recovery that runs other programs, which would see the user's pool,
 * is refused that and the report says so; no way of giving a pool's name to
 * another file gets at the pool; locks, advice and permissions succeed.
 *
 * SAID: recovery exited with 3
 * SAID-NEXT: recovery runs another program, which is refused
 * EXEC: not all of {{.*}} recovery was refused to run another program
 * FREOPEN: recovery opens a pool by freopen
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all
 * MODE: pool
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static int other_program(const char *how, char *command) {
  char *argv[] = {"sh", "-c", command, NULL};
  pid_t child;

  if (strcmp(how, "system") == 0)
    return system(command) == 0;
  if (strcmp(how, "popen") == 0)
    return popen(command, "r") == NULL ? 3 : 0;
  if (strcmp(how, "spawn") == 0)
    return posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) == 0;
  child = vfork();
  if (child == 0) {
    execv("/bin/sh", argv);
    _exit(1);
  }
  return waitpid(child, NULL, 0) != child;
}

static int nothing(volatile uint64_t *pm, const char *path) {
  struct flock lock = {.l_type = F_WRLCK};
  int fd = open(path, O_RDWR);
  uint64_t stored = pm[8] + 5;

  pm[8] = stored;
  return fcntl(fd, F_SETLK, &lock) != 0 || lockf(fd, F_TLOCK, 0) != 0 ||
         chmod(path, 0) != 0 || fchmod(fd, 0) != 0 ||
         madvise((void *)pm, 4096, MADV_DONTNEED) != 0 || pm[8] != stored;
}

int main(int argc, char **argv) {
  char text[8192];

  if (argc != 3)
    return 2;
  volatile uint64_t *pm = pm_map(argv[2]);
  if (strcmp(argv[1], "run") == 0) {
    pm[0] = 1;
    pm_persist((const void *)pm, 8);
    return 0;
  }
  if (pm[0] > 1)
    return 1;
  if (strcmp(argv[1], "nothing") == 0)
    return nothing(pm, argv[2]);
  if (strcmp(argv[1], "freopen") == 0)
    return freopen(argv[2], "w", stdin) == NULL ? 4 : 0;
  snprintf(text, sizeof text, "echo lost > '%s'", argv[2]);
  return other_program(argv[1], text);
}
