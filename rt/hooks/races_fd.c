/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * Pipes, sockets, eventfd and their kind as messages between threads: what was
 * written before a read of the same object is taken for what is read. Which
 * object a descriptor stands for says the file system; both ends of a pipe are
 * one, all sockets are taken for one, and so is what has no file of its own
 * (eventfd). Ordinary files are no messages.
 */
#include "rt/hooks/races.h"
#include "rt/os/os.h"

#include <sys/stat.h>

/* No addresses of objects: odd. */
#define KEY_SOCKETS 1u
#define KEY_HEARD 3u /* the first of enum fpost_races_heard */

/* The key of what fd stands for; 0: it orders nothing. */
static uint64_t key_of(int fd) {
  struct fpost_os_file file;
  if (fpost_os_file_info(fd, &file) != FPOST_OK) {
    return 0;
  }
  switch (file.mode & S_IFMT) {
  case S_IFREG:
  case S_IFDIR:
  case S_IFBLK:
    return 0;
  case S_IFSOCK:
    return KEY_SOCKETS;
  default:
    return (file.device * UINT64_C(0x9e3779b97f4a7c15) + file.inode) << 1 | 1;
  }
}

/* They are keys, not addresses that are looked at. */
static void key_release(uint64_t key) {
  fpost_races_release((const void *)(uintptr_t)key);
}
static void key_acquire(uint64_t key) {
  fpost_races_acquire((const void *)(uintptr_t)key);
}

void fpost_races_said(enum fpost_races_heard kind) {
  key_release(KEY_HEARD + 2 * (uint64_t)kind);
}

void fpost_races_heard(enum fpost_races_heard kind) {
  key_acquire(KEY_HEARD + 2 * (uint64_t)kind);
}

void fpost_races_sent(int fd) {
  uint64_t key = key_of(fd);
  if (key != 0) {
    key_release(key);
    fpost_races_said(FPOST_HEARD_READY);
  }
}

void fpost_races_received(int fd) {
  uint64_t key = key_of(fd);
  if (key != 0) {
    key_acquire(key);
    if (key != KEY_SOCKETS) {
      fpost_races_heard(FPOST_HEARD_SIGNAL); /* it may be a signalfd */
    }
  }
}
