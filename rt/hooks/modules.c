/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#define _GNU_SOURCE
#include "rt/hooks/modules.h"

#include "rt/base/err.h"
#include "rt/hooks/text.h"
#include "rt/os/os.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int fpost_modules_init(struct fpost_modules *modules) {
  modules->modules =
      fpost_os_reserve(sizeof(struct fpost_module) * FPOST_MODULES_MAX);
  modules->count = 0;
  modules->stale = true;
  return (void *)modules->modules == FPOST_OS_FAILED ? FPOST_ENOMEM : FPOST_OK;
}

/* The object's build id, from its notes in memory. */
static void build_id_get(struct fpost_module *module, const ElfW(Phdr) * phdr) {
  const char *at = (const char *)(module->bias + phdr->p_vaddr);
  const char *end = at + phdr->p_memsz;
  while (end - at >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    memcpy(&note, at, sizeof(note));
    const char *name = at + sizeof(note);
    const char *text = name + ((note.n_namesz + 3) & ~3u);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        memcmp(name, "GNU", 4) == 0 &&
        note.n_descsz <= FPOST_RESULTS_BUILD_ID_MAX) {
      module->build_id_size = note.n_descsz;
      memcpy(module->build_id, text, note.n_descsz);
      return;
    }
    at = text + ((note.n_descsz + 3) & ~3u);
  }
}

static bool library_is(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  return strncmp(name, "libpmem.so", 10) == 0 ||
         strncmp(name, "libpmem2.so", 11) == 0 ||
         strncmp(name, "libpmemobj.so", 13) == 0;
}

static void path_get(struct fpost_module *module, const char *name) {
  struct fpost_text path = fpost_text_in(module->path, sizeof(module->path));
  if (name[0] == '\0') {
    ssize_t size =
        readlink("/proc/self/exe", module->path, sizeof(module->path) - 1);
    module->path[size < 0 ? 0 : size] = '\0';
    return;
  }
  if (strncmp(name, "linux-vdso", 10) == 0) {
    name = "[vdso]";
  } else if (name[0] != '/') {
    /* Loaded by a relative path: relative to the directory of that time, which
       is this one unless the program has gone elsewhere. */
    char directory[FPOST_RESULTS_PATH_MAX];
    if (syscall(SYS_getcwd, directory, sizeof(directory)) > 0) {
      fpost_text_add(&path, directory);
      fpost_text_add(&path, "/");
    }
  }
  fpost_text_add(&path, name);
}

static struct fpost_module *module_known(struct fpost_modules *modules,
                                         const struct fpost_module *new) {
  for (uint32_t i = 0; i < modules->count; i++) {
    struct fpost_module *old = &modules->modules[i];
    if (old->start == new->start && old->end == new->end &&
        old->bias == new->bias &&strcmp(old->path, new->path) == 0) {
      return old;
    }
  }
  return NULL;
}

static int module_see(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct fpost_modules *modules = data;
  if (modules->count == FPOST_MODULES_MAX) {
    return 1;
  }
  /* The entry behind the last one is filled before it is known to be new. */
  struct fpost_module *module = &modules->modules[modules->count];
  memset(module, 0, sizeof(*module));
  module->bias = info->dlpi_addr;
  module->start = UINTPTR_MAX;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
    if (phdr->p_type == PT_LOAD) {
      uintptr_t start = module->bias + phdr->p_vaddr;
      uintptr_t end = start + phdr->p_memsz;
      module->start = start < module->start ? start : module->start;
      module->end = end > module->end ? end : module->end;
    }
  }
  if (module->start >= module->end) {
    return 0;
  }
  path_get(module, info->dlpi_name);
  struct fpost_module *known = module_known(modules, module);
  if (known != NULL) {
    known->loaded = true;
    return 0;
  }
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type == PT_NOTE && module->build_id_size == 0) {
      build_id_get(module, &info->dlpi_phdr[i]);
    }
  }
  module->library = library_is(module->path);
  module->loaded = true;
  modules->count++;
  return 0;
}

static uint16_t module_search(const struct fpost_modules *modules,
                              uintptr_t pc) {
  for (uint32_t i = 0; i < modules->count; i++) {
    const struct fpost_module *module = &modules->modules[i];
    if (module->loaded && pc >= module->start && pc < module->end) {
      return (uint16_t)i;
    }
  }
  return FPOST_MODULE_NONE;
}

uint16_t fpost_modules_find(struct fpost_modules *modules, uintptr_t pc) {
  uint16_t found = FPOST_MODULE_NONE;
  if (!modules->stale) {
    found = module_search(modules, pc);
  }
  if (found == FPOST_MODULE_NONE) {
    for (uint32_t i = 0; i < modules->count; i++) {
      modules->modules[i].loaded = false;
    }
    (void)dl_iterate_phdr(module_see, modules);
    modules->stale = false;
    found = module_search(modules, pc);
  }
  return found;
}

void fpost_modules_hooked(struct fpost_modules *modules, uintptr_t address) {
  uint16_t index = fpost_modules_find(modules, address);
  if (index != FPOST_MODULE_NONE) {
    modules->modules[index].hooks = true;
  }
}

void fpost_modules_forget(struct fpost_modules *modules) {
  modules->stale = true;
}
