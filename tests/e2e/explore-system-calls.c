/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -rf %t.dir && mkdir %t.dir
 * RUN: %fencepost record --pool %t.dir/pool -o %t.dir/fpt -- %t run %t.dir/pool
 * RUN: %fencepost explore %t.dir/fpt --only recovery-failure --recover '%t check %t.dir/pool' | FileCheck %s
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.dir/fpt --db %t.dir/wrong.fpdb --recover '%t wrong %t.dir/pool' | FileCheck --check-prefix=WRONG %s
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.dir/fpt --db %t.dir/vectors.fpdb --recover '%t vectors %t.dir/pool' | FileCheck --check-prefix=WRONG %s
 *
 * Intent: system calls, also those that libc does not know, are given what
 * recovery has not read yet: both of its values are tried, and none fails
 * because it is undecided. What would copy a pool inside the kernel says that
 * it cannot.
 *
 * CHECK: 0 errors, 0 warnings; {{.*}} cover all
 * WRONG: recovery exited with 9
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* One page for each, so that what one decides leaves the others closed. */
enum {
  WORD = 8,
  MESSAGE = 4096,
  NAME = 8192,
  PIPE = 8256,
  RAW = 12288,
  FLAG = 12800,
  VECTOR = 13312
};

static void *volatile wrong_address;

static int value_known(const char *got) {
  return memcmp(got, "before!", 8) == 0 || memcmp(got, "after!!", 8) == 0;
}

static int sockets(char *pm, int expect_new) {
  int pair[2];
  char got[8] = "";
  struct iovec part = {pm + MESSAGE, 8};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
    return 2;
  if (send(pair[0], pm + WORD, 8, 0) != 8 || recv(pair[1], got, 8, 0) != 8 ||
      !value_known(got))
    return 3;
  if (sendmsg(pair[0], &message, 0) != 8 || recv(pair[1], got, 8, 0) != 8 ||
      !value_known(got))
    return 4;
  /* What is wrong fails as ever. */
  part.iov_base = NULL;
  if (sendmsg(pair[0], &message, 0) != -1 || errno != EFAULT)
    return 10;
  message.msg_iov = wrong_address;
  if (sendmsg(pair[0], &message, 0) != -1 || errno != EFAULT ||
      sendmsg(pair[0], wrong_address, 0) != -1 || errno != EFAULT)
    return 11;
  if (expect_new && memcmp(got, "after!!", 8) != 0)
    return 9;
  return 0;
}

static int others(char *pm, const char *path) {
  char got[8] = "";
  int pipes[2];
  int fd = open(path, O_RDONLY);

  /* Written by the kernel to a page with something undecided. */
  if (pipe((int *)(pm + PIPE)) != 0)
    return 12;
  /* They are no file's names; what matters is that they can be read. */
  if (chmod(pm + NAME, 0700) == 0 || errno != ENOENT)
    return 8;
  if (rmdir(pm + NAME) == 0 || errno != ENOENT)
    return 5;
  if (pipe(pipes) != 0 || syscall(SYS_write, pipes[1], pm + RAW, 8) != 8 ||
      read(pipes[0], got, 8) != 8 || !value_known(got))
    return 6;
  if (sendfile(pipes[1], fd, &(off_t){WORD}, 8) != 8 ||
      read(pipes[0], got, 8) != 8 || memcmp(got, pm + WORD, 8) != 0)
    return 7;
  return close(fd);
}

/* Calls that have flags, on the file. */
static int vectors(const char *pm, const char *path, int expect_old) {
  char got[8] = "";
  struct iovec to = {got, sizeof got};
  struct iovec from = {(char *)"written", sizeof got};
  int fd = open(path, O_RDWR);

  if (preadv2(fd, &to, 1, VECTOR, 0) != 8 || !value_known(got))
    return 13;
  /* Any of the words may have persisted before the others. */
  if (expect_old && memcmp(got, "after!!", 8) == 0 &&
      memcmp(pm + WORD, "before!", 8) == 0)
    return 9;
  if (pwritev2(fd, &from, 1, VECTOR, RWF_SYNC) != 8 ||
      pread(fd, got, 8, VECTOR) != 8 || memcmp(got, "written", 8) != 0)
    return 14;
  if (pwritev2(fd, &from, 1, VECTOR, RWF_APPEND) != -1 || errno != EOPNOTSUPP)
    return 15;
  return close(fd);
}

static void put(char *pm, const char *text) {
  static const int places[] = {WORD, MESSAGE, NAME, RAW, VECTOR};

  for (int i = 0; i < 5; i++) {
    memcpy(pm + places[i], text, 8);
    pm_flush(pm + places[i], 8);
  }
}

int main(int argc, char **argv) {
  char *pm = pm_map(argv[2]);

  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "run") == 0) {
    put(pm, "before!");
    pm_fence();
    pm[FLAG] = 1;
    pm_persist(pm + FLAG, 1);
    put(pm, "after!!");
    pm_fence();
    return 0;
  }
  if (chdir("/") != 0 || pm[FLAG] == 0)
    return 0;
  int failed = vectors(pm, argv[2], strcmp(argv[1], "vectors") == 0);
  if (failed == 0)
    failed = sockets(pm, strcmp(argv[1], "wrong") == 0);
  return failed != 0 ? failed : others(pm, argv[2]);
}
