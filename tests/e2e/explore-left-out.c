/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -rf %t.dir && mkdir -p "%t.dir/it's here" && cd "%t.dir/it's here"
 * RUN: not %fencepost crash --pool p --recover '%t check p' -- %t run p > %t.out
 * RUN: FileCheck %s < %t.out
 * RUN: not %fencepost explore *.fpt --db "it's mine" --recover '%t check p' | sed -n "s#.*see it: fencepost#%fencepost#p" > %t.sh
 * RUN: not sh %t.sh 2>&1 | FileCheck --check-prefix=REPLAY %s
 *
 * Intent: what a child of the recorded program does is not in the trace, and
 * the coverage says so. The command to replay a state can be given to a shell.
 *
 * CHECK: recovery exited with 3
 * CHECK: not all of {{.*}} what the child does is not in the trace
 * REPLAY: recovery exited with 3
 */
#include "Inputs/pm.h"

#include <sys/wait.h>

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (is_check)
    return pm[0] == 1 ? 3 : 0;
  if (fork() == 0)
    _exit(0);
  wait(NULL);
  pm[0] = 1;
  pm_persist((const void *)pm, 8);
  return 0;
}
