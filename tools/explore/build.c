/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "tools/explore/build.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void digits_of(const uint8_t *bytes, size_t size,
                      char build[EXPLORE_BUILD_MAX]) {
  build[0] = '\0';
  for (size_t i = 0; i < size && 2 * i + 2 < EXPLORE_BUILD_MAX; i++) {
    snprintf(build + 2 * i, 3, "%02x", bytes[i]);
  }
}

void explore_build_of(const char *path, char build[EXPLORE_BUILD_MAX]) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  (void)elf_version(EV_CURRENT);
  Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
  const void *bytes = NULL;
  ssize_t size = elf == NULL ? 0 : dwelf_elf_gnu_build_id(elf, &bytes);
  digits_of(bytes, size > 0 ? (size_t)size : 0, build);
  if (elf != NULL) {
    (void)elf_end(elf);
  }
  if (fd >= 0) {
    (void)close(fd);
  }
}

const char *explore_build_changed(const struct explore_info *info) {
  for (uint32_t i = 0; i < info->module_count; i++) {
    const struct explore_trace_module *module = &info->modules[i];
    char then[EXPLORE_BUILD_MAX];
    char now[EXPLORE_BUILD_MAX];
    if (module->path == NULL || !module->hooks) {
      continue;
    }
    digits_of(module->build_id, module->build_id_size, then);
    explore_build_of(module->path, now);
    if (then[0] != '\0' && now[0] != '\0' && strcmp(then, now) != 0) {
      return module->path;
    }
  }
  return NULL;
}
