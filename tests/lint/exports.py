#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Global symbols of the runtime archive that a program could trip over.

usage: exports.py ARCHIVE

Prints one line per symbol that is neither ours by its prefix nor a function that
the runtime interposes on purpose, and one per object that calls a hook itself.
"""

import re
import subprocess
import sys

OURS = re.compile(r"^(fpost_|fencepost_|__fencepost_|pmem_|pmem2_|_?pmemobj_)")
# Functions of the C library that the runtime stands in for, with their variants.
INTERPOSED = re.compile(r"""^(
    mmap(64)? | munmap | mremap | mprotect | madvise | msync
  | (open|openat|creat)(64)?(_2)? | __open(at)?(64)?_2 | (f|)truncate(64)?
  | (fallocate|posix_fallocate)(64)? | close | dup[23]? | shm_open
  | p?readv?(64)?(v2)? | p?writev?(64)?(v2)? | pread(64)?v?2? | pwrite(64)?v?2?
  | __p?read(64)?_chk | recv(from|msg)? | __recv(from)?_chk
  | f?read(_unlocked)? | fgets | __fread_chk | copy_file_range | sendfile
  | fsync | fdatasync | sync_file_range | syncfs
  | v?fork | clone3? | _exit | _Exit | quick_exit | abort
  | fcntl(64)? | eventfd_(read|write) | execveat | secure_getenv
  | exec(l|le|lp|v|ve|vp|vpe) | fexecve | posix_spawnp? | system | daemon
  | sigaction | signal | dlopen | dlclose
  | pthread_(create|setname_np|detach|(|try|timed|clock)join(_np)?|once|barrier_wait)
  | pthread_mutex_((try|timed|clock)?lock|unlock)
  | pthread_rwlock_((try|timed|clock)?(rd|wr)lock|unlock)
  | pthread_spin_((try)?lock|unlock) | pthread_cond_(timed|clock)?wait
  | sem_(post|(try|timed|clock)?wait) | thrd_(create|join|detach) | call_once
  | mtx_((try|timed)?lock|unlock) | cnd_(timed)?wait
  | unlink(at)? | rename(at)? | remove | f?access(at)? | [fl]?stat(at)?(64)? | statx
  | mkdir(at)? | rmdir | (sym)?link(at)? | readlink(at)? | chdir | l?chown | fchownat
  | utimes | utimensat | mkfifo(at)? | mknod(at)? | statfs(64)? | opendir | getcwd
  | [lf]?[gs]etxattr | bind | connect | get(sock|peer)name | socketpair | pipe2? | uname | [gs]etsockopt | send(to|msg)? | ioctl | poll
  | clock_settime | sethostname | getrandom | syscall | sendfile64 | splice
  | f(re)?open(64)? | popen | renameat2 | f?chmod | fchmodat | lockf(64)?
  | shutdown | accept4? | p?select | ppoll | epoll_p?wait | mq_(timed)?(send|receive)
  | fclose | fflush | fwrite | fputs | v?fprintf | (__)?getdelim
  | msg(snd|rcv) | sem(timed)?op | kill | tgkill | raise | pause
  | (pthread_)?sigqueue | pthread_kill | sig(wait|waitinfo|timedwait|suspend)
  | (m|c|re|aligned_)?alloc | malloc | calloc | realloc | reallocarray | free
  | posix_memalign | aligned_alloc | memalign | valloc | pvalloc
  | malloc_usable_size | strdup | strndup | _Zn[wa].* | _Zd[la].*
)$""", re.X)


def symbols(archive):
    """(object, kind, name) of each global symbol, defined or not."""
    listing = subprocess.run(["nm", "-A", "-g", archive], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    for line in listing.splitlines():
        where, _, rest = line.rpartition(":")
        yield where.rpartition(":")[2], rest.split()[-2], rest.split()[-1]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = list(symbols(sys.argv[1]))
    defined = {name for _, kind, name in found if kind != "U"}
    offences = []
    for where, kind, name in found:
        if kind in "Uwv":
            if name.startswith("__fencepost_") and name not in defined:
                offences.append(f"{where}: calls {name}, which it does not define")
        elif not OURS.match(name) and not INTERPOSED.match(name):
            offences.append(f"{name}: a global symbol of {where}; make it static, "
                            "or give it a prefix of ours")
    print("\n".join(sorted(set(offences))), end="\n" if offences else "")
    return 1 if offences or not defined else 0


if __name__ == "__main__":
    sys.exit(main())
