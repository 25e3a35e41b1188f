/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * What makes a fork of the server cheap. Most of its time goes by the number of
 * mappings, and those of a program on PMDK are for the most part the segments
 * of shared libraries, five of each. In the libraries of the system
 *
 *     headers r--, code r-x, constants r--   become one mapping, r-x
 *     relocated constants r--, data rw-      become one mapping, rw-
 *
 * which halves the number. The program and libraries of its own keep theirs.
 */
#define _GNU_SOURCE
#include "rt/hooks/recover_run.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE FPOST_RUN_PAGE

bool fpost_is_system_library(const char *name) {
  return strncmp(name, "/lib", 4) == 0 || strncmp(name, "/usr/lib", 8) == 0;
}

static void protect(uintptr_t from, uintptr_t to, int prot) {
  if (from < to) {
    /* Refused by a policy, perhaps: then it stays as it is. */
    (void)syscall(SYS_mprotect, from, to - from, prot);
  }
}

static int join(struct dl_phdr_info *info, size_t size, void *unused) {
  (void)size;
  (void)unused;
  if (!fpost_is_system_library(info->dlpi_name)) {
    return 0;
  }
  for (uint32_t i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    uintptr_t from = info->dlpi_addr + part->p_vaddr;
    uintptr_t to = from + part->p_memsz;
    from &= ~(uintptr_t)(PAGE - 1);
    if (part->p_type == PT_LOAD && part->p_flags == PF_R) {
      to = (to + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
      protect(from, to, PROT_READ | PROT_EXEC);
    } else if (part->p_type == PT_GNU_RELRO) {
      protect(from, to & ~(uintptr_t)(PAGE - 1), PROT_READ | PROT_WRITE);
    }
  }
  return 0;
}

void fpost_fork_prepare(void) {
  (void)dl_iterate_phdr(join, NULL);
}
